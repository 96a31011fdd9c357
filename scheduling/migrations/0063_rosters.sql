-- Who works when: ways to work a day, what each clerk has agreed to, leave and wishes, and the roster of each week.

-- Minutes after midnight of the hall's clock. A laid pattern follows the sessions of the kinds of day it is for; the hall's own stay.
CREATE TABLE shift_patterns (
    hall       integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    code       text NOT NULL CHECK (code ~ '^[a-z0-9_]{1,24}$'),
    begins     integer NOT NULL CHECK (begins BETWEEN 0 AND 2879),
    ends       integer NOT NULL,
    breaks     jsonb NOT NULL DEFAULT '[]',         -- [[begins, ends], ...] in minutes: away from the window
    not_before text[] NOT NULL DEFAULT '{}',        -- patterns that may not follow it on the next day
    day_types  text[] NOT NULL DEFAULT '{}',        -- the kinds of day it is for
    laid       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (hall, code),
    CONSTRAINT pattern_runs_forward CHECK (begins < ends AND ends - begins <= 1440)
);

CREATE TABLE contracts (
    hall     integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    clerk    text NOT NULL,
    shifts   integer NOT NULL DEFAULT 5 CHECK (shifts BETWEEN 0 AND 7),        -- a week
    stretch  integer NOT NULL DEFAULT 6 CHECK (stretch BETWEEN 1 AND 7),       -- days in a row
    home     text,                                                              -- the zone the clerk belongs to
    zones    text[] NOT NULL DEFAULT '{}',                                      -- others the clerk can serve; with no home: empty is all
    patterns text[],                                                            -- the only ones this clerk works; NULL: any
    calendar_token text NOT NULL DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
             CONSTRAINT calendar_token_once UNIQUE,
    PRIMARY KEY (hall, clerk),
    FOREIGN KEY (hall, home) REFERENCES zones
);

CREATE TABLE leaves (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL,
    clerk      text NOT NULL,
    first      date NOT NULL,
    last       date NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('annual', 'sick', 'comp', 'training', 'other')),
    note       text CHECK (length(note) <= 200),
    state      text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')),
    asked_at   timestamptz NOT NULL DEFAULT hall_now(),
    decided_by text,
    decided_at timestamptz,
    FOREIGN KEY (hall, clerk) REFERENCES contracts ON DELETE CASCADE,
    CONSTRAINT leave_runs_forward CHECK (first <= last AND last - first < 366),
    CONSTRAINT leave_is_decided_by_somebody CHECK ((state IN ('approved', 'refused')) = (decided_by IS NOT NULL))
);
CREATE INDEX leaves_of_clerk ON leaves (hall, clerk, first);

-- What a clerk would like of one day: to have it off, or to work.
CREATE TABLE shift_wishes (
    hall  integer NOT NULL,
    clerk text NOT NULL,
    day   date NOT NULL,
    wish  text NOT NULL CHECK (wish IN ('off', 'on')),
    PRIMARY KEY (hall, clerk, day),
    FOREIGN KEY (hall, clerk) REFERENCES contracts ON DELETE CASCADE
);

-- One roster a week, from its Monday. `solving` names the run that is looking for a better one, `beat` when it last said so.
CREATE TABLE rosters (
    hall         integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    week         date NOT NULL CONSTRAINT roster_begins_on_monday CHECK (extract(isodow FROM week) = 1),
    state        text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'published')),
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT hall_now(),
    published_by text,
    published_at timestamptz,
    status       text CHECK (status IN ('optimal', 'good', 'none', 'failed')),
    gap          double precision,
    seconds      double precision,
    solving      text,
    solving_since timestamptz,
    beat         timestamptz,
    PRIMARY KEY (hall, week),
    CONSTRAINT published_by_somebody CHECK ((state = 'published') = (published_by IS NOT NULL))
);

