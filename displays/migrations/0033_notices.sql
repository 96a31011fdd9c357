-- What is to be sent, and what became of it. A notice is once per subject, template and step: however often the record is
-- read, however many programs read it, nobody is told twice.
CREATE TYPE notice_state AS ENUM ('waiting', 'sent', 'failed', 'dropped');

CREATE TABLE notices (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- with the hall's code the id a gateway knows a repeat by
    hall     integer NOT NULL REFERENCES halls,
    subject  text NOT NULL,                     -- the key of a ticket
    template text NOT NULL,
    step     integer NOT NULL DEFAULT 1,        -- which of a ticket's services
    who      bytea,                             -- gone with the number
    data     jsonb NOT NULL,                    -- what fills the template: numbers, windows, services; never who
    state    notice_state NOT NULL DEFAULT 'waiting',
    why      text,                              -- of a dropped or failed one, and of the last try; never what a gateway answered
    attempts integer NOT NULL DEFAULT 0,
    due      timestamptz NOT NULL DEFAULT now(),-- a program that takes it moves this ahead: if it dies, another takes it then
    expires  timestamptz NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT notice_once UNIQUE (hall, subject, template, step),
    CONSTRAINT notice_end_is_stamped CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX notices_due ON notices (due) WHERE state = 'waiting';
CREATE INDEX notices_of_who ON notices (hall, who, at) WHERE who IS NOT NULL;
CREATE INDEX notices_newest ON notices (hall, id);

-- How far the hall's record has been turned into notices; it moves in the transaction that makes them.
CREATE TABLE notice_positions (
    hall     integer PRIMARY KEY REFERENCES halls,
    epoch    text NOT NULL,
    "offset" bigint NOT NULL
) WITH (fillfactor = 50);
