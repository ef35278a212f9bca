-- Every query of the gateway, by name, in the SQL that both engines understand.
-- A query of the same name in sqlite.sql or postgres.sql replaces the one here and says why.

-- ---------------------------------------------------------------- directory

-- name: all_agencies
-- Every period of every agency.
SELECT * FROM agency ORDER BY code, valid_from;

-- name: all_aliases
-- Every alias.
SELECT * FROM agency_alias ORDER BY alias, code, valid_from;

-- name: all_successions
-- Every succession.
SELECT * FROM succession ORDER BY old_code, new_code;

-- name: all_level_sets
-- Every level set.
SELECT * FROM level_set ORDER BY valid_from;

-- name: all_profiles
-- Every connection profile.
SELECT * FROM profile ORDER BY agency;

-- name: all_signers
-- The whole signer register.
SELECT * FROM signer ORDER BY agency, role, certificate_sha256, valid_from;

-- name: forget_agency_rows
-- All periods of an agency, before an import writes them anew.
DELETE FROM agency WHERE code = :code;

-- name: forget_alias_rows
-- All aliases of an agency, before an import writes them anew.
DELETE FROM agency_alias WHERE code = :code;

-- name: forget_succession_rows
-- What an agency gave way to, before an import writes it anew.
DELETE FROM succession WHERE old_code = :code;

-- name: put_agency
-- One period of an agency, new or corrected.
INSERT INTO agency (code, name, level, parent, valid_from, valid_to, test, made_up)
VALUES (:code, :name, :level, :parent, :valid_from, :valid_to, :test, :made_up)
ON CONFLICT (code, valid_from) DO UPDATE SET
  name = excluded.name, level = excluded.level, parent = excluded.parent, valid_to = excluded.valid_to,
  test = excluded.test, made_up = excluded.made_up;

-- name: put_alias
-- One alias, new or with another end.
INSERT INTO agency_alias (alias, code, scheme, valid_from, valid_to)
VALUES (:alias, :code, :scheme, :valid_from, :valid_to)
ON CONFLICT (alias, code, valid_from) DO UPDATE SET scheme = excluded.scheme, valid_to = excluded.valid_to;

-- name: put_succession
-- One succession, new or of another kind.
INSERT INTO succession (old_code, new_code, kind, on_day, certificates_until)
VALUES (:old_code, :new_code, :kind, :on_day, :certificates_until)
ON CONFLICT (old_code, new_code, on_day) DO UPDATE SET
  kind = excluded.kind, certificates_until = excluded.certificates_until;

-- name: put_level_set
-- One level set, new or corrected.
INSERT INTO level_set (version, levels, valid_from, valid_to)
VALUES (:version, :levels, :valid_from, :valid_to)
ON CONFLICT (version) DO UPDATE SET
  levels = excluded.levels, valid_from = excluded.valid_from, valid_to = excluded.valid_to;

-- name: put_signer
-- One row of the signer register, new or corrected.
INSERT INTO signer (certificate_sha256, agency, title, role, valid_from, valid_to)
VALUES (:certificate_sha256, :agency, :title, :role, :valid_from, :valid_to)
ON CONFLICT (certificate_sha256, agency, role, valid_from) DO UPDATE SET
  title = excluded.title, valid_to = excluded.valid_to;

-- name: put_profile
-- How one agency is connected.
INSERT INTO profile (agency, adapter, settings, secret, dialect, envelope_signature, reports_arrival, changed_at)
VALUES (:agency, :adapter, :settings, :secret, :dialect, :envelope_signature, :reports_arrival, :changed_at)
ON CONFLICT (agency) DO UPDATE SET
  adapter = excluded.adapter, settings = excluded.settings, secret = excluded.secret,
  dialect = excluded.dialect, envelope_signature = excluded.envelope_signature,
  reports_arrival = excluded.reports_arrival, changed_at = excluded.changed_at;

-- name: profile_of
-- How one agency is connected.
SELECT * FROM profile WHERE agency = :agency;

-- name: bump_revision
-- Tells every node that the named data changed.
INSERT INTO revision (name, number) VALUES (:name, 1)
ON CONFLICT (name) DO UPDATE SET number = revision.number + 1;

-- name: revisions
-- Which revision of each kind of data is current.
SELECT name, number FROM revision;

-- ---------------------------------------------------------------- principals

-- name: add_principal
-- A system or person with a role.
INSERT INTO principal (id, name, role, active, created_at) VALUES (:id, :name, :role, 1, :created_at);

-- name: add_principal_agency
-- An agency that the principal acts for.
INSERT INTO principal_agency (principal, agency) VALUES (:principal, :agency)
ON CONFLICT (principal, agency) DO NOTHING;

-- name: all_principals
-- Every principal.
SELECT * FROM principal ORDER BY name, id;

-- name: all_principal_agencies
-- Who acts for whom.
SELECT * FROM principal_agency ORDER BY principal, agency;

-- name: add_credential
-- A key or certificate, by its hash.
INSERT INTO credential (id, principal, kind, hash, issued_at, valid_until, revoked_at)
VALUES (:id, :principal, :kind, :hash, :issued_at, :valid_until, NULL);

-- name: end_credentials
-- Lets the older credentials of a principal run out (overlap at rotation).
UPDATE credential SET valid_until = :valid_until
WHERE principal = :principal AND kind = :kind AND id <> :keep AND revoked_at IS NULL
  AND (valid_until IS NULL OR valid_until > :valid_until);

-- name: revoke_credential
-- Withdraws one credential at once.
UPDATE credential SET revoked_at = :revoked_at WHERE id = :id AND revoked_at IS NULL;

-- name: all_credentials
-- Every credential, the revoked ones too.
SELECT * FROM credential ORDER BY issued_at, id;

-- ---------------------------------------------------------------- payloads

-- name: payload
-- One payload by its hash.
SELECT * FROM payload WHERE sha256 = :sha256;

-- name: add_payload
-- A payload that nobody had yet; an existing row stays as it is.
INSERT INTO payload (sha256, size, refs, wrapped_key, file, inline, stored_at)
VALUES (:sha256, :size, 0, :wrapped_key, :file, :inline, :stored_at)
ON CONFLICT (sha256) DO NOTHING;

-- name: hold_payload
-- One more reason to keep a payload.
UPDATE payload SET refs = refs + 1 WHERE sha256 = :sha256;

-- name: payloads_in_places
-- A page of the payloads that lie in a folder or bucket.
SELECT sha256, size, wrapped_key, file FROM payload
WHERE sha256 > :after AND file IS NOT NULL AND wrapped_key IS NOT NULL ORDER BY sha256 LIMIT :limit;

-- name: payload_files
-- Files that rows own, of payloads from one hash to another.
SELECT file FROM payload WHERE sha256 >= :first AND sha256 <= :last AND file IS NOT NULL;

-- ---------------------------------------------------------------- documents and messages

-- name: document_by_key
-- The document of one sender and DocumentId.
SELECT * FROM document WHERE sender = :sender AND document_id = :document_id;

-- name: lock_document
-- The same, held until the transaction ends (the one writer of SQLite is lock enough).
SELECT * FROM document WHERE sender = :sender AND document_id = :document_id;

-- name: document_by_id
-- One document.
SELECT * FROM document WHERE id = :id;

-- name: documents_by_document_id
-- All documents with that DocumentId, whoever sent them.
SELECT * FROM document WHERE document_id = :document_id ORDER BY created_at, id;

-- name: add_document
-- The first message of a document arrived.
INSERT INTO document (id, sender, document_id, first_message, number_key, created_at)
VALUES (:id, :sender, :document_id, :first_message, :number_key, :created_at);

-- name: documents_by_number
-- Documents of one sender with one year, number and notation.
SELECT * FROM document WHERE sender = :sender AND number_key = :number_key AND number_key <> ''
ORDER BY created_at, id LIMIT 2;

-- name: add_document_link
-- A replacement and what it replaces.
INSERT INTO document_link (document, replaces) VALUES (:document, :replaces)
ON CONFLICT (document, replaces) DO NOTHING;

-- name: links_of
-- What a document replaces.
SELECT replaces FROM document_link WHERE document = :document ORDER BY replaces;

-- name: replaced_by
-- The documents of one sender that replace the given DocumentId.
SELECT d.* FROM document_link l JOIN document d ON d.id = l.document
WHERE d.sender = :sender AND l.replaces = :document_id ORDER BY d.created_at, d.id;

-- name: add_message
-- One accepted message.
INSERT INTO message (id, document, kind, duplicate_key, sender, envelope_sha256, content_digest, size, dialect,
  decision, caller, rule_set, urgency, header, findings, verdicts, timings, event, accepted_at)
VALUES (:id, :document, :kind, :duplicate_key, :sender, :envelope_sha256, :content_digest, :size, :dialect,
  :decision, :caller, :rule_set, :urgency, :header, :findings, :verdicts, :timings, :event, :accepted_at);

-- name: message_by_key
-- The message that was accepted under this duplicate key.
SELECT * FROM message WHERE duplicate_key = :duplicate_key;

-- name: message_by_id
-- One message.
SELECT * FROM message WHERE id = :id;

-- name: messages_of_document
-- The history of a document, oldest first.
SELECT * FROM message WHERE document = :document ORDER BY accepted_at, id;

-- name: versions_of_document
-- The document messages of a history (not the statuses), oldest first.
SELECT id, kind, header FROM message WHERE document = :document AND kind <> 'status' ORDER BY accepted_at, id;

-- name: first_new_message
-- The message of kind new (or replace) that opened a document.
SELECT m.* FROM message m JOIN document d ON d.first_message = m.id WHERE d.id = :document;

-- name: recent_documents
-- Documents after a position, newest first, with the header of their first message.
SELECT d.id, d.sender, d.document_id, d.created_at, m.kind, m.header, m.decision, m.event, m.urgency
FROM document d JOIN message m ON m.id = d.first_message
WHERE d.created_at < :before
ORDER BY d.created_at DESC, d.id DESC
LIMIT :limit;

-- name: recent_documents_of
-- The same, for documents that one agency sent or was to receive.
SELECT d.id, d.sender, d.document_id, d.created_at, m.kind, m.header, m.decision, m.event, m.urgency
FROM document d JOIN message m ON m.id = d.first_message
WHERE d.created_at < :before
  AND (d.sender = :agency
    OR EXISTS (SELECT 1 FROM delivery x WHERE x.document = d.id AND x.recipient = :agency
      AND x.kind NOT IN ('status', 'revoke') AND x.state NOT IN ('held', 'rejected', 'cancelled', 'recalled')))
ORDER BY d.created_at DESC, d.id DESC
LIMIT :limit;

-- name: add_receipt
-- A receipt that was issued.
INSERT INTO receipt (id, message, supplement_to, jws, issued_at, event)
VALUES (:id, :message, :supplement_to, :jws, :issued_at, :event);

-- name: receipt_by_id
-- A receipt, whose it is, and the event that names it.
SELECT receipt.*, message.sender FROM receipt JOIN message ON message.id = receipt.message
WHERE receipt.id = :id;

-- name: receipts_of_message
-- The first receipt and its supplements.
SELECT * FROM receipt WHERE message = :message ORDER BY issued_at, id;

-- ---------------------------------------------------------------- deliveries

-- name: add_delivery
-- One message for one recipient.
INSERT INTO delivery (id, message, document, kind, sender, document_id, addressed, recipient, destination,
  adapter, pull, order_key, urgency, urgency_rank, state, due_at, attempts, payload, accepted_at, queued_at,
  reason_code, reason_vi, reason_en, status_code, proof, in_place_of)
VALUES (:id, :message, :document, :kind, :sender, :document_id, :addressed, :recipient, :destination,
  :adapter, :pull, :order_key, :urgency, :urgency_rank, :state, :due_at, 0, :payload, :accepted_at, :accepted_at,
  :reason_code, :reason_vi, :reason_en, '', '', :in_place_of);

-- name: delivery_by_id
-- One delivery.
SELECT * FROM delivery WHERE id = :id;

-- name: lock_delivery
-- The same, held until the transaction ends.
SELECT * FROM delivery WHERE id = :id;

-- name: deliveries_of_message
-- Every delivery of a message.
SELECT * FROM delivery WHERE message = :message ORDER BY accepted_at, id;

-- name: deliveries_of_document
-- Every delivery of every message of a document.
SELECT * FROM delivery WHERE document = :document ORDER BY accepted_at, id;

-- name: newest_message
-- When the newest message of a document was accepted.
SELECT MAX(accepted_at) AS at FROM message WHERE document = :document;

-- name: recipients_of_document
-- Who has the document or is about to (its own messages, not statuses about it). Held and rejected deliveries
-- give their recipient no right to see or report anything.
SELECT DISTINCT recipient FROM delivery
WHERE document = :document AND kind <> 'status' AND state NOT IN ('held', 'rejected', 'cancelled');

-- name: due_deliveries
-- Deliveries that may be attempted now, most urgent and oldest first: due, not leased, their lane open and not
-- full, and no earlier message of the same document still on its way to the same recipient (behind one destination
-- there may be many: one that cannot be reached keeps nothing from the others). Each with how many attempts run towards
-- its destination, and how often that failed.
SELECT d.*, (SELECT COUNT(*) FROM delivery r WHERE r.destination = d.destination AND r.leased_until IS NOT NULL)
    AS running, COALESCE(l.failures, 0) AS failures
FROM delivery d
LEFT JOIN lane l ON l.destination = d.destination
WHERE d.state = 'queued' AND d.due_at IS NOT NULL AND d.due_at <= :now
  AND (d.leased_until IS NULL)
  AND (l.not_before IS NULL OR l.not_before <= :now)
  AND (SELECT COUNT(*) FROM delivery r WHERE r.destination = d.destination AND r.leased_until IS NOT NULL)
    < CASE WHEN l.failures > 0 THEN 1 ELSE :per_destination END
  AND NOT EXISTS (
    SELECT 1 FROM delivery e
    WHERE e.destination = d.destination AND e.order_key = d.order_key AND e.recipient = d.recipient
      AND e.state IN ('queued', 'held', 'dead')
      AND (e.accepted_at < d.accepted_at OR (e.accepted_at = d.accepted_at AND e.id < d.id)))
ORDER BY d.urgency_rank, d.accepted_at, d.id
LIMIT :limit;

-- name: lease_deliveries
-- Attempts begin, in one statement for all of them: counted, leased, and their next time stored before anything goes
-- out. :leased is a JSON list of id, lease, number, leased_until, next_due.
UPDATE delivery SET attempts = json_extract(j.value, '$.number'), lease = json_extract(j.value, '$.lease'),
  leased_until = json_extract(j.value, '$.leased_until'), due_at = json_extract(j.value, '$.next_due')
FROM json_each(:leased) j
WHERE delivery.id = json_extract(j.value, '$.id') AND delivery.state = 'queued' AND delivery.leased_until IS NULL;

-- name: walk_in_order
-- Said before due_deliveries: read its index in order. SQLite does so by itself.
SELECT 1 AS said;

-- name: expired_leases
-- Attempts whose process has not come back in time.
SELECT * FROM delivery WHERE leased_until IS NOT NULL AND leased_until <= :now ORDER BY leased_until LIMIT :limit;

-- name: leased_deliveries
-- Attempts that are running, or whose process never comes back.
SELECT * FROM delivery WHERE leased_until IS NOT NULL ORDER BY leased_until LIMIT :limit;

-- name: unreachable
-- Deliveries older than we try, that wait behind a failing destination.
SELECT d.* FROM delivery d JOIN lane l ON l.destination = d.destination
WHERE d.state = 'queued' AND d.due_at IS NOT NULL AND d.leased_until IS NULL AND l.failures > 0
  AND d.queued_at < :before
ORDER BY d.accepted_at, d.id LIMIT :limit;

-- name: reconnect_queued
-- What waits for a destination follows its new connection: fetched by it, or due at once.
UPDATE delivery SET adapter = :adapter, pull = :pull, due_at = :due_at
WHERE destination = :destination AND state = 'queued' AND leased_until IS NULL AND adapter <> :adapter;

-- name: reconnect_kept
-- The same for what is held or dead.
UPDATE delivery SET adapter = :adapter, pull = :pull
WHERE destination = :destination AND state IN ('held', 'dead') AND adapter <> :adapter;

-- name: move_delivery
-- The one change of transport state; `lease` must still be ours (or none) so that a late answer changes nothing.
UPDATE delivery SET state = :state, due_at = :due_at, leased_until = NULL, lease = NULL,
  queued_at = COALESCE(:queued_at, queued_at), settled_at = :settled_at, reason_code = :reason_code, reason_vi = :reason_vi, reason_en = :reason_en,
  proof = :proof
