-- The clerk's desk: what waits for her agency, what came back to it, and what she did by hand in place of its document
-- system, so that the system can be told when it is back.

CREATE TABLE by_hand (
  id TEXT PRIMARY KEY, -- in the order of time
  agency TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('sent', 'taken')),
  message TEXT NOT NULL REFERENCES message (id),
  delivery TEXT NOT NULL, -- '' for what was sent
  principal TEXT NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX by_hand_of_agency ON by_hand (agency, id);
CREATE INDEX by_hand_of_message ON by_hand (message);

CREATE INDEX delivery_unanswered ON delivery (recipient, urgency_rank, accepted_at, id)
  WHERE kind IN ('new', 'update', 'replace') AND status_code IN ('', '01') AND state IN ('queued', 'delivered');
CREATE INDEX delivery_in_work ON delivery (recipient, urgency_rank, accepted_at, id)
  WHERE kind IN ('new', 'update', 'replace') AND status_code IN ('03', '04', '05') AND state IN ('queued', 'delivered');
CREATE INDEX delivery_troubled ON delivery (sender, document, id)
  WHERE kind <> 'status' AND (status_code = '02' OR state IN ('held', 'dead', 'rejected'));
CREATE INDEX recall_to_answer ON recall (recipient, asked_at) WHERE state = 'asked';
