DROP INDEX audit_events_mac;
ALTER TABLE audit_events DROP COLUMN mac;
-- The key of the chain; the earlier program knows no keyed links.
DELETE FROM sealed_keys WHERE name = 'audit';
