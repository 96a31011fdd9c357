-- Another time is taken at a kiosk too, by whoever has only the paper.
ALTER TABLE appointments DROP CONSTRAINT appointments_channel_check,
    ADD CONSTRAINT appointments_channel_check CHECK (channel IN ('web', 'desk', 'api', 'kiosk'));

-- Who goes after somebody that has not answered, so that two don't, or none.
ALTER TABLE escalations ADD taken_by text, ADD taken_at timestamptz,
    ADD CONSTRAINT escalation_is_taken_by_somebody CHECK ((taken_by IS NULL) = (taken_at IS NULL));
