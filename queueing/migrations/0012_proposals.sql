-- What the balance of the floor proposed, what was forecast for doing it and for leaving it, who decided, and what came of it.
CREATE TABLE proposals (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall         integer NOT NULL REFERENCES halls,
    day          date NOT NULL,
    subject      text NOT NULL,                 -- open:7:B, the same in every round
    service      text NOT NULL,                 -- for whose people it is
    step         jsonb NOT NULL,                -- queueing/balance.py Step
    rule         text,                          -- the rule of the tide that asked for it; NULL: the forecast alone
    -- forming: not shown yet. offered: on the manager's page. expired: its gain went before anybody decided.
    -- undone: taken back by a person, reverted: by the clock, over: the window was closed or the day ended.
    state        text NOT NULL DEFAULT 'forming'
        CHECK (state IN ('forming', 'offered', 'applied', 'refused', 'expired', 'undone', 'reverted', 'over')),
    rounds       smallint NOT NULL DEFAULT 1,   -- in a row: worth it while forming, not worth it while offered, load gone while applied
    effects      jsonb NOT NULL,                -- as last weighed: service, people, before_s, after_s, low_s, high_s; -1 is without end
    offered_with jsonb,                         -- the same when it was offered
    end_before_s integer,
    end_after_s  integer,
    made_at      timestamptz NOT NULL DEFAULT hall_now(),
    offered_at   timestamptz,
    decided_at   timestamptz,
    decided_by   text,                          -- an actor: manager:lin, clock, rule:tide_queue
    keep_until   timestamptz,                   -- minimum open time
    ended_at     timestamptz,                   -- when it was taken back or over
    kept         jsonb,                         -- what taking it back needs
    actual       jsonb,                         -- by service: p90_s, people, still waiting
    judged_at    timestamptz,                   -- from then on actual stands
    CONSTRAINT proposal_decided_once CHECK ((state IN ('forming', 'offered')) = (decided_at IS NULL)),
    CONSTRAINT proposal_offered_before_decided CHECK (state = 'forming' OR offered_at IS NOT NULL)
);
CREATE UNIQUE INDEX proposal_lives_once ON proposals (hall, subject) WHERE state IN ('forming', 'offered', 'applied');
CREATE INDEX proposals_of_day ON proposals (hall, day, id);
CREATE INDEX proposals_unjudged ON proposals (hall) WHERE judged_at IS NULL AND state NOT IN ('forming', 'offered');
