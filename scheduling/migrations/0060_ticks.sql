-- What the clock has done: one row for a rule, its minute and what it was about. Two clocks race for the row; one acts.
CREATE TABLE ticks (
    rule    text NOT NULL,              -- noun.verb, as in scheduling/ticks.py
    minute  timestamptz NOT NULL,       -- the beginning of the rule's own period
    subject text NOT NULL,              -- hall:3
    did     integer NOT NULL DEFAULT 0, -- how many rows it changed
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (rule, minute, subject)
);
CREATE INDEX ticks_by_age ON ticks (minute);
