ALTER TABLE doorbell RENAME TO notification_generations;
ALTER INDEX doorbell_pkey RENAME TO notification_generations_pkey;
ALTER TABLE notification_generations RENAME COLUMN revision TO generation;

ALTER TABLE numbers ADD CONSTRAINT numbers_state_check
CHECK (state IN ('AVAILABLE', 'HELD', 'RESERVED', 'IN_SERVICE', 'AGING', 'RELEASED', 'DISCOVERY', 'PORT_IN', 'PORT_OUT'));
