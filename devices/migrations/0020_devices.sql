-- The machines of a hall: where each stands, what it proved to be, what it owes, and how it is.

CREATE TABLE devices (
    n           bigint GENERATED ALWAYS AS IDENTITY,
    id          text PRIMARY KEY,               -- dv_<kind>_<n>
    hall        integer NOT NULL REFERENCES halls,
    kind        text NOT NULL CONSTRAINT device_kind_known CHECK (kind IN ('dispenser', 'led', 'tv', 'speaker', 'evaluator', 'keypad')),
    zone        text,
    window_no   text,
    name        text NOT NULL CONSTRAINT device_has_a_name CHECK (length(name) BETWEEN 1 AND 80),
    model       text,
    agent       text,
    fw          text,
    caps        text[] NOT NULL DEFAULT '{}',
    secret      bytea CHECK (octet_length(secret) = 32),        -- SHA-256; the secret itself is shown once and never kept
    next_secret bytea CHECK (octet_length(next_secret) = 32),   -- during a rotation both open the door
    rotate      boolean NOT NULL DEFAULT false,                 -- somebody asked for a new secret
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    paired_at   timestamptz,
    revoked_at  timestamptz,
    last_seen   timestamptz,
    gen         bigint NOT NULL DEFAULT 0,      -- the number of its newest connection
    boot        text,
    config      jsonb NOT NULL DEFAULT '{}',    -- volume, languages, screen text
    config_rev  bigint NOT NULL DEFAULT 0,
    parts       jsonb NOT NULL DEFAULT '{}',    -- as it reported them last
    CONSTRAINT device_zone_exists FOREIGN KEY (hall, zone) REFERENCES zones (hall, code),
    CONSTRAINT device_window_exists FOREIGN KEY (hall, window_no) REFERENCES windows (hall, no),
    CONSTRAINT device_has_one_place CHECK (zone IS NULL OR window_no IS NULL)
) WITH (fillfactor = 50);
CREATE INDEX devices_of_hall ON devices (hall, n);

-- A code is 50 random bits for ten minutes; only its hash is here.
CREATE TABLE pairing_codes (
    hash    bytea CONSTRAINT pairing_code_once PRIMARY KEY CHECK (octet_length(hash) = 32),
    device  text NOT NULL REFERENCES devices,
    expires timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX pairing_codes_of_device ON pairing_codes (device);

-- Guesses of one address in the minute that began at `since`. The row is the lock: guesses of one address queue up.
CREATE TABLE pairing_tries (
    address text PRIMARY KEY,
    since   timestamptz NOT NULL,
    tries   integer NOT NULL,
    wrong   bigint NOT NULL DEFAULT 0,          -- ever, for the engineer
    latest  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE device_alarms (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     text NOT NULL REFERENCES devices,
    part       text NOT NULL,
    state      text NOT NULL,
    since      timestamptz NOT NULL,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX one_alarm_for_a_part ON device_alarms (device, part) WHERE cleared_at IS NULL;
CREATE INDEX alarms_of_device ON device_alarms (device, since DESC);

-- What a board says it has shown: everything of its feed up to this offset, at this time.
CREATE TABLE device_gots (
    device   text NOT NULL,
    epoch    text NOT NULL,
    "offset" bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (device, epoch, "offset")
);
CREATE INDEX gots_by_age ON device_gots (at);
