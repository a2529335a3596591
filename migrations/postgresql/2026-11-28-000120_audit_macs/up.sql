-- A random value and the HMAC of the row under the audit key. Null for rows of earlier versions, which the keyed part of
-- the chain does not contain. Unique, so that no row can be inserted a second time.
ALTER TABLE audit_events ADD COLUMN mac bytea;
CREATE UNIQUE INDEX audit_events_mac ON audit_events (mac);
