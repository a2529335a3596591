ALTER TABLE numbers DROP CONSTRAINT numbers_state_check;

ALTER TABLE notification_generations RENAME COLUMN generation TO revision;
ALTER INDEX notification_generations_pkey RENAME TO doorbell_pkey;
ALTER TABLE notification_generations RENAME TO doorbell;
