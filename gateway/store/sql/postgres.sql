-- Queries that PostgreSQL wants otherwise, each with its reason.

-- name: lock_document
-- Locked until commit: two messages of one document on two nodes must see each other.
SELECT * FROM document WHERE sender = :sender AND document_id = :document_id FOR UPDATE;

-- name: lock_delivery
-- Locked until commit: a person and a worker must not move one delivery at once.
SELECT * FROM delivery WHERE id = :id FOR UPDATE;

-- name: walk_in_order
-- When the queue fills at once, the planner still takes it for empty and would sort all of it for every claim: 100 ms
-- at 12 000 deliveries instead of 1.5. It holds until the transaction ends.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('enable_hashjoin', 'off', true), set_config('enable_seqscan', 'off', true),
  set_config('plan_cache_mode', 'force_generic_plan', true); -- planning over a year of months takes ten times as long

-- name: due_deliveries
-- SKIP LOCKED: several nodes claim side by side without waiting for each other. What runs is counted once and not for
-- every candidate: with a year of months this takes 1.4 ms where a subquery took 75.
WITH running AS MATERIALIZED (
  SELECT destination, COUNT(*) AS running FROM delivery WHERE leased_until IS NOT NULL GROUP BY destination
)
SELECT d.*, COALESCE(r.running, 0) AS running, COALESCE(l.failures, 0) AS failures
FROM delivery d
LEFT JOIN lane l ON l.destination = d.destination
LEFT JOIN running r ON r.destination = d.destination
WHERE d.state = 'queued' AND d.due_at IS NOT NULL AND d.due_at <= :now
  AND d.leased_until IS NULL
  AND (l.not_before IS NULL OR l.not_before <= :now)
  AND COALESCE(r.running, 0) < CASE WHEN l.failures > 0 THEN 1 ELSE :per_destination END
  AND NOT EXISTS (
    SELECT 1 FROM delivery e
    WHERE e.destination = d.destination AND e.order_key = d.order_key AND e.recipient = d.recipient
      AND e.state IN ('queued', 'held', 'dead')
      AND (e.accepted_at < d.accepted_at OR (e.accepted_at = d.accepted_at AND e.id < d.id)))
ORDER BY d.urgency_rank, d.accepted_at, d.id
LIMIT :limit
FOR UPDATE OF d SKIP LOCKED;

-- name: lease_deliveries
-- PostgreSQL reads JSON by other functions, and is to find the rows by their id: state and lease are written so that it
-- does not take a partial index for the way to them.
UPDATE delivery SET attempts = j.number, lease = j.lease, leased_until = j.leased_until, due_at = j.next_due
FROM json_to_recordset(CAST(:leased AS json))
  AS j(id TEXT, lease TEXT, number BIGINT, leased_until BIGINT, next_due BIGINT)
WHERE delivery.id = j.id AND delivery.state || '' = 'queued' AND COALESCE(delivery.leased_until, 0) = 0;

-- name: add_attempts
-- PostgreSQL reads JSON by other functions.
INSERT INTO attempt (id, delivery, number, started_at, ended_at, outcome, code, detail)
SELECT j.lease, j.id, j.number, :started_at, NULL, '', '', ''
FROM json_to_recordset(CAST(:leased AS json)) AS j(id TEXT, lease TEXT, number BIGINT);

-- name: hold_signer_proposal
-- FOR SHARE: a decision waits until the message that relies on the row is committed.
SELECT * FROM signer_proposal WHERE certificate_sha256 = :certificate_sha256 FOR SHARE;

-- name: lock_deliveries_to
-- Locked until commit: a recall and a worker must not move one delivery at once.
SELECT * FROM delivery
WHERE document = :document AND kind IN ('new', 'update', 'replace') AND message <> :but
  AND (recipient = :recipient OR addressed = :addressed)
ORDER BY accepted_at, id
FOR UPDATE;

-- name: lock_incident
-- Locked until commit: two persons may decide at the same moment.
SELECT * FROM incident WHERE id = :id FOR UPDATE;

-- name: figure_documents
-- JSON has other functions here.
SELECT document, state FROM figure_document
WHERE document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)));

-- name: figure_documents_by_number
-- JSON has other functions here.
SELECT document, number_key, state FROM figure_document
WHERE number_key <> '' AND number_key IN (SELECT jsonb_array_elements_text(CAST(:numbers AS jsonb)));

-- name: figure_deliveries
-- JSON has other functions here.
SELECT f.document, f.recipient, f.state FROM jsonb_array_elements(CAST(:pairs AS jsonb)) k
JOIN figure_delivery f ON f.document = k ->> 0 AND f.recipient = k ->> 1;

-- name: figure_deliveries_of
-- JSON has other functions here.
SELECT document, COUNT(*) AS deliveries FROM figure_delivery
WHERE day <> '' AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb))) GROUP BY document;

-- name: figure_recalls
-- JSON has other functions here.
SELECT f.* FROM jsonb_array_elements(CAST(:pairs AS jsonb)) k
JOIN figure_recall f ON f.message = k ->> 0 AND f.recipient = k ->> 1;

-- name: figure_firsts
-- JSON has other functions here.
SELECT f.sender, f.document_id FROM jsonb_array_elements(CAST(:pairs AS jsonb)) k
JOIN figure_first f ON f.sender = k ->> 0 AND f.document_id = k ->> 1;

