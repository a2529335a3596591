-- One feed for each event and service type.
CREATE TABLE feeds (
    id uuid PRIMARY KEY NOT NULL,
    event_id uuid NOT NULL REFERENCES events (id),
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    epoch uuid NOT NULL,
    -- The newest revision.
    head BIGINT NOT NULL,
    -- The highest revision whose tag, keys and tombstones are pruned; -1 before the first pruning.
    horizon BIGINT NOT NULL,
    -- Sum modulo 2^256 over the entries that are present, big-endian.
    digest bytea NOT NULL,
    entry_count BIGINT NOT NULL,
    UNIQUE (event_id, service_type_id)
);

-- A revision and the random tag that proves to have seen it.
CREATE TABLE feed_revisions (
    feed_id uuid NOT NULL REFERENCES feeds (id),
    revision BIGINT NOT NULL,
    tag bytea NOT NULL,
    at BIGINT NOT NULL,
    -- How many entries the transaction wrote.
    entries INTEGER NOT NULL,
    PRIMARY KEY (feed_id, revision)
);
CREATE INDEX feed_revisions_bulk ON feed_revisions (feed_id, revision) WHERE entries > 5000;

-- One row for each extension: the revision of its latest state, and whether it is there or gone.
CREATE TABLE feed_entries (
    extension_id uuid PRIMARY KEY NOT NULL,
    feed_id uuid NOT NULL REFERENCES feeds (id),
    revision BIGINT NOT NULL,
    tag bytea NOT NULL,
    slot INTEGER NOT NULL,
    present BOOLEAN NOT NULL
);
CREATE INDEX feed_entries_revision ON feed_entries (feed_id, revision, extension_id);
CREATE INDEX feed_entries_present ON feed_entries (feed_id, extension_id) WHERE present;

-- Which keys an extension has borne, from which revision and to which.
CREATE TABLE feed_keys (
    id uuid PRIMARY KEY NOT NULL,
    extension_id uuid NOT NULL,
    feed_id uuid NOT NULL REFERENCES feeds (id),
    number TEXT NOT NULL,
    parameters jsonb NOT NULL,
    from_revision BIGINT NOT NULL,
    -- Null while the extension bears them.
    to_revision BIGINT
);
CREATE INDEX feed_keys_extension ON feed_keys (extension_id, to_revision);
CREATE INDEX feed_keys_retired ON feed_keys (feed_id, to_revision) WHERE to_revision IS NOT NULL;

CREATE TABLE feed_consumers (
    id uuid PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    feed_id uuid NOT NULL REFERENCES feeds (id),
    api_key_id uuid NOT NULL REFERENCES api_keys (id),
    -- The feed's head when the consumer was named: it blocks no number that was freed before.
    created_revision BIGINT NOT NULL,
    -- The acknowledged cursor; null before the first acknowledgement.
    acknowledged TEXT,
    acknowledged_base BIGINT,
    acknowledged_position BIGINT,
    acknowledged_at BIGINT,
    last_seen_at BIGINT,
    paused BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (feed_id, name)
);
CREATE INDEX feed_consumers_key ON feed_consumers (api_key_id);

CREATE TABLE feed_errors (
    consumer_id uuid NOT NULL REFERENCES feed_consumers (id) ON DELETE CASCADE,
    extension_id uuid NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    -- The entry's revision that failed.
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (consumer_id, extension_id)
);
CREATE INDEX feed_errors_extension ON feed_errors (extension_id);

-- A freed number waits until the consumers have acknowledged these removals.
CREATE TABLE number_waits (
    number_id uuid NOT NULL REFERENCES numbers (id),
    feed_id uuid NOT NULL REFERENCES feeds (id),
    revision BIGINT NOT NULL,
    PRIMARY KEY (number_id, feed_id)
);
