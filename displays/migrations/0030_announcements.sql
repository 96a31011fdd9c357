-- How far each hall's record has been turned into sentences, papers and questions. It moves in the statement that makes
-- the jobs: what is behind it has been announced, whatever happened to the process that did it.
CREATE TABLE announce_positions (
    hall     integer PRIMARY KEY REFERENCES halls,
    epoch    text NOT NULL,
    "offset" bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
