-- The exchange log: a Merkle tree (RFC 6962) over the stored bodies of all events, and its signed heads.

-- Events without a leaf. Written with the event and deleted with its leaf: a list and no high-water mark, since
-- of two overlapping transactions the one with the lower id may commit last.
CREATE TABLE event_unsequenced (
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (at, event)
);
INSERT INTO event_unsequenced (at, event) SELECT at, id FROM event;

CREATE TABLE log_leaf (
  leaf INTEGER PRIMARY KEY, -- from 0, without a gap
  event TEXT NOT NULL UNIQUE REFERENCES event (id),
  hash BLOB NOT NULL -- SHA-256(0x00 || event.body)
);

-- Heads of the complete subtrees of 256, 65536 … leaves (level 8, 16 …), never changed. What lies between is
-- hashed again from at most 256 rows, so a proof costs O(log n) and the table one row for 256 leaves.
CREATE TABLE log_node (
  level INTEGER NOT NULL CHECK (level > 0 AND level % 8 = 0),
  node INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, node)
);

-- How far the steps are: `sequenced` leaves have a row, of `integrated` the complete subtrees have theirs. Whoever
-- moves a number holds the row for some seconds, so that several nodes do not do the same work.
CREATE TABLE log_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sequenced INTEGER NOT NULL,
  integrated INTEGER NOT NULL CHECK (integrated <= sequenced),
  holder TEXT NOT NULL,
  held_until INTEGER NOT NULL
);
INSERT INTO log_state (id, sequenced, integrated, holder, held_until) VALUES (1, 0, 0, '', 0);

-- Signed heads (C2SP tlog-checkpoint). `note`: the text and our own signature, as it was timestamped.
CREATE TABLE log_checkpoint (
  number INTEGER PRIMARY KEY, -- from 1
  size INTEGER NOT NULL CHECK (size > 0),
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  closes TEXT NOT NULL, -- the day (+07:00) that it closes, or ''
  signed_at INTEGER NOT NULL,
  published_at INTEGER, -- NULL until it lies where auditors and witnesses fetch it
  token BLOB, -- RFC 3161, over the bytes of the note
  stamped_at INTEGER -- the time in the token
);
CREATE INDEX log_checkpoint_by_size ON log_checkpoint (size, number);
CREATE INDEX log_checkpoint_stamped ON log_checkpoint (size, number) WHERE token IS NOT NULL;

-- Lines of witnesses under a checkpoint (C2SP tlog-cosignature), verified before they were taken.
CREATE TABLE log_cosignature (
  checkpoint INTEGER NOT NULL REFERENCES log_checkpoint (number),
  witness TEXT NOT NULL, -- name of its key
  line TEXT NOT NULL,
  at INTEGER NOT NULL, -- the time that the witness signed
  received_at INTEGER NOT NULL,
  PRIMARY KEY (checkpoint, witness)
);

-- What we remember of other logs that we witness: the largest head that we cosigned.
CREATE TABLE log_watched (
  origin TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  at INTEGER NOT NULL
);

-- The event that carries a receipt's SHA-256, so that the receipt is proved through the event's leaf.
ALTER TABLE receipt ADD COLUMN event TEXT;

-- A receipt has its timestamp through the checkpoint over its event: one mechanism, not two.
DROP TABLE stamp_leaf;
DROP TABLE stamp;
DROP TABLE receipt_unstamped;
