-- Where a consumer wants to be called; at most one for each.
CREATE TABLE feed_web_hooks (
    consumer_id uuid PRIMARY KEY NOT NULL REFERENCES feed_consumers (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    -- Sealed.
    secret bytea NOT NULL,
    created_at BIGINT NOT NULL,
    -- Failures in a row, since when, and when it is tried again.
    attempts INTEGER NOT NULL,
    failing_since BIGINT,
    next_at BIGINT NOT NULL,
    last_error TEXT,
    -- Until when the instance that is calling has it for itself.
    claimed_until BIGINT,
    delivered_at BIGINT,
    -- Set when it was given up: an operator replays it.
    dead_at BIGINT,
    -- Whether it knows that the event is archived.
    closed BOOLEAN NOT NULL
);
CREATE INDEX feed_web_hooks_due ON feed_web_hooks (next_at) WHERE dead_at IS NULL;

-- The last comparison of digests: where, when, and whether the copy agreed.
ALTER TABLE feed_consumers ADD COLUMN verified_position BIGINT;
ALTER TABLE feed_consumers ADD COLUMN verified_at BIGINT;
ALTER TABLE feed_consumers ADD COLUMN verified BOOLEAN;
