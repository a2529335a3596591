DROP INDEX restrictions_kind;
DROP INDEX number_history_account;
DROP INDEX numbers_holder;
DROP TABLE account_terms;
