-- What a plan did not manage, the time a citizen was told first, and what the hall says to whoever goes there.

-- Why a run ended without a plan: no answer in time, or its process died.
ALTER TABLE round_plans ADD why text CHECK (why IN ('timeout', 'died'));
UPDATE round_plans SET why = 'died' WHERE state = 'failed';
ALTER TABLE round_plans ADD CONSTRAINT failed_plan_says_why CHECK ((state = 'failed') = (why IS NOT NULL));

-- However often a day is planned anew, a visit stays within reach of the time that was told first. NULL: `start` is that time.
ALTER TABLE doorstep_visits ADD given timestamptz CONSTRAINT visit_was_given_a_time CHECK (given IS NULL OR start IS NOT NULL);

-- A note for the team, sealed like the address; whoever writes it need not open the envelope.
CREATE TABLE visit_notes (
    visit   bigint PRIMARY KEY REFERENCES doorstep_visits ON DELETE CASCADE,
    key_id  text NOT NULL,
    sealed  bytea NOT NULL,
    by      text NOT NULL,
    at      timestamptz NOT NULL DEFAULT hall_now()
);
