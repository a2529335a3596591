CREATE TABLE events (
    id uuid PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('DRAFT', 'STAFF', 'OPEN', 'FROZEN', 'ARCHIVED')),
    starts_at BIGINT,
    ends_at BIGINT,
    time_zone TEXT NOT NULL,
    hold_seconds INTEGER NOT NULL,
    reserved_prefixes jsonb NOT NULL,
    -- Slots are never used again, so the next one is remembered rather than computed.
    next_slot INTEGER NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE service_types (
    id uuid PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    instructions TEXT NOT NULL,
    parameter_schema jsonb NOT NULL,
    schema_version INTEGER NOT NULL,
    behaviour TEXT NOT NULL CHECK (behaviour IN ('ENDPOINT', 'CALL_GROUP')),
    privileged BOOLEAN NOT NULL,
    group_capable BOOLEAN NOT NULL,
    quota INTEGER,
    member_limit INTEGER,
    retired BOOLEAN NOT NULL,
    settings jsonb NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE event_service_types (
    event_id uuid NOT NULL REFERENCES events (id),
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (event_id, service_type_id)
);

CREATE TABLE number_ranges (
    id uuid PRIMARY KEY NOT NULL,
    event_id uuid NOT NULL REFERENCES events (id),
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    label TEXT NOT NULL,
    privileged BOOLEAN NOT NULL
);
CREATE INDEX number_ranges_event ON number_ranges (event_id, first);

CREATE TABLE range_service_types (
    range_id uuid NOT NULL REFERENCES number_ranges (id) ON DELETE CASCADE,
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (range_id, service_type_id)
);

CREATE TABLE call_permissions (
    id uuid PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    highlights_in_directory BOOLEAN NOT NULL
);

CREATE TABLE templates (
    id uuid PRIMARY KEY NOT NULL,
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    format TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (service_type_id, name)
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    label TEXT NOT NULL,
    -- Names of ApiKeyScope, separated by spaces.
    scopes TEXT NOT NULL,
    all_events BOOLEAN NOT NULL,
    created_by uuid REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE api_key_service_types (
    api_key_id uuid NOT NULL REFERENCES api_keys (id),
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    PRIMARY KEY (api_key_id, service_type_id)
);

CREATE TABLE api_key_events (
    api_key_id uuid NOT NULL REFERENCES api_keys (id),
    event_id uuid NOT NULL REFERENCES events (id),
    PRIMARY KEY (api_key_id, event_id)
);
