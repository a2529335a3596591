CREATE TABLE numbers (
    id BLOB PRIMARY KEY NOT NULL,
    -- Null for an E.164 number, which is unique in the world.
    event_id BLOB REFERENCES events (id),
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    account_id BLOB REFERENCES accounts (id),
    -- Of its own, so that an edit never restarts a clock.
    until INTEGER,
    extension_id BLOB,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX numbers_of_event ON numbers (event_id, number);
CREATE UNIQUE INDEX numbers_of_world ON numbers (number) WHERE event_id IS NULL;
CREATE INDEX numbers_waiting ON numbers (until) WHERE until IS NOT NULL;
CREATE INDEX numbers_state ON numbers (event_id, state, number);
CREATE INDEX numbers_account ON numbers (account_id, state);

CREATE TABLE number_history (
    id BLOB PRIMARY KEY NOT NULL,
    number_id BLOB NOT NULL REFERENCES numbers (id),
    at INTEGER NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    account_id BLOB REFERENCES accounts (id),
    actor TEXT NOT NULL
) STRICT;
CREATE INDEX number_history_number ON number_history (number_id, id);

CREATE TABLE extensions (
    id BLOB PRIMARY KEY NOT NULL,
    event_id BLOB NOT NULL REFERENCES events (id),
    service_type_id BLOB NOT NULL REFERENCES service_types (id),
    owner_id BLOB NOT NULL REFERENCES accounts (id),
    slot INTEGER NOT NULL,
    number TEXT NOT NULL,
    label TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('PUBLIC', 'MEMBERS', 'STAFF', 'HIDDEN')),
    -- Parameters without secrets and without what systems report about themselves.
    parameters TEXT NOT NULL,
    -- A sealed JSON object of the secret parameters.
    secrets BLOB,
    -- What systems report (x-status): outside version and feed.
    status TEXT NOT NULL,
    fallback_extension_id BLOB REFERENCES extensions (id),
    fallback_number TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX extensions_number ON extensions (event_id, number);
CREATE UNIQUE INDEX extensions_slot ON extensions (event_id, slot);
CREATE INDEX extensions_event ON extensions (event_id, id);
CREATE INDEX extensions_owner ON extensions (owner_id, id);
CREATE INDEX extensions_quota ON extensions (owner_id, event_id, service_type_id);
CREATE INDEX extensions_service_type ON extensions (service_type_id, event_id, id);
CREATE INDEX extensions_fallback ON extensions (fallback_extension_id) WHERE fallback_extension_id IS NOT NULL;
CREATE INDEX extensions_directory ON extensions (event_id, visibility, number);

CREATE TABLE extension_permissions (
    extension_id BLOB NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    permission_id BLOB NOT NULL REFERENCES call_permissions (id),
    PRIMARY KEY (extension_id, permission_id)
) STRICT;
CREATE INDEX extension_permissions_permission ON extension_permissions (permission_id, extension_id);

-- Values of x-unique parameters; the scope is the event or the service type.
CREATE TABLE extension_unique_values (
    scope_id BLOB NOT NULL,
    parameter TEXT NOT NULL,
    value TEXT NOT NULL,
    extension_id BLOB NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    PRIMARY KEY (scope_id, parameter, value)
) STRICT;
CREATE INDEX extension_unique_values_extension ON extension_unique_values (extension_id);

-- Words of labels, folded, and their keypad digits: each search is a prefix of one of these.
CREATE TABLE directory_terms (
    event_id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('WORD', 'KEYPAD')),
    term TEXT NOT NULL,
    number TEXT NOT NULL,
    extension_id BLOB NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    PRIMARY KEY (event_id, kind, term, extension_id)
) STRICT;
CREATE INDEX directory_terms_extension ON directory_terms (extension_id);

CREATE TABLE group_members (
    id BLOB PRIMARY KEY NOT NULL,
    group_id BLOB NOT NULL REFERENCES extensions (id),
    member_id BLOB NOT NULL REFERENCES extensions (id),
    delay_seconds INTEGER NOT NULL CHECK (delay_seconds BETWEEN 0 AND 600),
    paused INTEGER NOT NULL,
    membership TEXT NOT NULL CHECK (membership IN ('PENDING', 'ACTIVE')),
    created_at INTEGER NOT NULL,
    UNIQUE (group_id, member_id)
) STRICT;
CREATE INDEX group_members_member ON group_members (member_id, id);
