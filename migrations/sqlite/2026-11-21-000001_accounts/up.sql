CREATE TABLE accounts (
    id BLOB PRIMARY KEY NOT NULL,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    -- As typed, for mails; compared in lower case. Shown only to its owner and to operators.
    email TEXT NOT NULL,
    email_verified_at INTEGER,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('USER', 'OPERATOR', 'ADMIN')),
    -- Folded username and display name, for the operators' search.
    search TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Set when its owner deleted the account: the row stays as the audit's pseudonym.
    deleted_at INTEGER
) STRICT;
-- Uniqueness is decided when an address is verified, so that nobody can block or probe another's address.
CREATE UNIQUE INDEX accounts_verified_email ON accounts (lower(email)) WHERE email_verified_at IS NOT NULL;
CREATE INDEX accounts_email ON accounts (lower(email));
CREATE INDEX accounts_role ON accounts (role, id);

CREATE TABLE sessions (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES accounts (id),
    token_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    reauthenticated_at INTEGER NOT NULL,
    user_agent TEXT
) STRICT;
CREATE INDEX sessions_account ON sessions (account_id, id);

CREATE TABLE mail_tokens (
    token_hash BLOB PRIMARY KEY NOT NULL,
    account_id BLOB REFERENCES accounts (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'SETUP')),
    -- The address that the token proves, for VERIFY_EMAIL.
    email TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX mail_tokens_account ON mail_tokens (account_id, purpose);

-- Keyed by a hash of what was typed, known or not: counting tells nobody which accounts exist.
CREATE TABLE sign_in_failures (
    id BLOB PRIMARY KEY NOT NULL,
    login_hash BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_failures_login ON sign_in_failures (login_hash, at);
CREATE INDEX sign_in_failures_at ON sign_in_failures (at);

CREATE TABLE restrictions (
    id BLOB PRIMARY KEY NOT NULL,
    target_kind TEXT NOT NULL CHECK (target_kind IN ('ACCOUNT', 'NUMBER', 'EXTENSION')),
    target_id BLOB NOT NULL,
    source TEXT NOT NULL,
    -- Names of RestrictionEffect, separated by spaces.
    effects TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB REFERENCES accounts (id),
    UNIQUE (target_id, target_kind, source)
) STRICT;
