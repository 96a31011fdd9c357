-- What one visitor was offered is read whenever their page is looked at.
CREATE INDEX escalations_of_ticket ON escalations (ticket) WHERE ticket IS NOT NULL;
