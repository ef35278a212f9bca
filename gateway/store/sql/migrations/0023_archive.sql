-- Closed months: which of them were taken out of the database and where they went. Only PostgreSQL has months that can
-- be taken out (0023_archive.postgres.sql); on SQLite these tables stay empty.

CREATE TABLE archived_month (
  month TEXT PRIMARY KEY, -- '202601', of the calendar at +07:00
  -- detached: out of the tables, still in the database beside them; dropped: in its file only; returned: back again
  state TEXT NOT NULL CHECK (state IN ('detached', 'dropped', 'returned')),
  low TEXT NOT NULL, -- the first id that it can have, and the first of the next month
  high TEXT NOT NULL,
  file TEXT NOT NULL, -- its name in the archive folder, '' until it was written and read back
  sha256 TEXT NOT NULL, -- hex, of the file
  rows INTEGER NOT NULL CHECK (rows >= 0),
  first_leaf INTEGER, -- of its events in the exchange log; NULL: it had none
  last_leaf INTEGER,
  detached_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
);

-- Documents of which a part is in a month that is away, so that nobody takes the rest for the whole.
CREATE TABLE archived_document (
  document TEXT NOT NULL,
  month TEXT NOT NULL REFERENCES archived_month (month),
  PRIMARY KEY (document, month)
);
CREATE INDEX archived_document_by_month ON archived_document (month);
