-- Who accepts a visit answers for its reason. A paper is a condition only where the hall makes it one.

ALTER TABLE doorstep_reasons ALTER needs_evidence SET DEFAULT false;
UPDATE doorstep_reasons SET needs_evidence = false WHERE code IN ('mobility', 'occupation', 'other');
