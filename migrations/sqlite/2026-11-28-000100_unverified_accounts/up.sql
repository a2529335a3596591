-- For the removal of accounts whose address was never verified.
CREATE INDEX accounts_unverified ON accounts (id) WHERE email_verified_at IS NULL AND deleted_at IS NULL;
