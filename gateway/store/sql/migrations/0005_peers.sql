-- Other gateways of ours: the way that a message came, what they signed, and for whom they may speak.

-- Gateways that a message passed before this one, oldest first. Messages that came from no gateway have no row.
CREATE TABLE message_way (
  message TEXT PRIMARY KEY REFERENCES message (id),
  gateways TEXT NOT NULL -- JSON list of names
);

-- What a recipient's system answered when a delivery succeeded, where its words prove something (a signed receipt).
CREATE TABLE delivery_answer (
  delivery TEXT PRIMARY KEY REFERENCES delivery (id),
  answer TEXT NOT NULL,
  answered_at INTEGER NOT NULL
);

-- Agencies that a principal acts for without naming each: those at and below `agency`, or all but those.
CREATE TABLE principal_scope (
  principal TEXT NOT NULL REFERENCES principal (id),
  scope TEXT NOT NULL CHECK (scope IN ('below', 'outside')),
  agency TEXT NOT NULL,
  PRIMARY KEY (principal, scope, agency)
);
