-- One roster for escorts and helpers (帮办/陪同): on a half day somebody walks with visitors, or helps in an area; never both.
ALTER TABLE escort_shifts
    ADD zone text,                              -- where they help; none: they walk
    ADD CONSTRAINT helpers_have_an_area FOREIGN KEY (hall, zone) REFERENCES zones;
