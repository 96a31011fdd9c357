-- Appointments: the places a schedule gives out ahead of the day, and who has which.

ALTER TABLE services ADD bookable boolean NOT NULL DEFAULT true;

-- Capacity follows the calendar and the roster and never falls below what is taken. Over it, `spare` places may be given
-- where the hall overbooks by its measured share of no-shows.
CREATE TABLE slots (
    hall     integer NOT NULL,
    service  text NOT NULL,
    start    timestamptz NOT NULL,
    ends     timestamptz NOT NULL CHECK (ends > start),
    day      date NOT NULL,
    capacity integer NOT NULL CHECK (capacity >= 0),
    spare    integer NOT NULL DEFAULT 0 CHECK (spare >= 0),
    taken    integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    PRIMARY KEY (hall, service, start),
    FOREIGN KEY (hall, service) REFERENCES services,
    CONSTRAINT slot_has_places CHECK (taken <= capacity + spare)
);

CREATE TABLE appointments (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL CONSTRAINT appointment_code_once UNIQUE CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{10}$'),
    hall          integer NOT NULL,
    service       text NOT NULL,
    start         timestamptz NOT NULL,
    day           date NOT NULL,
    state         text NOT NULL DEFAULT 'booked' CHECK (state IN ('booked', 'checked_in', 'cancelled', 'no_show')),
    matters       text[] NOT NULL DEFAULT '{}',
    channel       text NOT NULL CHECK (channel IN ('web', 'desk', 'api')),
    lang          text NOT NULL DEFAULT 'zh-Hans',
    person        bytea,                -- keyed hash of the ID number; forgotten with what follows
    id_mask       text CHECK (length(id_mask) <= 4),
    phone         bytea,                -- keyed hash
    name_sealed   bytea,
    phone_sealed  bytea,
    booked_at     timestamptz NOT NULL,
    checked_in_at timestamptz,
    ended_at      timestamptz,
    late          boolean NOT NULL DEFAULT false,       -- given back after the hall's own hour for it
    ticket_key    text,                                 -- of the ticket it became
    FOREIGN KEY (hall, service, start) REFERENCES slots,
    CONSTRAINT checked_in_has_a_ticket CHECK ((state = 'checked_in') = (ticket_key IS NOT NULL)),
    CONSTRAINT one_check_in UNIQUE (ticket_key)
);
-- One matter once a day for a person: more of one kind is a row of its own kind of queue-jumping.
CREATE UNIQUE INDEX one_booking_a_day ON appointments (hall, person, service, day) WHERE state IN ('booked', 'checked_in');
CREATE INDEX appointments_of_person ON appointments (hall, person, day) WHERE person IS NOT NULL;
CREATE INDEX appointments_due ON appointments (hall, start) WHERE state = 'booked';
CREATE INDEX appointments_of_slot ON appointments (hall, service, start);

-- A place that was taken and let fall. `bans` of the queue keep who may not book, or take a number, for a while.
CREATE TABLE booking_strikes (
    appointment bigint PRIMARY KEY REFERENCES appointments ON DELETE CASCADE,
    hall        integer NOT NULL REFERENCES halls,
    person      bytea NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('no_show', 'late_cancel')),
    at          timestamptz NOT NULL
);
CREATE INDEX booking_strikes_of_person ON booking_strikes (hall, person, at);

-- Both triggers run when the act holds the hall's stream row to its commit; what they count is whole.
CREATE FUNCTION person_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
    IF EXISTS (SELECT FROM bans WHERE hall = NEW.hall AND person = NEW.person AND lifted_at IS NULL AND until > hall_now()) THEN
        broken := 'banned';
    ELSIF (SELECT count(*) > setting(NEW.hall, 'book_open', 3) FROM appointments
           WHERE hall = NEW.hall AND person = NEW.person AND state = 'booked') THEN
        broken := 'too_many_bookings';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this person may not book: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER person_books AFTER INSERT ON appointments
    FOR EACH ROW WHEN (NEW.person IS NOT NULL) EXECUTE FUNCTION person_books();

CREATE FUNCTION booking_was_let_fall() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE most integer := setting(NEW.hall, 'book_strikes', 2); struck integer;
BEGIN
    IF most = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO booking_strikes (appointment, hall, person, kind, at)
    VALUES (NEW.id, NEW.hall, NEW.person, CASE NEW.state WHEN 'no_show' THEN 'no_show' ELSE 'late_cancel' END, hall_now())
    ON CONFLICT (appointment) DO NOTHING;
    SELECT count(*) INTO struck FROM booking_strikes s WHERE s.hall = NEW.hall AND s.person = NEW.person
        AND s.at > hall_now() - make_interval(days => setting(NEW.hall, 'book_strike_days', 30))
        AND s.at > coalesce((SELECT max(greatest(made_at, lifted_at)) FROM bans WHERE hall = NEW.hall AND person = NEW.person), '-infinity');
    IF struck < most THEN
        RETURN NULL;
    END IF;
    PERFORM pause_person(NEW.hall, NEW.person, NEW.id_mask, struck, make_interval(days => setting(NEW.hall, 'book_ban_days', 30)), NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER booking_was_let_fall AFTER UPDATE OF state ON appointments
    FOR EACH ROW WHEN (NEW.person IS NOT NULL AND OLD.state = 'booked' AND (NEW.state = 'no_show' OR NEW.state = 'cancelled' AND NEW.late))
    EXECUTE FUNCTION booking_was_let_fall();
