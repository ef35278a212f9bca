-- The first schema. Instants are UTC microseconds (INTEGER), days are ISO text ('' = open), JSON is TEXT,
-- digests are BLOB. CHECK constraints make impossible rows impossible.

CREATE TABLE agency (
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  parent TEXT,
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  test INTEGER NOT NULL,
  made_up INTEGER NOT NULL,
  PRIMARY KEY (code, valid_from)
);

CREATE TABLE agency_alias (
  alias TEXT NOT NULL,
  code TEXT NOT NULL,
  scheme TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  PRIMARY KEY (alias, code, valid_from)
);

CREATE TABLE succession (
  old_code TEXT NOT NULL,
  new_code TEXT NOT NULL, -- '' = dissolved without successor
  kind TEXT NOT NULL CHECK (kind IN ('merge', 'split', 'rename', 'dissolve')),
  on_day TEXT NOT NULL,
  PRIMARY KEY (old_code, new_code, on_day)
);

CREATE TABLE level_set (
  version TEXT PRIMARY KEY,
  levels TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL
);

CREATE TABLE profile (
  agency TEXT PRIMARY KEY,
  adapter TEXT NOT NULL,
  settings TEXT NOT NULL,
  secret BLOB, -- sealed under the keyring
  dialect TEXT NOT NULL CHECK (dialect IN ('', 'java', 'dotnet')),
  envelope_signature TEXT NOT NULL CHECK (envelope_signature IN ('required', 'if_present', 'off')),
  reports_arrival INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
);

CREATE TABLE signer (
  certificate_sha256 TEXT NOT NULL,
  agency TEXT NOT NULL,
  title TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('person', 'agency')),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  PRIMARY KEY (certificate_sha256, agency, role, valid_from)
);

CREATE TABLE principal (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('system', 'clerk', 'operator', 'auditor', 'administrator')),
  active INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE TABLE principal_agency (
  principal TEXT NOT NULL REFERENCES principal (id),
  agency TEXT NOT NULL,
  PRIMARY KEY (principal, agency)
);

CREATE TABLE credential (
  id TEXT PRIMARY KEY,
  principal TEXT NOT NULL REFERENCES principal (id),
  kind TEXT NOT NULL CHECK (kind IN ('api_key', 'certificate')),
  hash BLOB NOT NULL,
  issued_at INTEGER NOT NULL,
  valid_until INTEGER, -- NULL: until revoked
  revoked_at INTEGER,
  UNIQUE (kind, hash)
);

-- Bumped in the transaction that changes the named data, so that every node knows when to read it again.
CREATE TABLE revision (
  name TEXT PRIMARY KEY,
  number INTEGER NOT NULL
);

CREATE TABLE payload (
  sha256 BLOB PRIMARY KEY,
  size INTEGER NOT NULL CHECK (size >= 0),
  refs INTEGER NOT NULL CHECK (refs >= 0),
  wrapped_key BLOB, -- NULL: destroyed, unreadable here
  file TEXT,
  inline BLOB,
  stored_at INTEGER NOT NULL,
  destroyed_at INTEGER,
  CHECK (destroyed_at IS NOT NULL OR (wrapped_key IS NOT NULL AND (file IS NULL) <> (inline IS NULL)))
);

CREATE TABLE document (
  id TEXT PRIMARY KEY,
  sender TEXT NOT NULL,
  document_id TEXT NOT NULL,
  first_message TEXT NOT NULL,
  number_key TEXT NOT NULL, -- year, number, notation; '' when unknown
  created_at INTEGER NOT NULL,
  UNIQUE (sender, document_id)
);
CREATE INDEX document_by_number ON document (sender, number_key) WHERE number_key <> '';
CREATE INDEX document_by_age ON document (created_at, id);

-- A replacement (kind 3) is a document of its own, linked to those it replaces.
CREATE TABLE document_link (
  document TEXT NOT NULL REFERENCES document (id),
  replaces TEXT NOT NULL, -- DocumentId, known here or not
  PRIMARY KEY (document, replaces)
);

CREATE TABLE message (
  id TEXT PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (id),
  kind TEXT NOT NULL CHECK (kind IN ('new', 'revoke', 'update', 'replace', 'status')),
  duplicate_key BLOB NOT NULL UNIQUE,
  sender TEXT NOT NULL,
  envelope_sha256 BLOB NOT NULL REFERENCES payload (sha256),
  content_digest BLOB NOT NULL,
  size INTEGER NOT NULL,
  dialect TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('accept', 'hold')),
  caller TEXT NOT NULL,
  rule_set TEXT NOT NULL,
  urgency INTEGER NOT NULL CHECK (urgency BETWEEN 0 AND 4),
  header TEXT NOT NULL,
  findings TEXT NOT NULL,
  verdicts TEXT NOT NULL,
  timings TEXT NOT NULL,
  event TEXT NOT NULL,
  accepted_at INTEGER NOT NULL
);
CREATE INDEX message_by_document ON message (document, accepted_at);
CREATE INDEX message_versions ON message (document, accepted_at) WHERE kind <> 'status';

