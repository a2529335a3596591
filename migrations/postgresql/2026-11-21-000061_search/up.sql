-- Words of usernames and display names, folded: a search for people is for prefixes of these.
CREATE TABLE account_terms (
    term TEXT COLLATE "C" NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (term, account_id)
);
CREATE INDEX account_terms_account ON account_terms (account_id);
-- SQL cannot fold: who is there already is found by the username, and by the rest after the next change of name.
INSERT INTO account_terms (term, account_id) SELECT username, id FROM accounts WHERE deleted_at IS NULL;

CREATE INDEX numbers_holder ON numbers (event_id, account_id, number);
CREATE INDEX number_history_account ON number_history (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX restrictions_kind ON restrictions (target_kind, target_id);
