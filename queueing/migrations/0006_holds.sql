-- A ticket put aside has a clock: when it was put there, and when somebody should look.
ALTER TABLE tickets
    ADD held_at   timestamptz,
    ADD hold_due  timestamptz,                      -- by the hall's minutes for that kind of hold; NULL is no clock
    ADD hold_told boolean NOT NULL DEFAULT false;   -- the record has said that it is overdue
