ALTER TABLE feed_errors DROP COLUMN entity_kind;
ALTER TABLE feed_errors RENAME COLUMN entity_id TO extension_id;
ALTER TABLE feed_keys RENAME COLUMN entity_id TO extension_id;
ALTER TABLE feed_entries DROP COLUMN entity_kind;
ALTER TABLE feed_entries RENAME COLUMN entity_id TO extension_id;
ALTER INDEX feed_keys_entity RENAME TO feed_keys_extension;
ALTER INDEX feed_errors_entity RENAME TO feed_errors_extension;
