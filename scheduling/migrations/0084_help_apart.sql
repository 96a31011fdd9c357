-- A comprehensive window serves all its zone, but not the line of helpers: that has windows of its own.
CREATE OR REPLACE FUNCTION serves_of_zone(of_hall integer, of_zone text, of_class text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(code ORDER BY rank, code), '{}') FROM services
    WHERE hall = of_hall AND zone = of_zone AND NOT help AND (class IS NULL OR of_class IS NULL OR class = of_class)
$$;
