-- A document after it was sent: asked back, destroyed, frozen, purged (NĐ 30/2020 PL VI, ADR 0006).

-- One row for each recipient whom a message asks to give a document back: a status 13, a revoke, or an update that
-- takes the recipient off the list. Reasons stand with the events of `message` and `answer`, and are never overwritten.
CREATE TABLE recall (
  message TEXT NOT NULL REFERENCES message (id),
  document TEXT NOT NULL REFERENCES document (id),
  recipient TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('status', 'revoke', 'update', 'incident')),
  state TEXT NOT NULL
    CHECK (state IN ('attempt', 'withdrawn', 'not_addressed', 'asked', 'agreed', 'refused')),
  asked_at INTEGER NOT NULL,
  answer TEXT, -- the 15 or 16
  answered_at INTEGER,
  reminders INTEGER NOT NULL,
  remind_at INTEGER, -- NULL: nothing to remind of
  PRIMARY KEY (message, recipient),
  CHECK ((state IN ('agreed', 'refused')) = (answered_at IS NOT NULL)),
  CHECK (state = 'asked' OR remind_at IS NULL)
);
CREATE INDEX recall_by_document ON recall (document, recipient, asked_at);
CREATE INDEX recall_silent ON recall (asked_at) WHERE state = 'asked';
CREATE INDEX recall_to_remind ON recall (remind_at) WHERE remind_at IS NOT NULL;

-- The newest message that asks this recipient to give it back, whatever became of the delivery.
ALTER TABLE delivery ADD COLUMN recall TEXT;

-- Frozen: not to be destroyed but by an incident, and read by named roles only.
ALTER TABLE document ADD COLUMN frozen_at INTEGER;
ALTER TABLE document ADD COLUMN purged_at INTEGER;
ALTER TABLE payload ADD COLUMN frozen_at INTEGER;
-- From this moment on no backup holds what was destroyed here.
ALTER TABLE payload ADD COLUMN backups_until INTEGER;

-- Something that must leave every place at once. Two persons decide.
CREATE TABLE incident (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('spill')),
  document TEXT NOT NULL REFERENCES document (id),
  state TEXT NOT NULL CHECK (state IN ('open', 'purged', 'closed', 'dismissed')),
  event TEXT NOT NULL, -- its opening; the reason stands there
  opened_at INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  confirmed_at INTEGER,
  confirmed_by TEXT NOT NULL,
  closed_at INTEGER,
  closed_by TEXT NOT NULL,
  payloads INTEGER NOT NULL, -- destroyed
  backups_until INTEGER,
  CHECK (confirmed_by = '' OR confirmed_by <> opened_by)
);
CREATE UNIQUE INDEX incident_open ON incident (document) WHERE state = 'open';
CREATE INDEX incident_by_age ON incident (opened_at, id);
