CREATE TABLE events (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('DRAFT', 'STAFF', 'OPEN', 'FROZEN', 'ARCHIVED')),
    starts_at INTEGER,
    ends_at INTEGER,
    time_zone TEXT NOT NULL,
    hold_seconds INTEGER NOT NULL,
    reserved_prefixes TEXT NOT NULL,
    -- Slots are never used again, so the next one is remembered rather than computed.
    next_slot INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE service_types (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    instructions TEXT NOT NULL,
    parameter_schema TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    behaviour TEXT NOT NULL CHECK (behaviour IN ('ENDPOINT', 'CALL_GROUP')),
    privileged INTEGER NOT NULL,
    group_capable INTEGER NOT NULL,
    quota INTEGER,
    member_limit INTEGER,
    retired INTEGER NOT NULL,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE event_service_types (
    event_id BLOB NOT NULL REFERENCES events (id),
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (event_id, service_type_id)
) STRICT;

CREATE TABLE number_ranges (
    id BLOB PRIMARY KEY NOT NULL,
    event_id BLOB NOT NULL REFERENCES events (id),
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    label TEXT NOT NULL,
    privileged INTEGER NOT NULL
) STRICT;
CREATE INDEX number_ranges_event ON number_ranges (event_id, first);

CREATE TABLE range_service_types (
    range_id BLOB NOT NULL REFERENCES number_ranges (id) ON DELETE CASCADE,
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (range_id, service_type_id)
) STRICT;

CREATE TABLE call_permissions (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    highlights_in_directory INTEGER NOT NULL
) STRICT;

CREATE TABLE templates (
    id BLOB PRIMARY KEY NOT NULL,
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    format TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (service_type_id, name)
) STRICT;

CREATE TABLE api_keys (
    id BLOB PRIMARY KEY NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    label TEXT NOT NULL,
    -- Names of ApiKeyScope, separated by spaces.
    scopes TEXT NOT NULL,
    all_events INTEGER NOT NULL,
    created_by BLOB REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE api_key_service_types (
    api_key_id BLOB NOT NULL REFERENCES api_keys (id),
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (api_key_id, service_type_id)
) STRICT;

CREATE TABLE api_key_events (
    api_key_id BLOB NOT NULL REFERENCES api_keys (id),
    event_id BLOB NOT NULL REFERENCES events (id),
    PRIMARY KEY (api_key_id, event_id)
) STRICT;