WHERE id = :id AND state = :from_state AND (lease = :lease OR (lease IS NULL AND :lease = ''));

-- name: reroute_delivery
-- A person chose who takes the place of a closed recipient; the code that the envelope named stays.
UPDATE delivery SET recipient = :recipient, destination = :destination, adapter = :adapter, pull = :pull,
  payload = :payload, state = :state, due_at = :due_at, queued_at = :queued_at, reason_code = :reason_code,
  reason_vi = :reason_vi, reason_en = :reason_en
WHERE id = :id AND state = 'held';

-- name: stand_ins_of_document
-- Who was to have messages about a document in the place of another; first who has the delivery of that code.
SELECT COALESCE(in_place_of, addressed) AS named, recipient,
  MIN(CASE WHEN in_place_of IS NULL THEN 0 ELSE 1 END) AS beside
FROM delivery
WHERE document = :document AND recipient <> COALESCE(in_place_of, addressed)
GROUP BY 1, 2 ORDER BY beside, recipient;

-- name: waiting_by_recipient
-- How much waits for each recipient, in its own name.
SELECT recipient, COUNT(*) AS deliveries FROM delivery WHERE state IN ('queued', 'held', 'dead')
GROUP BY recipient;

-- name: mark_fetched
-- The recipient's system took all bytes for the first time.
UPDATE delivery SET handed_over_at = COALESCE(handed_over_at, :handed_over_at), fetched_at = :fetched_at
WHERE id = :id AND fetched_at IS NULL;

-- name: mark_handed_over
-- An attempt put the bytes on the wire for the first time.
UPDATE delivery SET handed_over_at = :handed_over_at WHERE id = :id AND handed_over_at IS NULL;

-- name: note_status
-- The last status that the recipient reported on a document; an arrival hides nothing that was reported before it.
UPDATE delivery SET status_code = :code, status_at = :at
WHERE document = :document AND recipient = :recipient AND kind <> 'status' AND (:code <> '01' OR status_code = '');

-- name: inbox
-- What waits for one agency, most urgent and oldest first, after a position; a later message of a document
-- stays out of sight while an earlier one is still on its way. Statuses may come in any order. Size and hash
-- are those of the bytes that will be handed over: the rebuilt form where there is one.
SELECT d.*, m.header, m.event, COALESCE(p.size, m.size) AS size,
  COALESCE(d.payload, m.envelope_sha256) AS envelope_sha256
FROM delivery d
JOIN message m ON m.id = d.message
LEFT JOIN payload p ON p.sha256 = d.payload
WHERE d.destination = :destination AND d.state = 'queued' AND d.pull = 1
  AND (d.urgency_rank > :rank OR (d.urgency_rank = :rank
    AND (d.accepted_at > :accepted_at OR (d.accepted_at = :accepted_at AND d.id > :id))))
  AND (d.kind = 'status' OR NOT EXISTS (
    SELECT 1 FROM delivery e
    WHERE e.destination = d.destination AND e.order_key = d.order_key
      AND e.state IN ('queued', 'held', 'dead')
      AND (e.accepted_at < d.accepted_at OR (e.accepted_at = d.accepted_at AND e.id < d.id))))
ORDER BY d.urgency_rank, d.accepted_at, d.id
LIMIT :limit;

-- name: earlier_open
-- An earlier message of the same document still on its way to the same destination.
SELECT e.id FROM delivery d
JOIN delivery e ON e.destination = d.destination AND e.order_key = d.order_key
WHERE d.id = :id AND e.state IN ('queued', 'held', 'dead')
  AND (e.accepted_at < d.accepted_at OR (e.accepted_at = d.accepted_at AND e.id < d.id))
LIMIT 1;

-- name: queue_summary
-- The queue by destination and state.
SELECT destination, adapter, state, pull, COUNT(*) AS deliveries, MIN(accepted_at) AS oldest,
  MAX(attempts) AS attempts, MIN(due_at) AS next_due
FROM delivery WHERE state IN ('queued', 'held', 'dead')
GROUP BY destination, adapter, state, pull ORDER BY oldest;

-- name: queue_rows
-- Open deliveries, oldest first.
SELECT * FROM delivery WHERE state IN ('queued', 'held', 'dead')
ORDER BY accepted_at, id LIMIT :limit;

-- name: count_open
-- Open deliveries by state (the index of open deliveries answers it).
SELECT state, COUNT(*) AS deliveries FROM delivery WHERE state IN ('queued', 'held', 'dead') GROUP BY state;

-- name: count_by_state
-- Deliveries by kind and state.
SELECT CASE WHEN kind = 'status' THEN 'status' ELSE 'document' END AS noun, state, COUNT(*) AS deliveries
FROM delivery GROUP BY 1, 2;

-- ---------------------------------------------------------------- lanes and attempts

-- name: lane
-- How one destination is doing.
SELECT * FROM lane WHERE destination = :destination;

-- name: all_lanes
-- Every destination that is failing.
SELECT * FROM lane WHERE failures > 0 ORDER BY destination;

-- name: head_of_queue
-- Since when the longest-waiting delivery is due that could go now, and how many destinations fail.
SELECT (SELECT MIN(d.due_at) FROM delivery d LEFT JOIN lane l ON l.destination = d.destination
  WHERE d.state = 'queued' AND d.due_at <= :now AND d.leased_until IS NULL
  AND (l.not_before IS NULL OR l.not_before <= :now)) AS due_at,
  (SELECT COUNT(*) FROM lane WHERE failures > 0) AS failing;

-- name: put_lane
-- A destination failed or works again.
INSERT INTO lane (destination, failures, not_before) VALUES (:destination, :failures, :not_before)
ON CONFLICT (destination) DO UPDATE SET failures = excluded.failures, not_before = excluded.not_before;

-- name: wake_lane
-- The destination answers again: everything that waits for it is due now, so it drains by urgency, then age.
UPDATE delivery SET due_at = :now
WHERE destination = :destination AND state = 'queued' AND due_at > :now AND leased_until IS NULL;

-- name: add_attempts
-- Tries begin; :leased as for lease_deliveries.
INSERT INTO attempt (id, delivery, number, started_at, ended_at, outcome, code, detail)
SELECT json_extract(value, '$.lease'), json_extract(value, '$.id'), json_extract(value, '$.number'),
  :started_at, NULL, '', '', ''
FROM json_each(:leased);

-- name: end_attempt
-- One try has ended.
UPDATE attempt SET ended_at = :ended_at, outcome = :outcome, code = :code, detail = :detail
WHERE id = :id AND delivery = :delivery AND ended_at IS NULL;

-- name: attempts_of_delivery
-- Every try of a delivery.
SELECT * FROM attempt WHERE delivery = :delivery ORDER BY number, started_at;

-- ---------------------------------------------------------------- statuses

-- name: add_status_report
-- One status of a document.
INSERT INTO status_report (message, document, reporter, addressee, code, declared_time, automatic, forwarded,
  reported_at)
VALUES (:message, :document, :reporter, :addressee, :code, :declared_time, :automatic, :forwarded, :reported_at);

-- name: status_reports_of
-- Every status of a document, oldest first.
SELECT * FROM status_report WHERE document = :document ORDER BY reported_at, message;

-- name: statuses_about
-- Codes recorded for one recipient of a document, oldest first.
SELECT code FROM status_report
WHERE document = :document AND (reporter = :recipient OR (addressee = :recipient AND code = '13'))
ORDER BY reported_at, message;

-- name: arrival_reported
-- Whether this recipient's 01 is already recorded.
SELECT message FROM status_report
WHERE document = :document AND reporter = :reporter AND code = '01' LIMIT 1;

-- ---------------------------------------------------------------- events

-- name: add_event
-- One fact.
INSERT INTO event (id, at, type, document, message, delivery, sender, recipient, body)
VALUES (:id, :at, :type, :document, :message, :delivery, :sender, :recipient, :body);

-- name: add_event_unsequenced
-- It waits for its leaf.
INSERT INTO event_unsequenced (at, event) VALUES (:at, :event);

-- name: add_event_private
-- One personal value behind a commitment of an event.
INSERT INTO event_private (event, name, salt, value) VALUES (:event, :name, :salt, :value);

-- name: private_of
-- The personal values of one event, while they exist.
SELECT name, value FROM event_private WHERE event = :event ORDER BY name;

-- name: event_body
-- The bytes of one fact.
SELECT body FROM event WHERE id = :id;

-- name: events_of_document
-- The history of a document.
SELECT * FROM event WHERE document = :document ORDER BY at, id;

-- name: events_after
-- The stream after a position.
SELECT * FROM event WHERE at > :at OR (at = :at AND id > :id) ORDER BY at, id LIMIT :limit;

-- name: count_events
-- How many facts of each type.
SELECT type, COUNT(*) AS events FROM event GROUP BY type ORDER BY type;

-- name: add_refusal
-- The first refusal of these bytes.
INSERT INTO refusal (caller, envelope_sha256, rule_set, times, first_at, last_at, event)
VALUES (:caller, :envelope_sha256, :rule_set, 1, :at, :at, :event);

-- name: count_refusal
-- The same bytes were refused again.
UPDATE refusal SET times = times + 1, last_at = :at
WHERE caller = :caller AND envelope_sha256 = :envelope_sha256 AND rule_set = :rule_set;

-- name: count_refusals
-- How many different uploads the gate refused.
SELECT COUNT(*) AS refusals, COALESCE(SUM(times), 0) AS times FROM refusal;

-- ---------------------------------------------------------------- judged again

-- name: add_recheck
-- A message is to be judged again; a row that waits already is due at the earlier time.
INSERT INTO recheck (message, waits_for, cause, since, due_at, tries)
VALUES (:message, :waits_for, :cause, :since, :due_at, 0)
ON CONFLICT (message, waits_for) DO UPDATE SET cause = excluded.cause,
  due_at = CASE WHEN excluded.due_at < recheck.due_at THEN excluded.due_at ELSE recheck.due_at END;

-- name: due_rechecks
-- Messages to be judged again now, longest due first.
SELECT message, MIN(due_at) AS due_at FROM recheck WHERE due_at <= :now
GROUP BY message ORDER BY MIN(due_at), message LIMIT :limit;

-- name: rechecks_of
-- Why one message is to be judged again.
SELECT * FROM recheck WHERE message = :message ORDER BY waits_for;

-- name: wake_rechecks
-- A revocation answer came: what waits for one is due at once.
UPDATE recheck SET due_at = :at WHERE cause = 'answer' AND due_at > :at;

-- name: postpone_recheck
-- Still no answer; nothing changes when the row was given another time meanwhile.
UPDATE recheck SET due_at = :due_at, tries = tries + 1
WHERE message = :message AND waits_for = :waits_for AND due_at = :seen_due_at;

-- name: end_recheck
-- Judged again, or given up; nothing changes when the row was given another time meanwhile.
DELETE FROM recheck WHERE message = :message AND waits_for = :waits_for AND due_at = :seen_due_at;

-- name: count_rechecks
-- How many messages wait to be judged again.
SELECT COUNT(DISTINCT message) AS messages, MIN(since) AS oldest FROM recheck;

-- name: add_judgement
-- What signatures turned out to be when they were judged again.
INSERT INTO judgement (id, message, verdicts, findings, rule_set, cause, event, judged_at)
VALUES (:id, :message, :verdicts, :findings, :rule_set, :cause, :event, :judged_at);

-- name: newest_judgement
-- The judging that counts, if a message was judged again.
SELECT * FROM judgement WHERE message = :message ORDER BY judged_at DESC, id DESC LIMIT 1;

-- name: judgements_of
-- Each judging of a message after the first, oldest first.
SELECT * FROM judgement WHERE message = :message ORDER BY judged_at, id;

-- ---------------------------------------------------------------- proposed signers

-- name: add_signer_proposal
-- A certificate of no register row made a valid signature; the first sight of it counts.
INSERT INTO signer_proposal (certificate_sha256, subject, agency, role, valid_from, valid_to, message, sender,
  seen_at, decision, decided_at, decided_by, reason)
VALUES (:certificate_sha256, :subject, :agency, :role, :valid_from, :valid_to, :message, :sender,
  :seen_at, '', NULL, '', '')
ON CONFLICT (certificate_sha256) DO NOTHING;

-- name: signer_proposal
-- The proposal about one certificate.
SELECT * FROM signer_proposal WHERE certificate_sha256 = :certificate_sha256;

-- name: hold_signer_proposal
-- The same; no decision is made about it until the transaction ends (SQLite has one writer anyway).
SELECT * FROM signer_proposal WHERE certificate_sha256 = :certificate_sha256;

-- name: undecided_signer_proposals
-- What a person has to decide, oldest first.
SELECT * FROM signer_proposal WHERE decision = '' ORDER BY seen_at, certificate_sha256;

-- name: all_signer_proposals
-- Every proposal, oldest first.
SELECT * FROM signer_proposal ORDER BY seen_at, certificate_sha256;

-- name: decide_signer_proposal
-- What a person decided; an import of the register decides too.
UPDATE signer_proposal SET decision = :decision, decided_at = :decided_at, decided_by = :decided_by,
  reason = :reason
WHERE certificate_sha256 = :certificate_sha256;

-- name: add_signer_use
-- A message is judged again when this certificate is registered.
INSERT INTO signer_use (certificate_sha256, message, seen_at) VALUES (:certificate_sha256, :message, :seen_at)
ON CONFLICT (certificate_sha256, message) DO NOTHING;

-- name: recheck_signer_uses
-- The certificate was registered: every message that waits for that is judged again now.
INSERT INTO recheck (message, waits_for, cause, since, due_at, tries)
SELECT u.message, '', 'signer', :at, :at, 0 FROM signer_use u WHERE u.certificate_sha256 = :certificate_sha256
ON CONFLICT (message, waits_for) DO UPDATE SET cause = excluded.cause, since = excluded.since,
  due_at = excluded.due_at;

-- name: forget_signer_uses_of
-- These messages wait no more.
DELETE FROM signer_use WHERE certificate_sha256 = :certificate_sha256;

-- name: forget_signer_uses_before
-- Messages that are too old to be judged again.
DELETE FROM signer_use WHERE seen_at < :before;

-- ---------------------------------------------------------------- certificates in use

-- name: touch_certificate
-- A certificate was used; who uses it may have become known meanwhile.
INSERT INTO certificate (sha256, subject, used_by, not_after, last_used, warned_days)
VALUES (:sha256, :subject, :used_by, :not_after, :last_used, NULL)
ON CONFLICT (sha256) DO UPDATE SET
  used_by = CASE WHEN excluded.used_by <> '' THEN excluded.used_by ELSE certificate.used_by END,
  last_used = CASE WHEN excluded.last_used > certificate.last_used THEN excluded.last_used
    ELSE certificate.last_used END;

-- name: certificates_ending
-- Certificates in use, by their end: used since a moment and while they were valid.
SELECT * FROM certificate
WHERE not_after >= :since AND not_after <= :until AND last_used >= :used_since AND last_used <= not_after
ORDER BY not_after, sha256;

-- name: mark_certificate_warned
-- The last warning that was given; nothing changes when another process was first.
UPDATE certificate SET warned_days = :days
WHERE sha256 = :sha256 AND (warned_days IS NULL OR warned_days > :days);

-- ---------------------------------------------------------------- partner software

-- name: all_partner_credentials
-- Every secret of every system id, oldest first, the revoked ones too.
SELECT * FROM partner_credential ORDER BY issued_at, id;

-- name: add_partner_credential
-- A secret of a system id: sealed when it must be used, hashed when it is only compared.
INSERT INTO partner_credential (id, principal, dialect, system_id, sealed, hash, fresh_seconds, issued_at,
  valid_until, revoked_at)
VALUES (:id, :principal, :dialect, :system_id, :sealed, :hash, :fresh_seconds, :issued_at, :valid_until, NULL);

-- name: end_partner_credentials
-- Lets the older secrets of a system id run out (overlap at rotation).
UPDATE partner_credential SET valid_until = :valid_until
WHERE dialect = :dialect AND system_id = :system_id AND id <> :keep AND revoked_at IS NULL
  AND (valid_until IS NULL OR valid_until > :valid_until);

-- name: revoke_partner_credential
-- Withdraws one secret at once.
UPDATE partner_credential SET revoked_at = :revoked_at WHERE id = :id AND revoked_at IS NULL;

-- name: set_partner_freshness
-- How old a signed call of a system id may be.
UPDATE partner_credential SET fresh_seconds = :fresh_seconds
WHERE dialect = :dialect AND system_id = :system_id AND revoked_at IS NULL;

