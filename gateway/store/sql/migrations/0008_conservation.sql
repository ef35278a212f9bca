-- Nothing comes from nowhere and nothing is lost: what the leaves of the log say of deliveries, counted as they come,
-- and what the delivery table says beside it. Every number here can be counted again from the events alone.

-- The next leaf to count; the last delivery that was compared with its row.
CREATE TABLE conservation_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next_leaf INTEGER NOT NULL,
  compared_to TEXT NOT NULL, -- '': the next comparison begins with the first delivery
  whole_at INTEGER -- when the last comparison of all deliveries ended
);
INSERT INTO conservation_state (id, next_leaf, compared_to, whole_at) VALUES (1, 0, '', NULL);

-- One delivery by its events: how often it entered a state, less how often it left it. In order when `made` is 1,
-- one state is 1 and all others are 0. Sums do not depend on the order of the events.
CREATE TABLE conservation_delivery (
  delivery TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  recipient TEXT NOT NULL, -- the newest that an event named
  made INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  held INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  recalled INTEGER NOT NULL
);

-- Per day (+07:00), agency, side: what happened that day; `queued`, `held`, `dead` are how much more stayed open.
CREATE TABLE conservation_day (
  day TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('sender', 'recipient')),
  agency TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('document', 'status')),
  made INTEGER NOT NULL,
  taken_over INTEGER NOT NULL, -- rerouted to this successor
  handed_on INTEGER NOT NULL, -- rerouted from this closed agency
  delivered INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  recalled INTEGER NOT NULL, -- of those delivered, on this day or before
  queued INTEGER NOT NULL,
  held INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  PRIMARY KEY (day, side, agency, what)
);
CREATE INDEX conservation_day_by_agency ON conservation_day (side, agency, what, day);

-- Deliveries that went to another agency than the envelope named.
CREATE TABLE conservation_successor (
  day TEXT NOT NULL,
  predecessor TEXT NOT NULL,
  successor TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('document', 'status')),
  deliveries INTEGER NOT NULL,
  PRIMARY KEY (day, predecessor, successor, what)
);

-- Deliveries whose events and row do not agree; the alarm. A row stays when it was set right.
CREATE TABLE conservation_difference (
  delivery TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  events_say TEXT NOT NULL,
  row_says TEXT NOT NULL,
  found_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  solved_at INTEGER
);
CREATE INDEX conservation_difference_open ON conservation_difference (found_at) WHERE solved_at IS NULL;
