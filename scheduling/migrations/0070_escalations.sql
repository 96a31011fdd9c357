-- The ladder: what was offered when people waited too long or could not be served today, who took it or said no, and why.
CREATE TABLE escalations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall       integer NOT NULL REFERENCES halls,
    day        date NOT NULL,
    step       text NOT NULL,           -- as in scheduling/escalation.py LADDER
    subject    text NOT NULL,           -- service:A for the hall's own steps, ticket:8813 for a visitor's
    service    text NOT NULL,
    ticket     bigint REFERENCES tickets,
    minute     timestamptz NOT NULL,    -- of the rule's period in which it was offered
    state      text NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'accepted', 'refused', 'lapsed')),
    why        text,                    -- why it was refused, or came to nothing; never who
    offer      jsonb NOT NULL DEFAULT '{}', -- what was offered: the start of a slot, how many waited and how long
    offered_at timestamptz NOT NULL,
    offered_by text NOT NULL,
    decided_at timestamptz,
    decided_by text,
    CONSTRAINT escalation_is_decided_by_somebody
        CHECK ((state = 'offered') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
    CONSTRAINT escalation_refused_with_a_reason CHECK (state <> 'refused' OR why IS NOT NULL)
);
-- A visitor is offered each step once; a service each step once in a period, and not again while it stands.
CREATE UNIQUE INDEX escalation_once_a_ticket ON escalations (hall, step, ticket) WHERE ticket IS NOT NULL;
CREATE UNIQUE INDEX escalation_once_a_minute ON escalations (hall, step, minute, subject) WHERE ticket IS NULL;
CREATE UNIQUE INDEX escalation_stands_once ON escalations (hall, step, subject) WHERE ticket IS NULL AND state = 'offered';
CREATE INDEX escalations_of_day ON escalations (hall, day, service);
CREATE INDEX escalations_open ON escalations (hall) WHERE state = 'offered';

-- A booking made for somebody the hall could not serve: whoever holds it goes before the others of that time.
ALTER TABLE appointments ADD owed bigint CONSTRAINT owed_once UNIQUE REFERENCES tickets;
