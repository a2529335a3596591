DROP INDEX accounts_unverified;