-- name: add_agency_request
-- Partner software asks to add or close an agency.
INSERT INTO agency_request (id, kind, code, body, principal, asked_at, decision, decided_at, decided_by, reason)
VALUES (:id, :kind, :code, :body, :principal, :asked_at, '', NULL, '', '');

-- name: open_agency_request
-- The same request of the same account, not decided yet.
SELECT * FROM agency_request
WHERE decision = '' AND principal = :principal AND kind = :kind AND code = :code
ORDER BY asked_at LIMIT 1;

-- name: agency_request_by_id
-- One request.
SELECT * FROM agency_request WHERE id = :id;

-- name: waiting_agency_requests
-- Requests that nobody has decided, oldest first.
SELECT * FROM agency_request WHERE decision = '' ORDER BY asked_at, id LIMIT :limit;

-- name: all_agency_requests
-- Every request, newest first.
SELECT * FROM agency_request ORDER BY asked_at DESC, id DESC LIMIT :limit;

-- name: decide_agency_request
-- An operator decided; a decided request stays as it is.
UPDATE agency_request SET decision = :decision, decided_at = :decided_at, decided_by = :decided_by,
  reason = :reason
WHERE id = :id AND decision = '';

-- ---------------------------------------------------------------- collected from partners

-- name: collected_item
-- What became of one item of a partner.
SELECT * FROM collected WHERE partner = :partner AND doc_id = :doc_id;

-- name: put_collected
-- An item was taken, refused, or has to wait; what waited gets its end.
INSERT INTO collected (partner, doc_id, kind, envelope_sha256, message, outcome, reason_code, reason, declared,
  first_seen, collected_at)
VALUES (:partner, :doc_id, :kind, :envelope_sha256, :message, :outcome, :reason_code, :reason, :declared,
  :at, :at)
ON CONFLICT (partner, doc_id) DO UPDATE SET envelope_sha256 = excluded.envelope_sha256, message = excluded.message,
  outcome = excluded.outcome, reason_code = excluded.reason_code, reason = excluded.reason,
  declared = excluded.declared, collected_at = excluded.collected_at
WHERE collected.outcome = 'waiting';

-- name: confirm_collected
-- The partner was told.
UPDATE collected SET confirmed_at = :at WHERE partner = :partner AND doc_id = :doc_id AND outcome <> 'waiting';

-- name: unconfirmed_items
-- Items whose partner was not told yet, oldest first.
SELECT * FROM collected
WHERE partner = :partner AND confirmed_at IS NULL AND outcome <> 'waiting'
ORDER BY collected_at LIMIT :limit;

-- name: waiting_items
-- Items that wait for their document, oldest first.
SELECT * FROM collected
WHERE partner = :partner AND confirmed_at IS NULL AND outcome = 'waiting'
ORDER BY first_seen LIMIT :limit;

-- name: partner_state
-- How it stands with one partner.
SELECT * FROM partner_state WHERE partner = :partner;

-- name: all_partner_states
-- How it stands with all partners.
SELECT * FROM partner_state ORDER BY partner;

-- name: put_partner_state
-- How it stands now.
INSERT INTO partner_state (partner, away, since, last_success, last_failure, reason_code, reason_vi, reason_en, backlog)
VALUES (:partner, :away, :since, :last_success, :last_failure, :reason_code, :reason_vi, :reason_en, :backlog)
ON CONFLICT (partner) DO UPDATE SET away = excluded.away, since = excluded.since,
  last_success = excluded.last_success, last_failure = excluded.last_failure, reason_code = excluded.reason_code,
  reason_vi = excluded.reason_vi, reason_en = excluded.reason_en, backlog = excluded.backlog;

-- name: partner_compared
-- Its agency list was compared with our directory.
UPDATE partner_state SET compared_at = :at WHERE partner = :partner;

-- name: add_reconciliation
-- One comparison of our list with a partner's.
INSERT INTO reconciliation (id, partner, day, ours, theirs, only_ours, only_theirs, made_at)
VALUES (:id, :partner, :day, :ours, :theirs, :only_ours, :only_theirs, :made_at);

-- name: newest_reconciliation
-- The last comparison of one day.
SELECT * FROM reconciliation WHERE partner = :partner AND day = :day ORDER BY made_at DESC, id DESC LIMIT 1;

-- name: reconciliations_since
-- Comparisons of the days from one on, newest first.
SELECT * FROM reconciliation WHERE day >= :day ORDER BY day DESC, made_at DESC, id DESC LIMIT :limit;

-- name: delivered_to
-- What one destination took in a span of time, oldest first.
SELECT id, sender, recipient, document_id, kind, proof, settled_at FROM delivery
WHERE destination = :destination AND state IN ('delivered', 'recalled')
  AND settled_at >= :since AND settled_at < :until
ORDER BY settled_at, id;

-- ---------------------------------------------------------------- other gateways

-- name: carriers_of_document
-- Whose gateway took the document for a recipient behind it.
SELECT DISTINCT destination FROM delivery
WHERE document = :document AND kind <> 'status' AND adapter = 'gateway' AND state IN ('delivered', 'recalled');

-- name: keep_way
-- The gateways that a message passed.
INSERT INTO message_way (message, gateways) VALUES (:message, :gateways) ON CONFLICT (message) DO NOTHING;

-- name: way_of_message
-- The same, read back.
SELECT gateways FROM message_way WHERE message = :message;

-- name: keep_answer
-- What a recipient's system answered to a delivery that succeeded.
INSERT INTO delivery_answer (delivery, answer, answered_at) VALUES (:delivery, :answer, :answered_at)
ON CONFLICT (delivery) DO NOTHING;

-- name: answer_of_delivery
-- The same, read back.
SELECT answer FROM delivery_answer WHERE delivery = :delivery;

-- name: add_principal_scope
-- Agencies that a principal acts for without naming each.
INSERT INTO principal_scope (principal, scope, agency) VALUES (:principal, :scope, :agency)
ON CONFLICT (principal, scope, agency) DO NOTHING;

-- name: all_principal_scopes
-- Every such right.
SELECT * FROM principal_scope ORDER BY principal, scope, agency;

-- ---------------------------------------------------------------- proofs and revocation

-- name: proof_is_kept
-- Whether these bytes are here, without reading them.
SELECT sha256 FROM proof WHERE sha256 = :sha256;

-- name: add_proof
-- Bytes that a verdict rests on; another node may have been first.
INSERT INTO proof (sha256, kind, bytes, stored_at) VALUES (:sha256, :kind, :bytes, :stored_at)
ON CONFLICT (sha256) DO NOTHING;

-- name: proof_by_hash
-- The bytes themselves.
SELECT * FROM proof WHERE sha256 = :sha256;

-- name: add_revocation_source
-- A source that a verdict needs, asked by nobody yet.
INSERT INTO revocation_source (kind, url, certificate, issuer, answer, this_update, next_update, fetched_at,
  tried_at, due_at, failures, problem, wanted_at)
VALUES (:kind, :url, :certificate, :issuer, '', NULL, NULL, NULL, NULL, :due_at, 0, '', :wanted_at)
ON CONFLICT (kind, url, certificate) DO UPDATE SET
  wanted_at = CASE WHEN excluded.wanted_at > revocation_source.wanted_at THEN excluded.wanted_at
    ELSE revocation_source.wanted_at END;

-- name: touch_revocation_source
-- A verdict needed it.
UPDATE revocation_source SET wanted_at = :wanted_at
WHERE kind = :kind AND url = :url AND certificate = :certificate AND wanted_at < :wanted_at;

-- name: due_revocation_sources
-- Sources to ask, longest due first; those that no verdict needed lately rest.
SELECT * FROM revocation_source
WHERE due_at <= :now
  AND ((kind = 'crl' AND wanted_at >= :crl_since) OR (kind = 'ocsp' AND wanted_at >= :ocsp_since))
ORDER BY due_at LIMIT :limit;

-- name: claim_revocation_source
-- Ours until then, unless another node was first.
UPDATE revocation_source SET due_at = :until, tried_at = :now
WHERE kind = :kind AND url = :url AND certificate = :certificate AND due_at = :seen_due_at;

-- name: answer_revocation_source
-- The newest answer.
UPDATE revocation_source SET issuer = :issuer, answer = :answer, this_update = :this_update,
  next_update = :next_update, fetched_at = :fetched_at, due_at = :due_at, failures = :failures,
  problem = :problem
WHERE kind = :kind AND url = :url AND certificate = :certificate;

-- name: fail_revocation_source
-- No answer, or none that can be used.
UPDATE revocation_source SET problem = :problem, failures = :failures, due_at = :due_at
WHERE kind = :kind AND url = :url AND certificate = :certificate;

-- name: ask_revocation_sources
-- A person wants all asked now; those that rest stay at rest.
UPDATE revocation_source SET due_at = :at;

-- name: drop_revocation_sources
-- Sources that no verdict needed for a long time.
DELETE FROM revocation_source WHERE wanted_at < :before;

-- name: all_revocation_sources
-- Every source.
SELECT * FROM revocation_source ORDER BY kind, url, certificate;

-- name: waiting_documents
-- Documents in one inbox that were accepted within a time, most urgent and oldest first; a later message of a
-- document stays out of sight while an earlier one is still on its way.
SELECT d.* FROM delivery d
WHERE d.destination = :destination AND d.state = 'queued' AND d.pull = 1 AND d.kind <> 'status'
  AND d.accepted_at >= :since AND d.accepted_at <= :until
  AND NOT EXISTS (
    SELECT 1 FROM delivery e
    WHERE e.destination = d.destination AND e.order_key = d.order_key
      AND e.state IN ('queued', 'held', 'dead')
      AND (e.accepted_at < d.accepted_at OR (e.accepted_at = d.accepted_at AND e.id < d.id)))
ORDER BY d.urgency_rank, d.accepted_at, d.id
LIMIT :limit;

-- name: waiting_statuses
-- The same for statuses, which may come in any order.
SELECT d.* FROM delivery d
WHERE d.destination = :destination AND d.state = 'queued' AND d.pull = 1 AND d.kind = 'status'
  AND d.accepted_at >= :since AND d.accepted_at <= :until
ORDER BY d.urgency_rank, d.accepted_at, d.id
LIMIT :limit;

-- name: count_waiting_documents
-- How many documents wait in one inbox.
SELECT COUNT(*) AS waiting FROM delivery
WHERE destination = :destination AND state = 'queued' AND pull = 1 AND kind <> 'status';

-- name: count_waiting_statuses
-- How many statuses wait in one inbox.
SELECT COUNT(*) AS waiting FROM delivery
WHERE destination = :destination AND state = 'queued' AND pull = 1 AND kind = 'status';

-- name: documents_sent_by
-- The newest deliveries of documents of one sender.
SELECT * FROM delivery WHERE sender = :sender AND kind <> 'status'
ORDER BY accepted_at DESC, id DESC LIMIT :limit;

-- name: statuses_sent_by
-- The newest deliveries of statuses of one reporter.
SELECT * FROM delivery WHERE sender = :sender AND kind = 'status'
ORDER BY accepted_at DESC, id DESC LIMIT :limit;

-- name: note_recipient
-- What the recipient's system says of a message that goes on waiting.
UPDATE delivery SET reason_code = :code, reason_vi = :vi, reason_en = :en WHERE id = :id AND state = 'queued';

-- ---------------------------------------------------------------- policies

-- name: all_policies
-- Every policy, also those that are over.
SELECT * FROM policy ORDER BY decided_at, id;

-- name: add_policy
-- A policy that was decided.
INSERT INTO policy (id, agency, direction, rule, action, valid_from, valid_to, reason, decided_by, approved_by,
  decided_at, ended_at)
VALUES (:id, :agency, :direction, :rule, :action, :valid_from, :valid_to, :reason, :decided_by, :approved_by,
  :decided_at, NULL);

-- name: end_policy
-- Withdraws a policy; one that was withdrawn stays as it is.
UPDATE policy SET ended_at = :at WHERE id = :id AND ended_at IS NULL;

-- name: add_policy_proposal
-- What one person wants changed; a second one decides.
INSERT INTO policy_proposal (id, change, policy, agency, direction, rule, action, valid_from, valid_to, reason,
  proposed_by, proposed_at, decision, decided_by)
VALUES (:id, :change, :policy, :agency, :direction, :rule, :action, :valid_from, :valid_to, :reason,
  :proposed_by, :proposed_at, '', '');

-- name: policy_proposal
-- One proposal about policies.
SELECT * FROM policy_proposal WHERE id = :id;

-- name: undecided_policy_proposals
-- Proposals about policies that wait for a second person, oldest first.
SELECT * FROM policy_proposal WHERE decision = '' ORDER BY proposed_at, id LIMIT :limit;

-- name: newest_policy_proposals
-- Proposals about policies whatever became of them, newest first.
SELECT * FROM policy_proposal ORDER BY proposed_at DESC, id DESC LIMIT :limit;

-- name: decide_policy_proposal
-- What a second person decided about a proposal; one that was decided stays as it is.
UPDATE policy_proposal SET decision = :decision, decided_by = :by, decided_at = :at
WHERE id = :id AND decision = '';

-- name: judged_messages
-- Messages accepted after a position in the stream of events and before a time, with the findings that count now.
SELECT m.id, m.document, d.document_id, m.sender, m.accepted_at, e.at AS event_at, e.id AS event,
  COALESCE((SELECT j.findings FROM judgement j WHERE j.message = m.id ORDER BY j.judged_at DESC, j.id DESC LIMIT 1),
    m.findings) AS findings
FROM event e JOIN message m ON m.id = e.message AND m.event = e.id JOIN document d ON d.id = m.document
WHERE (e.at > :at OR (e.at = :at AND e.id > :id)) AND e.at < :until
ORDER BY e.at, e.id
LIMIT :limit;

-- ---------------------------------------------------------------- recalls

-- name: add_recall
-- A message asks one recipient to give a document back.
INSERT INTO recall (message, document, recipient, cause, state, asked_at, answer, answered_at, reminders, remind_at)
VALUES (:message, :document, :recipient, :cause, :state, :asked_at, :answer, :answered_at, 0, :remind_at);

-- name: end_reminders
-- A newer message asks the same recipient.
UPDATE recall SET remind_at = NULL
WHERE document = :document AND recipient = :recipient AND remind_at IS NOT NULL;

-- name: set_recall_state
-- The attempt ended for which the recall waited.
UPDATE recall SET state = :state, remind_at = :remind_at
WHERE message = :message AND recipient = :recipient AND state = 'attempt';

-- name: answer_recall
-- The recipient's 15 or 16; an agreement is final.
UPDATE recall SET state = :state, answer = :answer, answered_at = :answered_at, remind_at = NULL
WHERE message = :message AND recipient = :recipient AND state IN ('asked', 'refused');

-- name: remind_recall
-- One more reminder; nothing changes when it was answered, or reminded of, meanwhile.
UPDATE recall SET reminders = reminders + 1, remind_at = :remind_at
WHERE message = :message AND recipient = :recipient AND state = 'asked' AND remind_at = :seen_remind_at;

-- name: recalls_of_document
-- Who was asked for a document, oldest first.
SELECT * FROM recall WHERE document = :document ORDER BY asked_at, message, recipient;

-- name: recalls_of_recipient
-- How often one recipient was asked for a document, oldest first.
SELECT * FROM recall WHERE document = :document AND recipient = :recipient ORDER BY asked_at, message;

-- name: recalls_to_remind
-- Recalls that were not answered in time.
SELECT * FROM recall WHERE remind_at IS NOT NULL AND remind_at <= :now ORDER BY remind_at, message LIMIT :limit;

-- name: silent_recalls
-- Recalls without an answer, oldest first.
SELECT * FROM recall WHERE state = 'asked' ORDER BY asked_at, message LIMIT :limit;

-- name: lock_deliveries_to
-- Deliveries of a document itself to one recipient, held until the transaction ends (the one writer of SQLite is
-- lock enough).
SELECT * FROM delivery
WHERE document = :document AND kind IN ('new', 'update', 'replace') AND message <> :but
  AND (recipient = :recipient OR addressed = :addressed)
ORDER BY accepted_at, id;

-- name: addressees_of_document
-- Everybody to whom a document itself was to go, in any state.
SELECT recipient, MIN(accepted_at) AS since FROM delivery
WHERE document = :document AND kind IN ('new', 'update', 'replace')
GROUP BY recipient ORDER BY MIN(accepted_at), recipient;

-- name: mark_recall
-- The newest message that asks for what a delivery carries.
UPDATE delivery SET recall = :message WHERE id = :id;

-- name: freeze_document
-- The sender's copy and metadata stay as they are; the first recall counts.
UPDATE document SET frozen_at = :at WHERE id = :document AND frozen_at IS NULL;

