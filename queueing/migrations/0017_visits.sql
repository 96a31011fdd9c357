-- One record of every service a citizen was given, however it was given, written by the act that ends it.

CREATE TABLE visits (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall           integer NOT NULL,
    day            date NOT NULL,
    mode           text NOT NULL CONSTRAINT visit_has_a_mode CHECK (mode IN ('window', 'doorstep', 'booked', 'self_service', 'agent')),
    source         text NOT NULL CHECK (source IN ('ticket', 'doorstep', 'order', 'session', 'consultation')),
    subject        bigint NOT NULL,             -- the id of that ticket, doorstep visit, order …
    number         text,                        -- by which people in the hall speak of it, where there is one
    service        text,
    zone           text,                        -- of the hall, where it was in one
    window_no      text,
    clerk          text,                        -- who answers for it
    clerks         text[] NOT NULL DEFAULT '{}',    -- all who served
    matters        text[] NOT NULL DEFAULT '{}',
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz NOT NULL,
    rateable_until timestamptz NOT NULL,
    CONSTRAINT one_visit_each UNIQUE (source, subject),
    CONSTRAINT visit_ends_after_it_began CHECK (ended_at >= started_at)
);
CREATE INDEX visits_of_day ON visits (hall, day);

INSERT INTO visits (hall, day, mode, source, subject, number, service, zone, window_no, clerk, clerks, matters, started_at,
                    ended_at, rateable_until)
SELECT t.hall, t.day, CASE WHEN t.booked_for IS NULL THEN 'window' ELSE 'booked' END, 'ticket', t.id, t.number, t.service, w.zone,
       t.window_no, t.clerk, array_remove(ARRAY[t.clerk], NULL), t.matters, least(coalesce(t.served_at, t.called_at, t.ended_at), t.ended_at),
       t.ended_at, t.ended_at + make_interval(days => h.rating_days)
FROM tickets t JOIN halls h ON h.id = t.hall LEFT JOIN windows w ON w.hall = t.hall AND w.no = t.window_no
WHERE t.state = 'finished' ORDER BY t.id;
