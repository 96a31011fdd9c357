-- Closing time, and what goes wrong on the floor: the last ticket by capacity, the day's end as expected, alarms.

ALTER TABLE doors
    ADD by_capacity boolean NOT NULL DEFAULT false,     -- no more tickets once one more could not be served by closing
    ADD planned_last timestamptz;                       -- when the last ticket was to be, where it came early by capacity

-- How long the day goes on, played with everybody still to come. Lost in a crash, and made again seconds later.
CREATE UNLOGGED TABLE day_ends (
    hall    integer PRIMARY KEY,
    made_at timestamptz NOT NULL,
    p50_s   integer NOT NULL,           -- seconds from made_at until the last visit ends; -1: some nobody serves
    p90_s   integer NOT NULL
) WITH (fillfactor = 50);

-- What somebody on the floor should look at. It forms while its cause lasts shorter than the hall's minutes for it, is raised
-- once, and is cleared when its cause is gone.
CREATE TABLE alarms (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL REFERENCES halls,
    kind       text NOT NULL CHECK (kind IN ('long_wait', 'long_service', 'idle', 'left', 'no_window')),
    subject    text NOT NULL,           -- service:A, window:3
    service    text,
    window_no  text,
    since      timestamptz NOT NULL,    -- of the cause
    raised_at  timestamptz,
    cleared_at timestamptz,
    seen_at    timestamptz,
    seen_by    text,
    CONSTRAINT alarm_is_seen_by_somebody CHECK ((seen_at IS NULL) = (seen_by IS NULL)),
    CONSTRAINT alarm_is_raised_before_it_ends CHECK (raised_at IS NOT NULL OR (cleared_at IS NULL AND seen_at IS NULL))
);
CREATE UNIQUE INDEX alarm_rings_once ON alarms (hall, kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarms_cleared ON alarms (cleared_at);

-- A visit that the hall could not take on today and that goes on otherwise: as a booking, or not at all, by the visitor's word.
ALTER TABLE tickets ADD carried text CHECK (carried IN ('slot', 'declined')),
    ADD CONSTRAINT carried_is_over CHECK (carried IS NULL OR state = 'cancelled');

-- Who was carried on did not let a number fall.
CREATE OR REPLACE FUNCTION person_did_not_come() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE most integer; struck integer;
BEGIN
    IF NEW.state NOT IN ('cancelled', 'missed', 'expired') OR NEW.carried IS NOT NULL THEN
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
