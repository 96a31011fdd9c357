-- A rating belongs to a visit, of whichever mode. A ticket's rating stays the ticket's too.

ALTER TABLE ratings
    ADD visit bigint CONSTRAINT visit_rated_once UNIQUE REFERENCES visits,
    ALTER ticket DROP NOT NULL,
    ALTER number DROP NOT NULL,
    ALTER service DROP NOT NULL,
    ALTER window_no DROP NOT NULL;
ALTER TABLE ratings DISABLE TRIGGER ratings_stay;
UPDATE ratings r SET visit = v.id FROM visits v WHERE v.source = 'ticket' AND v.subject = r.ticket;
ALTER TABLE ratings ENABLE TRIGGER ratings_stay;
ALTER TABLE ratings ALTER visit SET NOT NULL;
