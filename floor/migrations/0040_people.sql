-- The people who work in the hall, and the sign-ins that are still good.

CREATE TABLE users (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall     integer NOT NULL REFERENCES halls,
    username text NOT NULL CONSTRAINT username_once UNIQUE CHECK (username ~ '^[a-z0-9_.-]{1,40}$'),
    name     text NOT NULL,
    number   text,                              -- on the plate
    post     text,                              -- the plate's second line: party member, post
    photo    text,                              -- a picture under /static or a data: address
    roles    text[] NOT NULL CHECK (cardinality(roles) > 0
             AND roles <@ ARRAY['clerk', 'desk', 'leader', 'manager', 'engineer', 'auditor', 'doorstep']),
    zone     text,                              -- a leader's own zone; NULL is the whole hall
    password text NOT NULL,                     -- argon2id
    disabled boolean NOT NULL DEFAULT false,
    created  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (hall, zone) REFERENCES zones
);

-- A sign-in is known by the SHA-256 of its token: this table tells nobody how to get in.
CREATE TABLE sessions (
    token   bytea PRIMARY KEY CHECK (octet_length(token) = 32),
    kind    text NOT NULL CHECK (kind IN ('staff', 'kiosk')),
    hall    integer NOT NULL REFERENCES halls,
    "user"  integer NOT NULL REFERENCES users ON DELETE CASCADE,    -- who signed in, or who opened the kiosk
    device  text,                               -- the dispenser a kiosk page stands at
    created timestamptz NOT NULL DEFAULT hall_now(),
    expires timestamptz NOT NULL,
    CHECK ((kind = 'kiosk') = (device IS NOT NULL))
);
CREATE INDEX sessions_by_end ON sessions (expires);
CREATE INDEX sessions_of_user ON sessions ("user");

-- The one-time link that makes the first manager of a house without any.
CREATE TABLE first_links (
    token   bytea PRIMARY KEY CHECK (octet_length(token) = 32),
    expires timestamptz NOT NULL
);
