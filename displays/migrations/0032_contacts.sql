-- Whom a hall may write to, what it says and by which way. A number is kept encrypted for as long as a visit needs it;
-- what stays is a keyed hash that only answers "the same number?".

-- How messages leave: `phone` and `mail` reach people, by one driver each. `secret` is encrypted; none: the environment's.
CREATE TABLE notice_ways (
    hall    integer NOT NULL REFERENCES halls,
    kind    text NOT NULL CONSTRAINT way_is_known CHECK (kind IN ('phone', 'mail')),
    driver  text NOT NULL,
    is_on   boolean NOT NULL DEFAULT true,
    setting jsonb NOT NULL,
    secret  bytea,
    PRIMARY KEY (hall, kind)
);

-- The hall's own wording in place of the built-in one.
CREATE TABLE notice_templates (
    hall     integer NOT NULL REFERENCES halls,
    template text NOT NULL,
    lang     text NOT NULL,
    text     text NOT NULL CONSTRAINT template_has_a_length CHECK (length(text) BETWEEN 1 AND 500),
    PRIMARY KEY (hall, template, lang)
);

-- Who waits for word. `subject` is the key of a ticket, `address` encrypted, `who` the keyed hash of it. `day` is the
-- business day of the visit: when it is over, and notice_keep_days more, the row goes.
CREATE TABLE notice_contacts (
    subject text PRIMARY KEY,
    hall    integer NOT NULL REFERENCES halls,
    kind    text NOT NULL CHECK (kind IN ('phone', 'mail')),
    address bytea NOT NULL,
    who     bytea NOT NULL CHECK (octet_length(who) = 32),
    lang    text NOT NULL,
    day     date NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contacts_by_day ON notice_contacts (hall, day);

-- Who does not want to be written to. Nothing else is known about them.
CREATE TABLE notice_optouts (
    hall integer NOT NULL REFERENCES halls,
    who  bytea NOT NULL CHECK (octet_length(who) = 32),
    at   timestamptz NOT NULL DEFAULT now(),
    by   text NOT NULL CHECK (by IN ('citizen', 'import')),
    PRIMARY KEY (hall, who)
);

-- The proof that numbers were erased: how many of visits up to a day, and when.
CREATE TABLE notice_erasures (
    hall   integer NOT NULL REFERENCES halls,
    at     timestamptz NOT NULL DEFAULT now(),
    day    date NOT NULL,
    erased integer NOT NULL CHECK (erased > 0)
);
