-- Figures of small halls: each day counted, signed and brought to the centre by net or by file; a correction is a new version.

-- In the small hall: what was made of each day, and what the centre has.
CREATE TABLE figure_sheets (
    hall    integer NOT NULL REFERENCES halls,
    day     date NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    sheet   jsonb NOT NULL,
    digest  bytea NOT NULL,                     -- of what is counted: the same day counted again is no new version
    made_at timestamptz NOT NULL DEFAULT hall_now(),
    sent_at timestamptz,
    PRIMARY KEY (hall, day, version)
);
CREATE INDEX figure_sheets_unsent ON figure_sheets (hall, day, version) WHERE sent_at IS NULL;

-- At the centre: by which key a site signs (sealed with the hall's secret), and what came.
CREATE TABLE site_keys (
    hall    integer NOT NULL,
    site    text NOT NULL,
    sealed  bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT hall_now(),
    PRIMARY KEY (hall, site),
    FOREIGN KEY (hall, site) REFERENCES sites
);
CREATE TABLE site_sheets (
    hall        integer NOT NULL,
    site        text NOT NULL,
    day         date NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    sheet       jsonb NOT NULL,
    via         text NOT NULL CHECK (via IN ('net', 'file')),
    received_at timestamptz NOT NULL DEFAULT hall_now(),
    CONSTRAINT sheet_once PRIMARY KEY (hall, site, day, version),
    FOREIGN KEY (hall, site) REFERENCES sites
);
CREATE FUNCTION sheets_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a sheet stays as it came; a correction is a new version' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'sheets_stay';
END $$;
CREATE TRIGGER sheets_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON site_sheets FOR EACH STATEMENT EXECUTE FUNCTION sheets_stay();
