-- Visits to a door, from who asked to how it ended.

-- Who lives where is in `sealed` (AES-GCM; `key_id` says which key), with the exact place, the papers and the evidence in their
-- own words. In the clear: a coarse area, masks of two or four signs, and the keyed hash of the telephone.
CREATE TABLE doorstep_visits (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL CONSTRAINT doorstep_key_once UNIQUE CHECK (length(key) BETWEEN 20 AND 40),  -- the citizen's handle
    hall         integer NOT NULL REFERENCES halls,
    state        text NOT NULL DEFAULT 'requested' CHECK (state IN
                 ('requested', 'accepted', 'scheduled', 'on_the_way', 'on_site', 'completed', 'declined', 'cancelled')),
    reason       text NOT NULL CHECK (reason IN ('mobility', 'occupation', 'other')),
    because      text,                          -- the hall's own row of reasons
    evidenced    boolean NOT NULL DEFAULT false,-- a paper was named; its words are sealed
    verified_by  text,                          -- an actor who looked at it
    channel      text NOT NULL CHECK (channel IN ('kiosk', 'desk', 'phone', 'hotline', 'web', 'ticket', 'appointment', 'agent')),
    lang         text NOT NULL DEFAULT 'zh-Hans',
    matters      text[] NOT NULL DEFAULT '{}',
    minutes      integer NOT NULL CHECK (minutes BETWEEN 5 AND 600),
    skills       text[] NOT NULL DEFAULT '{}',  -- services the team must know
    kits         text[] NOT NULL DEFAULT '{}',
    ticket       bigint CONSTRAINT visit_once_a_ticket UNIQUE REFERENCES tickets,
    appointment  bigint CONSTRAINT visit_once_an_appointment UNIQUE REFERENCES appointments,
    key_id       text,
    sealed       bytea,
    phone        bytea,                         -- keyed hash
    name_mask    text CHECK (length(name_mask) <= 4),
    phone_mask   text CHECK (length(phone_mask) <= 8),
    area         text,
    preferred    jsonb NOT NULL DEFAULT '[]',   -- [{"from", "to"}]: when somebody is at home
    credit       integer NOT NULL DEFAULT 0 CHECK (credit BETWEEN 0 AND 43200),   -- minutes of head start
    delivery     text NOT NULL DEFAULT 'collect' CHECK (delivery IN ('collect', 'mail', 'home')),  -- of the result
    consented_at timestamptz,                   -- to these data being kept for this visit
    asked_on     date NOT NULL,
    asked_at     timestamptz NOT NULL,
    decided_at   timestamptz,
    decided_by   text,
    why          text CHECK (length(why) <= 200),   -- it was declined
    day          date,
    team         bigint,
    start        timestamptz,                   -- when the team is to be at the door
    ends         timestamptz,
    confirmed_at timestamptz,                   -- the citizen said they will be there then
    departed_at  timestamptz,
    arrived_at   timestamptz,
    ended_at     timestamptz,
    outcome      text CHECK (outcome IN ('done', 'accepted', 'consulted', 'not_ready', 'nobody_home')),
    FOREIGN KEY (hall, because) REFERENCES doorstep_reasons,
    FOREIGN KEY (hall, area) REFERENCES doorstep_areas,
    FOREIGN KEY (hall, day, team) REFERENCES doorstep_teams (hall, day, id),
    CONSTRAINT visit_is_about_something CHECK (cardinality(matters) > 0 OR (state IN ('requested', 'declined', 'cancelled')
        AND (ticket IS NOT NULL OR appointment IS NOT NULL))),
    CONSTRAINT visit_knows_its_door CHECK (sealed IS NOT NULL OR state IN ('requested', 'completed', 'declined', 'cancelled')),
    CONSTRAINT visit_seal_has_a_key CHECK ((sealed IS NULL) = (key_id IS NULL)),
    CONSTRAINT visit_is_verified CHECK (verified_by IS NOT NULL OR state IN ('requested', 'declined', 'cancelled')),
    CONSTRAINT visit_has_a_team CHECK (num_nonnulls(day, team, start, ends) = 4
        OR (num_nonnulls(day, team, start, ends) = 0 AND state IN ('requested', 'accepted', 'declined', 'cancelled'))),
    CONSTRAINT visit_end_is_stamped CHECK ((state IN ('completed', 'declined', 'cancelled')) = (ended_at IS NOT NULL)),
    CONSTRAINT visit_has_an_outcome CHECK ((state = 'completed') = (outcome IS NOT NULL)),
    CONSTRAINT visit_is_declined_with_a_reason CHECK ((state = 'declined') = (why IS NOT NULL)),
    -- A plan has a team at one door at a time; whoever plans many at once defers this to the commit.
    CONSTRAINT team_at_one_door EXCLUDE USING gist (int8range(team, team, '[]') WITH &&, tstzrange(start, ends) WITH &&)
        WHERE (state = 'scheduled') DEFERRABLE INITIALLY IMMEDIATE
);
-- Nor is it on the way to, or at, two doors.
CREATE UNIQUE INDEX team_goes_one_way ON doorstep_visits (team) WHERE state IN ('on_the_way', 'on_site');
CREATE INDEX doorstep_open ON doorstep_visits (hall, state, asked_at) WHERE ended_at IS NULL;
CREATE INDEX doorstep_of_day ON doorstep_visits (hall, day, team, start) WHERE day IS NOT NULL;
CREATE INDEX doorstep_of_phone ON doorstep_visits (hall, phone, asked_on) WHERE phone IS NOT NULL;
CREATE INDEX doorstep_kept ON doorstep_visits (hall, ended_at) WHERE sealed IS NOT NULL OR phone IS NOT NULL;

