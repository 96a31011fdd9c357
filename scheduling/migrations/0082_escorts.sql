-- Escorts (陪同办理): who walks with visitors on which half of which day, and with whom they walked.

CREATE TABLE escort_shifts (
    hall   integer NOT NULL REFERENCES halls,
    day    date NOT NULL,
    half   text NOT NULL CHECK (half IN ('am', 'pm')),
    escort text NOT NULL,
    PRIMARY KEY (hall, day, half, escort)
);

CREATE TABLE escorts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall        integer NOT NULL REFERENCES halls,
    ticket      bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
    escort      text NOT NULL,                  -- the name they sign in with
    assigned_at timestamptz NOT NULL,
    started_at  timestamptz CHECK (started_at >= assigned_at),
    ended_at    timestamptz CHECK (ended_at >= assigned_at)
);
CREATE UNIQUE INDEX one_escort_at_a_ticket ON escorts (ticket) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX escort_walks_with_one ON escorts (hall, escort) WHERE ended_at IS NULL AND started_at IS NOT NULL;
CREATE INDEX escorts_of_ticket ON escorts (ticket);
CREATE INDEX escorts_by_time ON escorts (hall, assigned_at);
