-- What a hall does for people (事项), by the names they know it by. A package (一件事) is a matter made of several others:
-- one number, one window, one finish.

-- One row a hall: its version grows with every change, so that a preview knows whether it is still true and a page
-- whether what it remembers is still what is offered. The row is locked first by whoever changes the catalogue.
CREATE TABLE catalogues (
    hall    integer PRIMARY KEY REFERENCES halls,
    version integer NOT NULL DEFAULT 0
);

CREATE TABLE matters (
    hall           integer NOT NULL REFERENCES halls,
    code           text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9._-]{0,31}$'),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    name_hant      text,
    name_en        text,
    service        text NOT NULL,                   -- whose queue it is waited for in, and so its zone and windows
    department     text,
    applicant      text NOT NULL DEFAULT 'both' CHECK (applicant IN ('person', 'company', 'both')),
    minutes        numeric CHECK (minutes > 0 AND minutes <= 480),              -- planned; NULL is the service's
    promised_days  integer CHECK (promised_days BETWEEN 0 AND 365),             -- working days; 0 is while you wait
    quick          boolean NOT NULL DEFAULT false,  -- short enough for a short-job line
    one_visit      boolean NOT NULL DEFAULT false,  -- one visit is enough (最多跑一次)
    fenced         boolean NOT NULL DEFAULT false,  -- no comprehensive window may take it
    retired        boolean NOT NULL DEFAULT false,  -- offered no more; old tickets still name it
    fee            text,
    aliases        text[] NOT NULL DEFAULT '{}',    -- other words people search by
    guide_version  text,
    guide          text,
    guide_hant     text,
    guide_en       text,
    materials      text[] NOT NULL DEFAULT '{}',    -- what to bring, in the order it is asked for
    materials_hant text[] NOT NULL DEFAULT '{}',
    materials_en   text[] NOT NULL DEFAULT '{}',
    mistakes       text[] NOT NULL DEFAULT '{}',    -- common mistakes (常见错误示例)
    mistakes_hant  text[] NOT NULL DEFAULT '{}',
    mistakes_en    text[] NOT NULL DEFAULT '{}',
    parts          text[] NOT NULL DEFAULT '{}',    -- of a package: the codes of its matters, in order
    PRIMARY KEY (hall, code),
    FOREIGN KEY (hall, service) REFERENCES services,
    CONSTRAINT matter_lists_are_alike CHECK (
        cardinality(materials_hant) IN (0, cardinality(materials)) AND cardinality(materials_en) IN (0, cardinality(materials))
        AND cardinality(mistakes_hant) IN (0, cardinality(mistakes)) AND cardinality(mistakes_en) IN (0, cardinality(mistakes))),
    CONSTRAINT package_has_parts CHECK (cardinality(parts) <> 1 AND cardinality(parts) <= 20)
);

-- A moment of life (出生, 结婚, 开店) under which people look for what to do.
CREATE TABLE life_events (
    hall      integer NOT NULL REFERENCES halls,
    code      text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9._-]{0,31}$'),
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    name_hant text,
    name_en   text,
    matters   text[] NOT NULL CHECK (cardinality(matters) BETWEEN 1 AND 60),
    rank      integer NOT NULL DEFAULT 0,
    retired   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (hall, code)
);

-- Codes in arrays have no foreign key: this is theirs. A part is a plain matter of the same hall; deferred, so that
-- one import may bring a package and its parts in any order.
CREATE FUNCTION parts_are_matters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(NEW.parts) AS part(code) WHERE NOT EXISTS (
            SELECT FROM matters m WHERE m.hall = NEW.hall AND m.code = part.code AND cardinality(m.parts) = 0)) THEN
        RAISE EXCEPTION 'a part of package % is no matter of the hall', NEW.code
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'parts_are_matters';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER parts_are_matters AFTER INSERT OR UPDATE ON matters DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (cardinality(NEW.parts) > 0) EXECUTE FUNCTION parts_are_matters();

CREATE FUNCTION events_name_matters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(NEW.matters) AS part(code) WHERE NOT EXISTS (
            SELECT FROM matters m WHERE m.hall = NEW.hall AND m.code = part.code)) THEN
        RAISE EXCEPTION 'life event % names no matter of the hall', NEW.code
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'events_name_matters';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER events_name_matters AFTER INSERT OR UPDATE ON life_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION events_name_matters();

-- How often people looked at a matter's guide, by day and by where they stood.
CREATE TABLE matter_views (
    hall    integer NOT NULL REFERENCES halls,
    day     date NOT NULL,
    matter  text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('kiosk', 'query', 'phone', 'desk')),
    views   integer NOT NULL DEFAULT 1,
    PRIMARY KEY (hall, day, matter, channel),
    FOREIGN KEY (hall, matter) REFERENCES matters
);
