-- The compliance figures, counted from the leaves of the log as they come (docs/figures.md). Everything here can be
-- counted again from the events and the dated reference data; nothing else is in it.

-- The next leaf to count, the latest `at` among those counted, and the reference data that the tables stand for.
CREATE TABLE figure_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next_leaf INTEGER NOT NULL,
  data_end INTEGER NOT NULL,
  reference TEXT NOT NULL, -- SHA-256 over it; '': nothing was counted yet
  clock_seconds INTEGER NOT NULL -- the one clock that counts of single events hang on
);
INSERT INTO figure_state (id, next_leaf, data_end, reference, clock_seconds) VALUES (1, 0, 0, '', 0);

-- One D: what its events say so far (compliance/facts.py).
CREATE TABLE figure_document (
  document TEXT PRIMARY KEY,
  day TEXT NOT NULL,
  sender TEXT NOT NULL,
  level TEXT NOT NULL,
  number_key TEXT NOT NULL, -- sender, year, number, notation; '' without
  state TEXT NOT NULL
);
CREATE INDEX figure_document_by_day ON figure_document (day, sender, document);
CREATE INDEX figure_document_by_number ON figure_document (number_key) WHERE number_key <> '';

-- One R, and statuses of agencies that have none (`day` is '' then).
CREATE TABLE figure_delivery (
  document TEXT NOT NULL,
  recipient TEXT NOT NULL,
  level TEXT NOT NULL,
  day TEXT NOT NULL,
  arrived_day TEXT NOT NULL,
  unfetched_since INTEGER, -- made and not fetched
  unmoved_since INTEGER, -- accepted (03), no further status
  state TEXT NOT NULL,
  PRIMARY KEY (document, recipient)
);
CREATE INDEX figure_delivery_by_day ON figure_delivery (day, recipient, document);
CREATE INDEX figure_delivery_by_arrival ON figure_delivery (arrived_day, recipient, document);
CREATE INDEX figure_delivery_unfetched ON figure_delivery (unfetched_since, day, recipient, level)
  WHERE unfetched_since IS NOT NULL;
CREATE INDEX figure_delivery_unmoved ON figure_delivery (arrived_day, unmoved_since, recipient, level)
  WHERE unmoved_since IS NOT NULL;

-- One recall: one message that asks one recipient.
CREATE TABLE figure_recall (
  message TEXT NOT NULL,
  recipient TEXT NOT NULL,
  level TEXT NOT NULL,
  document TEXT NOT NULL,
  day TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  answered_at INTEGER,
  PRIMARY KEY (message, recipient)
);
CREATE INDEX figure_recall_by_day ON figure_recall (day, recipient);

-- Document ids that a sender has submitted once, accepted or refused.
CREATE TABLE figure_first (
  sender TEXT NOT NULL,
  document_id TEXT NOT NULL,
  PRIMARY KEY (sender, document_id)
);

-- The highest number of a sender's yearly series that was sent on a day, and the highest before that day.
CREATE TABLE figure_series (
  sender TEXT NOT NULL,
  year INTEGER NOT NULL,
  type_name TEXT NOT NULL,
  day TEXT NOT NULL,
  highest INTEGER NOT NULL,
  before INTEGER NOT NULL,
  PRIMARY KEY (sender, year, type_name, day)
);
CREATE INDEX figure_series_by_day ON figure_series (day);

-- Outages as events recorded them; a withdrawn one is gone.
CREATE TABLE figure_outage (
  outage TEXT PRIMARY KEY,
  agency TEXT NOT NULL,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL
);

-- The counts. `part`: 'records' can be made anew from the tables above, 'events' counts single events.
CREATE TABLE figure_day (
  day TEXT NOT NULL,
  agency TEXT NOT NULL,
  level TEXT NOT NULL,
  part TEXT NOT NULL CHECK (part IN ('records', 'events')),
  counts TEXT NOT NULL, -- JSON: name -> number, no zeros
  PRIMARY KEY (day, agency, level, part)
);
