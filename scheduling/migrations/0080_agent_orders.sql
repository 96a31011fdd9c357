-- Agent orders (代办): papers collected from somebody, filed here, and the certificate brought back.

-- Whose papers they are is in `sealed`, as with visits to a door; `code` is the citizen's handle, `number` what people say.
CREATE TABLE agent_orders (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text GENERATED ALWAYS AS ('D' || lpad(id::text, greatest(5, length(id::text)), '0')) STORED,
    code         text NOT NULL CONSTRAINT order_code_once UNIQUE CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{10}$'),
    hall         integer NOT NULL REFERENCES halls,
    day          date NOT NULL,                 -- on which it was asked for
    state        text NOT NULL DEFAULT 'requested'
                 CHECK (state IN ('requested', 'collected', 'filed', 'returned', 'declined', 'cancelled')),
    channel      text NOT NULL CHECK (channel IN ('phone', 'desk', 'agent', 'ticket')),
    agent        text,                          -- the name the agent signs in with
    site         text,
    matters      text[] NOT NULL CONSTRAINT order_is_about_something CHECK (cardinality(matters) BETWEEN 1 AND 8),
    lang         text NOT NULL DEFAULT 'zh-Hans',
    key_id       text,
    sealed       bytea,
    phone        bytea,                         -- keyed hash
    name_mask    text CHECK (length(name_mask) <= 4),
    phone_mask   text CHECK (length(phone_mask) <= 8),
    from_ticket  bigint CONSTRAINT order_once_a_ticket UNIQUE REFERENCES tickets,   -- it was asked for with that number in hand
    hand_in      bigint REFERENCES tickets,     -- the number under which its papers are handed in
    due          date,                          -- of the stage it is at; a working day
    told_on      date,                          -- when it was last said to be late
    asked_at     timestamptz NOT NULL,
    asked_by     text NOT NULL,                 -- an actor
    collected_at timestamptz,
    filed_at     timestamptz,
    ended_at     timestamptz,
    why          text CHECK (length(why) BETWEEN 1 AND 200),
    FOREIGN KEY (hall, site) REFERENCES sites,
    CONSTRAINT order_has_an_agent CHECK (agent IS NOT NULL OR state IN ('requested', 'declined', 'cancelled')),
    CONSTRAINT order_knows_its_people CHECK (sealed IS NOT NULL OR ended_at IS NOT NULL),
    CONSTRAINT order_end_is_stamped CHECK ((state IN ('returned', 'declined', 'cancelled')) = (ended_at IS NOT NULL)),
    CONSTRAINT order_ends_with_a_reason CHECK ((state IN ('declined', 'cancelled')) = (why IS NOT NULL)),
    CONSTRAINT open_order_is_due CHECK ((due IS NULL) = (ended_at IS NOT NULL))
);
CREATE INDEX orders_open ON agent_orders (hall, due, id) WHERE ended_at IS NULL;
CREATE INDEX orders_handed_in ON agent_orders (hand_in) WHERE hand_in IS NOT NULL;
CREATE INDEX orders_kept ON agent_orders (hall, ended_at) WHERE sealed IS NOT NULL;
CREATE INDEX orders_of_phone ON agent_orders (hall, phone) WHERE phone IS NOT NULL;

CREATE FUNCTION order_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state || ' ' || NEW.state NOT IN (
        'requested collected', 'requested declined', 'requested cancelled', 'collected filed', 'collected cancelled',
        'filed returned', 'filed cancelled') THEN
        RAISE EXCEPTION 'an order can''t go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'order_moves_forward';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER order_moves BEFORE UPDATE OF state ON agent_orders
    FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION order_moves();

-- A number an agent holds for several orders at once.
CREATE TABLE agent_tickets (
    ticket bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall   integer NOT NULL REFERENCES halls,
    day    date NOT NULL,
    agent  text NOT NULL,
    orders integer NOT NULL CHECK (orders > 0)
);
CREATE INDEX agent_tickets_of_day ON agent_tickets (hall, agent, day);

-- From when the next agent may stand in line for a service: between two of them goes whoever came meanwhile.
CREATE TABLE agent_lines (
    hall    integer NOT NULL,
    service text NOT NULL,
    next_at timestamptz NOT NULL,
    PRIMARY KEY (hall, service),
    FOREIGN KEY (hall, service) REFERENCES services
);

-- Runs when the act holds the hall's stream row to its commit; what it counts is whole.
CREATE FUNCTION agent_takes_turns() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text; most integer := setting(NEW.hall, 'agent_tickets_day', 4);
BEGIN
    IF NEW.orders > setting(NEW.hall, 'agent_orders_ticket', 5) THEN
        broken := 'too_many_orders';
    ELSIF most > 0 AND (SELECT count(*) > most FROM agent_tickets WHERE hall = NEW.hall AND agent = NEW.agent AND day = NEW.day) THEN
        broken := 'agent_had_enough_today';
    ELSIF EXISTS (SELECT FROM agent_tickets a JOIN tickets t ON t.id = a.ticket
            WHERE a.hall = NEW.hall AND a.agent = NEW.agent AND a.day = NEW.day AND a.ticket <> NEW.ticket AND t.ended_at IS NULL) THEN
        broken := 'one_hand_in_at_a_time';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'this agent may not take a number: %', broken USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER agent_takes_turns AFTER INSERT ON agent_tickets FOR EACH ROW EXECUTE FUNCTION agent_takes_turns();
