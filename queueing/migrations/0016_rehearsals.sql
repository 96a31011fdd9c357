-- A rehearsal: a whole hall whose time is moved, to see a fortnight in a minute. A database becomes one before it has a hall,
-- and stays one for good: nobody can move the clock of a hall that has ever given out a number to somebody.
CREATE TABLE rehearsals (
    one   boolean PRIMARY KEY DEFAULT true CONSTRAINT one_rehearsal CHECK (one),
    ahead interval NOT NULL DEFAULT '0'     -- of the machine's own clock
);

-- Until then hall_now() stays the plain now() that costs nothing (0001).
CREATE FUNCTION begin_rehearsal() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM halls) THEN
        RAISE EXCEPTION 'the clock of a real hall is not moved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rehearsal_has_no_hall_yet';
    END IF;
    INSERT INTO rehearsals DEFAULT VALUES;
    CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE
        AS 'SELECT now() + ahead FROM rehearsals';
    CREATE OR REPLACE FUNCTION hall_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT clock_timestamp() + ahead FROM rehearsals';
END $$;
