-- A number that goes from window to window is served by several: all of them stand in its visit, who ended it first.

ALTER TABLE tickets ADD served_by text[] NOT NULL DEFAULT '{}';    -- those who have served it before who has it now
