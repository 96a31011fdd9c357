-- The rules of the queue as rows a manager edits: who has a head start and who saw the paper, what a window calls first.

-- What a hall sets otherwise than usual. Which names there are, what is usual and what is allowed: queueing/settings.py.
CREATE TABLE settings (
    hall  integer NOT NULL REFERENCES halls,
    name  text NOT NULL CHECK (name ~ '^[a-z_]{1,40}$'),
    value jsonb NOT NULL,
    PRIMARY KEY (hall, name)
);

-- evidence says how somebody belongs here: a paper is seen, the age stands on the ID card, a booking is checked in, the slip of
-- "told once" is found again, or their word is enough.
ALTER TABLE categories
    ADD name_hant text,
    ADD name_en   text,
    ADD evidence  text NOT NULL DEFAULT 'paper' CHECK (evidence IN ('paper', 'age', 'booking', 'slip', 'word')),
    ADD papers    text[] NOT NULL DEFAULT '{}',     -- which papers count; empty is any that is named
    ADD from_age  integer CHECK (from_age BETWEEN 1 AND 120),
    ADD offered   boolean NOT NULL DEFAULT true,    -- false: kept for old tickets, given to nobody new
    ADD rank      integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT category_of_age_has_one CHECK ((evidence = 'age') = (from_age IS NOT NULL));
UPDATE categories SET evidence = 'word' WHERE NOT needs_evidence;

-- Four kinds of window: for companies, for people, for questions, for complaints. NULL serves any of them.
ALTER TABLE services
    ADD class        text CHECK (class IN ('legal', 'natural', 'consult', 'complaint')),
    ADD quick        boolean NOT NULL DEFAULT false,    -- a short job: it may go by the short line
    ADD only_windows text[] NOT NULL DEFAULT '{}',      -- fenced: only these windows or clerks serve it
    ADD only_clerks  text[] NOT NULL DEFAULT '{}';

ALTER TABLE windows
    ADD class       text CHECK (class IN ('legal', 'natural', 'consult', 'complaint')),
    ADD whole_zone  boolean NOT NULL DEFAULT false,     -- a comprehensive window serves all its zone
    ADD helps       text[] NOT NULL DEFAULT '{}',       -- services it helps with once they wait longer than help_after minutes
    ADD helping     text[] NOT NULL DEFAULT '{}',       -- those of them that who sits there can do
    ADD help_after  integer NOT NULL DEFAULT 15 CHECK (help_after BETWEEN 0 AND 600),
    ADD short_after integer CHECK (short_after BETWEEN 0 AND 600),  -- minutes after which it takes the short line; NULL never
    ADD since_booked integer NOT NULL DEFAULT 1000000,  -- calls since it last called somebody booked
    ADD since_quick  integer NOT NULL DEFAULT 1000000;  -- and since it last took the short line

-- A matter that is a short job, or that only some windows or clerks may serve. Named as tickets name it.
CREATE TABLE matter_rules (
    hall         integer NOT NULL REFERENCES halls,
    matter       text NOT NULL CHECK (length(matter) BETWEEN 1 AND 200),
    quick        boolean NOT NULL DEFAULT false,
    only_windows text[] NOT NULL DEFAULT '{}',
    only_clerks  text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (hall, matter)
);

ALTER TABLE tickets
    ADD credit      integer NOT NULL DEFAULT 0,         -- minutes of head start it was given
    ADD verified_by text,                               -- who saw the evidence: an actor, or the card reader
    ADD booked_for  timestamptz,                        -- the booked time, where it counts
    ADD lane        smallint NOT NULL DEFAULT 0 CHECK (lane BETWEEN 0 AND 2),   -- 1 booked, 2 a short job
    ADD fenced      boolean NOT NULL DEFAULT false,     -- one of its matters is for some windows or clerks only
    ADD placed      text CHECK (placed IN ('front', 'back', 'returned'));       -- what moved it in line, where something did
CREATE INDEX tickets_in_lane ON tickets (hall, day, service, lane, rank_at, id)
    WHERE state = 'waiting' AND for_window IS NULL AND lane > 0;

-- A comprehensive window follows its zone: what is served there, it serves.
CREATE FUNCTION serves_of_zone(of_hall integer, of_zone text, of_class text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(code ORDER BY rank, code), '{}') FROM services
    WHERE hall = of_hall AND zone = of_zone AND (class IS NULL OR of_class IS NULL OR class = of_class)
$$;
CREATE FUNCTION serve_whole_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.serves := serves_of_zone(NEW.hall, NEW.zone, NEW.class);
    RETURN NEW;
END $$;
CREATE TRIGGER serves_whole_zone BEFORE INSERT OR UPDATE OF whole_zone, zone, class, serves ON windows
    FOR EACH ROW WHEN (NEW.whole_zone) EXECUTE FUNCTION serve_whole_zone();
CREATE FUNCTION zone_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE windows SET zone = zone WHERE whole_zone AND (hall, zone) IN (
        SELECT NEW.hall, NEW.zone WHERE TG_OP <> 'DELETE' UNION SELECT OLD.hall, OLD.zone WHERE TG_OP <> 'INSERT');
    RETURN NULL;
END $$;
CREATE TRIGGER zone_has_changed AFTER INSERT OR DELETE OR UPDATE OF zone, class ON services
    FOR EACH ROW EXECUTE FUNCTION zone_has_changed();

-- Whether a window and its clerk may serve these matters. Asked of fenced tickets only.
CREATE FUNCTION may_serve(of_hall integer, asked text[], at_window text, by_clerk text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM matter_rules r WHERE r.hall = of_hall AND r.matter = ANY(asked)
          AND (r.only_windows <> '{}' OR r.only_clerks <> '{}')
          AND NOT (at_window = ANY(r.only_windows) OR coalesce(by_clerk = ANY(r.only_clerks), false)))
$$;
