-- A catalogue file that somebody has put in and not yet confirmed. Nothing of it counts before that.
CREATE TABLE catalogue_drafts (
    id      text PRIMARY KEY,
    hall    integer NOT NULL REFERENCES halls,
    actor   text NOT NULL,
    file    text NOT NULL,
    at      timestamptz NOT NULL DEFAULT hall_now(),
    beat    timestamptz NOT NULL DEFAULT hall_now(),    -- whoever reads it says so; silent for long, it was interrupted
    state   text NOT NULL DEFAULT 'reading' CHECK (state IN ('reading', 'ready', 'unreadable', 'dropped', 'applied')),
    reason  text,                                       -- why it is unreadable
    done    integer NOT NULL DEFAULT 0,                 -- rows read so far
    total   integer,                                    -- rows in all, where the file says so
    entries jsonb NOT NULL DEFAULT '[]',                -- [row, matter or event]
    faults  jsonb NOT NULL DEFAULT '[]'                 -- row, column and reason of what is refused
);
CREATE INDEX catalogue_drafts_of_hall ON catalogue_drafts (hall, at);
