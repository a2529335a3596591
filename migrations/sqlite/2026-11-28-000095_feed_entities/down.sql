DROP INDEX feed_errors_entity;
DROP INDEX feed_keys_entity;
ALTER TABLE feed_errors DROP COLUMN entity_kind;
ALTER TABLE feed_errors RENAME COLUMN entity_id TO extension_id;
CREATE INDEX feed_errors_extension ON feed_errors (extension_id);
ALTER TABLE feed_keys RENAME COLUMN entity_id TO extension_id;
CREATE INDEX feed_keys_extension ON feed_keys (extension_id, to_revision);
ALTER TABLE feed_entries DROP COLUMN entity_kind;
ALTER TABLE feed_entries RENAME COLUMN entity_id TO extension_id;
