-- Settings as of the last start, so that a change is noticed. Secret ones stand as a tag that tells nothing.
CREATE TABLE setting_seen (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  seen_at INTEGER NOT NULL
);

-- Who the actor of an event is: the one place with the name. Set when the name was erased; the events stay.
ALTER TABLE principal ADD COLUMN erased_at INTEGER;