-- name: freeze_payloads
-- The bytes that its sender sent are not to be destroyed.
UPDATE payload SET frozen_at = :at
WHERE frozen_at IS NULL
  AND sha256 IN (SELECT envelope_sha256 FROM message WHERE document = :document AND kind <> 'status');

-- name: release_payload
-- One reason less to keep a payload.
UPDATE payload SET refs = refs - 1 WHERE sha256 = :sha256 AND refs > 0;

-- name: destroy_payload
-- Unreadable here from now on, if nobody needs it and it is not frozen.
UPDATE payload SET wrapped_key = NULL, file = NULL, inline = NULL, destroyed_at = :at, backups_until = :backups_until
WHERE sha256 = :sha256 AND refs = 0 AND frozen_at IS NULL AND destroyed_at IS NULL;

-- name: purge_payload
-- The same whoever needs it, frozen or not: an incident.
UPDATE payload SET wrapped_key = NULL, file = NULL, inline = NULL, destroyed_at = :at, backups_until = :backups_until
WHERE sha256 = :sha256 AND destroyed_at IS NULL;

-- name: revive_payload
-- Bytes that were destroyed when nobody needed them are needed again, and came again.
UPDATE payload SET wrapped_key = :wrapped_key, file = :file, inline = :inline, stored_at = :stored_at,
  destroyed_at = NULL, backups_until = NULL
WHERE sha256 = :sha256 AND destroyed_at IS NOT NULL;

-- name: payloads_of_document
-- Every payload of a document: as received, and rebuilt for other dialects; statuses too.
SELECT envelope_sha256 AS sha256 FROM message WHERE document = :document
UNION
SELECT payload AS sha256 FROM delivery WHERE document = :document AND payload IS NOT NULL;

-- ---------------------------------------------------------------- incidents

-- name: add_incident
-- One person reports it.
INSERT INTO incident (id, kind, document, state, event, opened_at, opened_by, confirmed_at, confirmed_by,
  closed_at, closed_by, payloads, backups_until)
VALUES (:id, :kind, :document, 'open', :event, :opened_at, :opened_by, NULL, '', NULL, '', 0, NULL);

-- name: incident_by_id
-- One incident.
SELECT * FROM incident WHERE id = :id;

-- name: lock_incident
-- The same, held until the transaction ends (the one writer of SQLite is lock enough).
SELECT * FROM incident WHERE id = :id;

-- name: open_incident_of
-- The undecided incident about a document.
SELECT * FROM incident WHERE document = :document AND state = 'open';

-- name: messages_of_incidents
-- What documents with incidents held, by the hashes of their files. There are few incidents.
SELECT m.header FROM incident i JOIN message m ON m.document = i.document
WHERE i.state <> 'dismissed' AND i.document <> :but AND m.kind <> 'status';

-- name: newest_incidents
-- Incidents, newest first.
SELECT * FROM incident ORDER BY opened_at DESC, id DESC LIMIT :limit;

-- name: confirm_incident
-- A second person confirmed; everything was purged.
UPDATE incident SET state = 'purged', confirmed_at = :at, confirmed_by = :by, payloads = :payloads,
  backups_until = :backups_until
WHERE id = :id AND state = 'open';

-- name: end_incident
-- Closed, or dismissed.
UPDATE incident SET state = :state, closed_at = :at, closed_by = :by WHERE id = :id AND state IN ('open', 'purged');

-- name: erase_private_values
-- Everything that events say in words about a document, but for the record of incidents and of who opened it.
DELETE FROM event_private WHERE event IN (
  SELECT id FROM event
  WHERE document = :document AND type NOT LIKE 'incident.%' AND type <> 'person.viewed');

-- name: erase_findings
-- Findings quote, verdicts name people and files.
UPDATE message SET findings = '[]', verdicts = '[]' WHERE document = :document;

-- name: erase_judgements
-- The same for later judgements.
UPDATE judgement SET findings = '[]', verdicts = '[]'
WHERE message IN (SELECT id FROM message WHERE document = :document);

-- name: mark_purged
-- Nothing of it is readable here any more.
UPDATE document SET purged_at = :at WHERE id = :document AND purged_at IS NULL;

-- ---------------------------------------------------------------- the exchange log

-- name: unsequenced_events
-- Events without a leaf and the bytes that become it, oldest first.
SELECT u.at, u.event, e.body FROM event_unsequenced u JOIN event e ON e.id = u.event
ORDER BY u.at, u.event LIMIT :limit;

-- name: count_unsequenced
-- How many wait; never counts further than that.
SELECT COUNT(*) AS events FROM (SELECT event FROM event_unsequenced LIMIT :limit) AS waiting;

-- name: add_leaf
-- One event's place in the log.
INSERT INTO log_leaf (leaf, event, hash) VALUES (:leaf, :event, :hash);

-- name: drop_unsequenced
-- It has its leaf now.
DELETE FROM event_unsequenced WHERE at = :at AND event = :event;

-- name: log_state
-- How far the steps are.
SELECT sequenced, integrated FROM log_state WHERE id = 1;

-- name: move_log
-- From these numbers to those, if nobody else moved them.
UPDATE log_state SET sequenced = :to_sequenced, integrated = :to_integrated
WHERE id = 1 AND sequenced = :sequenced AND integrated = :integrated;

-- name: leaf_hashes
-- Hashes of the leaves of a range, in order.
SELECT hash FROM log_leaf WHERE leaf >= :start AND leaf < :stop ORDER BY leaf;

-- name: node_hashes
-- Hashes of the nodes of a range of one level, in order.
SELECT hash FROM log_node WHERE level = :level AND node >= :start AND node < :stop ORDER BY node;

-- name: add_node
-- The head of a complete subtree.
INSERT INTO log_node (level, node, hash) VALUES (:level, :node, :hash);

-- name: leaf_of_event
-- The place of one event, if it has one.
SELECT leaf, hash FROM log_leaf WHERE event = :event;

-- name: log_entries
-- Leaves of a range with the stored bytes.
SELECT l.leaf, l.event, l.hash, e.body FROM log_leaf l JOIN event e ON e.id = l.event
WHERE l.leaf >= :start AND l.leaf < :stop ORDER BY l.leaf;

-- name: add_checkpoint
-- A signed head, not published yet.
INSERT INTO log_checkpoint (number, size, root, note, closes, signed_at)
VALUES (:number, :size, :root, :note, :closes, :signed_at);

-- name: set_checkpoint_published
-- It lies where others fetch it.
UPDATE log_checkpoint SET published_at = :at WHERE number = :number AND published_at IS NULL;

-- name: set_checkpoint_token
-- The timestamp service answered; the first token stays.
UPDATE log_checkpoint SET token = :token, stamped_at = :stamped_at WHERE number = :number AND token IS NULL;

-- name: last_checkpoint
-- The newest head, published or not.
SELECT * FROM log_checkpoint ORDER BY number DESC LIMIT 1;

-- name: published_checkpoint
-- The newest head that was published.
SELECT * FROM log_checkpoint WHERE published_at IS NOT NULL ORDER BY number DESC LIMIT 1;

-- name: stamped_checkpoint
-- The newest head under a timestamp.
SELECT * FROM log_checkpoint WHERE token IS NOT NULL ORDER BY size DESC, number DESC LIMIT 1;

-- name: checkpoint_over
-- The first published head over a leaf.
SELECT * FROM log_checkpoint WHERE size > :leaf AND published_at IS NOT NULL ORDER BY size, number LIMIT 1;

-- name: stamped_checkpoint_over
-- The first head over a leaf that has a timestamp.
SELECT * FROM log_checkpoint WHERE size > :leaf AND token IS NOT NULL ORDER BY size, number LIMIT 1;

-- name: checkpoints_after
-- Heads after a number, oldest first.
SELECT * FROM log_checkpoint WHERE number > :number ORDER BY number LIMIT :limit;

-- name: checkpoints_of_root
-- Heads with this size and root: one that closes a day may repeat the one before.
SELECT * FROM log_checkpoint WHERE size = :size AND root = :root ORDER BY number;

-- name: add_cosignature
-- The line of a witness under a head; the newest counts.
INSERT INTO log_cosignature (checkpoint, witness, line, at, received_at)
VALUES (:checkpoint, :witness, :line, :at, :received_at)
ON CONFLICT (checkpoint, witness) DO UPDATE SET line = excluded.line, at = excluded.at,
  received_at = excluded.received_at;

-- name: cosignatures_of
-- The lines under one head.
SELECT witness, line, at FROM log_cosignature WHERE checkpoint = :checkpoint ORDER BY witness;

-- name: watched_log
-- What we remember of another log.
SELECT size, root, note, at FROM log_watched WHERE origin = :origin;

-- name: watch_log
-- A larger head of another log that we cosigned.
INSERT INTO log_watched (origin, size, root, note, at) VALUES (:origin, :size, :root, :note, :at)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note,
  at = excluded.at;

-- ---------------------------------------------------------------- months (only PostgreSQL has any)

-- name: make_month
-- Tables for a month; 1 when they were made.
SELECT 0 AS made WHERE :month <> '';

-- name: months_present
-- The months that have tables of their own.
SELECT month FROM archived_month WHERE 1 = 0;

-- name: bounds_of_month
-- The first id of a month that has tables, and the first of the next month.
SELECT low, high FROM archived_month WHERE 1 = 0 AND month = :month;

-- name: month_obstacles
-- What is still going on: open deliveries, recalls without an answer, open incidents, and leaves that are missing, not
-- counted everywhere, or under no published head.
SELECT
  (SELECT COUNT(*) FROM delivery WHERE id >= :low AND id < :high AND state IN ('queued', 'held', 'dead')) AS deliveries,
  (SELECT COUNT(*) FROM recall r WHERE r.state = 'asked' AND EXISTS (
    SELECT 1 FROM delivery d WHERE d.document = r.document AND d.id >= :low AND d.id < :high)) AS recalls,
  (SELECT COUNT(*) FROM event_unsequenced WHERE event >= :low AND event < :high)
    + (SELECT COUNT(*) FROM log_leaf WHERE event >= :low AND event < :high AND leaf >= COALESCE((SELECT MIN(n) FROM (
      SELECT next_leaf AS n FROM conservation_state UNION ALL SELECT next_leaf FROM figure_state
      UNION ALL SELECT COALESCE(MAX(size), 0) FROM log_checkpoint WHERE published_at IS NOT NULL) counted), 0)) AS leaves,
  (SELECT COUNT(*) FROM incident i WHERE i.state IN ('open', 'purged') AND EXISTS (
    SELECT 1 FROM event e WHERE e.document = i.document AND e.id >= :low AND e.id < :high)) AS incidents;

-- name: leaves_of_month
-- The first and the last leaf of events between two ids.
SELECT MIN(leaf) AS first_leaf, MAX(leaf) AS last_leaf FROM log_leaf WHERE event >= :low AND event < :high;

-- name: leaves_of_events
-- Hashes of the leaves of events between two ids, both included.
SELECT event, hash FROM log_leaf WHERE event >= :first AND event <= :last;

-- name: count_month
-- How many rows go with a month.
SELECT (SELECT COUNT(*) FROM delivery WHERE id >= :low AND id < :high)
  + (SELECT COUNT(*) FROM attempt WHERE delivery >= :low AND delivery < :high)
  + (SELECT COUNT(*) FROM delivery_answer WHERE delivery >= :low AND delivery < :high)
  + (SELECT COUNT(*) FROM event WHERE id >= :low AND id < :high) AS rows;

-- name: archived_months
-- Months that were taken out at least once.
SELECT * FROM archived_month ORDER BY month;

-- name: add_archived_month
-- A month is taken out now.
INSERT INTO archived_month (month, state, low, high, file, sha256, rows, first_leaf, last_leaf, detached_at, changed_at)
VALUES (:month, 'detached', :low, :high, '', '', :rows, :first_leaf, :last_leaf, :at, :at);

-- name: forget_archived_month
-- Before it is taken out again.
DELETE FROM archived_month WHERE month = :month AND state = 'returned';

-- name: move_archived_month
-- Its tables were thrown away, or it is back.
UPDATE archived_month SET state = :state, changed_at = :at WHERE month = :month;

-- name: note_archive_file
-- Its file was written and read back.
UPDATE archived_month SET file = :file, sha256 = :sha256, changed_at = :at WHERE month = :month AND state = 'detached';

-- name: add_archived_documents
-- The documents that a part of goes with a month.
INSERT INTO archived_document (document, month)
SELECT document, :month FROM delivery WHERE id >= :low AND id < :high
UNION SELECT document, :month FROM event WHERE id >= :low AND id < :high AND document IS NOT NULL;

-- name: forget_archived_documents
-- They are whole again.
DELETE FROM archived_document WHERE month = :month;

-- name: archived_of_document
-- The months that a part of a document went with.
SELECT month FROM archived_document WHERE document = :document;

-- name: detach_month
-- Take the tables of a month out; how many rows they hold.
SELECT 0 AS rows WHERE :month <> '';

-- name: attach_month
-- Put the tables of a month back.
SELECT 0 AS done WHERE :month <> '';

-- name: drop_month
-- Throw away the tables of a month that stand beside the others.
SELECT 0 AS done WHERE :month <> '';

-- name: lay_month
-- Empty tables for a month, beside the others.
SELECT 0 AS done WHERE :month <> '';

-- name: month_rows
-- Rows of one table of a month that was taken out, as JSON, after a place.
SELECT '' AS key, '' AS rest, '' AS line
WHERE 1 = 0 AND :month = :noun AND :after_key = :after_rest LIMIT :limit;

-- name: fill_month
-- Write such rows into the tables of a month.
SELECT 0 AS filled WHERE :month <> '' AND :noun <> '' AND :lines <> '';

-- ---------------------------------------------------------------- conservation

-- name: conservation_state
-- How far counting and comparing are.
SELECT next_leaf, compared_to, whole_at FROM conservation_state WHERE id = 1;

-- name: move_conservation
-- Leaves up to here are counted; no row when another process counted them.
UPDATE conservation_state SET next_leaf = :to_leaf WHERE id = 1 AND next_leaf = :next_leaf;

-- name: note_compared
-- Deliveries up to here were compared; `whole_at` when that was the last of them.
UPDATE conservation_state SET compared_to = :compared_to, whole_at = COALESCE(CAST(:whole_at AS BIGINT), whole_at)
WHERE id = 1;

-- name: uncounted_leaves
-- Bodies of the next leaves, in order.
SELECT l.leaf, e.body FROM log_leaf l JOIN event e ON e.id = l.event
WHERE l.leaf >= :next_leaf ORDER BY l.leaf LIMIT :limit;

-- name: newest_leaf
-- The last leaf of the log.
SELECT MAX(leaf) AS leaf FROM log_leaf;

-- name: count_in_delivery
-- What new events say of one delivery.
INSERT INTO conservation_delivery (delivery, document, recipient, made, queued, held, dead, delivered, rejected,
  cancelled, recalled)
VALUES (:delivery, :document, :recipient, :made, :queued, :held, :dead, :delivered, :rejected, :cancelled, :recalled)
ON CONFLICT (delivery) DO UPDATE SET recipient = excluded.recipient,
  made = conservation_delivery.made + excluded.made,
  queued = conservation_delivery.queued + excluded.queued,
  held = conservation_delivery.held + excluded.held,
  dead = conservation_delivery.dead + excluded.dead,
  delivered = conservation_delivery.delivered + excluded.delivered,
  rejected = conservation_delivery.rejected + excluded.rejected,
  cancelled = conservation_delivery.cancelled + excluded.cancelled,
  recalled = conservation_delivery.recalled + excluded.recalled;

-- name: count_in_day
-- What new events say of one agency on one day.
INSERT INTO conservation_day (day, side, agency, what, made, taken_over, handed_on, delivered, rejected, cancelled,
  recalled, queued, held, dead)
VALUES (:day, :side, :agency, :what, :made, :taken_over, :handed_on, :delivered, :rejected, :cancelled, :recalled,
  :queued, :held, :dead)
ON CONFLICT (day, side, agency, what) DO UPDATE SET
  made = conservation_day.made + excluded.made,
  taken_over = conservation_day.taken_over + excluded.taken_over,
  handed_on = conservation_day.handed_on + excluded.handed_on,
  delivered = conservation_day.delivered + excluded.delivered,
  rejected = conservation_day.rejected + excluded.rejected,
  cancelled = conservation_day.cancelled + excluded.cancelled,
  recalled = conservation_day.recalled + excluded.recalled,
  queued = conservation_day.queued + excluded.queued,
  held = conservation_day.held + excluded.held,
  dead = conservation_day.dead + excluded.dead;