CREATE TABLE receipt (
  id TEXT PRIMARY KEY,
  message TEXT NOT NULL REFERENCES message (id),
  supplement_to TEXT,
  jws TEXT NOT NULL,
  issued_at INTEGER NOT NULL
);
CREATE INDEX receipt_by_message ON receipt (message, issued_at);

CREATE TABLE delivery (
  id TEXT PRIMARY KEY,
  message TEXT NOT NULL REFERENCES message (id),
  document TEXT NOT NULL REFERENCES document (id),
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  document_id TEXT NOT NULL,
  addressed TEXT NOT NULL, -- the code that the envelope named; differs from recipient after a succession
  recipient TEXT NOT NULL,
  destination TEXT NOT NULL, -- whose lane
  adapter TEXT NOT NULL,
  pull INTEGER NOT NULL,
  order_key TEXT NOT NULL, -- messages with one order_key to one destination keep their order
  urgency INTEGER NOT NULL,
  urgency_rank INTEGER NOT NULL, -- 0: hỏa tốc (4 and 3) … 3: thường
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'held', 'delivered', 'rejected', 'dead', 'cancelled', 'recalled')),
  due_at INTEGER,
  leased_until INTEGER,
  lease TEXT,
  attempts INTEGER NOT NULL,
  payload BLOB REFERENCES payload (sha256), -- rebuilt form for another dialect; NULL: the bytes as received
  accepted_at INTEGER NOT NULL,
  queued_at INTEGER NOT NULL, -- when it last began to wait: accepted, released or revived; retries count from it
  handed_over_at INTEGER,
  fetched_at INTEGER,
  settled_at INTEGER,
  reason_code TEXT NOT NULL,
  reason_vi TEXT NOT NULL,
  reason_en TEXT NOT NULL,
  status_code TEXT NOT NULL,
  status_at INTEGER,
  proof TEXT NOT NULL,
  UNIQUE (message, addressed),
  CHECK (state = 'queued' OR (due_at IS NULL AND leased_until IS NULL)),
  CHECK (state NOT IN ('held', 'dead', 'rejected', 'cancelled') OR reason_code <> ''),
  CHECK ((leased_until IS NULL) = (lease IS NULL)),
  CHECK (pull = 0 OR due_at IS NULL)
);
CREATE INDEX delivery_due ON delivery (urgency_rank, accepted_at, id)
  WHERE state = 'queued' AND due_at IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX delivery_running ON delivery (destination) WHERE leased_until IS NOT NULL;
CREATE INDEX delivery_waiting ON delivery (destination, urgency_rank, accepted_at, id)
  WHERE state = 'queued' AND pull = 1;
CREATE INDEX delivery_order ON delivery (destination, order_key, accepted_at, id)
  WHERE state IN ('queued', 'held', 'dead');
CREATE INDEX delivery_by_document ON delivery (document, accepted_at, id);
CREATE INDEX delivery_of_documents ON delivery (document, recipient) WHERE kind <> 'status';
CREATE INDEX delivery_by_state ON delivery (state, accepted_at) WHERE state IN ('held', 'dead');

-- How a destination is doing; while it is failing, one attempt at a time probes it.
CREATE TABLE lane (
  destination TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  not_before INTEGER NOT NULL
);

CREATE TABLE attempt (
  id TEXT PRIMARY KEY,
  delivery TEXT NOT NULL REFERENCES delivery (id),
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT NOT NULL CHECK (outcome IN ('', 'delivered', 'try_later', 'refused', 'lease_expired')),
  code TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX attempt_by_delivery ON attempt (delivery, number);

CREATE TABLE status_report (
  message TEXT PRIMARY KEY REFERENCES message (id),
  document TEXT NOT NULL REFERENCES document (id),
  reporter TEXT NOT NULL,
  addressee TEXT NOT NULL,
  code TEXT NOT NULL CHECK (code IN ('01', '02', '03', '04', '05', '06', '13', '15', '16')),
  declared_time TEXT NOT NULL,
  automatic INTEGER NOT NULL, -- written by the gateway in the recipient's name
  forwarded INTEGER NOT NULL, -- 0: recorded only (a second 01)
  reported_at INTEGER NOT NULL
);
CREATE INDEX status_report_by_document ON status_report (document, reporter, reported_at);

CREATE TABLE event (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  document TEXT,
  message TEXT,
  delivery TEXT,
  sender TEXT,
  recipient TEXT,
  body BLOB NOT NULL -- canonical bytes, written once; the columns are projections of it
);
CREATE INDEX event_by_document ON event (document, at, id) WHERE document IS NOT NULL;
CREATE INDEX event_by_type ON event (type, at, id);
CREATE INDEX event_by_age ON event (at, id);

-- Personal values behind salted commitments in event.body; a row here can be erased, the event stays.
CREATE TABLE event_private (
  event TEXT NOT NULL REFERENCES event (id),
  name TEXT NOT NULL,
  salt BLOB NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (event, name)
);

CREATE TABLE refusal (
  caller TEXT NOT NULL,
  envelope_sha256 BLOB NOT NULL,
  rule_set TEXT NOT NULL,
  times INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (caller, envelope_sha256, rule_set)
);
