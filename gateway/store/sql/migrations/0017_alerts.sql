-- Delivery objectives, the alerts that follow from them, and the messages about alerts.

CREATE TABLE objective (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL, -- '': every agency without a row of its own
  measure TEXT NOT NULL CHECK (measure IN ('fetched', 'acknowledged')),
  per_mille INTEGER NOT NULL CHECK (per_mille BETWEEN 0 AND 999), -- 0: no objective
  minutes INTEGER NOT NULL CHECK (minutes >= 0), -- of working time; 0: the same working day
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL, -- '': no end
  decided_by TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  ended_at INTEGER
);

CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL,
  measure TEXT NOT NULL CHECK (measure IN ('fetched', 'acknowledged')),
  span TEXT NOT NULL CHECK (span IN ('fast', 'slow')),
  raised_at INTEGER NOT NULL,
  due INTEGER NOT NULL, -- deliveries that came due within the span, as of the raise
  missed INTEGER NOT NULL,
  burn REAL NOT NULL, -- 1: missed as fast as the objective allows
  worst REAL NOT NULL,
  event TEXT NOT NULL,
  told INTEGER NOT NULL CHECK (told IN (0, 1)), -- 0: a message about the same went out shortly before
  calm_since INTEGER, -- below the end threshold since then
  ended_at INTEGER
);
CREATE UNIQUE INDEX alert_open ON alert (agency, measure, span) WHERE ended_at IS NULL;
CREATE INDEX alert_by_time ON alert (raised_at, id);

CREATE TABLE alert_notice (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook')),
  body TEXT NOT NULL, -- JSON
  made_at INTEGER NOT NULL,
  due_at INTEGER, -- NULL: sent or given up
  tries INTEGER NOT NULL,
  problem TEXT NOT NULL, -- of the last try, English
  sent_at INTEGER,
  given_up_at INTEGER,
  CHECK ((due_at IS NULL) = (sent_at IS NOT NULL OR given_up_at IS NOT NULL))
);
CREATE INDEX alert_notice_due ON alert_notice (due_at) WHERE due_at IS NOT NULL;

-- What came due lately, by when it began to wait and by when it arrived.
CREATE INDEX delivery_by_wait ON delivery (queued_at) WHERE kind <> 'status';
CREATE INDEX delivery_by_arrival ON delivery (settled_at) WHERE kind <> 'status' AND settled_at IS NOT NULL;
