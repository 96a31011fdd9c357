-- Who may take how many numbers: by real name where a service asks for it, and a pause for who takes and does not come.

-- An ID number is never kept: its keyed hash finds the same person again, its last four digits tell the desk whom it has before it.
ALTER TABLE services
    ADD real_name    text NOT NULL DEFAULT 'optional' CHECK (real_name IN ('none', 'optional', 'required')),
    ADD person_limit integer CHECK (person_limit > 0);      -- tickets a person may take in a day; NULL is no limit
ALTER TABLE tickets ADD id_mask text CHECK (length(id_mask) <= 4);
CREATE INDEX tickets_of_person ON tickets (hall, person, day) WHERE person IS NOT NULL;

-- A number that was taken and not used. Restored and served after all, it is no strike.
CREATE TABLE strikes (
    ticket bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall   integer NOT NULL REFERENCES halls,
    person bytea NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('cancelled', 'missed', 'expired')),
    at     timestamptz NOT NULL
);
CREATE INDEX strikes_of_person ON strikes (hall, person, at);

CREATE TABLE bans (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall        integer NOT NULL REFERENCES halls,
    person      bytea NOT NULL,
    id_mask     text,
    strikes     integer NOT NULL,
    made_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL CHECK (until > made_at),
    appeal      text,                   -- what the person says; kept by the desk
    appealed_at timestamptz,
    lifted_at   timestamptz,
    lifted_by   text,
    lifted_why  text,
    CONSTRAINT ban_is_lifted_by_somebody CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lifted_why IS NULL))
);
CREATE INDEX bans_running ON bans (hall, person, until) WHERE lifted_at IS NULL;

-- A hall's number setting, or what is usual.
CREATE FUNCTION setting(of_hall integer, of_name text, usual integer) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT CASE jsonb_typeof(value) WHEN 'boolean' THEN value::boolean::integer ELSE value::integer END FROM settings WHERE hall = of_hall AND name = of_name), usual)
$$;

-- Both triggers run when the act that fired them holds the hall's stream row to its commit, and each of their statements
-- reads anew: what they count is whole, as if a lock had been taken first.
CREATE FUNCTION person_takes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE most integer; broken text;
BEGIN
    IF EXISTS (SELECT FROM bans WHERE hall = NEW.hall AND person = NEW.person AND lifted_at IS NULL AND until > hall_now()) THEN
        broken := 'banned';
    END IF;
    most := setting(NEW.hall, 'person_day_limit', 0);
    IF broken IS NULL AND most > 0 AND (SELECT count(*) > most FROM tickets WHERE hall = NEW.hall AND person = NEW.person AND day = NEW.day) THEN
        broken := 'too_many_today';
    END IF;
    IF broken IS NULL AND EXISTS (
        SELECT FROM services s WHERE s.hall = NEW.hall AND s.code = ANY(NEW.services) AND s.person_limit < (
            SELECT count(*) FROM tickets t WHERE t.hall = NEW.hall AND t.person = NEW.person AND t.day = NEW.day AND s.code = ANY(t.services))
    ) THEN
        broken := 'too_many_of_service';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this person may not take a number: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER person_takes AFTER INSERT ON tickets
    FOR EACH ROW WHEN (NEW.person IS NOT NULL) EXECUTE FUNCTION person_takes();

-- A person of that hash takes no number and books no place for a while, and the record says so.
CREATE FUNCTION pause_person(of_hall integer, of_person bytea, mask text, struck integer, lasts interval, of_ticket bigint, number text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE ban bans; told bigint;
BEGIN
    INSERT INTO bans (hall, person, id_mask, strikes, made_at, until)
    VALUES (of_hall, of_person, mask, struck, hall_now(), hall_now() + lasts) RETURNING * INTO ban;
    UPDATE hall_streams SET top = top + 1 WHERE hall = of_hall RETURNING top INTO told;
    INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, data)
    VALUES (of_hall, told, 'person.banned', 'clock', 'strikes', of_ticket,
            jsonb_build_object('ban', ban.id, 'until', ban.until, 'strikes', struck, 'ticket', number));
END $$;

CREATE FUNCTION person_did_not_come() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE most integer; struck integer;
BEGIN
    IF NEW.state NOT IN ('cancelled', 'missed', 'expired') THEN
        DELETE FROM strikes WHERE ticket = NEW.id;
        RETURN NULL;
    END IF;
    most := setting(NEW.hall, 'strikes', 0);
    IF most = 0 OR NEW.state = 'cancelled' AND setting(NEW.hall, 'strike_cancelled', 1) = 0
        OR NEW.state = 'expired' AND (OLD.call_no = 0 OR OLD.state NOT IN ('waiting', 'called', 'missed')) THEN  -- nobody called them
        RETURN NULL;
    END IF;
    INSERT INTO strikes (ticket, hall, person, kind, at) VALUES (NEW.id, NEW.hall, NEW.person, NEW.state::text, hall_now())
    ON CONFLICT (ticket) DO NOTHING;
    SELECT count(*) INTO struck FROM strikes s WHERE s.hall = NEW.hall AND s.person = NEW.person
        AND s.at > hall_now() - make_interval(days => setting(NEW.hall, 'strike_days', 30))
        AND s.at > coalesce((SELECT max(greatest(made_at, lifted_at)) FROM bans WHERE hall = NEW.hall AND person = NEW.person), '-infinity');
    IF struck < most THEN
        RETURN NULL;
    END IF;
    PERFORM pause_person(NEW.hall, NEW.person, NEW.id_mask, struck, make_interval(hours => setting(NEW.hall, 'ban_hours', 24)), NEW.id, NEW.number);
    RETURN NULL;
END $$;
CREATE TRIGGER person_did_not_come AFTER UPDATE OF state ON tickets
    FOR EACH ROW WHEN (NEW.person IS NOT NULL AND NEW.state IS DISTINCT FROM OLD.state
        AND (NEW.state IN ('cancelled', 'missed', 'expired') OR OLD.state = 'missed')) EXECUTE FUNCTION person_did_not_come();
