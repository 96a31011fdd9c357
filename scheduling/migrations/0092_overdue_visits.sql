-- Visits that wait for a yes longer than the hall wants, or whose wished days have passed without a time: each is said once,
-- and somebody by name goes after it. The row counts as long as the visit still waits for that.
CREATE TABLE overdue_visits (
    visit    bigint NOT NULL REFERENCES doorstep_visits ON DELETE CASCADE,
    why      text NOT NULL CHECK (why IN ('answer', 'wish')),
    hall     integer NOT NULL REFERENCES halls ON DELETE CASCADE,
    since    timestamptz NOT NULL,
    taken_by text,
    taken_at timestamptz,
    CONSTRAINT visit_is_overdue_once PRIMARY KEY (visit, why),
    CONSTRAINT overdue_is_taken_by_somebody CHECK ((taken_by IS NULL) = (taken_at IS NULL))
);
CREATE INDEX overdue_visits_of_hall ON overdue_visits (hall);
