-- As in up.sql: the references to numbers are without a target until its rows are inserted again.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE numbers_copy AS SELECT * FROM numbers;
DROP TABLE numbers;
CREATE TABLE numbers (
    id BLOB PRIMARY KEY NOT NULL,
    event_id BLOB REFERENCES events (id),
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    account_id BLOB REFERENCES accounts (id),
    until INTEGER,
    extension_id BLOB,
    version INTEGER NOT NULL
) STRICT;
INSERT INTO numbers (id, event_id, number, state, account_id, until, extension_id, version)
SELECT id, event_id, number, state, account_id, until, extension_id, version FROM numbers_copy;
DROP TABLE numbers_copy;
CREATE UNIQUE INDEX numbers_of_event ON numbers (event_id, number);
CREATE UNIQUE INDEX numbers_of_world ON numbers (number) WHERE event_id IS NULL;
CREATE INDEX numbers_waiting ON numbers (until) WHERE until IS NOT NULL;
CREATE INDEX numbers_state ON numbers (event_id, state, number);
CREATE INDEX numbers_account ON numbers (account_id, state);
CREATE INDEX numbers_holder ON numbers (event_id, account_id, number);

ALTER TABLE notification_generations RENAME COLUMN generation TO revision;
ALTER TABLE notification_generations RENAME TO doorbell;
