-- Who may sign for an agency, by day: the list of authorised signers (NĐ 30/2020 Đ13). A row names a person by
-- certificate, or by the title under which the signer register has one.
CREATE TABLE authority (
  agency TEXT NOT NULL,
  certificate_sha256 TEXT NOT NULL, -- hex, or ''
  title TEXT NOT NULL,
  prefixes TEXT NOT NULL, -- JSON: of TM, Q, KT, TL, TUQ; none: in his own right; *: any
  types TEXT NOT NULL, -- JSON: kinds of documents; []: all
  valid_from TEXT NOT NULL, -- yyyy-mm-dd, '' is open
  valid_to TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source <> ''), -- the decision behind it
  imported_at INTEGER NOT NULL,
  CHECK (certificate_sha256 <> '' OR title <> ''),
  PRIMARY KEY (agency, certificate_sha256, title, types, valid_from)
);