-- name: figure_rows
-- JSON has other functions here.
SELECT f.day, f.agency, f.level, f.part, f.counts FROM jsonb_array_elements(CAST(:keys AS jsonb)) k
JOIN figure_day f ON f.day = k ->> 0 AND f.agency = k ->> 1 AND f.level = k ->> 2;

-- name: among_by_term
-- JSON has other functions here.
SELECT document FROM document_term
WHERE term = :term AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)));

-- name: among_by_sender
-- JSON has other functions here.
SELECT id AS document FROM document
WHERE sender = :sender AND id IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)));

-- name: among_by_delivery
-- JSON has other functions here.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)))
  AND (:recipient = '' OR recipient = :recipient) AND (:state = '' OR state = :state)
  AND (:status = '' OR status_code = :status) AND (:reason = '' OR reason_code = :reason);

-- name: among_seen_by
-- JSON has other functions here.
SELECT id AS document FROM document
WHERE sender = :agency AND id IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)))
UNION
SELECT document FROM delivery
WHERE recipient = :agency AND kind NOT IN ('status', 'revoke')
  AND state NOT IN ('held', 'rejected', 'cancelled', 'recalled')
  AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)));

-- name: found_documents
-- JSON has other functions here.
SELECT d.id, d.sender, d.document_id, d.created_at, m.kind, m.header, m.decision, m.urgency, m.event, p.value AS subject
FROM document d JOIN message m ON m.id = d.first_message
LEFT JOIN event_private p ON p.event = m.event AND p.name = 'subject'
WHERE d.id IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb))) ORDER BY d.id DESC;

-- name: found_deliveries
-- JSON has other functions here.
SELECT document, state, status_code, COUNT(*) AS deliveries, MIN(recipient) AS recipient FROM delivery
WHERE kind <> 'status' AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)))
GROUP BY document, state, status_code ORDER BY document, state, status_code;

-- name: found_terms
-- JSON has other functions here.
SELECT document, term FROM document_term
WHERE term LIKE 'v:%' AND document IN (SELECT jsonb_array_elements_text(CAST(:documents AS jsonb)));

-- name: figure_young_unfetched
-- It has no INDEXED BY and chooses well by its statistics.
SELECT recipient, level, day, COUNT(*) AS number FROM figure_delivery
WHERE unfetched_since IS NOT NULL AND unfetched_since > :since AND day >= :from_day AND day <= :to_day
GROUP BY recipient, level, day;

-- name: figure_young_unmoved
-- It has no INDEXED BY and chooses well by its statistics.
SELECT recipient, level, arrived_day AS day, COUNT(*) AS number FROM figure_delivery
WHERE unmoved_since IS NOT NULL AND unmoved_since > :since AND arrived_day >= :from_day AND arrived_day <= :to_day
GROUP BY recipient, level, arrived_day;

-- name: prove_lease
-- FOR SHARE: nobody takes the work over before what we write here is committed or undone.
SELECT epoch FROM lease WHERE name = :name AND epoch = :epoch FOR SHARE;

-- name: call_nodes
-- NOTIFY, which only PostgreSQL has: whoever listens hears it once this is committed.
SELECT CAST(:word AS TEXT) AS word FROM (SELECT pg_notify('gateway', :word)) called;

-- name: make_month
-- Only here do tables have months.
SELECT make_month(:month) AS made;

-- name: months_present
-- Only here do tables have months.
SELECT right(c.relname, 6) AS month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'event'::regclass AND c.relname <> 'event_default' ORDER BY 1;

-- name: bounds_of_month
-- Only here do tables have months.
SELECT month_begins(:month) AS low, month_begins(month_after(:month)) AS high
WHERE to_regclass('event_' || :month) IS NOT NULL;

-- name: add_archived_documents
-- A parameter that stands alone has no type here.
INSERT INTO archived_document (document, month)
SELECT document, CAST(:month AS TEXT) FROM delivery WHERE id >= :low AND id < :high
UNION SELECT document, CAST(:month AS TEXT) FROM event WHERE id >= :low AND id < :high AND document IS NOT NULL;

-- name: detach_month
-- Only here do tables have months.
SELECT detach_month(:month) AS rows;

-- name: attach_month
-- Only here do tables have months.
SELECT 1 AS done FROM (SELECT attach_month(:month)) called;

-- name: drop_month
-- Only here do tables have months.
SELECT 1 AS done FROM (SELECT drop_month(:month)) called;

-- name: lay_month
-- Only here do tables have months.
SELECT 1 AS done FROM (SELECT lay_month(:month)) called;

-- name: month_rows
-- Only here do tables have months.
SELECT key, rest, line FROM month_rows(:noun, :month, :after_key, :after_rest, :limit);

-- name: fill_month
-- Only here do tables have months.
SELECT fill_month(:noun, :month, :lines) AS filled;

-- name: lock_door_failures
-- FOR UPDATE: guesses that come side by side are counted one after the other.
SELECT failures, since, locked_until FROM sign_in_failure WHERE kind = :kind AND name = :name FOR UPDATE;

-- name: take_lease
-- SKIP LOCKED: while its holder is just writing nothing is taken, and nobody waits in line for it.
UPDATE lease SET holder = :holder, epoch = epoch + 1
WHERE name IN (SELECT name FROM lease WHERE name = :name AND epoch = :epoch FOR UPDATE SKIP LOCKED);
