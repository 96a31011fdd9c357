-- The guide desk: papers looked over before a window is spent on them, what was told once, and questions without a number.

-- The newest look at a ticket's papers. What was said before it is in the journal.
CREATE TABLE prechecks (
    ticket     bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall       integer NOT NULL REFERENCES halls,
    ready      boolean NOT NULL,
    lacking    text[] NOT NULL DEFAULT '{}',
    checked_by text NOT NULL,                   -- an actor
    at         timestamptz NOT NULL DEFAULT hall_clock(),
    CONSTRAINT precheck_says_what_is_lacking CHECK (ready = (cardinality(lacking) = 0))
);

-- A "told once" slip (一次性告知): all that is missing, by whom and when. Its code is the visitor's, printed and nowhere else;
-- it counts once, until good_until, for whoever comes back with what was missing.
CREATE TABLE slips (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall        integer NOT NULL REFERENCES halls,
    code        text NOT NULL CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'),
    day         date NOT NULL,
    at          timestamptz NOT NULL DEFAULT hall_clock(),
    matters     text[] NOT NULL DEFAULT '{}',
    lacking     text[] NOT NULL CONSTRAINT slip_tells_something CHECK (cardinality(lacking) BETWEEN 1 AND 40),
    note        text,
    told_by     text NOT NULL,                  -- an actor
    teller      text NOT NULL,                  -- by what name the visitor may ask for that person again
    first_asked text NOT NULL,                  -- who of the staff this visitor asked first (首问): an actor
    person      bytea,                          -- keyed hash of an ID number, as tickets have it
    ticket      bigint REFERENCES tickets,      -- the visit it was told at
    lang        text NOT NULL DEFAULT 'zh-Hans',
    copies      integer NOT NULL DEFAULT 0,     -- printed again
    good_until  date NOT NULL,
    used_at     timestamptz,
    used_by     bigint REFERENCES tickets,      -- the visit it gave priority to
    CONSTRAINT slip_code_once UNIQUE (hall, code),
    CONSTRAINT slip_counts_for_one_ticket UNIQUE (used_by)
);
CREATE INDEX slips_of_person ON slips (hall, person) WHERE person IS NOT NULL AND used_at IS NULL;
CREATE INDEX slips_of_ticket ON slips (ticket) WHERE ticket IS NOT NULL;

-- A question answered at the desk without a number. One tap counts it, another takes it back.
CREATE TABLE consultations (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall      integer NOT NULL REFERENCES halls,
    day       date NOT NULL,
    at        timestamptz NOT NULL DEFAULT hall_clock(),
    tag       text NOT NULL CHECK (tag ~ '^[a-z_]{1,20}$'),
    applicant text CHECK (applicant IN ('legal', 'natural', 'consult', 'complaint')),
    asked     text NOT NULL,                    -- who was asked first: an actor
    undone_at timestamptz
);
CREATE INDEX consultations_of_day ON consultations (hall, day) WHERE undone_at IS NULL;
