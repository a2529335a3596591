-- Entries of a feed name an entity by kind and id: extensions are the first kind.
ALTER TABLE feed_entries RENAME COLUMN extension_id TO entity_id;
-- The prefix of the entity's global id.
ALTER TABLE feed_entries ADD COLUMN entity_kind TEXT NOT NULL DEFAULT 'Extension';
ALTER TABLE feed_keys RENAME COLUMN extension_id TO entity_id;
ALTER TABLE feed_errors RENAME COLUMN extension_id TO entity_id;
-- `FeedConsumer` for a digest mismatch, which concerns the whole copy of the consumer.
ALTER TABLE feed_errors ADD COLUMN entity_kind TEXT NOT NULL DEFAULT 'Extension';
UPDATE feed_errors SET entity_kind = 'FeedConsumer' WHERE entity_id = consumer_id;
ALTER INDEX feed_keys_extension RENAME TO feed_keys_entity;
ALTER INDEX feed_errors_extension RENAME TO feed_errors_entity;
