-- Links under which one telephone finds its configuration.
CREATE TABLE device_links (
    id uuid PRIMARY KEY NOT NULL,
    extension_id uuid NOT NULL REFERENCES extensions (id) ON DELETE CASCADE,
    template_id uuid NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    -- Whose the extension was when the link was made.
    account_id uuid NOT NULL REFERENCES accounts (id),
    token_hash bytea NOT NULL UNIQUE,
    -- Twelve hexadecimal digits for a desk phone; null for a softphone, whose link is good once.
    mac TEXT,
    -- Whether staff made it: then the document may hold what operators see.
    by_staff BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT,
    fetched_at BIGINT
);
CREATE INDEX device_links_extension ON device_links (extension_id);
CREATE INDEX device_links_template ON device_links (template_id);
CREATE INDEX device_links_expires ON device_links (expires_at) WHERE expires_at IS NOT NULL;
