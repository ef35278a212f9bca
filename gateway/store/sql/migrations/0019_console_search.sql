-- Finding documents at the console: what each can be found by, and deliveries by what became of them. Ids of documents
-- are made in the order of time, so every list is read along its index, newest first.

-- One term by which a document is found: a word of its subject (s:), its number (n:), words of its notation (k:), the
-- verdict about its signatures (v:), a pair of levels (l:). Words of subjects go with the subject.
CREATE TABLE document_term (
  document TEXT NOT NULL REFERENCES document (id),
  term TEXT NOT NULL,
  PRIMARY KEY (document, term)
);
CREATE INDEX document_by_term ON document_term (term, document);

-- Documents whose terms are to be written (again): new ones, and those whose subject or verdict changed.
CREATE TABLE document_unindexed (
  document TEXT PRIMARY KEY REFERENCES document (id)
);
INSERT INTO document_unindexed (document) SELECT id FROM document;

CREATE INDEX document_by_sender ON document (sender, id);
CREATE INDEX delivery_by_recipient ON delivery (recipient, document) WHERE kind <> 'status';
CREATE INDEX delivery_by_transport ON delivery (state, document) WHERE kind <> 'status';
CREATE INDEX delivery_by_status ON delivery (status_code, document) WHERE kind <> 'status';
CREATE INDEX delivery_by_reason ON delivery (reason_code, document) WHERE kind <> 'status' AND reason_code <> '';
