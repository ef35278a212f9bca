-- How strict the gate is changes by two persons: one proposes, another decides.

CREATE TABLE policy_proposal (
  id TEXT PRIMARY KEY, -- of a new policy: the id that it has once it is approved
  change TEXT NOT NULL CHECK (change IN ('set', 'exempted', 'ended')),
  policy TEXT NOT NULL, -- the one that is to end; else the id of the proposal
  agency TEXT NOT NULL, -- '' = every agency
  direction TEXT NOT NULL CHECK (direction IN ('sends', 'receives')),
  rule TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('refuse', 'hold', 'accept_and_report')),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason <> ''),
  proposed_by TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('', 'approved', 'declined')),
  decided_by TEXT NOT NULL,
  decided_at INTEGER,
  CHECK ((decision = '') = (decided_at IS NULL)),
  CHECK (decision <> 'approved' OR decided_by <> proposed_by)
);
CREATE INDEX policy_proposal_open ON policy_proposal (proposed_at, id) WHERE decision = '';
