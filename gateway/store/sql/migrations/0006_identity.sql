-- Old and new agencies: whose certificates still serve, and what a person chose for a closed recipient.

-- Until this day, included, certificates of the old agency serve the new one; '': they do not.
ALTER TABLE succession ADD COLUMN certificates_until TEXT NOT NULL DEFAULT '';

-- Set for a delivery that stands beside the first one for the same closed code: `addressed` is unique within a
-- message, so here it is the successor's own code, and this is the code that the envelope named.
ALTER TABLE delivery ADD COLUMN in_place_of TEXT;
