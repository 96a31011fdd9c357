-- Each dispenser gives out numbers of its own while the hall is away: a thousand, beginning at a setting of the dispenser.

ALTER TABLE devices ADD COLUMN first_offline integer
    CONSTRAINT offline_range_is_a_thousand CHECK (first_offline BETWEEN 1001 AND 98001 AND first_offline % 1000 = 1),
    ADD CONSTRAINT only_dispensers_lend CHECK (first_offline IS NULL OR kind = 'dispenser');

UPDATE devices d SET first_offline = 1001 + 1000 * r.nth
FROM (SELECT id, row_number() OVER (PARTITION BY hall ORDER BY n) AS nth FROM devices WHERE kind = 'dispenser' AND revoked_at IS NULL) r
WHERE r.id = d.id AND r.nth <= 97;

CREATE UNIQUE INDEX dispenser_has_its_own_range ON devices (hall, first_offline) WHERE revoked_at IS NULL;

-- A new dispenser gets the lowest thousand that is free, from 2001 on; none when all are taken, and it then gives nothing alone.
CREATE FUNCTION give_offline_range() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM halls WHERE id = NEW.hall FOR UPDATE;      -- two dispensers made at once take different ones
    SELECT min(f.first) INTO NEW.first_offline FROM generate_series(2001, 98001, 1000) AS f (first)
    WHERE NOT EXISTS (SELECT FROM devices d WHERE d.hall = NEW.hall AND d.first_offline = f.first AND d.revoked_at IS NULL);
    RETURN NEW;
END $$;
CREATE TRIGGER dispensers_have_a_range BEFORE INSERT ON devices
    FOR EACH ROW WHEN (NEW.kind = 'dispenser' AND NEW.first_offline IS NULL) EXECUTE FUNCTION give_offline_range();
