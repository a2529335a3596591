-- Where a consumer wants to be called; at most one for each.
CREATE TABLE feed_web_hooks (
    consumer_id BLOB PRIMARY KEY NOT NULL REFERENCES feed_consumers (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    -- Sealed.
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- Failures in a row, since when, and when it is tried again.
    attempts INTEGER NOT NULL,
    failing_since INTEGER,
    next_at INTEGER NOT NULL,
    last_error TEXT,
    -- Until when the instance that is calling has it for itself.
    claimed_until INTEGER,
    delivered_at INTEGER,
    -- Set when it was given up: an operator replays it.
    dead_at INTEGER,
    -- Whether it knows that the event is archived.
    closed INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_web_hooks_due ON feed_web_hooks (next_at) WHERE dead_at IS NULL;

-- The last comparison of digests: where, when, and whether the copy agreed.
ALTER TABLE feed_consumers ADD COLUMN verified_position INTEGER;
ALTER TABLE feed_consumers ADD COLUMN verified_at INTEGER;
ALTER TABLE feed_consumers ADD COLUMN verified INTEGER;
