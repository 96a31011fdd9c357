-- Rounds (上门路线): who of a day's teams goes to which door in which order, each proposal kept beside what it would change.

-- Where the hall stands: teams set out from here unless they say otherwise, and nobody goes further than its reach.
CREATE TABLE hall_places (
    hall integer PRIMARY KEY REFERENCES halls ON DELETE CASCADE,
    lat  double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon  double precision NOT NULL CHECK (lon BETWEEN -180 AND 180)
);

-- A way between two areas as somebody drove it; the way back may differ.
CREATE TABLE measured_ways (
    hall    integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    start   text NOT NULL,
    goal    text NOT NULL,
    metres  integer NOT NULL CHECK (metres BETWEEN 0 AND 500000),
    seconds integer NOT NULL CHECK (seconds BETWEEN 0 AND 36000),
    PRIMARY KEY (hall, start, goal),
    FOREIGN KEY (hall, start) REFERENCES doorstep_areas ON DELETE CASCADE,
    FOREIGN KEY (hall, goal) REFERENCES doorstep_areas ON DELETE CASCADE,
    CONSTRAINT way_leads_somewhere CHECK (start <> goal)
);

-- A team that can't go on: what it still had is put to others by the next plan.
CREATE TABLE teams_out (
    team  bigint PRIMARY KEY REFERENCES doorstep_teams ON DELETE CASCADE,
    since timestamptz NOT NULL DEFAULT hall_now(),
    by    text NOT NULL
);

CREATE TABLE round_plans (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    day        date NOT NULL,
    version    integer NOT NULL,
    state      text NOT NULL DEFAULT 'solving'
               CHECK (state IN ('solving', 'proposed', 'applied', 'undone', 'refused', 'passed', 'stopped', 'failed')),
    cause      text NOT NULL CHECK (cause IN ('asked', 'late', 'call', 'team')),
    made_by    text NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT hall_now(),
    began      timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat       timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds    double precision,
    figures    jsonb,                    -- metres, seconds late, left out: of the plan, as it stands, by the list
    rounds     jsonb,                    -- by team: metres, home, lunch
    unserved   jsonb,                    -- by visit: why nobody goes
    settled_by text,
    settled_at timestamptz,
    CONSTRAINT plan_has_a_version UNIQUE (hall, day, version),
    CONSTRAINT plan_is_whole CHECK (state NOT IN ('proposed', 'applied', 'undone') OR num_nonnulls(figures, rounds, unserved) = 3)
);
-- One run looks for a day's rounds at a time, and one proposal waits for an answer.
CREATE UNIQUE INDEX one_run_a_day ON round_plans (hall, day) WHERE state = 'solving';
CREATE UNIQUE INDEX one_proposal_a_day ON round_plans (hall, day) WHERE state = 'proposed';

-- What a plan would do with a visit, and how the visit stood: a plan is taken as a whole, while all stand as they stood.
CREATE TABLE round_stops (
    plan      bigint NOT NULL REFERENCES round_plans ON DELETE CASCADE,
    visit     bigint NOT NULL REFERENCES doorstep_visits ON DELETE CASCADE,
    team      bigint,                    -- NULL: it waits for another time
    start     timestamptz,
    leaves    timestamptz,
    metres    integer NOT NULL DEFAULT 0,
    late      integer NOT NULL DEFAULT 0,-- seconds
    was_state text NOT NULL,
    was_team  bigint,
    was_start timestamptz,
    was_confirmed timestamptz,
    PRIMARY KEY (plan, visit),
    CONSTRAINT stop_has_a_time CHECK (num_nonnulls(team, start, leaves) IN (0, 3))
);
CREATE INDEX round_stops_of_visit ON round_stops (visit);
