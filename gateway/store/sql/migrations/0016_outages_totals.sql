-- Outages, and what agencies declare of their registers. The events are the record; these rows answer quickly.

CREATE TABLE outage (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL, -- '': the gateway itself
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  reason TEXT NOT NULL, -- until it is decided; from then on it stands beside the event
  proposed_by TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('', 'approved', 'declined')),
  decided_by TEXT,
  decided_at INTEGER,
  event TEXT, -- outage.recorded
  withdrawn_at INTEGER,
  withdrawn_by TEXT,
  CHECK (from_at < to_at),
  CHECK ((decision = '') = (decided_at IS NULL)),
  CHECK (decision <> 'approved' OR (decided_by <> proposed_by AND event IS NOT NULL)),
  CHECK (withdrawn_at IS NULL OR decision = 'approved')
);
CREATE INDEX outage_by_time ON outage (from_at, id);

-- One row for each declaration; a later one of the same days takes the place of an earlier one, which stays.
CREATE TABLE declared_total (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL,
  from_day TEXT NOT NULL,
  to_day TEXT NOT NULL,
  outgoing_total INTEGER NOT NULL CHECK (outgoing_total >= 0),
  paper_only INTEGER NOT NULL CHECK (paper_only >= 0),
  secret_count INTEGER NOT NULL CHECK (secret_count >= 0),
  to_non_state INTEGER NOT NULL CHECK (to_non_state >= 0),
  source TEXT NOT NULL CHECK (source IN ('api', 'csv', 'form')),
  event TEXT NOT NULL,
  declared_by TEXT NOT NULL,
  declared_at INTEGER NOT NULL,
  replaced_at INTEGER,
  CHECK (from_day <= to_day),
  CHECK (paper_only <= outgoing_total AND to_non_state <= outgoing_total)
);
CREATE UNIQUE INDEX declared_total_in_force ON declared_total (agency, from_day, to_day) WHERE replaced_at IS NULL;
CREATE INDEX declared_total_by_day ON declared_total (to_day, from_day);
-- How many documents an agency handed in within the days that it declares.
CREATE INDEX document_by_sender_age ON document (sender, created_at);
