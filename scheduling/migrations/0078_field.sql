-- At the door: who of the team is there, what the citizen agrees to, and the photos of their papers.

-- Who has signed in, on which day's team. Both do, before the team sets out.
CREATE TABLE doorstep_presences (
    team  bigint NOT NULL REFERENCES doorstep_teams ON DELETE CASCADE,
    clerk text NOT NULL,
    at    timestamptz NOT NULL DEFAULT hall_clock(),
    CONSTRAINT signed_in_once PRIMARY KEY (team, clerk)
);

ALTER TABLE doorstep_visits
    ADD present text[] NOT NULL DEFAULT '{}',   -- who of the team was signed in when it came to the door
    ADD expected_at timestamptz;                -- when the team said it would be there, running late

CREATE FUNCTION team_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.present := ARRAY(SELECT p.clerk FROM doorstep_presences p WHERE p.team = NEW.team ORDER BY p.clerk);
    RETURN NEW;
END $$;
CREATE TRIGGER team_is_there BEFORE UPDATE OF state ON doorstep_visits FOR EACH ROW
    WHEN (NEW.state = 'on_site' AND OLD.state <> 'on_site') EXECUTE FUNCTION team_is_there();

-- What the citizen read and agreed to, word for word, and how. A drawn name is sealed like an address.
CREATE TABLE doorstep_consents (
    visit        bigint NOT NULL CONSTRAINT consent_once PRIMARY KEY REFERENCES doorstep_visits,
    how          text NOT NULL CHECK (how IN ('drawn', 'ticked')),
    version      text NOT NULL CHECK (length(version) BETWEEN 1 AND 20),
    words        text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
    key_id       text,
    sealed       bytea,                     -- the drawn name; NULL for a tick, and once it is erased
    asked_by     text NOT NULL,             -- who of the team held the phone
    agreed_at    timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT consent_seal_has_a_key CHECK ((sealed IS NULL) = (key_id IS NULL)),
    CONSTRAINT consent_withdrawn_shows_nothing CHECK (withdrawn_at IS NULL OR sealed IS NULL)
);

CREATE TABLE doorstep_papers (
    id        text NOT NULL CONSTRAINT paper_once PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),   -- minted by the phone
    visit     bigint NOT NULL REFERENCES doorstep_visits,
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),     -- which paper it is, never what is on it
    key_id    text,
    sealed    bytea,                        -- the photo; NULL once it is erased
    size      integer NOT NULL CHECK (size > 0),
    taken_by  text NOT NULL,
    taken_at  timestamptz NOT NULL,
    erased_at timestamptz,
    CONSTRAINT paper_seal_has_a_key CHECK ((sealed IS NULL) = (key_id IS NULL)),
    CONSTRAINT paper_erased_is_stamped CHECK ((sealed IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX doorstep_papers_of_visit ON doorstep_papers (visit, taken_at);
CREATE INDEX doorstep_papers_kept ON doorstep_papers (visit) WHERE sealed IS NOT NULL;

-- No photo without the citizen's word, none before the team is there or after it left, and no album.
CREATE FUNCTION paper_is_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v doorstep_visits; broken text;
BEGIN
    SELECT * INTO v FROM doorstep_visits WHERE id = NEW.visit FOR NO KEY UPDATE;
    broken := CASE WHEN v.state <> 'on_site' THEN 'paper_at_the_door'
        WHEN NOT EXISTS (SELECT FROM doorstep_consents c WHERE c.visit = NEW.visit AND c.withdrawn_at IS NULL) THEN 'paper_needs_consent'
        WHEN (SELECT count(*) FROM doorstep_papers p WHERE p.visit = NEW.visit AND p.sealed IS NOT NULL)
            >= setting(v.hall, 'doorstep_papers_most', 20) THEN 'too_many_papers' END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this photo can''t be kept: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER paper_is_agreed BEFORE INSERT ON doorstep_papers FOR EACH ROW EXECUTE FUNCTION paper_is_agreed();
