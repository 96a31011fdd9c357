-- Both sign in, whichever way the team sets out; who asks for whom; and what a phone kept while it had no net still counts.

ALTER TABLE doorstep_visits
    ADD departed_by text,                       -- who of the team set out; NULL where the manager sent it, or nobody has
    ADD applicant   text NOT NULL DEFAULT 'self' CHECK (applicant IN ('self', 'family', 'agent'));  -- who asked, for whoever lives there

-- Who sets out is there by that; the other has signed in. The manager, who names nobody, answers for the team.
CREATE FUNCTION team_sets_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF setting(NEW.hall, 'doorstep_both_sign_in', 1) = 1 AND EXISTS (
            SELECT FROM doorstep_members m WHERE m.team = NEW.team AND m.clerk <> NEW.departed_by
              AND NOT EXISTS (SELECT FROM doorstep_presences p WHERE p.team = m.team AND p.clerk = m.clerk)) THEN
        RAISE EXCEPTION 'one of the two has not signed in' USING ERRCODE = 'check_violation', CONSTRAINT = 'team_is_whole';
    END IF;
    INSERT INTO doorstep_presences (team, clerk, at) VALUES (NEW.team, NEW.departed_by, NEW.departed_at)
    ON CONFLICT ON CONSTRAINT signed_in_once DO NOTHING;
    RETURN NEW;
END $$;
CREATE TRIGGER team_sets_out BEFORE UPDATE OF state ON doorstep_visits FOR EACH ROW
    WHEN (NEW.state = 'on_the_way' AND OLD.state <> 'on_the_way' AND NEW.departed_by IS NOT NULL) EXECUTE FUNCTION team_sets_out();

-- A photo belongs to the door by when it was taken, not by when the phone found a net: the other's phone may have told of
-- the end before. Once a window has accepted the papers nothing is added to them.
CREATE FUNCTION at_the_door(of_visit doorstep_visits, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT of_visit.state = 'on_site' OR of_visit.state = 'completed' AND at < of_visit.ended_at
        AND NOT EXISTS (SELECT FROM doorstep_hand_ins h WHERE h.visit = of_visit.id AND h.accepted_at IS NOT NULL)
$$;
CREATE OR REPLACE FUNCTION paper_is_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v doorstep_visits; broken text;
BEGIN
    SELECT * INTO v FROM doorstep_visits WHERE id = NEW.visit FOR NO KEY UPDATE;
    broken := CASE WHEN NOT at_the_door(v, NEW.taken_at) THEN 'paper_at_the_door'
        WHEN NOT EXISTS (SELECT FROM doorstep_consents c WHERE c.visit = NEW.visit AND c.withdrawn_at IS NULL) THEN 'paper_needs_consent'
        WHEN (SELECT count(*) FROM doorstep_papers p WHERE p.visit = NEW.visit AND p.sealed IS NOT NULL)
            >= setting(v.hall, 'doorstep_papers_most', 20) THEN 'too_many_papers' END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this photo can''t be kept: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
