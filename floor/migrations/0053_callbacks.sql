-- 回访: after a visit somebody asks how it went. Unsatisfied or never reached, it stays open until it is closed with words.

CREATE TABLE callbacks (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall      integer NOT NULL REFERENCES halls,
    visit     bigint NOT NULL CONSTRAINT callback_once UNIQUE REFERENCES visits,
    opened_at timestamptz NOT NULL DEFAULT hall_now(),
    due       date NOT NULL,
    state     text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'follow_up', 'closed')),
    result    text CHECK (result IN ('satisfied', 'unsatisfied', 'not_reached')),
    tries     integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    words     text CHECK (length(words) BETWEEN 1 AND 500),     -- what was done about it
    closed_by text,
    closed_at timestamptz,
    CONSTRAINT callback_closed_is_stamped CHECK ((state = 'closed') = (closed_at IS NOT NULL) AND num_nonnulls(closed_by, closed_at) IN (0, 2)),
    CONSTRAINT callback_follows_up CHECK (state <> 'follow_up' OR result = 'unsatisfied'),
    -- Who was not satisfied is answered: with words.
    CONSTRAINT callback_is_answered CHECK (state <> 'closed' OR result IS NOT NULL AND (result <> 'unsatisfied' OR words IS NOT NULL))
);
CREATE INDEX callbacks_open ON callbacks (hall, due) WHERE closed_at IS NULL;

CREATE TABLE callback_calls (
    callback bigint NOT NULL REFERENCES callbacks ON DELETE CASCADE,
    nth      integer NOT NULL,
    result   text NOT NULL CHECK (result IN ('satisfied', 'unsatisfied', 'not_reached')),
    note     text CHECK (length(note) <= 200),
    by       text NOT NULL,
    at       timestamptz NOT NULL DEFAULT hall_clock(),
    CONSTRAINT call_once PRIMARY KEY (callback, nth)
);
