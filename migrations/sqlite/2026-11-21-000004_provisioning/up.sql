-- One feed for each event and service type.
CREATE TABLE feeds (
    id BLOB PRIMARY KEY NOT NULL,
    event_id BLOB NOT NULL REFERENCES events (id),
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    epoch BLOB NOT NULL,
    -- The newest revision.
    head INTEGER NOT NULL,
    -- The highest revision whose tag, keys and tombstones are pruned; -1 before the first pruning.
    horizon INTEGER NOT NULL,
    -- Sum modulo 2^256 over the entries that are present, big-endian.
    digest BLOB NOT NULL,
    entry_count INTEGER NOT NULL,
    UNIQUE (event_id, service_type_id)
) STRICT;

-- A revision and the random tag that proves to have seen it.
CREATE TABLE feed_revisions (
    feed_id BLOB NOT NULL REFERENCES feeds (id),
    revision INTEGER NOT NULL,
    tag BLOB NOT NULL,
    at INTEGER NOT NULL,
    -- How many entries the transaction wrote.
    entries INTEGER NOT NULL,
    PRIMARY KEY (feed_id, revision)
) STRICT;
CREATE INDEX feed_revisions_bulk ON feed_revisions (feed_id, revision) WHERE entries > 5000;

-- One row for each extension: the revision of its latest state, and whether it is there or gone.
CREATE TABLE feed_entries (
    extension_id BLOB PRIMARY KEY NOT NULL,
    feed_id BLOB NOT NULL REFERENCES feeds (id),
    revision INTEGER NOT NULL,
    tag BLOB NOT NULL,
    slot INTEGER NOT NULL,
    present INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_entries_revision ON feed_entries (feed_id, revision, extension_id);
CREATE INDEX feed_entries_present ON feed_entries (feed_id, extension_id) WHERE present;

-- Which keys an extension has borne, from which revision and to which.
CREATE TABLE feed_keys (
    id BLOB PRIMARY KEY NOT NULL,
    extension_id BLOB NOT NULL,
    feed_id BLOB NOT NULL REFERENCES feeds (id),
    number TEXT NOT NULL,
    parameters TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    -- Null while the extension bears them.
    to_revision INTEGER
) STRICT;
CREATE INDEX feed_keys_extension ON feed_keys (extension_id, to_revision);
CREATE INDEX feed_keys_retired ON feed_keys (feed_id, to_revision) WHERE to_revision IS NOT NULL;

CREATE TABLE feed_consumers (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    feed_id BLOB NOT NULL REFERENCES feeds (id),
    api_key_id BLOB NOT NULL REFERENCES api_keys (id),
    -- The feed's head when the consumer was named: it blocks no number that was freed before.
    created_revision INTEGER NOT NULL,
    -- The acknowledged cursor; null before the first acknowledgement.
    acknowledged TEXT,
    acknowledged_base INTEGER,
    acknowledged_position INTEGER,
    acknowledged_at INTEGER,
    last_seen_at INTEGER,
    paused INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (feed_id, name)
) STRICT;
CREATE INDEX feed_consumers_key ON feed_consumers (api_key_id);

CREATE TABLE feed_errors (
    consumer_id BLOB NOT NULL REFERENCES feed_consumers (id) ON DELETE CASCADE,
    extension_id BLOB NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    -- The entry's revision that failed.
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (consumer_id, extension_id)
) STRICT;
CREATE INDEX feed_errors_extension ON feed_errors (extension_id);

-- A freed number waits until the consumers have acknowledged these removals.
CREATE TABLE number_waits (
    number_id BLOB NOT NULL REFERENCES numbers (id),
    feed_id BLOB NOT NULL REFERENCES feeds (id),
    revision INTEGER NOT NULL,
    PRIMARY KEY (number_id, feed_id)
) STRICT;
