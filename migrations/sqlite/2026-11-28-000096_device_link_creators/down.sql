ALTER TABLE device_links ADD COLUMN by_staff INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_links DROP COLUMN created_by;
