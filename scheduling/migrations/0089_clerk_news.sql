-- What a clerk has been told of: everything that happened to the own shifts since stands on console and shift page until it is read.

ALTER TABLE contracts ADD news_seen_at timestamptz NOT NULL DEFAULT hall_now();
ALTER TABLE shift_changes ADD undone_at timestamptz;
