-- Random keys of the installation, sealed under the master key: the one for comparing unique secrets.
CREATE TABLE sealed_keys (
    name TEXT PRIMARY KEY NOT NULL,
    sealed BYTEA NOT NULL
);