-- name: count_in_successor
-- Deliveries that went to a successor.
INSERT INTO conservation_successor (day, predecessor, successor, what, deliveries)
VALUES (:day, :predecessor, :successor, :what, :deliveries)
ON CONFLICT (day, predecessor, successor, what) DO UPDATE SET
  deliveries = conservation_successor.deliveries + excluded.deliveries;

-- name: conservation_days
-- What happened on one day, by agency; '' for any of them.
SELECT * FROM conservation_day
WHERE day = :day AND (CAST(:agency AS TEXT) = '' OR agency = :agency) ORDER BY side DESC, what, agency;

-- name: conservation_open_before
-- How much was open at the beginning of a day, by agency; '' for any of them.
SELECT side, agency, what, SUM(queued) AS queued, SUM(held) AS held, SUM(dead) AS dead FROM conservation_day
WHERE day < :day AND (CAST(:agency AS TEXT) = '' OR agency = :agency)
GROUP BY side, agency, what ORDER BY side DESC, what, agency;

-- name: conservation_successors
-- Who took the place of whom on one day; '' for any of them.
SELECT * FROM conservation_successor
WHERE day = :day AND (CAST(:agency AS TEXT) = '' OR predecessor = :agency OR successor = :agency)
ORDER BY predecessor, successor, what;

-- name: all_conservation_days
-- Every row of the table, for counting again.
SELECT * FROM conservation_day ORDER BY day, side, agency, what;

-- name: all_conservation_successors
-- Every row of the table, for counting again.
SELECT * FROM conservation_successor ORDER BY day, predecessor, successor, what;

-- name: forget_conservation_days
-- Before they are counted anew.
DELETE FROM conservation_day;

-- name: forget_conservation_deliveries
-- Before they are counted anew.
DELETE FROM conservation_delivery;

-- name: forget_conservation_successors
-- Before they are counted anew.
DELETE FROM conservation_successor;

-- name: end_of_comparison
-- The last delivery of a stretch of so many; no row when fewer are left.
SELECT id FROM delivery WHERE id > :after ORDER BY id LIMIT 1 OFFSET :more;

-- name: unlike_events
-- Deliveries of a stretch whose row is not what their events say; `counted` is NULL when no event made them.
SELECT d.id AS delivery, d.document, d.recipient AS row_recipient, d.state AS row_state, c.delivery AS counted,
  c.recipient, c.made, c.queued, c.held, c.dead, c.delivered, c.rejected, c.cancelled, c.recalled
FROM delivery d LEFT JOIN conservation_delivery c ON c.delivery = d.id
WHERE d.id > :after AND d.id <= :upto AND (c.delivery IS NULL OR c.recipient <> d.recipient OR c.made <> 1
  OR CASE d.state WHEN 'queued' THEN c.queued WHEN 'held' THEN c.held WHEN 'dead' THEN c.dead
    WHEN 'delivered' THEN c.delivered WHEN 'rejected' THEN c.rejected WHEN 'cancelled' THEN c.cancelled
    ELSE c.recalled END <> 1
  OR c.queued * c.queued + c.held * c.held + c.dead * c.dead + c.delivered * c.delivered
    + c.rejected * c.rejected + c.cancelled * c.cancelled + c.recalled * c.recalled <> 1)
ORDER BY d.id LIMIT :limit;

-- name: without_row
-- Deliveries of a stretch that events made and that have no row.
SELECT c.delivery, c.document, '' AS row_recipient, '' AS row_state, c.delivery AS counted, c.recipient, c.made,
  c.queued, c.held, c.dead, c.delivered, c.rejected, c.cancelled, c.recalled
FROM conservation_delivery c LEFT JOIN delivery d ON d.id = c.delivery
WHERE c.delivery > :after AND c.delivery <= :upto AND d.id IS NULL AND NOT EXISTS (
  SELECT 1 FROM archived_month a WHERE a.state <> 'returned' AND c.delivery >= a.low AND c.delivery < a.high)
ORDER BY c.delivery LIMIT :limit;

-- name: uncounted_event_of
-- An event of a delivery that is not counted yet: its row is ahead, which is no difference.
SELECT e.id FROM event e LEFT JOIN log_leaf l ON l.event = e.id
WHERE e.document = :document AND e.delivery = :delivery AND (l.leaf IS NULL OR l.leaf >= :next_leaf) LIMIT 1;

-- name: open_differences
-- Differences that nobody set right, oldest first.
SELECT * FROM conservation_difference WHERE solved_at IS NULL ORDER BY found_at, delivery LIMIT :limit;

-- name: count_differences
-- How many there are.
SELECT COUNT(*) AS differences FROM conservation_difference WHERE solved_at IS NULL;

-- name: put_difference
-- A difference that was found now, for the first time or again after it was set right.
INSERT INTO conservation_difference (delivery, document, events_say, row_says, found_at, event, solved_at)
VALUES (:delivery, :document, :events_say, :row_says, :found_at, :event, NULL)
ON CONFLICT (delivery) DO UPDATE SET events_say = excluded.events_say, row_says = excluded.row_says,
  found_at = excluded.found_at, event = excluded.event, solved_at = NULL
WHERE conservation_difference.solved_at IS NOT NULL OR conservation_difference.events_say <> excluded.events_say
  OR conservation_difference.row_says <> excluded.row_says;

-- name: solve_difference
-- Events and row agree again.
UPDATE conservation_difference SET solved_at = :at WHERE delivery = :delivery AND solved_at IS NULL;

-- ---------------------------------------------------------------- evidence

-- name: commitments_of
-- The personal values of one event with their salts, while they exist.
SELECT name, salt, value FROM event_private WHERE event = :event ORDER BY name;

-- ---------------------------------------------------------------- verifying the exchange log

-- name: log_rows
-- Leaves with their events as they are stored, in order; event columns are NULL where the event is gone.
SELECT l.leaf, l.event, l.hash, e.id, e.at, e.type, e.document, e.message, e.delivery, e.sender, e.recipient, e.body
FROM log_leaf l LEFT JOIN event e ON e.id = l.event
WHERE l.leaf >= :start AND l.leaf < :stop ORDER BY l.leaf;

-- name: count_log_rows
-- Whether events, leaves and the queue add up, on one snapshot.
SELECT (SELECT COUNT(*) FROM event) AS events, (SELECT COUNT(*) FROM log_leaf) AS leaves,
  (SELECT COUNT(*) FROM event_unsequenced) AS waiting;

-- name: leaf_out_of_place
-- A leaf before the first or after the last that was given.
SELECT l.event FROM log_leaf l, log_state s
WHERE s.id = 1 AND (l.leaf < 0 OR l.leaf >= s.sequenced) ORDER BY l.leaf LIMIT 1;

-- name: node_out_of_place
-- A node of the first level over leaves that are not all there.
SELECT n.level, n.node FROM log_node n, log_state s
WHERE s.id = 1 AND (n.node < 0 OR (n.level = 8 AND (n.node + 1) * 256 > s.integrated)
  OR (n.level = 16 AND (n.node + 1) * 65536 > s.integrated)) ORDER BY n.level, n.node LIMIT 1;

-- name: private_values
-- Values beside the log with the bytes that commit to them, by event and name.
SELECT p.event, p.name, p.salt, p.value, e.body FROM event_private p LEFT JOIN event e ON e.id = p.event
WHERE (p.event, p.name) > (:event, :name) ORDER BY p.event, p.name LIMIT :limit;

-- name: event_beside_log
-- An event that neither has a leaf nor waits for one: it was not recorded by this program.
SELECT e.id, e.type FROM event e LEFT JOIN log_leaf l ON l.event = e.id
  LEFT JOIN event_unsequenced u ON u.at = e.at AND u.event = e.id
WHERE l.event IS NULL AND u.event IS NULL ORDER BY e.at, e.id LIMIT 1;

-- name: waiting_without_event
-- An event that was recorded and is gone before it got its leaf.
SELECT u.event FROM event_unsequenced u LEFT JOIN event e ON e.id = u.event WHERE e.id IS NULL
ORDER BY u.at, u.event LIMIT 1;

-- name: refusal_without_event
-- A refusal whose event is gone.
SELECT r.event FROM refusal r LEFT JOIN event e ON e.id = r.event WHERE e.id IS NULL ORDER BY r.event LIMIT 1;

-- name: message_without_event
-- A message whose event is gone.
SELECT m.event FROM message m LEFT JOIN event e ON e.id = m.event WHERE e.id IS NULL ORDER BY m.event LIMIT 1;

-- ---------------------------------------------------------------- a key lost

-- name: receipts_after
-- Receipts with their document and the event that names them, by id.
SELECT r.id, r.jws, r.issued_at, r.message, r.event, m.document, m.sender FROM receipt r
JOIN message m ON m.id = r.message WHERE r.id > :after ORDER BY r.id LIMIT :limit;

-- name: payloads_after
-- Payloads that can be opened, by hash.
SELECT sha256, wrapped_key FROM payload
WHERE wrapped_key IS NOT NULL AND sha256 > :after ORDER BY sha256 LIMIT :limit;

-- name: rewrap_payload
-- The same data key under another wrapping key; no row when it was destroyed or rewrapped meanwhile.
UPDATE payload SET wrapped_key = :wrapped_key WHERE sha256 = :sha256 AND wrapped_key = :before;

-- name: documents_of_payload
-- The documents whose messages, or rebuilt forms, these bytes are.
SELECT document FROM message WHERE envelope_sha256 = :sha256
UNION SELECT document FROM delivery WHERE payload = :sha256;

-- name: sealed_secrets
-- Every secret that is sealed under a wrapping key, and where it stands.
SELECT 'profile' AS place, agency AS id, secret AS sealed FROM profile WHERE secret IS NOT NULL
UNION ALL SELECT 'partner', id, sealed FROM partner_credential WHERE sealed IS NOT NULL;

-- name: reseal_profile
-- The same secret under another wrapping key.
UPDATE profile SET secret = :sealed WHERE agency = :id AND secret = :before;

-- name: reseal_partner
-- The same secret under another wrapping key.
UPDATE partner_credential SET sealed = :sealed WHERE id = :id AND sealed = :before;

-- ---------------------------------------------------------------- retention

-- name: due_private_values
-- Events before a moment that still have private values and that no freeze covers, the next by (at, id).
SELECT e.id, e.at, e.type FROM event e
WHERE (e.at, e.id) > (:after, :last) AND e.at < :before
  AND EXISTS (SELECT 1 FROM event_private p WHERE p.event = e.id)
  AND NOT EXISTS (
    SELECT 1 FROM retention_freeze f
    WHERE f.thawed_at IS NULL AND e.at >= f.from_at AND e.at < f.to_at
      AND (f.document = '' OR f.document = e.document)
      AND (f.agency = '' OR f.agency = e.sender OR f.agency = e.recipient))
ORDER BY e.at, e.id LIMIT :limit;

-- name: erase_due_values
-- The values go unless a freeze came meanwhile; the event with its commitments stays.
DELETE FROM event_private WHERE event = :event AND NOT EXISTS (
  SELECT 1 FROM event e JOIN retention_freeze f
    ON f.thawed_at IS NULL AND e.at >= f.from_at AND e.at < f.to_at
      AND (f.document = '' OR f.document = e.document)
      AND (f.agency = '' OR f.agency = e.sender OR f.agency = e.recipient)
  WHERE e.id = event_private.event);

-- name: add_retention_decision
-- A proposal; nothing is erased by it.
INSERT INTO retention_decision (id, class, version, before, found, proposed_by, proposed_at, event, decision, erased)
VALUES (:id, :class, :version, :before, :found, :proposed_by, :proposed_at, :event, '', 0);

-- name: retention_decision
-- One proposal and what was decided.
SELECT * FROM retention_decision WHERE id = :id;

-- name: retention_decisions
-- The newest proposals.
SELECT * FROM retention_decision ORDER BY proposed_at DESC, id DESC LIMIT :limit;

-- name: decide_retention
-- Once and for all.
UPDATE retention_decision SET decision = :decision, approved_by = :approved_by, decided_at = :at
WHERE id = :id AND decision = '';

-- name: count_erased
-- So many values more; `ended_at` with the last of them.
UPDATE retention_decision SET erased = erased + :erased, ended_at = COALESCE(CAST(:ended_at AS BIGINT), ended_at)
WHERE id = :id AND decision = 'approved';

-- name: add_freeze
-- From now on nothing that it covers is erased.
INSERT INTO retention_freeze (id, document, agency, from_at, to_at, event, frozen_by, frozen_at)
VALUES (:id, :document, :agency, :from_at, :to_at, :event, :frozen_by, :frozen_at);

-- name: thaw
-- It holds no more.
UPDATE retention_freeze SET thawed_at = :at WHERE id = :id AND thawed_at IS NULL;

-- name: freezes
-- What is frozen now, oldest first.
SELECT * FROM retention_freeze WHERE thawed_at IS NULL ORDER BY frozen_at, id;

-- name: freeze_of_document
-- A freeze that covers a document: by itself, its sender, one of its recipients, or its day.
SELECT f.id FROM retention_freeze f JOIN document d ON d.id = :document
WHERE f.thawed_at IS NULL AND d.created_at >= f.from_at AND d.created_at < f.to_at
  AND (f.document = '' OR f.document = d.id)
  AND (f.agency = '' OR f.agency = d.sender
    OR EXISTS (SELECT 1 FROM delivery v WHERE v.document = d.id AND v.recipient = f.agency))
ORDER BY f.frozen_at, f.id LIMIT 1;

-- ---------------------------------------------------------------- what people do

-- name: settings_seen
-- Settings as of the last start.
SELECT name, value FROM setting_seen ORDER BY name;

-- name: forget_settings_seen
-- Before they are written anew.
DELETE FROM setting_seen;

-- name: put_setting_seen
-- One setting as it is now.
INSERT INTO setting_seen (name, value, seen_at) VALUES (:name, :value, :seen_at);

-- name: erase_principal_name
-- The name goes; id, role and agencies stay, so that events go on meaning what they said.
UPDATE principal SET name = '', active = 0, erased_at = :at WHERE id = :id AND erased_at IS NULL;

-- ---------------------------------------------------------------- console accounts and sessions

-- name: add_account
-- A person who can sign in.
INSERT INTO account (principal, login, password, must_change, subject, totp_step, failures, password_at)
VALUES (:principal, :login, :password, :must_change, :subject, 0, 0, :at);

-- name: account_by_login
-- Whose login that is.
SELECT * FROM account WHERE login = :login;

-- name: account_by_subject
-- Whom the identity provider means.
SELECT * FROM account WHERE subject = :subject;

-- name: account_of
-- How a principal signs in.
SELECT * FROM account WHERE principal = :principal;

-- name: all_accounts
-- Everybody who can sign in, and when a browser of theirs was last seen.
SELECT a.*, (SELECT MAX(s.seen_at) FROM session s WHERE s.principal = a.principal) AS seen_at
FROM account a ORDER BY login;

-- name: set_password
-- A new hash; a lock ends.
UPDATE account SET password = :password, must_change = :must_change, password_at = :at, failures = 0,
  locked_until = NULL
WHERE principal = :principal;

-- name: set_totp
-- A new secret, not confirmed; or none.
UPDATE account SET totp = :totp, totp_confirmed_at = NULL, totp_step = 0 WHERE principal = :principal;

-- name: take_totp_step
-- 0 rows: that code, or a later one, was used before.
UPDATE account SET totp_step = :step, totp_confirmed_at = COALESCE(totp_confirmed_at, :at)
WHERE principal = :principal AND totp_step < :step;

-- name: count_sign_in_failure
-- One more in a row; maybe a lock.
UPDATE account SET failures = failures + 1, locked_until = :locked_until WHERE principal = :principal;

-- name: forget_sign_in_failures
-- The person proved who it is.
UPDATE account SET failures = 0, locked_until = NULL WHERE principal = :principal AND failures > 0;

-- name: set_principal_active
-- Close or open an account.
UPDATE principal SET active = :active WHERE id = :id;

-- name: add_session
-- A browser signed in.
INSERT INTO session (hash, id, principal, csrf, created_at, seen_at, expires_at, source, agent, said)
VALUES (:hash, :id, :principal, :csrf, :at, :at, :expires_at, :source, :agent, '');

-- name: session_by_hash
-- An open session, by the hash of its token.
SELECT * FROM session WHERE hash = :hash AND ended_at IS NULL AND expires_at > :at;

-- name: see_session
-- It is in use; it ends later.
UPDATE session SET seen_at = :at, expires_at = :expires_at WHERE hash = :hash AND ended_at IS NULL;

