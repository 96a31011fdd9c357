-- A service may open several times a day (morning and afternoon), for everybody or for who has booked.

ALTER TABLE doors
    ADD session smallint NOT NULL DEFAULT 1,
    ADD audience text NOT NULL DEFAULT 'all' CHECK (audience IN ('all', 'booked')),
    ADD accept_only boolean NOT NULL DEFAULT false,     -- papers are taken in and passed on, nothing is decided today
    ADD drain boolean NOT NULL DEFAULT true,            -- windows stay until everybody queued is served (延时服务)
    ADD stopped_at timestamptz,                         -- the last ticket came early: more would not be served in time
    DROP CONSTRAINT doors_pkey,
    ADD PRIMARY KEY (hall, day, service, session);
