-- What it takes to speak with partners in their own dialects.

-- How the software of a partner proves itself where the dialect has its own way. Secrets that must be used
-- (HMAC) are sealed under the keyring; those that are only compared are hashed.
CREATE TABLE partner_credential (
  id TEXT PRIMARY KEY,
  principal TEXT NOT NULL REFERENCES principal (id),
  dialect TEXT NOT NULL CHECK (dialect IN ('vxp', 'langson', 'gateway')),
  system_id TEXT NOT NULL,
  sealed BLOB,
  hash BLOB,
  fresh_seconds INTEGER NOT NULL CHECK (fresh_seconds > 0), -- how old a signed call may be
  issued_at INTEGER NOT NULL,
  valid_until INTEGER, -- NULL: until revoked
  revoked_at INTEGER,
  CHECK ((sealed IS NULL) <> (hash IS NULL))
);
CREATE INDEX partner_credential_by_system ON partner_credential (dialect, system_id);

-- What was fetched from a partner that keeps messages for us. The row is written with the message (or with the
-- refusal); only then the partner is told.
CREATE TABLE collected (
  partner TEXT NOT NULL, -- the agency code of its connection
  doc_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('edoc', 'status')),
  envelope_sha256 BLOB,
  message TEXT NOT NULL, -- '' when it was not taken
  -- waiting: a status that is here before its document; it is fetched again
  outcome TEXT NOT NULL CHECK (outcome IN ('waiting', 'accepted', 'held', 'repeated', 'refused')),
  reason_code TEXT NOT NULL,
  reason TEXT NOT NULL, -- what the partner is told, in Vietnamese
  declared TEXT NOT NULL, -- the partner's words about it, JSON
  first_seen INTEGER NOT NULL,
  collected_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  PRIMARY KEY (partner, doc_id)
);
CREATE INDEX collected_unconfirmed ON collected (partner, collected_at) WHERE confirmed_at IS NULL;
CREATE INDEX collected_by_day ON collected (partner, collected_at);

-- How it stands with each partner that keeps messages for us.
CREATE TABLE partner_state (
  partner TEXT PRIMARY KEY,
  away INTEGER NOT NULL CHECK (away IN (0, 1)), -- 1: it has failed several times in a row
  since INTEGER NOT NULL, -- when it became what it is
  last_success INTEGER, -- NULL: never
  last_failure INTEGER,
  reason_code TEXT NOT NULL,
  reason_vi TEXT NOT NULL,
  reason_en TEXT NOT NULL,
  backlog INTEGER NOT NULL, -- what waited there at the last look
  compared_at INTEGER -- its agency list with our directory; NULL: never
);

-- Requests of partner software to add or close an agency below its own; an operator decides.
CREATE TABLE agency_request (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('register', 'delete')),
  code TEXT NOT NULL,
  body TEXT NOT NULL,
  principal TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('', 'approved', 'declined')),
  decided_at INTEGER,
  decided_by TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX agency_request_open ON agency_request (asked_at) WHERE decision = '';

-- One comparison of our list with a partner's for a day; what only one side has is listed, not only counted.
CREATE TABLE reconciliation (
  id TEXT PRIMARY KEY,
  partner TEXT NOT NULL,
  day TEXT NOT NULL,
  ours INTEGER NOT NULL,
  theirs INTEGER NOT NULL,
  only_ours TEXT NOT NULL, -- JSON list of delivery and DocId
  only_theirs TEXT NOT NULL, -- JSON list of DocId
  made_at INTEGER NOT NULL
);
CREATE INDEX reconciliation_by_partner ON reconciliation (partner, day, made_at);

-- The lists that partner software asks for: documents and statuses of one inbox apart, and what one agency sent.
CREATE INDEX delivery_waiting_documents ON delivery (destination, urgency_rank, accepted_at, id)
  WHERE state = 'queued' AND pull = 1 AND kind <> 'status';
CREATE INDEX delivery_waiting_statuses ON delivery (destination, urgency_rank, accepted_at, id)
  WHERE state = 'queued' AND pull = 1 AND kind = 'status';
CREATE INDEX delivery_by_sender ON delivery (sender, accepted_at, id);
-- Reconciliation: what one destination took, by time.
CREATE INDEX delivery_by_destination ON delivery (destination, settled_at) WHERE settled_at IS NOT NULL;
