//! A change and its feed entry commit in one transaction.

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::transport::Transport;
use crate::support::{Actor, TestApp, error_code};

/// Fails the commit of an extension with the label `fails at commit`: a deferred reference without a target.
const FAILING_TABLES: &str = "CREATE TABLE targets (id INTEGER PRIMARY KEY); \
     CREATE TABLE dangling (id INTEGER REFERENCES targets(id) DEFERRABLE INITIALLY DEFERRED);";
const FAILING_SQLITE: &str = "CREATE TRIGGER fail_commit AFTER INSERT ON extensions WHEN NEW.label = 'fails at commit' \
     BEGIN INSERT INTO dangling VALUES (1); END;";
const FAILING_POSTGRESQL: &str = "CREATE FUNCTION fail_commit() RETURNS trigger LANGUAGE plpgsql AS $$ \
     BEGIN INSERT INTO dangling VALUES (1); RETURN NEW; END $$; \
     CREATE TRIGGER fail_commit AFTER INSERT ON extensions FOR EACH ROW WHEN (NEW.label = 'fails at commit') \
     EXECUTE FUNCTION fail_commit();";
/// Rejects every insert of a feed entry.
const REJECT_SQLITE: &str =
    "CREATE TRIGGER reject_entry BEFORE INSERT ON feed_entries BEGIN SELECT RAISE(ABORT, 'no'); END;";
const REJECT_POSTGRESQL: &str = "CREATE FUNCTION reject_entry() RETURNS trigger LANGUAGE plpgsql AS $$ \
     BEGIN RAISE 'no'; END $$; \
     CREATE TRIGGER reject_entry BEFORE INSERT ON feed_entries FOR EACH ROW EXECUTE FUNCTION reject_entry();";

struct Registration {
    number: &'static str,
    label: &'static str,
    dry_run: bool,
}

impl Registration {
    const fn new(number: &'static str, label: &'static str) -> Self {
        Self { number, label, dry_run: false }
    }

    async fn send(&self, person: &Actor) -> Value {
        let query = "mutation($number: PhoneNumber!, $label: String!, $dryRun: Boolean!) \
                     { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $number, \
                     label: $label, dryRun: $dryRun}) \
                     { extension { id } preview { number } errors { code } } }";
        person.execute(query, json!({ "number": self.number, "label": self.label, "dryRun": self.dry_run })).await
    }
}

async fn exists(person: &Actor, number: &str) -> bool {
    let query = "query($number: PhoneNumber!) { extension(event: \"demo\", number: $number) { id } }";
    !person.execute(query, json!({ "number": number })).await["data"]["extension"].is_null()
}

pub async fn delivered_if_and_only_if_committed(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let (app, user) = (&fixture.app, &fixture.user);
    let mut reader = fixture.reader("sip").await;
    Registration::new("2342", "delivered").send(user).await;
    assert_eq!(reader.catch_up().await.len(), 1, "a registration is delivered");
    let head = reader.cursor();

    let refused = Registration::new("2342", "taken").send(user).await;
    assert_eq!(error_code(&refused["data"]["registerExtension"]), "NUMBER_UNAVAILABLE", "{refused}");
    let preview = Registration { dry_run: true, ..Registration::new("2343", "dry") }.send(user).await;
    assert_eq!(preview["data"]["registerExtension"]["preview"]["number"], "2343", "{preview}");
    let (sqlite, postgresql) =
        (format!("{FAILING_TABLES}{FAILING_SQLITE}"), format!("{FAILING_TABLES}{FAILING_POSTGRESQL}"));
    app.execute_sql(&sqlite, &postgresql).await;
    let failed = Registration::new("2344", "fails at commit").send(user).await;
    assert!(failed["errors"][0]["extensions"]["requestId"].is_string(), "the commit did not fail: {failed}");
    assert!(!exists(user, "2344").await);
    assert_eq!(reader.catch_up().await, Vec::<Value>::new(), "a change was delivered without a commit");
    assert_eq!(reader.cursor(), head, "a revision without a commit");

    app.execute_sql(REJECT_SQLITE, REJECT_POSTGRESQL).await;
    let failed = Registration::new("2345", "without an entry").send(user).await;
    assert!(failed["errors"][0]["extensions"]["requestId"].is_string(), "committed without an entry: {failed}");
    app.execute_sql("DROP TRIGGER reject_entry", "DROP TRIGGER reject_entry ON feed_entries").await;
    assert!(!exists(user, "2345").await, "committed without an entry");
    Registration::new("2345", "with an entry").send(user).await;
    assert_eq!(reader.catch_up().await.len(), 1);
}
