-- Agents (代办员): staff who file for others, at the centre or at one of its sites and then for that site alone.

ALTER TABLE users
    DROP CONSTRAINT users_roles_check,
    ADD site text,
    ADD CONSTRAINT site_of_staff FOREIGN KEY (hall, site) REFERENCES sites,
    ADD CONSTRAINT user_has_known_roles CHECK (cardinality(roles) > 0
        AND roles <@ ARRAY['clerk', 'desk', 'leader', 'manager', 'engineer', 'auditor', 'doorstep', 'agent']),
    ADD CONSTRAINT site_holds_agents_alone CHECK (site IS NULL OR roles = ARRAY['agent']);
