CREATE TABLE numbers (
    id uuid PRIMARY KEY NOT NULL,
    -- Null for an E.164 number, which is unique in the world.
    event_id uuid REFERENCES events (id),
    number TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    account_id uuid REFERENCES accounts (id),
    -- Of its own, so that an edit never restarts a clock.
    until BIGINT,
    extension_id uuid,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX numbers_of_event ON numbers (event_id, number);
CREATE UNIQUE INDEX numbers_of_world ON numbers (number) WHERE event_id IS NULL;
CREATE INDEX numbers_waiting ON numbers (until) WHERE until IS NOT NULL;
CREATE INDEX numbers_state ON numbers (event_id, state, number);
CREATE INDEX numbers_account ON numbers (account_id, state);

CREATE TABLE number_history (
    id uuid PRIMARY KEY NOT NULL,
    number_id uuid NOT NULL REFERENCES numbers (id),
    at BIGINT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    account_id uuid REFERENCES accounts (id),
    actor TEXT NOT NULL
);
CREATE INDEX number_history_number ON number_history (number_id, id);

CREATE TABLE extensions (
    id uuid PRIMARY KEY NOT NULL,
    event_id uuid NOT NULL REFERENCES events (id),
    service_type_id uuid NOT NULL REFERENCES service_types (id),
    owner_id uuid NOT NULL REFERENCES accounts (id),
    slot INTEGER NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    label TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('PUBLIC', 'MEMBERS', 'STAFF', 'HIDDEN')),
    -- Parameters without secrets and without what systems report about themselves.
    parameters jsonb NOT NULL,
    -- A sealed JSON object of the secret parameters.
    secrets bytea,
    -- What systems report (x-status): outside version and feed.
    status jsonb NOT NULL,
    fallback_extension_id uuid REFERENCES extensions (id),
    fallback_number TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX extensions_number ON extensions (event_id, number);
CREATE UNIQUE INDEX extensions_slot ON extensions (event_id, slot);
CREATE INDEX extensions_event ON extensions (event_id, id);
CREATE INDEX extensions_owner ON extensions (owner_id, id);
CREATE INDEX extensions_quota ON extensions (owner_id, event_id, service_type_id);
CREATE INDEX extensions_service_type ON extensions (service_type_id, event_id, id);
CREATE INDEX extensions_fallback ON extensions (fallback_extension_id) WHERE fallback_extension_id IS NOT NULL;
CREATE INDEX extensions_directory ON extensions (event_id, visibility, number);

CREATE TABLE extension_permissions (
    extension_id uuid NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    permission_id uuid NOT NULL REFERENCES call_permissions (id),
    PRIMARY KEY (extension_id, permission_id)
);
CREATE INDEX extension_permissions_permission ON extension_permissions (permission_id, extension_id);

-- Values of x-unique parameters; the scope is the event or the service type.
CREATE TABLE extension_unique_values (
    scope_id uuid NOT NULL,
    parameter TEXT NOT NULL,
    value TEXT NOT NULL,
    extension_id uuid NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    PRIMARY KEY (scope_id, parameter, value)
);
CREATE INDEX extension_unique_values_extension ON extension_unique_values (extension_id);

-- Words of labels, folded, and their keypad digits: each search is a prefix of one of these.
CREATE TABLE directory_terms (
    event_id uuid NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('WORD', 'KEYPAD')),
    term TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    extension_id uuid NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    PRIMARY KEY (event_id, kind, term, extension_id)
);
CREATE INDEX directory_terms_extension ON directory_terms (extension_id);

CREATE TABLE group_members (
    id uuid PRIMARY KEY NOT NULL,
    group_id uuid NOT NULL REFERENCES extensions (id),
    member_id uuid NOT NULL REFERENCES extensions (id),
    delay_seconds INTEGER NOT NULL CHECK (delay_seconds BETWEEN 0 AND 600),
    paused BOOLEAN NOT NULL,
    membership TEXT NOT NULL CHECK (membership IN ('PENDING', 'ACTIVE')),
    created_at BIGINT NOT NULL,
    UNIQUE (group_id, member_id)
);
CREATE INDEX group_members_member ON group_members (member_id, id);
