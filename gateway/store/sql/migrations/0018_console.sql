-- Persons who sign in at the console, and their sessions. Passwords are argon2id; a session is kept as the
-- SHA-256 of its token, so a copy of this table opens nothing.

CREATE TABLE account (
  principal TEXT PRIMARY KEY REFERENCES principal (id),
  login TEXT NOT NULL UNIQUE, -- lower case
  password TEXT NOT NULL, -- argon2id; '' while only an identity provider proves the person
  must_change INTEGER NOT NULL, -- 1: the password was set by somebody else
  subject TEXT, -- who an identity provider (OIDC) says it is
  totp BLOB, -- encrypted under the keyring
  totp_confirmed_at INTEGER,
  totp_step INTEGER NOT NULL, -- of the last code taken: none works twice
  failures INTEGER NOT NULL, -- in a row
  locked_until INTEGER,
  password_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX account_by_subject ON account (subject) WHERE subject IS NOT NULL;

CREATE TABLE session (
  hash BLOB PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, -- shown in lists, opens nothing
  principal TEXT NOT NULL REFERENCES principal (id),
  csrf TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  source TEXT NOT NULL, -- address
  agent TEXT NOT NULL, -- what the browser says it is
  said TEXT NOT NULL -- one sentence for the next page (JSON), or ''
);
CREATE INDEX session_of_principal ON session (principal, created_at);
CREATE INDEX session_by_end ON session (expires_at);

CREATE TABLE saved_search (
  id TEXT PRIMARY KEY,
  principal TEXT NOT NULL REFERENCES principal (id),
  name TEXT NOT NULL,
  query TEXT NOT NULL, -- JSON
  created_at INTEGER NOT NULL,
  UNIQUE (principal, name)
);