-- name: say_in_session
-- One sentence for its next page.
UPDATE session SET said = :said WHERE hash = :hash;

-- name: end_session
-- 0 rows: it was over.
UPDATE session SET ended_at = :at WHERE id = :id AND principal = :principal AND ended_at IS NULL;

-- name: end_sessions_of
-- All of a person but one.
UPDATE session SET ended_at = :at WHERE principal = :principal AND id <> :keep AND ended_at IS NULL;

-- name: open_sessions
-- Of one person, or of all when empty.
SELECT s.id, s.principal, s.created_at, s.seen_at, s.expires_at, s.source, s.agent FROM session s
WHERE s.ended_at IS NULL AND s.expires_at > :at AND (:principal = '' OR s.principal = :principal)
ORDER BY s.seen_at DESC;

-- name: sweep_sessions
-- Those that ran out long ago.
DELETE FROM session WHERE expires_at < :before;

-- ---------------------------------------------------------------- outages

-- name: add_outage
-- A proposal; nothing is left out because of it.
INSERT INTO outage (id, agency, from_at, to_at, reason, proposed_by, proposed_at, decision)
VALUES (:id, :agency, :from_at, :to_at, :reason, :proposed_by, :proposed_at, '');

-- name: decide_outage
-- Once and for all; the reason moves beside the event.
UPDATE outage SET decision = :decision, decided_by = :by, decided_at = :at, event = :event, reason = ''
WHERE id = :id AND decision = '';

-- name: withdraw_outage
-- Its hours count again.
UPDATE outage SET withdrawn_at = :at, withdrawn_by = :by
WHERE id = :id AND decision = 'approved' AND withdrawn_at IS NULL;

-- name: outage_by_id
-- One outage.
SELECT * FROM outage WHERE id = :id;

-- name: outages_within
-- Those that lie at least in part in a stretch of time, oldest first.
SELECT * FROM outage WHERE from_at < :to_at AND to_at > :from_at ORDER BY from_at, id;

-- ---------------------------------------------------------------- declared totals

-- name: replace_declared
-- A later declaration of the same days comes.
UPDATE declared_total SET replaced_at = :at
WHERE agency = :agency AND from_day = :from_day AND to_day = :to_day AND replaced_at IS NULL;

-- name: add_declared
-- What an agency's register holds for some days.
INSERT INTO declared_total (id, agency, from_day, to_day, outgoing_total, paper_only, secret_count, to_non_state,
  source, event, declared_by, declared_at)
VALUES (:id, :agency, :from_day, :to_day, :outgoing_total, :paper_only, :secret_count, :to_non_state,
  :source, :event, :declared_by, :declared_at);

-- name: declared_within
-- Declarations that share a day with a period, of one agency or ('') of all.
SELECT * FROM declared_total
WHERE to_day >= :from_day AND from_day <= :to_day AND (:agency = '' OR agency = :agency)
ORDER BY agency, from_day, to_day, declared_at, id;

-- name: documents_sent_between
-- Documents that an agency handed in within a stretch of time.
SELECT COUNT(*) AS n FROM document WHERE sender = :agency AND created_at >= :from_at AND created_at < :to_at;

-- ---------------------------------------------------------------- objectives and alerts

-- name: all_objectives
-- Every objective that was set, oldest first.
SELECT * FROM objective ORDER BY decided_at, id;

-- name: add_objective
-- A delivery objective of an agency, or of all.
INSERT INTO objective (id, agency, measure, per_mille, minutes, valid_from, valid_to, decided_by, decided_at, event)
VALUES (:id, :agency, :measure, :per_mille, :minutes, :valid_from, :valid_to, :decided_by, :decided_at, :event);

-- name: end_objective
-- It holds no more.
UPDATE objective SET ended_at = :at WHERE id = :id AND ended_at IS NULL;

-- name: waits_between
-- Deliveries of documents that began to wait within a stretch of time, and when somebody had them.
SELECT recipient, queued_at AS at,
  COALESCE(fetched_at, CASE WHEN state IN ('delivered', 'recalled') THEN settled_at END) AS done
FROM delivery
WHERE kind <> 'status' AND kind <> 'revoke' AND queued_at >= :from_at AND queued_at < :to_at
  AND state IN ('queued', 'dead', 'delivered', 'recalled');

-- name: arrivals_between
-- Deliveries of documents that arrived within a stretch of time, and the first 02 or 03 of their recipient.
SELECT d.recipient, d.settled_at AS at,
  (SELECT MIN(s.reported_at) FROM status_report s
   WHERE s.document = d.document AND s.reporter = d.recipient AND s.code IN ('02', '03')) AS done
FROM delivery d
WHERE d.kind <> 'status' AND d.kind <> 'revoke' AND d.settled_at IS NOT NULL
  AND d.settled_at >= :from_at AND d.settled_at < :to_at AND d.state = 'delivered';

-- name: waiting_since_before
-- Documents that an agency has not fetched and that began to wait before a moment.
SELECT COUNT(*) AS n FROM delivery
WHERE recipient = :recipient AND kind <> 'status' AND kind <> 'revoke' AND state IN ('queued', 'dead')
  AND fetched_at IS NULL AND queued_at < :before;

-- name: open_alerts
-- Alerts that are not over, oldest first.
SELECT * FROM alert WHERE ended_at IS NULL ORDER BY raised_at, id;

-- name: newest_alerts
-- The newest alerts, of one agency or ('') of all.
SELECT * FROM alert WHERE (:agency = '' OR agency = :agency) ORDER BY raised_at DESC, id DESC LIMIT :limit;

-- name: alert_told_since
-- An alert about the same of which a message was made since a moment.
SELECT id FROM alert
WHERE agency = :agency AND measure = :measure AND span = :span AND told = 1 AND raised_at >= :since
ORDER BY raised_at DESC LIMIT 1;

-- name: add_alert
-- An objective is missed too fast; 0 rows: that is known.
INSERT INTO alert (id, agency, measure, span, raised_at, due, missed, burn, worst, event, told)
VALUES (:id, :agency, :measure, :span, :raised_at, :due, :missed, :burn, :burn, :event, :told)
ON CONFLICT DO NOTHING;

-- name: note_alert
-- How an open alert stands.
UPDATE alert SET worst = :worst, calm_since = :calm_since WHERE id = :id AND ended_at IS NULL;

-- name: end_alert
-- It is over.
UPDATE alert SET ended_at = :at WHERE id = :id AND ended_at IS NULL;

-- name: add_alert_notice
-- A message about alerts, due at once.
INSERT INTO alert_notice (id, channel, body, made_at, due_at, tries, problem)
VALUES (:id, :channel, :body, :made_at, :due_at, 0, '');

-- name: due_alert_notices
-- Messages to send now, oldest first.
SELECT * FROM alert_notice WHERE due_at IS NOT NULL AND due_at <= :now ORDER BY made_at, id LIMIT :limit;

-- name: newest_alert_notices
-- The newest messages about alerts.
SELECT * FROM alert_notice ORDER BY made_at DESC, id DESC LIMIT :limit;

-- name: waiting_alert_notices
-- Messages that are neither sent nor given up.
SELECT COUNT(*) AS n FROM alert_notice WHERE due_at IS NOT NULL;

-- name: claim_alert_notice
-- One try belongs to one process; if that dies, the message is due again at `until`.
UPDATE alert_notice SET due_at = :until, tries = tries + 1 WHERE id = :id AND due_at = :due_at;

-- name: settle_alert_notice
-- What the try came to.
UPDATE alert_notice SET due_at = :due_at, problem = :problem, sent_at = :sent_at, given_up_at = :given_up_at
WHERE id = :id;

-- ---------------------------------------------------------------- authorised signers

-- name: all_authority
-- Every list of authorised signers.
SELECT * FROM authority ORDER BY agency, title, certificate_sha256, valid_from, types;

-- name: forget_authority_of
-- The list of one agency, before an import writes it anew.
DELETE FROM authority WHERE agency = :agency;

-- name: add_authority
-- One row of a list.
INSERT INTO authority (agency, certificate_sha256, title, prefixes, types, valid_from, valid_to, source,
  imported_at)
VALUES (:agency, :certificate_sha256, :title, :prefixes, :types, :valid_from, :valid_to, :source,
  :imported_at);

-- ---------------------------------------------------------------- calendars

-- name: all_calendars
-- Every version of the working-day calendar that was approved, oldest first.
SELECT * FROM calendar_version ORDER BY valid_from, version;

-- name: add_calendar
-- A version that a person approved.
INSERT INTO calendar_version (version, sha256, days, valid_from, approved_by, reason, event)
VALUES (:version, :sha256, :days, :valid_from, :approved_by, :reason, :event);

-- ---------------------------------------------------------------- published reports

-- name: add_report
-- A frozen report; nothing changes it later.
INSERT INTO report (id, period, from_day, to_day, provisional, synthetic, sha256, file, leaves, earlier,
  published_at, published_by, event)
VALUES (:id, :period, :from_day, :to_day, :provisional, :synthetic, :sha256, :file, :leaves, :earlier,
  :published_at, :published_by, :event);

-- name: report_file
-- One report as it was published.
SELECT file FROM report WHERE id = :id;

-- name: newest_report_of
-- The report of that period to which nothing was published after.
SELECT id, period, from_day, to_day, provisional, synthetic, sha256, leaves, earlier, published_at, published_by
FROM report WHERE period = :period ORDER BY published_at DESC, id DESC LIMIT 1;

-- name: reports_before
-- Reports, newest first, after a position in that order; of one period, or ('') of all.
SELECT id, period, from_day, to_day, provisional, synthetic, sha256, leaves, earlier, published_at, published_by
FROM report
WHERE (:period = '' OR period = :period) AND (published_at, id) < (:at, :id)
ORDER BY published_at DESC, id DESC LIMIT :limit;

-- name: event_types_from_leaf
-- How many events of each type the log holds from a leaf on.
SELECT event.type AS type, COUNT(*) AS events
FROM log_leaf JOIN event ON event.id = log_leaf.event
WHERE log_leaf.leaf >= :from_leaf AND log_leaf.leaf < :to_leaf
GROUP BY event.type ORDER BY event.type;

-- ---------------------------------------------------------------- registers (NĐ 30/2020 PL IV) and operation

-- name: register_outgoing
-- Documents that an agency sent from one instant to before another, with what their first message says.
SELECT d.id, d.document_id, d.created_at, d.frozen_at, m.kind, m.decision, m.event, m.header
FROM document d JOIN message m ON m.id = d.first_message
WHERE d.sender = :agency AND d.created_at >= :from_at AND d.created_at < :to_at
ORDER BY d.created_at, d.id LIMIT :limit;

-- name: register_recipients
-- To whom those documents went: one row for each recipient.
SELECT DISTINCT x.document, x.recipient
FROM delivery x JOIN document d ON d.id = x.document
WHERE d.sender = :agency AND d.created_at >= :from_at AND d.created_at < :to_at
  AND x.kind IN ('new', 'replace', 'update') AND x.state NOT IN ('rejected', 'cancelled')
ORDER BY x.document, x.recipient;

-- name: register_outgoing_private
-- Subjects and signers of those documents, while they exist.
SELECT d.id AS document, p.name, p.value
FROM document d JOIN message m ON m.id = d.first_message JOIN event_private p ON p.event = m.event
WHERE d.sender = :agency AND d.created_at >= :from_at AND d.created_at < :to_at
  AND p.name IN ('subject', 'signer');

-- name: register_incoming
-- Documents that reached an agency from one instant to before another: the first arrival of each.
SELECT x.document, MIN(x.sender) AS sender, MIN(COALESCE(x.fetched_at, x.settled_at)) AS arrived_at, MIN(m.header) AS header,
  MAX(CASE WHEN x.state = 'recalled' THEN 1 ELSE 0 END) AS recalled,
  MAX(COALESCE(x.status_code, '')) AS status_code, MIN(p.value) AS subject
FROM delivery x JOIN document d ON d.id = x.document JOIN message m ON m.id = d.first_message
  LEFT JOIN event_private p ON p.event = m.event AND p.name = 'subject'
WHERE x.recipient = :agency AND x.kind IN ('new', 'replace', 'update') AND x.state IN ('delivered', 'recalled')
GROUP BY x.document
HAVING MIN(COALESCE(x.fetched_at, x.settled_at)) >= :from_at AND MIN(COALESCE(x.fetched_at, x.settled_at)) < :to_at
ORDER BY MIN(COALESCE(x.fetched_at, x.settled_at)), x.document LIMIT :limit;

-- name: events_of_type_between
-- Events of one type from one instant to before another, oldest first.
SELECT id, at, type, document, sender, recipient, body FROM event
WHERE type = :type AND at >= :from_at AND at < :to_at ORDER BY at, id LIMIT :limit;

-- name: count_events_of_type_between
-- How many there are.
SELECT COUNT(*) AS events FROM event WHERE type = :type AND at >= :from_at AND at < :to_at;

-- ---------------------------------------------------------------- figures

-- name: figure_state
-- How far counting is, and which reference data the tables stand for.
SELECT next_leaf, data_end, reference, clock_seconds FROM figure_state WHERE id = 1;

-- name: move_figures
-- Leaves up to here are counted; no row when another process counted them.
UPDATE figure_state SET next_leaf = :to_leaf, data_end = :data_end
WHERE id = 1 AND next_leaf = :next_leaf AND reference = :reference;

-- name: set_figure_reference
-- The tables stand for other reference data from now on; no row when they moved on meanwhile.
UPDATE figure_state SET reference = :reference, clock_seconds = :clock_seconds
WHERE id = 1 AND next_leaf = :next_leaf;

-- name: restart_figures
-- Everything is to be counted anew, from the first leaf.
UPDATE figure_state SET next_leaf = 0, data_end = 0, reference = '' WHERE id = 1;

-- name: figure_documents
-- The D among these (JSON array of ids).
SELECT document, state FROM figure_document WHERE document IN (SELECT value FROM json_each(:documents));

-- name: figure_documents_by_number
-- The D with one of these number keys (JSON array).
SELECT document, number_key, state FROM figure_document
WHERE number_key <> '' AND number_key IN (SELECT value FROM json_each(:numbers));

-- name: figure_deliveries
-- The R among these (JSON array of [document, recipient]).
SELECT f.document, f.recipient, f.state FROM json_each(:pairs) k
JOIN figure_delivery f ON f.document = json_extract(k.value, '$[0]') AND f.recipient = json_extract(k.value, '$[1]');

-- name: figure_deliveries_of
-- How many R documents have (JSON array of ids).
SELECT document, COUNT(*) AS deliveries FROM figure_delivery
WHERE day <> '' AND document IN (SELECT value FROM json_each(:documents)) GROUP BY document;

-- name: figure_recalls
-- The recalls among these (JSON array of [message, recipient]).
SELECT f.* FROM json_each(:pairs) k
JOIN figure_recall f ON f.message = json_extract(k.value, '$[0]') AND f.recipient = json_extract(k.value, '$[1]');

-- name: figure_firsts
-- Which of these were submitted before (JSON array of [sender, document id]).
SELECT f.sender, f.document_id FROM json_each(:pairs) k
JOIN figure_first f ON f.sender = json_extract(k.value, '$[0]') AND f.document_id = json_extract(k.value, '$[1]');

-- name: figure_rows
-- Counts of these keys (JSON array of [day, agency, level]).
SELECT f.day, f.agency, f.level, f.part, f.counts FROM json_each(:keys) k
JOIN figure_day f ON f.day = json_extract(k.value, '$[0]') AND f.agency = json_extract(k.value, '$[1]')
  AND f.level = json_extract(k.value, '$[2]');

-- name: put_figure_document
-- A D as it is now.
INSERT INTO figure_document (document, day, sender, level, number_key, state)
VALUES (:document, :day, :sender, :level, :number_key, :state)
ON CONFLICT (document) DO UPDATE SET state = excluded.state;

-- name: put_figure_delivery
-- An R as it is now.
INSERT INTO figure_delivery (document, recipient, level, day, arrived_day, unfetched_since, unmoved_since, state)
VALUES (:document, :recipient, :level, :day, :arrived_day, :unfetched_since, :unmoved_since, :state)
ON CONFLICT (document, recipient) DO UPDATE SET level = excluded.level, day = excluded.day,
  arrived_day = excluded.arrived_day, unfetched_since = excluded.unfetched_since,
  unmoved_since = excluded.unmoved_since, state = excluded.state;

-- name: put_figure_recall
-- A recall as it is now.
INSERT INTO figure_recall (message, recipient, level, document, day, asked_at, state, answered_at)
VALUES (:message, :recipient, :level, :document, :day, :asked_at, :state, :answered_at)
ON CONFLICT (message, recipient) DO UPDATE SET state = excluded.state, answered_at = excluded.answered_at;

