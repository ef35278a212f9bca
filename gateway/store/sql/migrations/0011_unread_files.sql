-- A file that could not be read when it came (a worker died, time ran out) is read again: `waits_for` = 'file',
-- one cause more. The engines share no way to change a CHECK, so both tables are made anew.

CREATE TABLE new_judgement (
  id TEXT PRIMARY KEY,
  message TEXT NOT NULL REFERENCES message (id),
  verdicts TEXT NOT NULL,
  findings TEXT NOT NULL,
  rule_set TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('answer', 'unread', 'signer', 'person')),
  event TEXT NOT NULL,
  judged_at INTEGER NOT NULL
);
INSERT INTO new_judgement (id, message, verdicts, findings, rule_set, cause, event, judged_at)
SELECT id, message, verdicts, findings, rule_set, cause, event, judged_at FROM judgement;
DROP TABLE judgement;
ALTER TABLE new_judgement RENAME TO judgement;
CREATE INDEX judgement_by_message ON judgement (message, judged_at);

CREATE TABLE new_recheck (
  message TEXT NOT NULL REFERENCES message (id),
  waits_for TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('answer', 'unread', 'signer', 'person')),
  since INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (message, waits_for)
);
INSERT INTO new_recheck (message, waits_for, cause, since, due_at, tries)
SELECT message, waits_for, cause, since, due_at, tries FROM recheck;
DROP TABLE recheck;
ALTER TABLE new_recheck RENAME TO recheck;
CREATE INDEX recheck_due ON recheck (due_at, message);
