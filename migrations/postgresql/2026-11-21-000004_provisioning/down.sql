DROP TABLE number_waits;
DROP TABLE feed_errors;
DROP TABLE feed_consumers;
DROP TABLE feed_keys;
DROP TABLE feed_entries;
DROP TABLE feed_revisions;
DROP TABLE feeds;
