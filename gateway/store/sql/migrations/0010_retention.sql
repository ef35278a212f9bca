-- What may be forgotten beside the log, by decision of two persons, and what must not.

CREATE TABLE retention_decision (
  id TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  version TEXT NOT NULL, -- of the data that the class comes from
  before INTEGER NOT NULL, -- values of events before this are erased
  found INTEGER NOT NULL, -- values that were due when it was proposed
  proposed_by TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('', 'approved', 'declined')),
  approved_by TEXT,
  decided_at INTEGER,
  erased INTEGER NOT NULL,
  ended_at INTEGER, -- when the last value was erased
  CHECK ((decision = '') = (decided_at IS NULL)),
  CHECK (decision <> 'approved' OR approved_by <> proposed_by),
  CHECK (erased = 0 OR decision = 'approved')
);

-- Legal holds. '' in `document` or `agency`: any.
CREATE TABLE retention_freeze (
  id TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  agency TEXT NOT NULL,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  frozen_by TEXT NOT NULL,
  frozen_at INTEGER NOT NULL,
  thawed_at INTEGER
);
