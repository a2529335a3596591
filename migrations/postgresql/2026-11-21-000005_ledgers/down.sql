DROP TABLE doorbell;
DROP TABLE idempotency_records;
DROP TABLE jobs;
DROP TABLE audit_seals;
DROP TABLE audit_events;
DROP FUNCTION refuse_change;