-- A row without a pattern is a day a hand took somebody off. What a hand set is `fixed`: solving leaves it.
CREATE TABLE shifts (
    hall      integer NOT NULL,
    day       date NOT NULL,
    clerk     text NOT NULL,
    week      date NOT NULL,
    pattern   text,
    zone      text,
    window_no text,
    fixed     boolean NOT NULL DEFAULT false,
    CONSTRAINT one_shift_a_day PRIMARY KEY (hall, day, clerk),
    FOREIGN KEY (hall, week) REFERENCES rosters ON DELETE CASCADE,
    FOREIGN KEY (hall, clerk) REFERENCES contracts ON DELETE CASCADE,
    FOREIGN KEY (hall, pattern) REFERENCES shift_patterns,
    FOREIGN KEY (hall, zone) REFERENCES zones,
    FOREIGN KEY (hall, window_no) REFERENCES windows,
    CONSTRAINT shift_lies_in_its_week CHECK (day BETWEEN week AND week + 6),
    CONSTRAINT shift_has_hours_and_a_zone CHECK ((pattern IS NULL) = (zone IS NULL) AND (pattern IS NOT NULL OR fixed))
);
CREATE INDEX shifts_of_clerk ON shifts (hall, clerk, day);

-- Both sides take the contract's lock, so that a shift and an approval of leave cannot pass each other.
CREATE FUNCTION shift_meets_leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE hall = NEW.hall AND clerk = NEW.clerk FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM leaves WHERE hall = NEW.hall AND clerk = NEW.clerk AND state = 'approved'
               AND NEW.day BETWEEN first AND last) THEN
        RAISE EXCEPTION 'no shift on a day of leave' USING ERRCODE = 'check_violation', CONSTRAINT = 'no_shift_on_leave';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shift_meets_leave BEFORE INSERT OR UPDATE ON shifts
    FOR EACH ROW WHEN (NEW.pattern IS NOT NULL) EXECUTE FUNCTION shift_meets_leave();

-- Leave that is approved takes its days off the rosters, published or not.
CREATE FUNCTION leave_clears_shifts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE hall = NEW.hall AND clerk = NEW.clerk FOR NO KEY UPDATE;
    DELETE FROM shifts WHERE hall = NEW.hall AND clerk = NEW.clerk AND day BETWEEN NEW.first AND NEW.last;
    RETURN NEW;
END $$;
CREATE TRIGGER leave_clears_shifts BEFORE INSERT OR UPDATE OF state ON leaves
    FOR EACH ROW WHEN (NEW.state = 'approved') EXECUTE FUNCTION leave_clears_shifts();

-- `other` takes over asker's shift of `day`; with `other_day`, asker takes over theirs.
CREATE TABLE shift_swaps (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL,
    asker      text NOT NULL,
    day        date NOT NULL,
    other      text NOT NULL,
    other_day  date,
    state      text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'agreed', 'approved', 'refused', 'withdrawn')),
    asked_at   timestamptz NOT NULL DEFAULT hall_now(),
    agreed_at  timestamptz,
    decided_by text,
    decided_at timestamptz,
    FOREIGN KEY (hall, asker) REFERENCES contracts ON DELETE CASCADE,
    FOREIGN KEY (hall, other) REFERENCES contracts ON DELETE CASCADE,
    CONSTRAINT swap_is_between_two CHECK (asker <> other),
    CONSTRAINT swap_needs_both CHECK (state NOT IN ('agreed', 'approved') OR agreed_at IS NOT NULL),
    CONSTRAINT swap_needs_approval CHECK (state <> 'approved' OR decided_by IS NOT NULL)
);
CREATE UNIQUE INDEX one_swap_of_a_shift ON shift_swaps (hall, asker, day) WHERE state IN ('asked', 'agreed');

-- Minutes at a window after the shift's end (延时), each worth as much time off (调休).
CREATE TABLE overtime (
    hall    integer NOT NULL,
    clerk   text NOT NULL,
    day     date NOT NULL,
    minutes integer NOT NULL CHECK (minutes > 0),
    PRIMARY KEY (hall, clerk, day),
    FOREIGN KEY (hall, clerk) REFERENCES contracts ON DELETE CASCADE
);

-- What was changed by hand and what stood there before, so that it can be taken back in turn.
CREATE TABLE shift_changes (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall    integer NOT NULL,
    week    date NOT NULL,
    day     date NOT NULL,
    clerk   text NOT NULL,
    before  jsonb,                                  -- NULL: nothing stood there
    pattern text,
    zone    text,
    actor   text NOT NULL,
    at      timestamptz NOT NULL DEFAULT hall_now(),
    undone  boolean NOT NULL DEFAULT false,
    FOREIGN KEY (hall, week) REFERENCES rosters ON DELETE CASCADE
);
CREATE INDEX shift_changes_of_week ON shift_changes (hall, week, id) WHERE NOT undone;

-- Who sat where and when, read by day: openings and closings alone.
CREATE INDEX journal_of_seats ON journal (hall, at) WHERE kind IN ('window.opened', 'window.closed');
