-- What verdicts on signatures rest on, what is asked again later, and who decides how strict the gate is.

-- Certificates, CRLs, OCSP answers and timestamp tokens, each once (TT 41/2017 Đ8). `bytes` are DER.
CREATE TABLE proof (
  sha256 TEXT PRIMARY KEY, -- hex
  kind TEXT NOT NULL CHECK (kind IN ('certificate', 'crl', 'ocsp', 'timestamp')),
  bytes BLOB NOT NULL,
  stored_at INTEGER NOT NULL
);

-- Each judging of a message after the first, which stands in `message`. The newest row counts.
CREATE TABLE judgement (
  id TEXT PRIMARY KEY,
  message TEXT NOT NULL REFERENCES message (id),
  verdicts TEXT NOT NULL,
  findings TEXT NOT NULL,
  rule_set TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('answer', 'signer', 'person')),
  event TEXT NOT NULL,
  judged_at INTEGER NOT NULL
);
CREATE INDEX judgement_by_message ON judgement (message, judged_at);

-- Messages to be judged again: a revocation answer is missing (`waits_for`: hex SHA-256 of a certificate), or
-- a register row came (`waits_for` = '').
CREATE TABLE recheck (
  message TEXT NOT NULL REFERENCES message (id),
  waits_for TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('answer', 'signer', 'person')),
  since INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (message, waits_for)
);
CREATE INDEX recheck_due ON recheck (due_at, message);

-- Where revocation answers come from and how the last try went; an address is known only once a chain to an
-- anchor was built. The newest answer's bytes stand in `proof`.
CREATE TABLE revocation_source (
  kind TEXT NOT NULL CHECK (kind IN ('crl', 'ocsp')),
  url TEXT NOT NULL,
  certificate TEXT NOT NULL, -- hex SHA-256 for ocsp (answers are per certificate), '' for crl
  issuer TEXT NOT NULL, -- hex SHA-256 of the issuer's certificate (its bytes stand in `proof`)
  answer TEXT NOT NULL, -- hex SHA-256 in `proof`, '' before the first
  this_update INTEGER,
  next_update INTEGER,
  fetched_at INTEGER,
  tried_at INTEGER,
  due_at INTEGER NOT NULL, -- next try
  failures INTEGER NOT NULL,
  problem TEXT NOT NULL, -- '' or why the last try failed, e.g. 'unreachable', 'garbage'
  wanted_at INTEGER NOT NULL, -- when a verdict last needed it; sources that nobody needs are dropped
  PRIMARY KEY (kind, url, certificate)
);
CREATE INDEX revocation_due ON revocation_source (due_at);

-- A certificate that made a valid signature and is in no register row: who it says it is, for a person to decide.
CREATE TABLE signer_proposal (
  certificate_sha256 TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  agency TEXT NOT NULL, -- canonical, as the subject proposes; '' when it does not say
  role TEXT NOT NULL CHECK (role IN ('', 'person', 'agency')),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  message TEXT NOT NULL, -- where it was first seen
  sender TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('', 'confirmed', 'declined')),
  decided_at INTEGER,
  decided_by TEXT NOT NULL,
  reason TEXT NOT NULL
);

-- Messages with a valid signature by a certificate of no register row, so that they are judged again when it is
-- registered. Rows of messages that are judged again no more are dropped.
CREATE TABLE signer_use (
  certificate_sha256 TEXT NOT NULL,
  message TEXT NOT NULL REFERENCES message (id),
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (certificate_sha256, message)
);
CREATE INDEX signer_use_by_age ON signer_use (seen_at);

-- Certificates in use, watched for their end: of signers, of issuers, of the gateway itself.
CREATE TABLE certificate (
  sha256 TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  used_by TEXT NOT NULL, -- agency, 'issuer' or 'gateway'
  not_after INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  warned_days INTEGER -- 60 or 14: the last warning given
);
CREATE INDEX certificate_by_end ON certificate (not_after);

-- How strict the gate is beyond its default, by agency and direction. An exemption is a row that accepts, for
-- one agency, with an end and an approver.
CREATE TABLE policy (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL, -- '' = every agency
  direction TEXT NOT NULL CHECK (direction IN ('sends', 'receives')),
  rule TEXT NOT NULL, -- a finding's rule, or a prefix with '*': signature.*
  action TEXT NOT NULL CHECK (action IN ('refuse', 'hold', 'accept_and_report')),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason <> ''),
  decided_by TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  ended_at INTEGER -- withdrawn before its end
);

-- RFC 3161 timestamps over batches of receipts: the token covers the head of an RFC 6962 tree whose leaves are
-- the receipts (compact JWS as issued), so that each receipt has its own inclusion proof.
CREATE TABLE stamp (
  id TEXT PRIMARY KEY,
  size INTEGER NOT NULL CHECK (size > 0),
  root BLOB NOT NULL,
  token BLOB, -- NULL until the service answered
  stamped_at INTEGER, -- the time in the token
  created_at INTEGER NOT NULL
);
CREATE INDEX stamp_waiting ON stamp (created_at) WHERE token IS NULL;

CREATE TABLE stamp_leaf (
  stamp TEXT NOT NULL REFERENCES stamp (id),
  leaf INTEGER NOT NULL,
  receipt TEXT NOT NULL UNIQUE REFERENCES receipt (id),
  hash BLOB NOT NULL, -- of the leaf, so that a proof needs no receipt but its own
  PRIMARY KEY (stamp, leaf)
);

-- Receipts that no tree holds yet. A list and no high-water mark: two overlapping transactions would lose the
-- lower id; and no search among all receipts.
CREATE TABLE receipt_unstamped (
  receipt TEXT PRIMARY KEY REFERENCES receipt (id)
);
INSERT INTO receipt_unstamped (receipt) SELECT id FROM receipt;
