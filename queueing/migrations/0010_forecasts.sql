-- What the forecast rests on and what it tells: the day's plan, the record of past days, the range of now, what was promised.

-- What a window is planned to do from an instant on: the services it will serve, none when it closes. The schedule writes it.
CREATE TABLE window_plans (
    hall      integer NOT NULL,
    window_no text NOT NULL,
    at        timestamptz NOT NULL,
    services  text[] NOT NULL DEFAULT '{}',
    clerk     text,
    PRIMARY KEY (hall, window_no, at),
    FOREIGN KEY (hall, window_no) REFERENCES windows
);
CREATE INDEX window_plans_ahead ON window_plans (hall, at);

-- The visits of a past day, counted as queueing/paces.py reads them: all of a service, by clerk, by hour, by matter (n and the
-- sum of the logarithms of their seconds), by length (kind bin), how many calls nobody answered (absent). Of the
-- whole hall (service ''): how long people walked, the gap between two visits and a free clerk's reaction, by length; how many of those
-- who did not come stood in line again (returned) or not (missed).
CREATE TABLE visit_days (
    hall    integer NOT NULL REFERENCES halls,
    day     date NOT NULL,
    service text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('all', 'clerk', 'hour', 'matter', 'bin', 'absent', 'walk', 'gap', 'react', 'returned', 'missed')),
    key     text NOT NULL,
    n       float NOT NULL,
    log_sum float NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, day, service, kind, key)
);

-- Who came on a past day, by the quarter hour since the day's roll; credit of them with a head start, of credit_s in all.
CREATE TABLE arrival_days (
    hall     integer NOT NULL,
    day      date NOT NULL,
    service  text NOT NULL,
    quarter  smallint NOT NULL CHECK (quarter BETWEEN 0 AND 95),
    people   float NOT NULL,
    credit   float NOT NULL DEFAULT 0,
    credit_s float NOT NULL DEFAULT 0,
    PRIMARY KEY (hall, day, service, quarter),
    FOREIGN KEY (hall, service) REFERENCES services
);

-- The range of now: one row a service, written anew as the floor moves. Lost in a crash, and made again a second later.
-- tickets, ahead, p50_s and p90_s have an element for each who waits, in the order of the queue; the last one of ahead,
-- p50_s and p90_s is of somebody who takes a number now. -1: no window is open for them.
CREATE UNLOGGED TABLE forecasts (
    hall     integer NOT NULL,
    service  text NOT NULL,
    made_at  timestamptz NOT NULL,
    "offset" bigint NOT NULL,
    mean_s   float NOT NULL,
    spread_s float NOT NULL,
    tickets  bigint[] NOT NULL,
    ahead    integer[] NOT NULL,
    p50_s    integer[] NOT NULL,
    p90_s    integer[] NOT NULL,
    PRIMARY KEY (hall, service)
) WITH (fillfactor = 50);

-- What each ticket was told when it was taken, and how long it really waited for its first call.
CREATE TABLE promises (
    ticket   bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall     integer NOT NULL,
    day      date NOT NULL,
    service  text NOT NULL,
    p50_s    integer NOT NULL,
    p90_s    integer NOT NULL,
    waited_s integer,               -- NULL: still waiting, or never called
    settled  boolean NOT NULL DEFAULT false
);
CREATE INDEX promises_open ON promises (hall, day) WHERE NOT settled;
CREATE INDEX promises_of_day ON promises (hall, day, service) WHERE waited_s IS NOT NULL;

-- Published every day: how many waits fell inside what was told.
CREATE TABLE calibrations (
    hall      integer NOT NULL,
    day       date NOT NULL,
    service   text NOT NULL,
    people    integer NOT NULL,         -- who was told a range and was called
    inside    integer NOT NULL,         -- of them, within the P90
    half      integer NOT NULL,         -- of them, within the P50
    median_s  integer NOT NULL,         -- of |waited - P50|
    mean_s    integer NOT NULL,
    PRIMARY KEY (hall, day, service),
    FOREIGN KEY (hall, service) REFERENCES services
);
