ALTER TABLE feed_consumers DROP COLUMN verified;
ALTER TABLE feed_consumers DROP COLUMN verified_at;
ALTER TABLE feed_consumers DROP COLUMN verified_position;
DROP TABLE feed_web_hooks;
