-- Published reports: frozen. A row is never changed; a later report of the same period is a row of its own.

CREATE TABLE report (
  id TEXT PRIMARY KEY,
  period TEXT NOT NULL, -- its name, e.g. 2020-W16
  from_day TEXT NOT NULL,
  to_day TEXT NOT NULL,
  provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)), -- published before the period was over
  synthetic INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
  sha256 TEXT NOT NULL, -- hex, over the canonical body
  file BLOB NOT NULL, -- frozen-report/1: body, SHA-256, signature
  leaves INTEGER NOT NULL, -- of the exchange log that were counted
  earlier TEXT REFERENCES report (id), -- the report of the same period before it
  published_at INTEGER NOT NULL,
  published_by TEXT NOT NULL,
  event TEXT NOT NULL REFERENCES event (id),
  CHECK (from_day <= to_day)
);
-- One line of reports for each period: none has two successors, so no publication goes unseen by the next.
CREATE UNIQUE INDEX report_by_period ON report (period, published_at);
CREATE UNIQUE INDEX report_by_earlier ON report (earlier) WHERE earlier IS NOT NULL;
CREATE INDEX report_by_age ON report (published_at, id);
