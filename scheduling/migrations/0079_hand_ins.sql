-- Papers that were collected at a door: handed to a window by list and receipt, and what comes of them.

CREATE TABLE doorstep_hand_ins (
    visit       bigint NOT NULL CONSTRAINT hand_in_once PRIMARY KEY REFERENCES doorstep_visits,
    hall        integer NOT NULL REFERENCES halls,
    receipt     text NOT NULL CHECK (receipt ~ '^[0-9A-HJKMNP-TV-Z]{6}$'),
    place       text NOT NULL CHECK (length(place) BETWEEN 1 AND 8),   -- the number of a window, or 'desk'
    papers      text[] NOT NULL,            -- the list: which papers, in the order they were photographed
    originals   integer NOT NULL CHECK (originals BETWEEN 0 AND 200),  -- sheets that change hands
    handed_by   text NOT NULL,
    handed_at   timestamptz NOT NULL,
    accepted_by text,
    accepted_at timestamptz,
    counted     integer CHECK (counted BETWEEN 0 AND 200),             -- sheets the window found
    CONSTRAINT receipt_once UNIQUE (hall, receipt),
    CONSTRAINT hand_in_is_counted CHECK (num_nonnulls(accepted_by, accepted_at, counted) IN (0, 3))
);
CREATE INDEX hand_ins_open ON doorstep_hand_ins (hall, place, handed_at) WHERE accepted_at IS NULL;

CREATE FUNCTION papers_were_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM doorstep_visits v WHERE v.id = NEW.visit AND v.state = 'completed' AND v.outcome = 'accepted') THEN
        RAISE EXCEPTION 'no papers were taken along' USING ERRCODE = 'check_violation', CONSTRAINT = 'papers_were_taken';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER papers_were_taken BEFORE INSERT ON doorstep_hand_ins FOR EACH ROW EXECUTE FUNCTION papers_were_taken();

-- The result goes forward: worked on, ready, sent by mail, done once the citizen has it.
CREATE TABLE doorstep_results (
    visit    bigint NOT NULL CONSTRAINT result_once PRIMARY KEY REFERENCES doorstep_hand_ins,
    hall     integer NOT NULL REFERENCES halls,
    way      text NOT NULL CHECK (way IN ('collect', 'mail', 'home')),
    state    text NOT NULL DEFAULT 'in_work' CHECK (state IN ('in_work', 'ready', 'sent', 'done')),
    tracking text CHECK (tracking ~ '^[0-9A-Za-z-]{4,40}$'),
    ready_at timestamptz,
    sent_at  timestamptz,
    done_at  timestamptz,
    CONSTRAINT result_is_stamped CHECK ((ready_at IS NOT NULL) = (state <> 'in_work') AND (done_at IS NOT NULL) = (state = 'done')),
    CONSTRAINT mail_has_a_number CHECK ((tracking IS NULL) = (sent_at IS NULL) AND (state <> 'sent' OR tracking IS NOT NULL)
        AND (way = 'mail' OR tracking IS NULL) AND (way <> 'mail' OR state <> 'done' OR tracking IS NOT NULL))
);
CREATE INDEX results_open ON doorstep_results (hall, state) WHERE done_at IS NULL;
