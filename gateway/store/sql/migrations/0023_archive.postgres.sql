-- Events and deliveries, attempts and answers, by month of the id of event or delivery: an id is a UUIDv7, its text sorts by
-- time, so primary keys stay what they are and no query needs a new column. Personal values (event_private) have no months:
-- what must be erased in its time may not lie in a file outside.
--
-- What does not fit through a partitioned table, and what stands for it here:
-- * UNIQUE (message, addressed) of a delivery has no id in it. Each month has its own unique index; for a delivery made
--   in another minute than its message, a trigger looks through the other months.
-- * Foreign keys that point at events and deliveries would forbid to take a month out; there are none here. The same
--   tests run on SQLite, which has them.
-- What lies in no month of its own (other clocks, imported history) is in the default partition.

CREATE FUNCTION month_of_id(id TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7' THEN
    to_char(to_timestamp(('x0000' || left(id, 8) || substr(id, 10, 4))::bit(64)::bigint / 1000.0)
      AT TIME ZONE INTERVAL '+07:00', 'YYYYMM') END
$$;

-- The first id that a month can have; ids of earlier months sort before it.
CREATE FUNCTION month_begins(month TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
  SELECT left(hex, 8) || '-' || substr(hex, 9) FROM (SELECT lpad(to_hex((1000 * extract(
    epoch FROM to_timestamp(month || ' +07', 'YYYYMM TZH')))::bigint), 12, '0') AS hex) ms
$$;

CREATE FUNCTION month_after(month TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
  SELECT to_char(to_date(month, 'YYYYMM') + INTERVAL '1 month', 'YYYYMM')
$$;

-- The tables that have months, always locked in this order; the column by which they are cut, and the rest of the key.
CREATE FUNCTION monthly() RETURNS TABLE (parent TEXT, key TEXT, rest TEXT) LANGUAGE sql IMMUTABLE AS $$
  VALUES ('delivery', 'id', 'id'), ('attempt', 'delivery', 'id'), ('delivery_answer', 'delivery', 'delivery'),
    ('event', 'id', 'id')
$$;

-- Tables of a month beside the others, empty and not part of them yet.
CREATE FUNCTION lay_month(month TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
  child TEXT;
BEGIN
  FOR part IN SELECT * FROM monthly() LOOP
    child := part.parent || '_' || month;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, part.parent);
    IF part.parent = 'delivery' THEN
      EXECUTE format('CREATE UNIQUE INDEX %I ON %I (message, addressed)', child || '_once', child);
    END IF;
  END LOOP;
END
$$;

-- All four tables for a moment; who waits behind us waits no longer than we may.
CREATE FUNCTION lock_months() RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('lock_timeout', '3s', true);
  LOCK TABLE delivery, attempt, delivery_answer, event IN ACCESS EXCLUSIVE MODE;
END
$$;

-- The tables of a month become part of the others; what lies of it in the default partition moves in.
CREATE FUNCTION attach_month(month TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
  child TEXT;
  low TEXT := month_begins(month);
  high TEXT := month_begins(month_after(month));
BEGIN
  PERFORM lock_months();
  FOR part IN SELECT * FROM monthly() LOOP
    child := part.parent || '_' || month;
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
      part.parent || '_default', part.key, low, part.key, high, child);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part.parent, child, low, high);
  END LOOP;
END
$$;

-- 1: made, 0: it is there already (or was taken out and stands beside).
CREATE FUNCTION make_month(month TEXT) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF to_regclass('event_' || month) IS NOT NULL THEN
    RETURN 0;
  END IF;
  PERFORM lock_months();
  IF to_regclass('event_' || month) IS NOT NULL THEN
    RETURN 0;
  END IF;
  PERFORM lay_month(month), attach_month(month);
  RETURN 1;
END
$$;

-- The month is no part of the tables any more; its own stay beside them. How many rows they hold. Not CONCURRENTLY: that
-- is not possible in a transaction, nor beside a default partition.
CREATE FUNCTION detach_month(month TEXT) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
  found BIGINT;
  rows BIGINT := 0;
BEGIN
  PERFORM lock_months();
  FOR part IN SELECT * FROM monthly() LOOP
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', part.parent, part.parent || '_' || month);
    EXECUTE format('SELECT count(*) FROM %I', part.parent || '_' || month) INTO found;
    rows := rows + found;
  END LOOP;
  RETURN rows;
END
$$;

CREATE FUNCTION drop_month(month TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
BEGIN
  FOR part IN SELECT * FROM monthly() LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I', part.parent || '_' || month);
  END LOOP;
END
$$;

-- Rows of one table of a month as JSON, in the order of their keys, after a place.
CREATE FUNCTION month_rows(noun TEXT, month TEXT, after_key TEXT, after_rest TEXT, most BIGINT)
RETURNS TABLE (key TEXT, rest TEXT, line TEXT) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
BEGIN
  SELECT * INTO STRICT part FROM monthly() WHERE parent = noun;
  RETURN QUERY EXECUTE format('SELECT %I::text, %I::text, row_to_json(t)::text FROM %I t WHERE (%I, %I) > ($1, $2) '
    'ORDER BY %I, %I LIMIT $3', part.key, part.rest, part.parent || '_' || month, part.key, part.rest, part.key, part.rest)
    USING after_key, after_rest, most;
END
$$;

-- Write such rows (a JSON array) into the tables of a month that stand beside the others.
CREATE FUNCTION fill_month(noun TEXT, month TEXT, lines TEXT) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part RECORD;
  filled BIGINT;
BEGIN
  SELECT * INTO STRICT part FROM monthly() WHERE parent = noun;
  EXECUTE format('INSERT INTO %I SELECT * FROM json_populate_recordset(NULL::%I, $1::json)', part.parent || '_' || month,
    part.parent || '_' || month) USING lines;
  GET DIAGNOSTICS filled = ROW_COUNT;
  RETURN filled;
END
$$;

-- They run with the rights of whoever owns the tables, so that the gateway's own account needs none to change tables.
REVOKE EXECUTE ON FUNCTION lay_month, lock_months, attach_month, make_month, detach_month, drop_month, month_rows, fill_month
  FROM PUBLIC;

-- A second delivery of one message to one address, though the first lies in another month.
CREATE FUNCTION delivery_once() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.message || ' ' || NEW.addressed, 23));
  IF EXISTS (SELECT 1 FROM delivery WHERE message = NEW.message AND addressed = NEW.addressed) THEN
    RAISE unique_violation USING MESSAGE = 'the message has a delivery for this address', TABLE = 'delivery';
  END IF;
  RETURN NEW;
END
$$;

-- The conversion: each table is made anew with the same words, its rows move, its indexes and constraints follow.
DO $$
DECLARE
  part RECORD;
  line RECORD;
  month TEXT;
  months TEXT[];
  texts TEXT[];
BEGIN
  FOR line IN SELECT conrelid::regclass AS child, conname FROM pg_constraint
    WHERE contype = 'f' AND confrelid IN ('event'::regclass, 'delivery'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', line.child, line.conname);
  END LOOP;
  ALTER TABLE attempt DROP CONSTRAINT attempt_pkey;
  ALTER TABLE attempt ADD CONSTRAINT attempt_pkey PRIMARY KEY (delivery, id);

  SELECT array_agg(found.month ORDER BY found.month) INTO months FROM (
    SELECT month_of_id(id) AS month FROM delivery UNION SELECT month_of_id(id) FROM event
    UNION SELECT to_char(now() AT TIME ZONE INTERVAL '+07:00' + i * INTERVAL '1 month', 'YYYYMM')
      FROM generate_series(0, 2) i
  ) found WHERE found.month IS NOT NULL;

  FOR part IN SELECT * FROM monthly() LOOP
    SELECT COALESCE(array_agg(indexdef), '{}') INTO texts FROM pg_indexes
      WHERE schemaname = current_schema() AND tablename = part.parent AND indexdef NOT LIKE 'CREATE UNIQUE%';
    SELECT texts || COALESCE(array_agg(format('ALTER TABLE %I ADD CONSTRAINT %I %s', part.parent, conname,
        pg_get_constraintdef(oid))), '{}') INTO texts
      FROM pg_constraint WHERE conrelid = part.parent::regclass AND contype IN ('f', 'p');
    EXECUTE format('ALTER TABLE %I RENAME TO %I', part.parent, part.parent || '_old');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (%I)',
      part.parent, part.parent || '_old', part.key);
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', part.parent || '_default', part.parent);
    FOREACH month IN ARRAY months LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part.parent || '_' || month,
        part.parent, month_begins(month), month_begins(month_after(month)));
    END LOOP;
    EXECUTE format('INSERT INTO %I SELECT * FROM %I', part.parent, part.parent || '_old');
    EXECUTE format('DROP TABLE %I', part.parent || '_old');
    FOR i IN 1 .. cardinality(texts) LOOP
      EXECUTE texts[i];
    END LOOP;
  END LOOP;

  FOREACH month IN ARRAY months || 'default'::text LOOP
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (message, addressed)', 'delivery_' || month || '_once',
      'delivery_' || month);
  END LOOP;
END $$;

CREATE TRIGGER delivery_once BEFORE INSERT ON delivery FOR EACH ROW
  WHEN (left(NEW.id, 8) <> left(NEW.message, 8)) -- 2^16 ms
  EXECUTE FUNCTION delivery_once();
