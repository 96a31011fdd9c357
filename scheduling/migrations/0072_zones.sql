-- A zone's own name in each language and its own loudness, and what a window may decide about a matter.

ALTER TABLE zones
    ADD name_hant text CHECK (length(name_hant) BETWEEN 1 AND 40),
    ADD name_en   text CHECK (length(name_en) BETWEEN 1 AND 60),
    ADD volume    integer CONSTRAINT zone_volume_is_percent CHECK (volume BETWEEN 0 AND 100);  -- of the hall's; NULL is all of it

-- Windows that decide on the spot; the others take papers in and pass them on. None named: every window decides.
ALTER TABLE matter_rules ADD decides text[] NOT NULL DEFAULT '{}';

CREATE FUNCTION only_accepts(of_hall integer, ticket_matters text[], at_window text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM matter_rules r WHERE r.hall = of_hall AND r.matter = ANY(ticket_matters)
                   AND r.decides <> '{}' AND NOT at_window = ANY(r.decides))
$$;
