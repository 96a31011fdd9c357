-- Why a shift was set by hand against a contract or against rest, and changes of contracts and patterns that can be taken back.

ALTER TABLE shift_changes ADD reason text CHECK (length(reason) BETWEEN 1 AND 200);

-- What stood before a contract or a pattern was changed, and what stands since: the newest is taken back while it still stands.
CREATE TABLE term_changes (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall    integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    kind    text NOT NULL CHECK (kind IN ('contract', 'pattern')),
    subject text NOT NULL,                          -- the clerk, the code of the pattern
    before  jsonb,                                  -- NULL: there was none
    after   jsonb NOT NULL,
    actor   text NOT NULL,
    at      timestamptz NOT NULL DEFAULT hall_now(),
    undone  boolean NOT NULL DEFAULT false
);
CREATE INDEX term_changes_newest ON term_changes (hall, kind, id) WHERE NOT undone;

-- Without a published roster overtime counts from the day's opening hours, and says so.
ALTER TABLE overtime ADD by_hours boolean NOT NULL DEFAULT false;
