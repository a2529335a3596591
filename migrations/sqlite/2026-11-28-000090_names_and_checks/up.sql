ALTER TABLE doorbell RENAME TO notification_generations;
ALTER TABLE notification_generations RENAME COLUMN revision TO generation;

-- `numbers.state` gets a CHECK. Dropping the table leaves the references of number_history and number_waits without
-- a target until the rows are inserted again, so foreign keys are checked at the commit. Renaming the old table
-- instead would rename the target of those references.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE numbers_copy AS SELECT * FROM numbers;
DROP TABLE numbers;
CREATE TABLE numbers (
    id BLOB PRIMARY KEY NOT NULL,
    -- Null for an E.164 number, which is unique in the installation.
    event_id BLOB REFERENCES events (id),
    number TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('AVAILABLE', 'HELD', 'RESERVED', 'IN_SERVICE', 'AGING', 'RELEASED', 'DISCOVERY', 'PORT_IN', 'PORT_OUT')),
    account_id BLOB REFERENCES accounts (id),
    -- When the state expires. Null for a state without a limit.
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
