-- What was decided of the calendar is stamped with the hall's time, see 0049.
ALTER TABLE hall_days ALTER decided_at SET DEFAULT hall_now();
ALTER TABLE statutory_years ALTER imported_at SET DEFAULT hall_now();
