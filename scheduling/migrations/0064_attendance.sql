-- Who was there: what the seats say of each published shift, time beyond it and what is owed for it; swaps; what contracts bind.

-- Minutes after the day's midnight. `late`: nobody sat there yet; `absent`: not at all; without `ends` it is still so.
-- What the clock found stays as found: a correction stands beside it, with who made it and why.
CREATE TABLE attendance_marks (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall         integer NOT NULL,
    day          date NOT NULL,
    clerk        text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('late', 'absent', 'left_early', 'left_window')),
    begins       integer NOT NULL,
    ends         integer,
    found_at     timestamptz NOT NULL DEFAULT hall_now(),
    judged       text CHECK (judged IN ('excused', 'late', 'absent', 'left_early', 'left_window')),
    reason       text CHECK (length(reason) BETWEEN 1 AND 200),
    corrected_by text,
    corrected_at timestamptz,
    FOREIGN KEY (hall, clerk) REFERENCES contracts ON DELETE CASCADE,
    CONSTRAINT one_mark UNIQUE (hall, day, clerk, kind, begins),
    CONSTRAINT correction_is_whole CHECK (num_nulls(judged, reason, corrected_by, corrected_at) IN (0, 4))
);

-- One row a day. `credit` is what `minutes` are worth off (调休), `taken` what leave has used of it, `until` the last day it can be.
ALTER TABLE overtime
    ADD kind   text NOT NULL CHECK (kind IN ('drain', 'weekend', 'holiday')),
    ADD rate   integer NOT NULL CHECK (rate BETWEEN 0 AND 1000),           -- percent
    ADD credit integer NOT NULL,
    ADD taken  integer NOT NULL DEFAULT 0,
    ADD until  date,
    ADD CONSTRAINT overtime_is_taken_once CHECK (taken BETWEEN 0 AND credit);

CREATE TABLE overtime_taken (
    leave   integer NOT NULL REFERENCES leaves ON DELETE CASCADE,
    hall    integer NOT NULL,
    clerk   text NOT NULL,
    day     date NOT NULL,
    minutes integer NOT NULL CHECK (minutes > 0),
    PRIMARY KEY (leave, day),
    FOREIGN KEY (hall, clerk, day) REFERENCES overtime ON DELETE CASCADE
);

ALTER TABLE shift_swaps ADD reason text CHECK (length(reason) <= 200);
CREATE INDEX swaps_of_other ON shift_swaps (hall, other, state);

ALTER TABLE contracts
    ADD hours      integer CHECK (hours BETWEEN 1 AND 60),                 -- a week, without breaks; NULL: the shifts alone bind
    ADD employment text NOT NULL DEFAULT 'regular' CHECK (employment IN ('regular', 'contract', 'dispatched', 'part_time'));

-- Pauses beside the openings and closings: who pauses is not at the window.
CREATE INDEX journal_of_pauses ON journal (hall, at) WHERE kind IN ('window.paused', 'window.resumed');
