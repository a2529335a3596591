CREATE TABLE audit_events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    entity TEXT,
    summary TEXT NOT NULL,
    request_id TEXT
);
CREATE INDEX audit_events_actor ON audit_events (actor, seq);
CREATE INDEX audit_events_action ON audit_events (action, seq);
CREATE INDEX audit_events_entity ON audit_events (entity, seq);

-- The hash chain, beside the rows: a transaction that audits never waits for another's hash.
CREATE TABLE audit_seals (
    position BIGINT PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL UNIQUE REFERENCES audit_events (seq),
    hash bytea NOT NULL
);

CREATE TABLE jobs (
    id uuid PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload bytea NOT NULL,
    -- A second job with the same key is the same job.
    deduplication TEXT UNIQUE,
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    -- Until when the worker that claimed it has it for itself.
    claimed_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    -- Set when it was given up: kept for an operator to see.
    dead_at BIGINT
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE dead_at IS NULL;

CREATE TABLE idempotency_records (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash bytea NOT NULL,
    outcome jsonb NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_records_created ON idempotency_records (created_at);

-- Counters that instances compare after a missed doorbell.
CREATE TABLE doorbell (
    topic TEXT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL
);
INSERT INTO doorbell (topic, revision) VALUES ('catalogue', 0);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seals_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
