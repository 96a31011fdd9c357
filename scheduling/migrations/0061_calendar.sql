-- The calendar: what the state published, what kinds of day a hall has, and what it decided for single dates.

-- One row for a year whose notice is known, or awaited: until it is published its days are provisional.
CREATE TABLE statutory_years (
    year        integer PRIMARY KEY CHECK (year BETWEEN 2000 AND 2200),
    published   boolean NOT NULL,
    source      text NOT NULL,                      -- the notice or the data it came from
    imported_by text NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE statutory_days (
    day  date PRIMARY KEY,
    year integer NOT NULL REFERENCES statutory_years ON DELETE CASCADE,    -- of the notice: it may reach into a neighbour year
    kind text NOT NULL CHECK (kind IN ('holiday', 'make_up')),
    name text NOT NULL
);

-- A kind of day: what the doors do on it. Every date has one, by the statutory calendar or by the hall's own word.
CREATE TABLE day_types (
    hall        integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    code        text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,19}$'),
    name        text NOT NULL,
    name_hant   text,
    name_en     text,
    rank        integer NOT NULL DEFAULT 100,
    walk_in     boolean NOT NULL DEFAULT true,      -- false: booked visitors only
    accept_only boolean NOT NULL DEFAULT false,     -- papers are taken in and passed on to the next working day
    drain       boolean NOT NULL DEFAULT true,      -- windows stay until everybody queued is served (延时服务)
    last_ticket text NOT NULL DEFAULT 'time' CHECK (last_ticket IN ('time', 'capacity')),
    PRIMARY KEY (hall, code)
);

-- When its doors open, in hall time. Two sessions are a day with a lunch break; none is a day the hall stays shut.
CREATE TABLE day_sessions (
    hall        integer NOT NULL,
    day_type    text NOT NULL,
    session     smallint NOT NULL CHECK (session BETWEEN 1 AND 6),
    opens       time NOT NULL,
    last_ticket time NOT NULL,
    closes      time NOT NULL,
    audience    text NOT NULL DEFAULT 'all' CHECK (audience IN ('all', 'booked')),   -- 早晚弹性办 is for who has booked
    PRIMARY KEY (hall, day_type, session),
    FOREIGN KEY (hall, day_type) REFERENCES day_types ON UPDATE CASCADE ON DELETE CASCADE
);

-- Which services open on it; a kind of day without rows here opens them all.
CREATE TABLE day_services (
    hall        integer NOT NULL,
    day_type    text NOT NULL,
    service     text NOT NULL,
    PRIMARY KEY (hall, day_type, service),
    FOREIGN KEY (hall, day_type) REFERENCES day_types ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (hall, service) REFERENCES services ON DELETE CASCADE
);

-- How many windows a zone keeps open at least.
CREATE TABLE day_zones (
    hall        integer NOT NULL,
    day_type    text NOT NULL,
    zone        text NOT NULL,
    min_windows integer NOT NULL CHECK (min_windows BETWEEN 1 AND 200),
    PRIMARY KEY (hall, day_type, zone),
    FOREIGN KEY (hall, day_type) REFERENCES day_types ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (hall, zone) REFERENCES zones ON DELETE CASCADE
);

-- What the hall decided for one date: a closure, a local festival, an answer to "this Saturday is a holiday: open?".
CREATE TABLE hall_days (
    hall       integer NOT NULL,
    day        date NOT NULL,
    day_type   text NOT NULL,
    name       text,                        -- 三月三, 停电
    working    boolean,                     -- whether it counts as a working day for deadlines; NULL: as the state says
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hall, day),
    FOREIGN KEY (hall, day_type) REFERENCES day_types ON UPDATE CASCADE
);

-- A session runs forward within one business day: a clock time before the hall's own hour belongs to the date after.
CREATE FUNCTION session_runs_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE starts time := (SELECT day_starts FROM halls WHERE id = NEW.hall);
BEGIN
    IF NOT (since(starts, NEW.opens) <= since(starts, NEW.last_ticket) AND since(starts, NEW.opens) < since(starts, NEW.closes)
            AND since(starts, NEW.last_ticket) <= since(starts, NEW.closes)) THEN
        RAISE EXCEPTION 'a session opens, gives its last ticket and closes, in this order'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_runs_forward';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION since(day_starts time, at time) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT at - day_starts + CASE WHEN at < day_starts THEN interval '1 day' ELSE interval '0' END
$$;
CREATE TRIGGER session_runs_forward BEFORE INSERT OR UPDATE ON day_sessions
    FOR EACH ROW EXECUTE FUNCTION session_runs_forward();

-- Every hall has the kinds of day the statutory calendar knows, and a closed one; it may add its own.
CREATE FUNCTION lay_day_types(new_hall integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO day_types (hall, code, name, name_hant, name_en, rank) VALUES
        (new_hall, 'weekday', '工作日', '工作日', 'Working day', 1),
        (new_hall, 'saturday', '周六', '週六', 'Saturday', 2),
        (new_hall, 'sunday', '周日', '週日', 'Sunday', 3),
        (new_hall, 'holiday', '法定节假日', '法定節假日', 'Public holiday', 4),
        (new_hall, 'holiday_end', '假期最后一天', '假期最後一天', 'Last day of a holiday', 5),
        (new_hall, 'make_up', '调休上班日', '調休上班日', 'Make-up working day', 6),
        (new_hall, 'special', '特别开放日', '特別開放日', 'Special opening', 7),
        (new_hall, 'closed', '闭馆', '閉館', 'Closed', 8);
    INSERT INTO day_sessions (hall, day_type, session, opens, last_ticket, closes)
    SELECT new_hall, code, 1, '09:00', '16:30', '17:00' FROM unnest('{weekday,make_up,special}'::text[]) AS code;
$$;
CREATE FUNCTION hall_has_day_types() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lay_day_types(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER hall_has_day_types AFTER INSERT ON halls FOR EACH ROW EXECUTE FUNCTION hall_has_day_types();

-- Halls that were there before keep the hours their services had; until now every day was like every other.
SELECT lay_day_types(id) FROM halls;
UPDATE day_sessions x SET opens = s.opens, last_ticket = s.last_ticket, closes = s.closes
FROM (SELECT hall, min(opens) AS opens, max(last_ticket) AS last_ticket, max(closes) AS closes FROM services
      WHERE opens <= last_ticket AND last_ticket <= closes AND opens < closes GROUP BY hall) s
WHERE x.hall = s.hall;

ALTER TABLE services DROP COLUMN opens, DROP COLUMN last_ticket, DROP COLUMN closes;
