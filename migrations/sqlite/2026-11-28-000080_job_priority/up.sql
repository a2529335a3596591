-- Rank of the job kind's priority: a smaller rank runs first. 1 is normal.
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (priority, run_at) WHERE dead_at IS NULL;
