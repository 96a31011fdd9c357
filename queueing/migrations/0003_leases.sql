-- Numbers that a dispenser may give out while the hall is away, and the tickets it gave out with them.

-- How long dispensers go on alone; 0: never.
ALTER TABLE halls ADD COLUMN offline_minutes integer NOT NULL DEFAULT 240
    CONSTRAINT offline_minutes_fit_a_day CHECK (offline_minutes BETWEEN 0 AND 1440);

-- What dispensers hold of a prefix on a day lies between these two: the hall's own counter steps over it.
ALTER TABLE numbers ADD COLUMN away_from integer, ADD COLUMN away_to integer;

-- The place of a number, so that a span of numbers can be told from every other: of another day, prefix or hall too.
CREATE TYPE number_place AS (hall integer, day date, prefix text, n integer);
CREATE TYPE number_span AS RANGE (subtype = number_place);

CREATE TABLE leases (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,    -- ls_<id> on the wire
    hall       integer NOT NULL REFERENCES halls,
    day        date NOT NULL,
    service    text NOT NULL,
    prefix     text NOT NULL,
    device     text NOT NULL,
    first      integer NOT NULL,
    last       integer NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT hall_now(),
    opens      timestamptz NOT NULL,                -- no number of it before this
    until      timestamptz NOT NULL,                -- nor after this; grows while the dispenser is heard
    CONSTRAINT lease_has_numbers CHECK (first <= last),
    CONSTRAINT lease_numbers_once EXCLUDE USING gist
        (number_span((hall, day, prefix, first)::number_place, (hall, day, prefix, last)::number_place, '[]') WITH &&),
    FOREIGN KEY (hall, service) REFERENCES services
);
CREATE INDEX leases_of_device ON leases (device, day);

-- Every ticket a dispenser says it gave out alone. One that fits its lease became a ticket; the others are disputed and
-- wait for a person: a citizen holds each of them.
CREATE TABLE offline_tickets (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall        integer NOT NULL REFERENCES halls,
    device      text NOT NULL,
    seq         bigint NOT NULL,
    lease       text NOT NULL,                      -- as the dispenser named it
    number      bigint NOT NULL,
    day         date NOT NULL,
    service     text,                               -- NULL: nobody knows the lease
    printed     text NOT NULL,                      -- the number as it stands on the paper, as far as we know
    at          timestamptz NOT NULL,               -- by the dispenser's own clock
    joined_at   timestamptz NOT NULL,               -- by the hall's: corrected by the measured offset
    up_ms       bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT hall_now(),
    ticket      bigint REFERENCES tickets,
    disputed    text CONSTRAINT dispute_has_a_reason
        CHECK (disputed IN ('unknown_lease', 'outside_lease', 'after_deadline', 'number_taken', 'seq_reused')),
    settled_at  timestamptz,                        -- a person has seen to a disputed one
    settled_by  text,
    CONSTRAINT offline_ticket_once UNIQUE (device, seq, lease, number),
    CONSTRAINT offline_ticket_or_dispute CHECK ((ticket IS NULL AND disputed IS NOT NULL) OR (ticket IS NOT NULL AND (disputed IS NULL OR settled_at IS NOT NULL)))
);
CREATE UNIQUE INDEX offline_seq_once ON offline_tickets (device, seq) WHERE disputed IS DISTINCT FROM 'seq_reused';
CREATE INDEX offline_disputed ON offline_tickets (hall, received_at) WHERE disputed IS NOT NULL AND settled_at IS NULL;
