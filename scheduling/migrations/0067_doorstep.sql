-- Doorstep service (上门服务): what can be done at somebody's door, with which bag, for what reason, where, and who goes.

CREATE TABLE kits (
    hall      integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    code      text NOT NULL CHECK (code ~ '^[a-z0-9_]{1,24}$'),
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    name_hant text,
    name_en   text,
    holds     text[] NOT NULL DEFAULT '{}',                         -- what is in the bag, for the checklist
    owned     integer NOT NULL DEFAULT 1 CHECK (owned BETWEEN 0 AND 200),
    PRIMARY KEY (hall, code)
);

-- The matters that can be done off site. The service a matter is waited for in is the skill it asks of the team.
CREATE TABLE doorstep_matters (
    hall    integer NOT NULL,
    matter  text NOT NULL,
    kit     text,                                                   -- NULL: forms and a pen
    minutes integer NOT NULL CHECK (minutes BETWEEN 5 AND 240),     -- at the door
    PRIMARY KEY (hall, matter),
    FOREIGN KEY (hall, matter) REFERENCES matters ON DELETE CASCADE,
    FOREIGN KEY (hall, kit) REFERENCES kits
);

-- For whom: the frail, those whose work leaves no time, and whomever else the hall decides on. `credit_minutes` is a head start.
CREATE TABLE doorstep_reasons (
    hall           integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    code           text NOT NULL CHECK (code ~ '^[a-z0-9_]{1,24}$'),
    kind           text NOT NULL CHECK (kind IN ('mobility', 'occupation', 'other')),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    name_hant      text,
    name_en        text,
    needs_evidence boolean NOT NULL DEFAULT true,
    credit_minutes integer NOT NULL DEFAULT 0 CHECK (credit_minutes BETWEEN 0 AND 43200),
    offered        boolean NOT NULL DEFAULT true,
    rank           integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, code)
);

CREATE FUNCTION hall_goes_to_the_door() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO doorstep_reasons (hall, code, kind, name, name_hant, name_en, credit_minutes, rank) VALUES
        (NEW.id, 'mobility', 'mobility', '行动不便', '行動不便', 'Cannot come: frail, ill or disabled', 1440, 1),
        (NEW.id, 'occupation', 'occupation', '职业特殊、工作繁忙', '職業特殊、工作繁忙', 'Work leaves no time to come', 0, 2),
        (NEW.id, 'other', 'other', '本厅认可的其他情形', '本廳認可的其他情形', 'Another reason this hall accepts', 0, 3);
    RETURN NULL;
END $$;
CREATE TRIGGER hall_goes_to_the_door AFTER INSERT ON halls FOR EACH ROW EXECUTE FUNCTION hall_goes_to_the_door();
INSERT INTO doorstep_reasons (hall, code, kind, name, name_hant, name_en, credit_minutes, rank)
SELECT h.id, r.* FROM halls h, (VALUES
    ('mobility', 'mobility', '行动不便', '行動不便', 'Cannot come: frail, ill or disabled', 1440, 1),
    ('occupation', 'occupation', '职业特殊、工作繁忙', '職業特殊、工作繁忙', 'Work leaves no time to come', 0, 2),
    ('other', 'other', '本厅认可的其他情形', '本廳認可的其他情形', 'Another reason this hall accepts', 0, 3)) AS r;

-- Where the hall goes: streets or villages, each with a point for whoever gives no exact place.
CREATE TABLE doorstep_areas (
    hall      integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    code      text NOT NULL CHECK (code ~ '^[a-z0-9_]{1,24}$'),
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    name_hant text,
    name_en   text,
    lat       double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon       double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    rank      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, code)
);

-- Two people for one day, by the names they sign in with; what they can do, what they carry, when, and from where.
CREATE TABLE doorstep_teams (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    day        date NOT NULL,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    lead       text NOT NULL,
    second     text NOT NULL,
    skills     text[] NOT NULL,
    kits       text[] NOT NULL DEFAULT '{}',
    starts     timestamptz NOT NULL,
    ends       timestamptz NOT NULL,
    lunch_from timestamptz,
    lunch_to   timestamptz,
    start_lat  double precision NOT NULL CHECK (start_lat BETWEEN -90 AND 90),
    start_lon  double precision NOT NULL CHECK (start_lon BETWEEN -180 AND 180),
    CONSTRAINT team_of_a_day UNIQUE (hall, day, id),
    CONSTRAINT team_name_once UNIQUE (hall, day, name),
    CONSTRAINT team_is_two CHECK (lead <> second),
    CONSTRAINT team_shift_runs_forward CHECK (starts < ends AND ends - starts <= interval '16 hours'),
    CONSTRAINT team_lunch_lies_in_the_shift CHECK ((lunch_from IS NULL) = (lunch_to IS NULL)
        AND (lunch_from IS NULL OR (starts <= lunch_from AND lunch_from < lunch_to AND lunch_to <= ends)))
);

CREATE TABLE doorstep_members (
    hall  integer NOT NULL,
    day   date NOT NULL,
    clerk text NOT NULL,
    team  bigint NOT NULL REFERENCES doorstep_teams ON DELETE CASCADE,
    CONSTRAINT one_team_a_day PRIMARY KEY (hall, day, clerk)
);
CREATE INDEX doorstep_members_of_team ON doorstep_members (team);

-- What a team is said to be able to do, one of the two can; a bag is not in two hands.
CREATE FUNCTION team_is_fit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
    PERFORM FROM kits WHERE hall = NEW.hall AND code = ANY(NEW.kits) ORDER BY code FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM unnest(NEW.skills) AS known(service) WHERE NOT EXISTS (
            SELECT FROM services s WHERE s.hall = NEW.hall AND s.code = known.service)) THEN
        broken := 'team_skills_are_services';
    ELSIF (SELECT skills_required FROM halls WHERE id = NEW.hall) AND EXISTS (
            SELECT FROM unnest(NEW.skills) AS known(service) WHERE NOT EXISTS (
                SELECT FROM skills s WHERE s.hall = NEW.hall AND s.service = known.service AND s.clerk IN (NEW.lead, NEW.second)
                    AND (s.until IS NULL OR s.until >= NEW.day))) THEN
        broken := 'team_has_its_skills';
    ELSIF EXISTS (SELECT FROM unnest(NEW.kits) AS bag(code) WHERE NOT EXISTS (
            SELECT FROM kits k WHERE k.hall = NEW.hall AND k.code = bag.code AND k.owned > (
                SELECT count(*) FROM doorstep_teams t WHERE t.hall = NEW.hall AND t.day = NEW.day AND t.id <> NEW.id AND bag.code = ANY(t.kits)))) THEN
        broken := 'kit_is_there';
    ELSIF EXISTS (SELECT FROM leaves l WHERE l.hall = NEW.hall AND l.clerk IN (NEW.lead, NEW.second) AND l.state = 'approved'
            AND NEW.day BETWEEN l.first AND l.last) THEN
        broken := 'no_team_on_leave';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this is no team: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    DELETE FROM doorstep_members WHERE team = NEW.id;
    INSERT INTO doorstep_members (hall, day, clerk, team) VALUES (NEW.hall, NEW.day, NEW.lead, NEW.id), (NEW.hall, NEW.day, NEW.second, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER team_is_fit AFTER INSERT OR UPDATE ON doorstep_teams FOR EACH ROW EXECUTE FUNCTION team_is_fit();
