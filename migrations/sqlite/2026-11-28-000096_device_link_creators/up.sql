-- The document of a link contains what its creator may see at the time of each fetch. Null for links from before, which
-- contain what the owner may see.
ALTER TABLE device_links ADD COLUMN created_by BLOB REFERENCES accounts (id);
ALTER TABLE device_links DROP COLUMN by_staff;
