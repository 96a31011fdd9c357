-- What the machines owe: each effect once per device and key, from the moment its cause was recorded.

CREATE TYPE job_state AS ENUM ('owed', 'accepted', 'started', 'done', 'failed', 'expired', 'refused', 'uncertain');

CREATE TABLE jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall        integer NOT NULL REFERENCES halls,
    device      text NOT NULL REFERENCES devices,
    kind        text NOT NULL CHECK (kind IN ('print', 'say', 'ask_rating', 'sound_test', 'print_test')),
    key         text NOT NULL,                  -- ticket:tk_8813:1, call:cl_k3_5512, rating:tk_8813
    expires     timestamptz NOT NULL,
    data        jsonb NOT NULL,
    state       job_state NOT NULL DEFAULT 'owed',
    attempt     integer NOT NULL DEFAULT 0,
    owed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_at timestamptz,
    started_at  timestamptz,
    ended_at    timestamptz,
    detail      jsonb,
    reason      text,
    CONSTRAINT job_once_per_key UNIQUE (device, key),
    CONSTRAINT job_end_is_stamped CHECK ((state IN ('owed', 'accepted', 'started')) = (ended_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX jobs_unfinished ON jobs (device, id) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_key ON jobs (hall, key);
CREATE INDEX prints_of_ticket ON jobs ((data ->> 'ticket_id')) WHERE kind = 'print';
-- Prints that ended without paper, for the alarm that a citizen holds no number.
CREATE INDEX prints_without_paper ON jobs (owed_at) WHERE kind = 'print' AND state IN ('failed', 'expired', 'uncertain', 'refused');
