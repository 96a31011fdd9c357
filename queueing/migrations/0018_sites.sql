-- Stations of one centre: township halls and village points, whose people are served from here or who count for themselves.

CREATE TABLE sites (
    hall      integer NOT NULL REFERENCES halls,
    code      text NOT NULL CHECK (code ~ '^[a-z0-9-]{1,24}$'),
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    name_hant text,
    name_en   text,
    level     text NOT NULL CHECK (level IN ('county', 'township', 'village')),
    parent    text,
    phone     text,                             -- the station's own, by which a window rings it
    room      text,                             -- the address of its video room
    prints    boolean NOT NULL DEFAULT false,   -- results can be printed there
    offline   boolean NOT NULL DEFAULT false,   -- a small hall of its own, whose figures come later
    shut      boolean NOT NULL DEFAULT false,   -- kept for what was done there, used for nothing new
    PRIMARY KEY (hall, code),
    FOREIGN KEY (hall, parent) REFERENCES sites
);

CREATE FUNCTION site_rank(level text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['county', 'township', 'village'], level)
$$;
CREATE FUNCTION site_stands_below() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM sites p WHERE p.hall = NEW.hall AND p.code = NEW.parent AND site_rank(p.level) >= site_rank(NEW.level))
        OR EXISTS (SELECT FROM sites c WHERE c.hall = NEW.hall AND c.parent = NEW.code AND site_rank(c.level) <= site_rank(NEW.level)) THEN
        RAISE EXCEPTION 'a site stands below its parent' USING ERRCODE = 'check_violation', CONSTRAINT = 'site_stands_below';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER site_stands_below AFTER INSERT OR UPDATE OF level, parent ON sites FOR EACH ROW EXECUTE FUNCTION site_stands_below();

-- A number taken at a station for a window here: how the two talk, and where the result comes out of a printer.
CREATE TABLE remote_tickets (
    ticket      bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall        integer NOT NULL,
    site        text NOT NULL,
    print_point text,
    talk        text NOT NULL CHECK (talk IN ('phone', 'video')),
    taken_by    text NOT NULL,
    FOREIGN KEY (hall, site) REFERENCES sites,
    FOREIGN KEY (hall, print_point) REFERENCES sites
);
CREATE INDEX remote_tickets_of_site ON remote_tickets (hall, site, ticket);

-- Helping is a service of its own in an area, with its own numbers and windows (楼层帮办窗口).
ALTER TABLE services ADD help boolean NOT NULL DEFAULT false;

-- What a helper did for somebody: kinds ticked on the help ticket, and the machine that called for help.
CREATE TABLE helps (
    ticket  bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall    integer NOT NULL REFERENCES halls,
    day     date NOT NULL,
    kinds   text[] NOT NULL DEFAULT '{}' CONSTRAINT help_is_of_known_kinds
            CHECK (kinds <@ ARRAY['handout', 'advice', 'precheck', 'signup', 'apply', 'form']),
    machine text,
    by      text,                               -- an actor
    at      timestamptz NOT NULL DEFAULT hall_clock()
);
CREATE INDEX helps_of_day ON helps (hall, day);