-- name: put_figure_first
-- A document id that was submitted now.
INSERT INTO figure_first (sender, document_id) VALUES (:sender, :document_id);

-- name: put_figure_series
-- A number of a series.
INSERT INTO figure_series (sender, year, type_name, day, highest, before)
VALUES (:sender, :year, :type_name, :day, :highest, (SELECT COALESCE(MAX(f.highest), 0) FROM figure_series f
  WHERE f.sender = :sender AND f.year = :year AND f.type_name = :type_name AND f.day < :day))
ON CONFLICT (sender, year, type_name, day) DO UPDATE SET highest = excluded.highest
WHERE excluded.highest > figure_series.highest;

-- name: raise_figure_series
-- Later days of a series, where events come in another order than their days.
UPDATE figure_series SET before = :highest
WHERE sender = :sender AND year = :year AND type_name = :type_name AND day > :day AND before < :highest;

-- name: put_figure_outage
-- An outage that was recorded.
INSERT INTO figure_outage (outage, agency, from_at, to_at) VALUES (:outage, :agency, :from_at, :to_at)
ON CONFLICT (outage) DO UPDATE SET agency = excluded.agency, from_at = excluded.from_at, to_at = excluded.to_at;

-- name: drop_figure_outage
-- An outage that was withdrawn.
DELETE FROM figure_outage WHERE outage = :outage;

-- name: figure_outages
-- Every outage that counts.
SELECT outage, agency, from_at, to_at FROM figure_outage ORDER BY from_at, outage;

-- name: put_figure_row
-- Counts of a day, an agency and a level.
INSERT INTO figure_day (day, agency, level, part, counts) VALUES (:day, :agency, :level, :part, :counts)
ON CONFLICT (day, agency, level, part) DO UPDATE SET counts = excluded.counts;

-- name: drop_figure_row
-- Counts that came to nothing.
DELETE FROM figure_day WHERE day = :day AND agency = :agency AND level = :level AND part = :part;

-- name: drop_figure_records
-- Counts of records on some days, before they are made anew.
DELETE FROM figure_day WHERE part = 'records' AND day >= :from_day AND day <= :to_day;

-- name: figure_days
-- The first and the last day that records count on.
SELECT MIN(first) AS first, MAX(last) AS last FROM (
  SELECT MIN(day) AS first, MAX(day) AS last FROM figure_document
  UNION ALL SELECT MIN(day), MAX(day) FROM figure_delivery WHERE day <> ''
  UNION ALL SELECT MIN(arrived_day), MAX(arrived_day) FROM figure_delivery WHERE arrived_day <> '') AS found;

-- name: figure_counts
-- Counts of the days of a period, of one agency or ('') all.
SELECT agency, level, counts FROM figure_day
WHERE day >= :from_day AND day <= :to_day AND (CAST(:agency AS TEXT) = '' OR agency = :agency);

-- name: figure_counts_by_day
-- The same with their days.
SELECT day, agency, level, counts FROM figure_day
WHERE day >= :from_day AND day <= :to_day AND (CAST(:agency AS TEXT) = '' OR agency = :agency)
ORDER BY day, agency, level, part;

-- name: figure_young_unfetched
-- R made in the period and not fetched, whose time to be fetched is not over yet.
SELECT recipient, level, day, COUNT(*) AS number FROM figure_delivery INDEXED BY figure_delivery_unfetched
WHERE unfetched_since IS NOT NULL AND unfetched_since > :since AND day >= :from_day AND day <= :to_day
GROUP BY recipient, level, day;

-- name: figure_young_unmoved
-- R that arrived in the period and were accepted, whose time for a further status is not over yet.
SELECT recipient, level, arrived_day AS day, COUNT(*) AS number FROM figure_delivery INDEXED BY figure_delivery_unmoved
WHERE unmoved_since IS NOT NULL AND unmoved_since > :since AND arrived_day >= :from_day AND arrived_day <= :to_day
GROUP BY recipient, level, arrived_day;

-- name: figure_documents_of_days
-- D of some days, in order, of one sender and level or ('') all.
SELECT day, sender, level, document, state FROM figure_document
WHERE day >= :from_day AND day <= :to_day AND (CAST(:agency AS TEXT) = '' OR sender = :agency)
  AND (CAST(:level AS TEXT) = '' OR level = :level)
  AND (day > :after_day OR (day = :after_day AND (sender > :after_agency
    OR (sender = :after_agency AND document > :after_document))))
ORDER BY day, sender, document LIMIT :limit;

-- name: figure_deliveries_of_days
-- R of the days on which they were made, in order.
SELECT day, recipient, level, document, state FROM figure_delivery
WHERE day >= :from_day AND day <= :to_day AND (CAST(:agency AS TEXT) = '' OR recipient = :agency)
  AND (CAST(:level AS TEXT) = '' OR level = :level)
  AND (day > :after_day OR (day = :after_day AND (recipient > :after_agency
    OR (recipient = :after_agency AND document > :after_document))))
ORDER BY day, recipient, document LIMIT :limit;

-- name: figure_arrivals_of_days
-- R of the days on which they arrived, in order.
SELECT arrived_day AS day, recipient, level, document, state FROM figure_delivery
WHERE arrived_day >= :from_day AND arrived_day <= :to_day AND (CAST(:agency AS TEXT) = '' OR recipient = :agency)
  AND (CAST(:level AS TEXT) = '' OR level = :level)
  AND (arrived_day > :after_day OR (arrived_day = :after_day AND (recipient > :after_agency
    OR (recipient = :after_agency AND document > :after_document))))
ORDER BY arrived_day, recipient, document LIMIT :limit;

-- name: figure_recalls_of_days
-- Recalls of the days on which they were asked, in order.
SELECT day, recipient, level, document, message, asked_at, state, answered_at FROM figure_recall
WHERE day >= :from_day AND day <= :to_day AND (CAST(:agency AS TEXT) = '' OR recipient = :agency)
ORDER BY day, recipient, message;

-- name: figure_series_of_days
-- What each series grew by in a period: the highest number up to its end less the highest before it.
SELECT sender, SUM(grown) AS grown FROM (
  SELECT sender, MAX(CASE WHEN highest > before THEN highest ELSE before END) - MIN(before) AS grown
  FROM figure_series WHERE day >= :from_day AND day <= :to_day AND year >= :from_year AND year <= :to_year
  GROUP BY sender, year, type_name) AS series GROUP BY sender;

-- name: forget_figure_documents
-- Before everything is counted anew.
DELETE FROM figure_document;

-- name: forget_figure_deliveries
-- Before everything is counted anew.
DELETE FROM figure_delivery;

-- name: forget_figure_recalls
-- Before everything is counted anew.
DELETE FROM figure_recall;

-- name: forget_figure_firsts
-- Before everything is counted anew.
DELETE FROM figure_first;

-- name: forget_figure_series
-- Before everything is counted anew.
DELETE FROM figure_series;

-- name: forget_figure_outages
-- Before everything is counted anew.
DELETE FROM figure_outage;

-- name: forget_figure_rows
-- Before everything is counted anew.
DELETE FROM figure_day;

-- ---------------------------------------------------------------- synthetic exchange

-- name: add_synthetic_payload
-- A payload of which only hash and size were ever there: as one that was destroyed when it was stored.
INSERT INTO payload (sha256, size, refs, stored_at, destroyed_at) VALUES (:sha256, :size, 1, :at, :at);

-- name: add_synthetic_delivery
-- A made-up delivery as it stands at the end; nobody is called, so it is never due.
INSERT INTO delivery (id, message, document, kind, sender, document_id, addressed, recipient, destination,
  adapter, pull, order_key, urgency, urgency_rank, state, attempts, accepted_at, queued_at, fetched_at,
  handed_over_at, settled_at, reason_code, reason_vi, reason_en, status_code, status_at, proof)
VALUES (:id, :message, :document, :kind, :sender, :document_id, :addressed, :recipient, :recipient,
  :adapter, :pull, :document, :urgency, :urgency_rank, :state, :attempts, :accepted_at, :queued_at, :fetched_at,
  :fetched_at, :settled_at, :reason_code, '', '', :status_code, :status_at, '');

-- ---------------------------------------------------------------- queue pages of the console

-- name: queue_ages
-- Open deliveries by destination, state and age; each column counts what is younger than its moment and older
-- than the one before.
SELECT destination, adapter, state, pull,
  SUM(CASE WHEN accepted_at > :minutes5 THEN 1 ELSE 0 END) AS age0,
  SUM(CASE WHEN accepted_at <= :minutes5 AND accepted_at > :minutes20 THEN 1 ELSE 0 END) AS age1,
  SUM(CASE WHEN accepted_at <= :minutes20 AND accepted_at > :hour THEN 1 ELSE 0 END) AS age2,
  SUM(CASE WHEN accepted_at <= :hour AND accepted_at > :hours4 THEN 1 ELSE 0 END) AS age3,
  SUM(CASE WHEN accepted_at <= :hours4 AND accepted_at > :day THEN 1 ELSE 0 END) AS age4,
  SUM(CASE WHEN accepted_at <= :day THEN 1 ELSE 0 END) AS age5,
  COUNT(*) AS deliveries, MIN(accepted_at) AS oldest
FROM delivery WHERE state IN ('queued', 'held', 'dead')
GROUP BY destination, adapter, state, pull ORDER BY MIN(accepted_at);

-- name: queue_of_destination
-- Open deliveries towards one destination, oldest first, from a position on.
SELECT * FROM delivery
WHERE destination = :destination AND state IN ('queued', 'held', 'dead') AND (:state = '' OR state = :state)
  AND accepted_at > :since AND accepted_at <= :until AND (accepted_at, id) > (:at, :id)
ORDER BY accepted_at, id LIMIT :limit;

-- name: last_settled
-- When a destination last took something, and when it last fetched.
SELECT MAX(settled_at) AS settled_at FROM delivery WHERE destination = :destination AND settled_at IS NOT NULL;

-- name: last_attempts
-- The newest tries towards a destination that failed, with the partner's words.
SELECT a.* FROM attempt a JOIN delivery d ON d.id = a.delivery
WHERE d.destination = :destination AND d.state IN ('queued', 'dead') AND a.outcome NOT IN ('', 'delivered')
ORDER BY a.started_at DESC LIMIT :limit;

-- name: decisions_of_delivery
-- What people and rules decided about one delivery, oldest first.
SELECT id, at, type, body FROM event
WHERE document = :document AND delivery = :delivery AND type IN ('delivery.held', 'delivery.released',
  'delivery.rerouted', 'delivery.revived', 'delivery.rejected', 'delivery.cancelled')
ORDER BY at, id;

-- ---------------------------------------------------------------- finding documents

-- name: add_document_unindexed
-- Its terms are to be written (again).
INSERT INTO document_unindexed (document) VALUES (:document) ON CONFLICT (document) DO NOTHING;

-- name: documents_unindexed
-- Documents whose terms are to be written, newest first, with what terms are made of.
SELECT u.document, d.sender, d.created_at, m.id AS message, m.header, m.verdicts, m.event
FROM document_unindexed u JOIN document d ON d.id = u.document JOIN message m ON m.id = d.first_message
ORDER BY u.document DESC LIMIT :limit;

-- name: any_document_unindexed
-- Whether any waits.
SELECT document FROM document_unindexed LIMIT 1;

-- name: forget_document_terms
-- To be written anew, or erased.
DELETE FROM document_term WHERE document = :document;

-- name: add_document_term
-- One term by which it is found.
INSERT INTO document_term (document, term) VALUES (:document, :term);

-- name: end_document_unindexed
-- Its terms are written.
DELETE FROM document_unindexed WHERE document = :document;

-- name: erase_subject_terms
-- The words of a subject go with it.
DELETE FROM document_term WHERE document = :document AND term LIKE 's:%';

-- name: erase_subject_terms_of_event
-- The same for the document of an event whose subject is gone.
DELETE FROM document_term
WHERE term LIKE 's:%' AND document = (SELECT e.document FROM event e WHERE e.id = :event AND e.type = 'document.accepted')
  AND NOT EXISTS (SELECT 1 FROM event_private p WHERE p.event = :event AND p.name = 'subject');

-- name: recipients_to_index
-- Who a document was addressed to.
SELECT DISTINCT recipient FROM delivery WHERE document = :document AND kind <> 'status';

-- name: newest_subject
-- The subject of the newest message of a document that has one, while it exists.
SELECT p.value FROM message m JOIN event_private p ON p.event = m.event AND p.name = 'subject'
WHERE m.document = :document AND m.kind IN ('new', 'update', 'replace') ORDER BY m.accepted_at DESC LIMIT 1;

-- name: first_document_from
-- The first document of an instant or later.
SELECT id FROM document WHERE created_at >= :at ORDER BY created_at, id LIMIT 1;

-- name: find_all
-- Documents, newest first.
SELECT id AS document FROM document WHERE id < :before AND id >= :since ORDER BY id DESC LIMIT :limit;

-- name: find_by_term
-- Documents with a term.
SELECT document FROM document_term
WHERE term = :term AND document < :before AND document >= :since ORDER BY document DESC LIMIT :limit;

-- name: find_by_sender
-- What an agency sent.
SELECT id AS document FROM document
WHERE sender = :sender AND id < :before AND id >= :since ORDER BY id DESC LIMIT :limit;

-- name: find_by_recipient
-- What was addressed to an agency.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND recipient = :recipient AND document < :before AND document >= :since
ORDER BY document DESC LIMIT :limit;

-- name: find_by_state
-- Documents with a delivery in a transport state.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND state = :state AND document < :before AND document >= :since
ORDER BY document DESC LIMIT :limit;

-- name: find_by_status
-- Documents of which a recipient last reported a status.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND status_code = :status AND document < :before AND document >= :since
ORDER BY document DESC LIMIT :limit;

-- name: find_by_reason
-- Documents with a delivery that was stopped for a reason.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND reason_code <> '' AND reason_code = :reason
  AND document < :before AND document >= :since
ORDER BY document DESC LIMIT :limit;

-- name: among_by_term
-- Which of some documents have a term.
SELECT document FROM document_term WHERE term = :term AND document IN (SELECT value FROM json_each(:documents));

-- name: among_by_sender
-- Which of some documents an agency sent.
SELECT id AS document FROM document WHERE sender = :sender AND id IN (SELECT value FROM json_each(:documents));

-- name: among_by_delivery
-- Which of some documents have a delivery that all of it is true of; '' asks nothing.
SELECT DISTINCT document FROM delivery
WHERE kind <> 'status' AND document IN (SELECT value FROM json_each(:documents))
  AND (:recipient = '' OR recipient = :recipient) AND (:state = '' OR state = :state)
  AND (:status = '' OR status_code = :status) AND (:reason = '' OR reason_code = :reason);

-- name: among_seen_by
-- Which of some documents an agency sees as sender or as a recipient that has it or is to have it.
SELECT id AS document FROM document WHERE sender = :agency AND id IN (SELECT value FROM json_each(:documents))
UNION
SELECT document FROM delivery
WHERE recipient = :agency AND kind NOT IN ('status', 'revoke')
  AND state NOT IN ('held', 'rejected', 'cancelled', 'recalled')
  AND document IN (SELECT value FROM json_each(:documents));

-- name: found_documents
-- What a list shows of some documents.
SELECT d.id, d.sender, d.document_id, d.created_at, m.kind, m.header, m.decision, m.urgency, m.event, p.value AS subject
FROM document d JOIN message m ON m.id = d.first_message
LEFT JOIN event_private p ON p.event = m.event AND p.name = 'subject'
WHERE d.id IN (SELECT value FROM json_each(:documents)) ORDER BY d.id DESC;

-- name: found_deliveries
-- How many deliveries of some documents stand where.
SELECT document, state, status_code, COUNT(*) AS deliveries, MIN(recipient) AS recipient FROM delivery
WHERE kind <> 'status' AND document IN (SELECT value FROM json_each(:documents))
GROUP BY document, state, status_code ORDER BY document, state, status_code;

-- name: found_terms
-- The verdicts about some documents.
SELECT document, term FROM document_term
WHERE term LIKE 'v:%' AND document IN (SELECT value FROM json_each(:documents));

-- name: document_of_part
-- The document that an id of a message, a delivery or a receipt belongs to.
SELECT document FROM message WHERE id = :id
UNION SELECT document FROM delivery WHERE id = :id
UNION SELECT m.document FROM receipt r JOIN message m ON m.id = r.message WHERE r.id = :id
LIMIT 1;

