-- Queues that other systems keep in the same building (police, tax, real estate): read, shown beside ours, never called from.
-- A system says what its queues look like now; what it no longer names is gone.
CREATE TABLE foreign_queues (
    hall      integer NOT NULL REFERENCES halls,
    system    text NOT NULL CHECK (system ~ '^[a-z0-9_-]{1,40}$'),
    code      text NOT NULL CHECK (code ~ '^[A-Za-z0-9._-]{1,20}$'),
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    name_hant text,
    name_en   text,
    place     text,                                     -- where to go, in words: 二楼东侧
    waiting   integer CHECK (waiting BETWEEN 0 AND 100000),     -- NULL: the system doesn't say
    windows   integer CHECK (windows BETWEEN 0 AND 10000),
    calling   text CHECK (length(calling) <= 20),       -- the number it called last
    p50_s     integer CHECK (p50_s BETWEEN 0 AND 86400),
    p90_s     integer CHECK (p90_s BETWEEN 0 AND 86400),
    open      boolean NOT NULL DEFAULT true,
    as_of     timestamptz NOT NULL,                     -- when it was so, by the other system's word, never later than told_at
    told_at   timestamptz NOT NULL DEFAULT hall_clock(),
    rank      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, system, code),
    CONSTRAINT foreign_wait_is_a_range CHECK ((p50_s IS NULL) = (p90_s IS NULL) AND p50_s <= p90_s),
    CONSTRAINT foreign_past CHECK (as_of <= told_at)
);

-- Who may tell them: a system's own token, of which only the digest is kept. It opens nothing else.
CREATE TABLE foreign_systems (
    hall    integer NOT NULL REFERENCES halls,
    system  text NOT NULL CHECK (system ~ '^[a-z0-9_-]{1,40}$'),
    name    text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    token   bytea NOT NULL CONSTRAINT foreign_token_once UNIQUE CHECK (octet_length(token) = 32),
    by      text NOT NULL,                              -- the actor who let it in
    at      timestamptz NOT NULL DEFAULT hall_now(),
    ended   timestamptz,
    PRIMARY KEY (hall, system)
);
ALTER TABLE foreign_queues ADD FOREIGN KEY (hall, system) REFERENCES foreign_systems;
