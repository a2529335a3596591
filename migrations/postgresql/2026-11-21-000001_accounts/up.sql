CREATE TABLE accounts (
    id uuid PRIMARY KEY NOT NULL,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    -- As typed, for mails; compared in lower case. Shown only to its owner and to operators.
    email TEXT NOT NULL,
    email_verified_at BIGINT,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('USER', 'OPERATOR', 'ADMIN')),
    -- Folded username and display name, for the operators' search.
    search TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Set when its owner deleted the account: the row stays as the audit's pseudonym.
    deleted_at BIGINT
);
-- Uniqueness is decided when an address is verified, so that nobody can block or probe another's address.
CREATE UNIQUE INDEX accounts_verified_email ON accounts (lower(email)) WHERE email_verified_at IS NOT NULL;
CREATE INDEX accounts_email ON accounts (lower(email));
CREATE INDEX accounts_role ON accounts (role, id);

CREATE TABLE sessions (
    id uuid PRIMARY KEY NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts (id),
    token_hash bytea NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    reauthenticated_at BIGINT NOT NULL,
    user_agent TEXT
);
CREATE INDEX sessions_account ON sessions (account_id, id);

CREATE TABLE mail_tokens (
    token_hash bytea PRIMARY KEY NOT NULL,
    account_id uuid REFERENCES accounts (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'SETUP')),
    -- The address that the token proves, for VERIFY_EMAIL.
    email TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX mail_tokens_account ON mail_tokens (account_id, purpose);

-- Keyed by a hash of what was typed, known or not: counting tells nobody which accounts exist.
CREATE TABLE sign_in_failures (
    id uuid PRIMARY KEY NOT NULL,
    login_hash bytea NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_login ON sign_in_failures (login_hash, at);
CREATE INDEX sign_in_failures_at ON sign_in_failures (at);

CREATE TABLE restrictions (
    id uuid PRIMARY KEY NOT NULL,
    target_kind TEXT NOT NULL CHECK (target_kind IN ('ACCOUNT', 'NUMBER', 'EXTENSION')),
    target_id uuid NOT NULL,
    source TEXT NOT NULL,
    -- Names of RestrictionEffect, separated by spaces.
    effects TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by uuid REFERENCES accounts (id),
    UNIQUE (target_id, target_kind, source)
);