-- How long it takes, what must be carried and known follows from the matters.
CREATE FUNCTION visit_needs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(NEW.matters) AS asked(code) WHERE NOT EXISTS (
            SELECT FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter
            WHERE d.hall = NEW.hall AND d.matter = asked.code AND NOT m.retired)) THEN
        RAISE EXCEPTION 'a matter is done at the hall only' USING ERRCODE = 'check_violation', CONSTRAINT = 'matter_is_done_at_the_door';
    END IF;
    IF cardinality(NEW.matters) > 0 THEN
        SELECT least(sum(d.minutes), 600), coalesce(array_agg(DISTINCT d.kit) FILTER (WHERE d.kit IS NOT NULL), '{}'), array_agg(DISTINCT m.service)
        INTO NEW.minutes, NEW.kits, NEW.skills
        FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter WHERE d.hall = NEW.hall AND d.matter = ANY(NEW.matters);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER visit_needs BEFORE INSERT OR UPDATE OF matters ON doorstep_visits FOR EACH ROW EXECUTE FUNCTION visit_needs();

-- The states and their order. An ending is for ever.
CREATE FUNCTION visit_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
    IF OLD.state || ' ' || NEW.state NOT IN (
        'requested accepted', 'requested declined', 'requested cancelled',
        'accepted scheduled', 'accepted declined', 'accepted cancelled',
        'scheduled scheduled', 'scheduled accepted', 'scheduled on_the_way', 'scheduled cancelled',
        'on_the_way on_site', 'on_the_way cancelled', 'on_site completed') THEN
        broken := 'visit_moves_forward';
    ELSIF NEW.state = 'accepted' AND NOT NEW.evidenced
        AND EXISTS (SELECT FROM doorstep_reasons r WHERE r.hall = NEW.hall AND r.code = NEW.because AND r.needs_evidence) THEN
        broken := 'visit_shows_evidence';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'a visit can''t go from % to %: %', OLD.state, NEW.state, broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER visit_moves BEFORE UPDATE OF state ON doorstep_visits FOR EACH ROW EXECUTE FUNCTION visit_moves();

-- Who goes can do what is to be done, carries what it takes, and is on duty then. The team's row stays as it is meanwhile.
CREATE FUNCTION team_fits_visit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t doorstep_teams; broken text;
BEGIN
    SELECT * INTO t FROM doorstep_teams WHERE hall = NEW.hall AND id = NEW.team FOR SHARE;
    NEW.day := t.day;
    NEW.ends := NEW.start + make_interval(mins => NEW.minutes);
    broken := CASE WHEN t.id IS NULL THEN 'visit_has_a_team'
                   WHEN NOT NEW.skills <@ t.skills THEN 'team_lacks_skill'
                   WHEN NOT NEW.kits <@ t.kits THEN 'team_lacks_kit'
                   WHEN NEW.start < t.starts OR NEW.ends > t.ends THEN 'visit_lies_in_the_shift' END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this team can''t go: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER team_fits_visit BEFORE INSERT OR UPDATE OF state, team, start ON doorstep_visits
    FOR EACH ROW WHEN (NEW.state = 'scheduled') EXECUTE FUNCTION team_fits_visit();

-- And a team that has visits before it keeps what they rest on.
CREATE FUNCTION team_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM doorstep_visits v WHERE v.hall = NEW.hall AND v.team = NEW.id AND v.state = 'scheduled' AND NOT (
            v.day = NEW.day AND v.skills <@ NEW.skills AND v.kits <@ NEW.kits AND v.start >= NEW.starts AND v.ends <= NEW.ends)) THEN
        RAISE EXCEPTION 'a visit of this team could not be made' USING ERRCODE = 'check_violation', CONSTRAINT = 'team_keeps_its_word';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER team_keeps_its_word AFTER UPDATE ON doorstep_teams FOR EACH ROW EXECUTE FUNCTION team_keeps_its_word();

-- Runs when the act holds the hall's stream row to its commit; what it counts is whole.
CREATE FUNCTION phone_asks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) > setting(NEW.hall, 'doorstep_phone_day', 3) FROM doorstep_visits
        WHERE hall = NEW.hall AND phone = NEW.phone AND asked_on = NEW.asked_on) THEN
        RAISE EXCEPTION 'this telephone has asked often enough today' USING ERRCODE = 'check_violation', CONSTRAINT = 'too_many_requests';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER phone_asks AFTER INSERT ON doorstep_visits
    FOR EACH ROW WHEN (NEW.phone IS NOT NULL AND NEW.channel IN ('kiosk', 'web', 'ticket', 'appointment')) EXECUTE FUNCTION phone_asks();

-- Proof that who asked was forgotten: one row for each time the clock did it.
CREATE TABLE doorstep_erasures (
    hall   integer NOT NULL REFERENCES halls,
    at     timestamptz NOT NULL DEFAULT hall_now(),
    before timestamptz NOT NULL,                -- visits that had ended by then
    erased integer NOT NULL CHECK (erased > 0)
);
