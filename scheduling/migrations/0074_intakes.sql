-- What was only taken in (收件) on a day that decides nothing, until it has been passed on to those who do. One row a ticket,
-- made by the ticket's own end, whoever ends it and by whatever way.
CREATE TABLE intakes (
    ticket      bigint PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,
    hall        integer NOT NULL REFERENCES halls,
    received_at timestamptz NOT NULL,
    passed_at   timestamptz,
    passed_by   text,
    CONSTRAINT intake_is_passed_by_somebody CHECK ((passed_at IS NULL) = (passed_by IS NULL))
);
CREATE INDEX intakes_waiting ON intakes (hall, received_at) WHERE passed_at IS NULL;

CREATE FUNCTION ticket_was_taken_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO intakes (ticket, hall, received_at) SELECT NEW.id, NEW.hall, NEW.ended_at
    WHERE EXISTS (SELECT FROM doors d WHERE (d.hall, d.day, d.service) = (NEW.hall, NEW.day, NEW.service) AND d.accept_only)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER ticket_was_taken_in AFTER UPDATE OF state ON tickets
    FOR EACH ROW WHEN (NEW.state = 'finished' AND OLD.state <> 'finished' AND NEW.outcome = 'accepted')
    EXECUTE FUNCTION ticket_was_taken_in();
