-- Which of its matters a service does on a kind of day; a service without rows here does all of them.
CREATE TABLE day_matters (
    hall     integer NOT NULL,
    day_type text NOT NULL,
    matter   text NOT NULL,
    PRIMARY KEY (hall, day_type, matter),
    FOREIGN KEY (hall, day_type) REFERENCES day_types ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (hall, matter) REFERENCES matters ON DELETE CASCADE
);
CREATE INDEX day_matters_of_matter ON day_matters (hall, matter);

-- What a door and a place to book are for; NULL: everything the service does.
ALTER TABLE doors ADD matters text[];
ALTER TABLE slots ADD matters text[];