-- name: reason_codes
-- Why deliveries are stopped: every code that stands at one.
SELECT DISTINCT reason_code FROM delivery WHERE kind <> 'status' AND reason_code <> '' ORDER BY reason_code LIMIT 200;

-- name: put_saved_search
-- Under its name; the same name again replaces it.
INSERT INTO saved_search (id, principal, name, query, created_at) VALUES (:id, :principal, :name, :query, :at)
ON CONFLICT (principal, name) DO UPDATE SET query = excluded.query, created_at = excluded.created_at;

-- name: saved_search
-- One search of a person.
SELECT * FROM saved_search WHERE id = :id AND principal = :principal;

-- name: saved_searches
-- What a person saved under a name of their own.
SELECT * FROM saved_search WHERE principal = :principal AND name NOT LIKE '#%' ORDER BY name LIMIT 100;

-- name: drop_saved_search
-- A person does not need it any more.
DELETE FROM saved_search WHERE id = :id AND principal = :principal;

-- name: drop_old_searches
-- Searches without a name are kept for a while, so that going back a page works.
DELETE FROM saved_search WHERE principal = :principal AND name LIKE '#%' AND created_at < :before;

-- name: page_messages
-- The messages of a document, oldest first; statuses about it stand elsewhere.
SELECT * FROM message WHERE document = :document AND kind <> 'status' ORDER BY accepted_at, id LIMIT :limit;

-- name: page_deliveries
-- Deliveries of a document's own messages, by recipient, after a place; '' asks nothing.
SELECT * FROM delivery
WHERE document = :document AND kind <> 'status' AND (:recipient = '' OR recipient = :recipient)
  AND (:state = '' OR state = :state)
  AND (recipient > :after_recipient OR (recipient = :after_recipient AND id > :after_id))
ORDER BY recipient, id LIMIT :limit;

-- name: page_counts
-- How many deliveries of a document stand where.
SELECT state, status_code, COUNT(*) AS deliveries FROM delivery
WHERE document = :document AND kind <> 'status' GROUP BY state, status_code ORDER BY state, status_code;

-- name: page_statuses
-- The newest statuses about a document, of one agency or all.
SELECT * FROM status_report
WHERE document = :document AND (:agency = '' OR reporter = :agency OR addressee = :agency)
ORDER BY reported_at DESC, message DESC LIMIT :limit;

-- name: page_looks
-- The newest looks at a document.
SELECT id, at, type, body FROM event
WHERE document = :document AND type IN ('person.viewed', 'person.opened', 'evidence.exported')
ORDER BY at DESC, id DESC LIMIT :limit;

-- name: page_moments
-- The first and the last time that something happened to a document's deliveries.
SELECT MIN(accepted_at) AS queued_first, MIN(settled_at) AS settled_first, MAX(settled_at) AS settled_last,
  MIN(fetched_at) AS fetched_first, MAX(fetched_at) AS fetched_last, COUNT(fetched_at) AS fetched,
  COUNT(settled_at) AS settled, COUNT(*) AS deliveries
FROM delivery WHERE document = :document AND kind <> 'status';

-- name: page_status_moments
-- The first and the last time of each status about a document, and how many agencies reported it.
SELECT code, MIN(reported_at) AS first, MAX(reported_at) AS last, COUNT(DISTINCT reporter) AS agencies
FROM status_report WHERE document = :document GROUP BY code ORDER BY MIN(reported_at), code;

-- ---------------------------------------------------------------- the clerk's desk

-- name: desk_sent
-- Documents that one agency sent, newest first, before a position.
SELECT d.id, d.document_id, d.created_at, m.id AS message, m.kind, m.header, m.decision, m.event, m.urgency
FROM document d JOIN message m ON m.id = d.first_message
WHERE d.sender = :agency AND d.id < :before
ORDER BY d.id DESC LIMIT :limit;

-- name: desk_stages
-- How many deliveries of a document are in each state, with each last status.
SELECT state, status_code, fetched_at IS NOT NULL AS fetched, COUNT(*) AS deliveries FROM delivery
WHERE document = :document AND kind <> 'status' AND kind <> 'revoke'
GROUP BY 1, 2, 3;

-- name: desk_recipients
-- The deliveries of a document by recipient, after a position; `stage` narrows them ('' for all).
SELECT * FROM delivery
WHERE document = :document AND kind <> 'status' AND kind <> 'revoke'
  AND (recipient > :recipient OR (recipient = :recipient AND id > :id))
  AND (:stage = ''
    OR (:stage = 'waiting' AND state = 'queued' AND status_code IN ('', '01'))
    OR (:stage = 'arrived' AND state = 'delivered' AND status_code IN ('', '01'))
    OR (:stage = 'acknowledged' AND status_code IN ('03', '04', '05', '06', '15', '16', '13'))
    OR (:stage = 'refused' AND status_code = '02')
    OR (:stage = 'stopped' AND state NOT IN ('queued', 'delivered') AND status_code IN ('', '01')))
ORDER BY recipient, id LIMIT :limit;

-- name: desk_status_message
-- The newest message by which a recipient reported a status of this code on a document.
SELECT m.event FROM status_report r JOIN message m ON m.id = r.message
WHERE r.document = :document AND r.reporter = :reporter AND r.code = :code
ORDER BY r.reported_at DESC, r.message DESC LIMIT 1;

-- name: desk_returned
-- Deliveries of one sender that were refused or cannot go on, newest documents first, before a position.
SELECT x.*, d.created_at AS document_created_at, m.header, m.event
FROM delivery x JOIN document d ON d.id = x.document JOIN message m ON m.id = d.first_message
WHERE x.sender = :agency AND x.kind <> 'status' AND (x.status_code = '02' OR x.state IN ('held', 'dead', 'rejected'))
  AND (x.document < :document OR (x.document = :document AND x.id < :id))
ORDER BY x.document DESC, x.id DESC LIMIT :limit;

-- name: desk_unanswered
-- What one agency was sent and has not accepted or refused: most urgent and oldest first, after a position.
SELECT x.*, m.header, m.event, m.size
FROM delivery x JOIN message m ON m.id = x.message
WHERE x.recipient = :agency AND x.kind IN ('new', 'update', 'replace') AND x.status_code IN ('', '01')
  AND x.state IN ('queued', 'delivered')
  AND (x.urgency_rank > :rank OR (x.urgency_rank = :rank
    AND (x.accepted_at > :accepted_at OR (x.accepted_at = :accepted_at AND x.id > :id))))
ORDER BY x.urgency_rank, x.accepted_at, x.id LIMIT :limit;

-- name: desk_in_work
-- What one agency accepted and has not completed, in the same order.
SELECT x.*, m.header, m.event, m.size
FROM delivery x JOIN message m ON m.id = x.message
WHERE x.recipient = :agency AND x.kind IN ('new', 'update', 'replace') AND x.status_code IN ('03', '04', '05')
  AND x.state IN ('queued', 'delivered')
  AND (x.urgency_rank > :rank OR (x.urgency_rank = :rank
    AND (x.accepted_at > :accepted_at OR (x.accepted_at = :accepted_at AND x.id > :id))))
ORDER BY x.urgency_rank, x.accepted_at, x.id LIMIT :limit;

-- name: desk_count_unanswered
-- How much one agency has not answered, counted up to a limit.
SELECT COUNT(*) AS deliveries FROM (SELECT 1 AS one FROM delivery
  WHERE recipient = :agency AND kind IN ('new', 'update', 'replace') AND status_code IN ('', '01')
    AND state IN ('queued', 'delivered') LIMIT :limit) counted;

-- name: desk_count_in_work
-- The same for what it accepted and has not completed.
SELECT COUNT(*) AS deliveries FROM (SELECT 1 AS one FROM delivery
  WHERE recipient = :agency AND kind IN ('new', 'update', 'replace') AND status_code IN ('03', '04', '05')
    AND state IN ('queued', 'delivered') LIMIT :limit) counted;

-- name: desk_count_troubled
-- The same for what came back to it or cannot go on.
SELECT COUNT(*) AS deliveries FROM (SELECT 1 AS one FROM delivery
  WHERE sender = :agency AND kind <> 'status' AND (status_code = '02' OR state IN ('held', 'dead', 'rejected'))
  LIMIT :limit) counted;

-- name: desk_recalls_to_answer
-- Documents that one agency is asked to give back and has not answered about, longest asked first.
SELECT r.message, r.document, r.cause, r.asked_at, d.document_id, d.sender, m.header, m.event, a.event AS asked_event
FROM recall r JOIN document d ON d.id = r.document JOIN message m ON m.id = d.first_message
JOIN message a ON a.id = r.message
WHERE r.recipient = :agency AND r.state = 'asked'
ORDER BY r.asked_at, r.message LIMIT :limit;

-- name: desk_delivery_of
-- The newest delivery of a document to one recipient that it may know of.
SELECT id FROM delivery
WHERE document = :document AND recipient = :recipient AND kind <> 'status' AND state NOT IN ('held', 'rejected', 'cancelled')
ORDER BY accepted_at DESC, id DESC LIMIT 1;

-- name: desk_statuses
-- Statuses that wait in the inbox of one agency, oldest first.
SELECT id FROM delivery
WHERE destination = :agency AND recipient = :agency AND kind = 'status' AND state = 'queued' AND pull = 1
ORDER BY urgency_rank, accepted_at, id LIMIT :limit;

-- name: add_by_hand
-- A clerk did something in place of her agency's document system.
INSERT INTO by_hand (id, agency, what, message, delivery, principal, at)
VALUES (:id, :agency, :what, :message, :delivery, :principal, :at);

-- name: by_hand_of
-- What was done by hand for one agency, newest first, before a position.
SELECT h.*, m.header, m.event, m.document, d.document_id, d.sender
FROM by_hand h JOIN message m ON m.id = h.message JOIN document d ON d.id = m.document
WHERE h.agency = :agency AND h.id < :before
ORDER BY h.id DESC LIMIT :limit;

-- name: by_hand_sent
-- Whether a message was sent by hand.
SELECT id FROM by_hand WHERE message = :message AND what = 'sent' LIMIT 1;

-- ---------------------------------------------------------------- audit pages of the console

-- name: newest_events
-- The newest events before a position, those of an agency or of everybody; at most `look` are looked at.
SELECT * FROM (
  SELECT id, at, type, document, delivery, sender, recipient, body FROM event
  WHERE (at, id) < (:at, :id) AND at >= :since ORDER BY at DESC, id DESC LIMIT :look
) newest
WHERE :agency = '' OR sender = :agency OR recipient = :agency
ORDER BY at DESC, id DESC LIMIT :limit;

-- name: newest_events_of_type
-- The same of one type.
SELECT * FROM (
  SELECT id, at, type, document, delivery, sender, recipient, body FROM event
  WHERE type = :type AND (at, id) < (:at, :id) AND at >= :since ORDER BY at DESC, id DESC LIMIT :look
) newest
WHERE :agency = '' OR sender = :agency OR recipient = :agency
ORDER BY at DESC, id DESC LIMIT :limit;

-- name: event_by_id
-- One event.
SELECT * FROM event WHERE id = :id;

-- name: oldest_looked_at
-- How far a look of so many events back from a position goes.
SELECT at, id FROM event WHERE (at, id) < (:at, :id) AND at >= :since ORDER BY at DESC, id DESC
LIMIT 1 OFFSET :look;

-- name: newest_checkpoints
-- Signed heads before a number, newest first.
SELECT * FROM log_checkpoint WHERE number < :number ORDER BY number DESC LIMIT :limit;

-- ---------------------------------------------------------------- agencies' pages of the console

-- name: newest_calls
-- The newest notes that a known caller came.
SELECT at, body FROM event WHERE type = :type ORDER BY at DESC, id DESC LIMIT :limit;

-- name: last_sent
-- When an agency last handed in a document.
SELECT MAX(created_at) AS at FROM document WHERE sender = :sender;

-- ---------------------------------------------------------------- nodes

-- name: put_node
-- A node says that it is there, for the first time or after it was forgotten.
INSERT INTO node (id, host, pid, version, keys, started_at, seen_at, beat, draining, used)
VALUES (:id, :host, :pid, :version, :keys, :started_at, :seen_at, :beat, :draining, :used);

-- name: beat_node
-- A node says that it is still there, and what it has used since the last time.
UPDATE node SET keys = :keys, seen_at = :seen_at, beat = :beat, draining = :draining, used = :used WHERE id = :id;

-- name: nodes
-- Every node, the oldest first.
SELECT * FROM node ORDER BY started_at, id;

-- name: drop_node
-- A node is gone.
DELETE FROM node WHERE id = :id;

-- name: drop_other_nodes
-- No other node can be there: the database belongs to one process.
DELETE FROM node WHERE id <> :id;

-- name: lease_by_name
-- Who does that work.
SELECT name, holder, epoch FROM lease WHERE name = :name;

-- name: take_lease
-- Take the work over from whoever had it in that epoch; a new epoch begins.
UPDATE lease SET holder = :holder, epoch = epoch + 1 WHERE name = :name AND epoch = :epoch;

-- name: release_lease
-- Others may take the work at once.
UPDATE lease SET holder = '' WHERE name = :name AND holder = :holder AND epoch = :epoch;

-- name: prove_lease
-- One row while the work is still ours.
SELECT epoch FROM lease WHERE name = :name AND epoch = :epoch;

-- name: identity
-- Which gateway this database belongs to.
SELECT log_key FROM identity WHERE id = 1;

-- name: put_identity
-- It belongs to this one.
INSERT INTO identity (id, log_key, seen_at) VALUES (1, :log_key, :seen_at);

-- name: door_failures
-- How often an address, or a login that nobody has, failed.
SELECT failures, since, locked_until FROM sign_in_failure WHERE kind = :kind AND name = :name;

-- name: lock_door_failures
-- The same, to count one more.
SELECT failures, since, locked_until FROM sign_in_failure WHERE kind = :kind AND name = :name;

-- name: put_door_failures
-- As of now.
INSERT INTO sign_in_failure (kind, name, failures, since, locked_until)
VALUES (:kind, :name, :failures, :since, :locked_until)
ON CONFLICT (kind, name) DO UPDATE SET failures = :failures, since = :since, locked_until = :locked_until;

-- name: drop_door_failures
-- Those that began before a moment and lock nothing any more.
DELETE FROM sign_in_failure WHERE since < :before AND (locked_until IS NULL OR locked_until < :now);

-- name: call_nodes
-- A word to the other nodes: there are none.
SELECT CAST(:word AS TEXT) AS word;

-- name: log_epochs
-- The epochs of the log after the first, in order.
SELECT number, origin, shared, leaf, before_origin, event, opened_at FROM log_epoch ORDER BY number;

-- name: add_log_epoch
-- The log goes on in this one.
INSERT INTO log_epoch (number, origin, shared, leaf, before_origin, event, opened_at)
VALUES (:number, :origin, :shared, :leaf, :before_origin, :event, :opened_at);

-- name: add_lost_head
-- A head of an earlier epoch that is not of this tree.
INSERT INTO log_lost_head (origin, size, root, note) VALUES (:origin, :size, :root, :note)
ON CONFLICT (origin, size, root) DO NOTHING;

-- name: add_second_copy_due
-- The copy of this acceptance is to be written.
INSERT INTO second_copy_due (message, at, body) VALUES (:message, :at, :body);

-- name: drop_second_copy_due
-- It is written.
DELETE FROM second_copy_due WHERE message = :message AND at = :at;

-- name: second_copy_due_of
-- What of a message may not be on the second disk.
SELECT message, at, body FROM second_copy_due WHERE message = :message ORDER BY at;

-- name: second_copy_due
-- The same of all messages.
SELECT message, at, body FROM second_copy_due ORDER BY at, message LIMIT :limit;

-- name: put_restore_item
-- One thing that came of a restore.
INSERT INTO restore_item (epoch, kind, id, sender, document_id, receipt, detail, at)
VALUES (:epoch, :kind, :id, :sender, :document_id, :receipt, :detail, :at)
ON CONFLICT (epoch, kind, id) DO UPDATE SET detail = excluded.detail;

-- name: pending_restore
-- What `gateway restore` wrote here and nobody opened an epoch for.
SELECT detail FROM restore_item WHERE epoch = 0 ORDER BY at DESC, id LIMIT 1;

-- name: drop_pending_restores
-- The epoch is open.
DELETE FROM restore_item WHERE epoch = 0;

-- name: drop_restore_item
-- It is settled.
DELETE FROM restore_item WHERE epoch = :epoch AND kind = :kind AND id = :id;

-- name: restore_items
-- What came of the restore before an epoch.
SELECT kind, id, sender, document_id, receipt, detail, at FROM restore_item WHERE epoch = :epoch
ORDER BY kind, at, id;
