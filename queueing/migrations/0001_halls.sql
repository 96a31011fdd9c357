-- A hall, its zones, services and windows, and the one ordered stream of what happens in it.

-- Every rule that speaks of "now" reads it here, so that a test (and later a rehearsal day) can move the clock in one place.
-- The planner inlines it: in production it costs nothing over now().
-- hall_now is the instant an act began, hall_clock the instant it is read: under a lock the latter grows with the lock's order.
CREATE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() $$;
CREATE FUNCTION hall_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;

CREATE TABLE halls (
    id                  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code                text NOT NULL CONSTRAINT halls_code_once UNIQUE CHECK (code ~ '^[a-z0-9-]{1,40}$'),
    name                text NOT NULL,
    time_zone           text NOT NULL DEFAULT 'Asia/Shanghai',
    day_starts          time NOT NULL DEFAULT '04:00',      -- the hour at which the business day rolls
    calls_before_missed integer NOT NULL DEFAULT 3 CHECK (calls_before_missed BETWEEN 1 AND 20),
    min_call_s          integer NOT NULL DEFAULT 30 CHECK (min_call_s BETWEEN 0 AND 600),
    return_after        integer NOT NULL DEFAULT 3 CHECK (return_after BETWEEN 0 AND 100),
    one_live_ticket     boolean NOT NULL DEFAULT false,     -- one live ticket per person and service
    skills_required     boolean NOT NULL DEFAULT true,      -- a clerk opens only services he is skilled in
    rating_days         integer NOT NULL DEFAULT 7 CHECK (rating_days BETWEEN 1 AND 60),  -- how long a finished visit may be rated
    ticket_line         text NOT NULL DEFAULT '当日有效，过号请到导办台',   -- the hall's own line on paper
    always_open         boolean NOT NULL DEFAULT false      -- a demo hall: doors open the whole business day
);

-- top is the offset of the newest journal row. Its row is the last lock every act takes and is held to commit:
-- that is what makes the order of offsets the order of commits, without gaps.
CREATE TABLE hall_streams (
    hall  integer PRIMARY KEY REFERENCES halls,
    epoch text NOT NULL,            -- changes when a backup is restored: an old position is then worthless
    top   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE zones (
    hall integer NOT NULL REFERENCES halls,
    code text NOT NULL CHECK (code ~ '^[A-Z0-9]{1,8}$'),
    name text NOT NULL,
    rank integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, code)
);

CREATE TABLE services (
    hall        integer NOT NULL REFERENCES halls,
    code        text NOT NULL CHECK (code ~ '^[A-Z0-9]{1,8}$'),
    name        text NOT NULL,
    name_hant   text,
    name_en     text,
    zone        text NOT NULL,
    prefix      text NOT NULL CHECK (prefix ~ '^[A-Z]{1,4}$'),  -- of the printed number
    minutes     numeric NOT NULL DEFAULT 6 CHECK (minutes > 0), -- planned service time until enough is measured
    opens       time NOT NULL DEFAULT '09:00',
    last_ticket time NOT NULL DEFAULT '16:30',
    closes      time NOT NULL DEFAULT '17:00',
    quota       integer CHECK (quota >= 0),                     -- tickets a day; NULL is no limit
    rank        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, code),
    FOREIGN KEY (hall, zone) REFERENCES zones
);

-- Who goes first is data: a category's credit is a head start in minutes (house rule: rank_at = joined - credit).
CREATE TABLE categories (
    hall           integer NOT NULL REFERENCES halls,
    code           text NOT NULL CHECK (code ~ '^[a-z_]{1,20}$'),
    name           text NOT NULL,
    credit_minutes integer NOT NULL CHECK (credit_minutes BETWEEN 0 AND 100000),
    needs_evidence boolean NOT NULL DEFAULT true,
    PRIMARY KEY (hall, code)
);

CREATE TYPE window_state AS ENUM ('closed', 'open', 'paused');  -- called and serving are read off its ticket

CREATE TABLE windows (
    hall     integer NOT NULL REFERENCES halls,
    no       text NOT NULL CHECK (no ~ '^[A-Z0-9]{1,6}$'),
    name     text NOT NULL,
    zone     text NOT NULL,
    serves   text[] NOT NULL DEFAULT '{}',      -- what it serves when nobody says otherwise
    services text[] NOT NULL DEFAULT '{}',      -- what it serves now
    state    window_state NOT NULL DEFAULT 'closed',
    clerk    text,                              -- who is seated
    reason   text,                              -- why it is paused
    since    timestamptz NOT NULL DEFAULT now(),
    rank     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, no),
    FOREIGN KEY (hall, zone) REFERENCES zones,
    CONSTRAINT window_seat_matches_state CHECK ((state = 'closed') = (clerk IS NULL))
);
CREATE UNIQUE INDEX clerk_has_one_seat ON windows (hall, clerk) WHERE clerk IS NOT NULL;

CREATE TABLE skills (
    hall    integer NOT NULL,
    clerk   text NOT NULL,
    service text NOT NULL,
    until   date,                               -- NULL: without end
    PRIMARY KEY (hall, clerk, service),
    FOREIGN KEY (hall, service) REFERENCES services
);

-- The door of a service on a business day: the schedule writes it, take reads it and takes one of its places.
CREATE TABLE doors (
    hall        integer NOT NULL,
    day         date NOT NULL,
    service     text NOT NULL,
    opens       timestamptz NOT NULL,
    last_ticket timestamptz NOT NULL,
    closes      timestamptz NOT NULL,
    left_places integer CONSTRAINT door_has_places CHECK (left_places >= 0),    -- NULL is no limit
    PRIMARY KEY (hall, day, service),
    FOREIGN KEY (hall, service) REFERENCES services,
    CHECK (opens <= last_ticket AND last_ticket <= closes)
);

-- The newest number of a prefix on a business day. The day is in the key: nothing resets it.
CREATE TABLE numbers (
    hall   integer NOT NULL REFERENCES halls,
    day    date NOT NULL,
    prefix text NOT NULL,
    newest integer NOT NULL,
    PRIMARY KEY (hall, day, prefix)
) WITH (fillfactor = 50);

-- The business day of an instant: it rolls at the hall's own hour, in the hall's own zone.
CREATE FUNCTION business_day(at timestamptz, time_zone text, day_starts time) RETURNS date
    LANGUAGE sql STABLE AS $$ SELECT ((at AT TIME ZONE time_zone) - day_starts)::date $$;
