-- What citizens thought of a visit: one rating a finished ticket, given by a press, never changed.

CREATE TABLE ratings (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall      integer NOT NULL REFERENCES halls,
    day       date NOT NULL,
    ticket    bigint NOT NULL CONSTRAINT rating_once UNIQUE REFERENCES tickets,
    number    text NOT NULL,
    service   text NOT NULL,
    window_no text NOT NULL,
    clerk     text,
    kind      text NOT NULL DEFAULT 'active' CHECK (kind IN ('active', 'default')),  -- no answer is no row; a default is told apart
    level     smallint NOT NULL CHECK (level BETWEEN 1 AND 5),
    reasons   jsonb NOT NULL DEFAULT '[]',      -- [{"code", "text"}] as they read when they were chosen
    version   text NOT NULL,                    -- of the list of reasons
    comment   text CHECK (length(comment) <= 500),
    channel   text NOT NULL,                    -- evaluator, phone
    at        timestamptz NOT NULL DEFAULT hall_now()
);
CREATE INDEX ratings_of_day ON ratings (hall, day);

CREATE FUNCTION ratings_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a rating stays as it was given' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ratings_stay';
END $$;
CREATE TRIGGER ratings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ratings FOR EACH STATEMENT EXECUTE FUNCTION ratings_stay();

-- Served, for the summary by day.
CREATE INDEX tickets_finished ON tickets (hall, day) WHERE state = 'finished';
