DROP TABLE restrictions;
DROP TABLE sign_in_failures;
DROP TABLE mail_tokens;
DROP TABLE sessions;
DROP TABLE accounts;
