CREATE TABLE audit_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    entity TEXT,
    summary TEXT NOT NULL,
    request_id TEXT
) STRICT;
CREATE INDEX audit_events_actor ON audit_events (actor, seq);
CREATE INDEX audit_events_action ON audit_events (action, seq);
CREATE INDEX audit_events_entity ON audit_events (entity, seq);

-- The hash chain, beside the rows: a transaction that audits never waits for another's hash.
CREATE TABLE audit_seals (
    position INTEGER PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL UNIQUE REFERENCES audit_events (seq),
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE jobs (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    -- A second job with the same key is the same job.
    deduplication TEXT UNIQUE,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- Until when the worker that claimed it has it for itself.
    claimed_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    -- Set when it was given up: kept for an operator to see.
    dead_at INTEGER
) STRICT;
CREATE INDEX jobs_due ON jobs (run_at) WHERE dead_at IS NULL;

CREATE TABLE idempotency_records (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT;
CREATE INDEX idempotency_records_created ON idempotency_records (created_at);

-- Counters that instances compare after a missed doorbell.
CREATE TABLE doorbell (
    topic TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO doorbell (topic, revision) VALUES ('catalogue', 0);

CREATE TRIGGER audit_events_keep_update BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_events_keep_delete BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_seals_keep_update BEFORE UPDATE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_seals_keep_delete BEFORE DELETE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
