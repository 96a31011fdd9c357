-- A shift that is dragged is two changes by hand: off where it was, on where it is now. They are taken back together.

ALTER TABLE shift_changes ADD along integer REFERENCES shift_changes ON DELETE SET NULL;
