-- The self-service area: machines people use by themselves, and how often. A machine's `key` is all its own page needs.

CREATE TABLE self_machines (
    hall   integer NOT NULL REFERENCES halls,
    code   text NOT NULL CHECK (code ~ '^[A-Z0-9]{1,8}$'),
    key    text NOT NULL CONSTRAINT machine_key_once UNIQUE,
    name   text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    zone   text NOT NULL,
    broken boolean NOT NULL DEFAULT false,
    gone   boolean NOT NULL DEFAULT false,      -- taken away; kept for what was done there
    PRIMARY KEY (hall, code),
    FOREIGN KEY (hall, zone) REFERENCES zones
);

CREATE TABLE self_sessions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL,
    machine    text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz CHECK (ended_at >= started_at),
    how        text CHECK (how IN ('done', 'left')),        -- by a press, or nobody pressed for long
    FOREIGN KEY (hall, machine) REFERENCES self_machines,
    CONSTRAINT session_end_says_how CHECK ((ended_at IS NULL) = (how IS NULL))
);
CREATE UNIQUE INDEX one_session_at_a_machine ON self_sessions (hall, machine) WHERE ended_at IS NULL;
CREATE INDEX self_sessions_by_start ON self_sessions (hall, started_at);
