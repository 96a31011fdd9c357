-- How each machine's line was over the day, what it was told to be and has taken over, and whether it may rest.

ALTER TABLE devices
    ADD COLUMN config_taken    bigint NOT NULL DEFAULT 0,      -- the newest settings it answered
    ADD COLUMN config_taken_at timestamptz,
    ADD COLUMN config_refused  text,                           -- why it would not take those, in its own words
    ADD COLUMN asleep          boolean NOT NULL DEFAULT false, -- dark until the hall wakes it
    ADD COLUMN test            jsonb,                          -- {"text", "until"}: a line to be looked at
    ADD COLUMN behind          integer NOT NULL DEFAULT 0,     -- events told and not confirmed for seconds
    ADD COLUMN behind_since    timestamptz,                    -- when the first of them was told
    ADD COLUMN broken_at       timestamptz,                    -- hung up on for frames that can't be read
    ADD CONSTRAINT device_behind_since CHECK ((behind > 0) = (behind_since IS NOT NULL));

-- One row a minute while it is connected, kept for three days.
CREATE TABLE device_samples (
    device    text NOT NULL REFERENCES devices,
    at        timestamptz NOT NULL,
    rtt_ms    real,                                            -- the slowest of the minute
    offset_ms real,                                            -- the hall's clock less its own
    behind    integer NOT NULL,                                -- the most of the minute
    PRIMARY KEY (device, at)
);
CREATE INDEX samples_by_age ON device_samples (at);
CREATE INDEX jobs_of_device ON jobs (device, id DESC);
