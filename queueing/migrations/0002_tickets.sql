-- Tickets, the journal that records every act on them, and the presses that make a repeated act safe.

CREATE TYPE ticket_state AS ENUM
    ('waiting', 'called', 'serving', 'held', 'missed', 'finished', 'cancelled', 'expired', 'doorstep');

CREATE TABLE tickets (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL CONSTRAINT ticket_key_once UNIQUE,    -- the citizen's own handle: 128 random bits
    hall        integer NOT NULL REFERENCES halls,
    day         date NOT NULL,
    number      text NOT NULL,                      -- as printed
    services    text[] NOT NULL CHECK (cardinality(services) BETWEEN 1 AND 8),
    step        integer NOT NULL DEFAULT 1,         -- services[step] is the current one
    service     text NOT NULL,                      -- = services[step], or where a transfer sent it
    matters     text[] NOT NULL DEFAULT '{}',
    state       ticket_state NOT NULL DEFAULT 'waiting',
    category    text,
    evidence    text,                               -- what paper was shown, never its number
    channel     text NOT NULL,                      -- dispenser, desk, phone, api
    lang        text NOT NULL DEFAULT 'zh-Hans',
    person      bytea,                              -- keyed hash of an ID number; the number itself is never kept
    one_live    boolean NOT NULL DEFAULT false,     -- the hall asked for one live ticket per person and service
    joined_at   timestamptz NOT NULL,               -- when it was issued
    rank_at     timestamptz NOT NULL,               -- the order: joined_at less the category's credit
    for_window  text,                               -- a transfer to one window: only that window calls it
    window_no   text,                               -- the window that called it last
    clerk       text,                               -- who sat there
    calls       integer NOT NULL DEFAULT 0,         -- calls and recalls since it last waited anew
    call_no     integer NOT NULL DEFAULT 0,         -- all its calls and recalls: the newest is call cl_<id>_<call_no>
    called_at   timestamptz,                        -- when that one sounded
    served_at   timestamptz,                        -- arrival
    ended_at    timestamptz,
    hold        text CHECK (hold IN ('with_papers', 'without_papers', 'waiting')),
    outcome     text CHECK (outcome IN ('done', 'accepted', 'consulted', 'not_ready')),
    delivery    text,
    note        text,
    copies      integer NOT NULL DEFAULT 0,         -- marked copies owed beside the first paper
    CONSTRAINT number_once_a_day UNIQUE (hall, day, number),
    CONSTRAINT ticket_has_a_window CHECK (state NOT IN ('called', 'serving', 'held') OR window_no IS NOT NULL),
    CONSTRAINT ticket_end_is_stamped CHECK ((state IN ('finished', 'cancelled', 'expired', 'doorstep')) = (ended_at IS NOT NULL)),
    FOREIGN KEY (hall, service) REFERENCES services
) WITH (fillfactor = 80);

-- A window has one ticket. That a ticket has one window is the shape of the row.
CREATE UNIQUE INDEX one_ticket_at_a_window ON tickets (hall, window_no) WHERE state IN ('called', 'serving');
-- The queues, in their order.
CREATE INDEX tickets_waiting ON tickets (hall, day, service, rank_at, id) WHERE state = 'waiting' AND for_window IS NULL;
CREATE INDEX tickets_for_window ON tickets (hall, day, for_window, rank_at, id) WHERE state = 'waiting' AND for_window IS NOT NULL;
-- Who stepped aside, for the lists of held and missed. Every live ticket is in one of these four: the day roll reads them.
CREATE INDEX tickets_aside ON tickets (hall, day, state) WHERE state IN ('held', 'missed');
-- Measured service times of a day.
CREATE INDEX tickets_served ON tickets (hall, day, service) WHERE state = 'finished' AND served_at IS NOT NULL;

-- Where the hall asks for it, a person claims each service of a ticket for as long as the ticket lives.
CREATE TABLE claims (
    hall    integer NOT NULL,
    person  bytea NOT NULL,
    service text NOT NULL,
    ticket  bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
    CONSTRAINT one_live_ticket PRIMARY KEY (hall, person, service)
);
CREATE INDEX claims_of_ticket ON claims (ticket);

CREATE FUNCTION claim_services() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO claims (hall, person, service, ticket)
        SELECT NEW.hall, NEW.person, code, NEW.id FROM unnest(NEW.services) AS code ORDER BY code;
    ELSE
        DELETE FROM claims WHERE ticket = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER services_are_claimed AFTER INSERT ON tickets
    FOR EACH ROW WHEN (NEW.one_live AND NEW.person IS NOT NULL) EXECUTE FUNCTION claim_services();
CREATE TRIGGER services_are_free_again AFTER UPDATE OF ended_at ON tickets
    FOR EACH ROW WHEN (NEW.one_live AND NEW.person IS NOT NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION claim_services();

CREATE TABLE journal (
    hall      integer NOT NULL,
    "offset"  bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT hall_clock(),        -- taken under the stream's lock: it grows with the offset
    kind      text NOT NULL,                -- noun.verb
    actor     text NOT NULL,                -- clerk:li, desk:wang, device:dv_1, citizen, clock
    cause     text,                         -- the press or rule that made it, for the story
    ticket    bigint,
    window_no text,
    data      jsonb NOT NULL DEFAULT '{}',  -- numbers, letters and windows; never a name, a phone or an ID
    PRIMARY KEY (hall, "offset")
);
CREATE INDEX journal_of_ticket ON journal (ticket, "offset") WHERE ticket IS NOT NULL;

CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'journal_is_append_only';
END $$;
CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();

-- One row for an act that came with an idempotency key: scope is the hash of actor, method, path and key,
-- body the hash of what was asked, answer what the act gave. Kept 24 hours.
CREATE TABLE presses (
    scope  bytea CONSTRAINT press_acts_once PRIMARY KEY CHECK (octet_length(scope) = 32),
    body   bytea NOT NULL,
    status smallint NOT NULL,
    answer jsonb,
    at     timestamptz NOT NULL DEFAULT now()
);
-- Rows come in the order of time: a block range index finds the old ones and costs a press nothing.
CREATE INDEX presses_by_age ON presses USING brin (at);
