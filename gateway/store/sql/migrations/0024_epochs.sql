-- A log that goes on after an older backup: its epochs, and what the restore has to settle.

-- The first epoch has no row. The event at `leaf` says the same, signed by every later checkpoint.
CREATE TABLE log_epoch (
  number INTEGER PRIMARY KEY CHECK (number > 1),
  origin TEXT NOT NULL UNIQUE,
  shared INTEGER NOT NULL CHECK (shared >= 0), -- leaves in common with the epoch before
  leaf INTEGER NOT NULL UNIQUE, -- place of the event that opened it
  before_origin TEXT NOT NULL, -- of the epoch before
  event TEXT NOT NULL,
  opened_at INTEGER NOT NULL
);

-- Heads of earlier epochs that were published and are not of this tree: kept as they are, never contradicted.
CREATE TABLE log_lost_head (
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (origin, size, root)
);

-- Acceptances whose second copy is not known to be on its disk yet (durability.second_copy).
CREATE TABLE second_copy_due (
  message TEXT NOT NULL,
  at INTEGER NOT NULL, -- a message that is accepted again for more recipients has several
  body BLOB NOT NULL, -- what the transaction wrote, encrypted
  PRIMARY KEY (message, at)
);

-- What came of a restore: messages taken back, and receipts that cannot be honoured.
CREATE TABLE restore_item (
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL, -- recovered, lost, partner_has, repeated
  id TEXT NOT NULL, -- message, receipt or DocId
  sender TEXT NOT NULL,
  document_id TEXT NOT NULL,
  receipt TEXT NOT NULL,
  detail TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (epoch, kind, id)
);
