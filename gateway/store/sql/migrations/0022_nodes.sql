-- Several nodes on one database: who they are, and which of them does the work of the clock.

-- One row for each running `gateway serve`. Times are those of the node's own clock, which may be minutes off: whether
-- a node is alive others judge by `beat`, which it raises every few seconds, over time that they count themselves.
CREATE TABLE node (
  id TEXT PRIMARY KEY, -- a new one for each start
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  keys TEXT NOT NULL, -- digest of the names of its keys: all nodes have to hold the same
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  beat INTEGER NOT NULL,
  draining INTEGER NOT NULL CHECK (draining IN (0, 1)),
  used TEXT NOT NULL -- JSON: requests a second of each caller since the last beat
);

-- Who does a work of which only one node may do at one time. Written only when it changes hands: every write of the
-- holder proves in its own transaction that `epoch` is still its own, and must not wait for heartbeats.
CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL, -- a node's id, '' = nobody
  epoch INTEGER NOT NULL CHECK (epoch >= 0)
);
INSERT INTO lease (name, holder, epoch) VALUES ('clock-work', '', 0);

-- The lease stands for what these two were: one guard and not two.
ALTER TABLE log_state DROP COLUMN holder;
ALTER TABLE log_state DROP COLUMN held_until;

-- Failures at the console's door by address, and of logins that nobody has. They hold on every node.
CREATE TABLE sign_in_failure (
  kind TEXT NOT NULL CHECK (kind IN ('source', 'login')),
  name TEXT NOT NULL,
  failures INTEGER NOT NULL,
  since INTEGER NOT NULL,
  locked_until INTEGER,
  PRIMARY KEY (kind, name)
);
CREATE INDEX sign_in_failure_by_age ON sign_in_failure (since);

-- Which gateway this database belongs to; a node with other keys is turned away before it does any harm.
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  log_key TEXT NOT NULL, -- SHA-256 (hex) of the first public key of its exchange log: never changes
  seen_at INTEGER NOT NULL
);
