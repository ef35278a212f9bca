-- Versions of the working-day calendar that a person approved. The shipped one is no row. A row never changes.
CREATE TABLE calendar_version (
  version TEXT PRIMARY KEY CHECK (version <> ''),
  sha256 TEXT NOT NULL, -- hex, over the canonical form of the days
  days TEXT NOT NULL, -- that form: JSON
  valid_from INTEGER NOT NULL,
  approved_by TEXT NOT NULL CHECK (approved_by <> ''),
  reason TEXT NOT NULL CHECK (reason <> ''),
  event TEXT NOT NULL
);
