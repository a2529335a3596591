//! A change and its entry are one transaction.

use serde_json::{Value, json};

use super::ground::ServicesInner;
use super::ways::Way;
use crate::support::{Actor, TestApp, error_code};

/// A label that the commit of its extension fails by: a deferred reference that leads nowhere.
const DOOM: &str = "CREATE TABLE fates (id INTEGER PRIMARY KEY); \
                    CREATE TABLE dooms (id INTEGER REFERENCES fates(id) DEFERRABLE INITIALLY DEFERRED);";
const DOOM_SQLITE: &str =
    "CREATE TRIGGER doom AFTER INSERT ON extensions WHEN NEW.label = 'doomed' BEGIN INSERT INTO dooms VALUES (1); END;";
const DOOM_POSTGRESQL: &str = "CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO dooms VALUES (1); RETURN NEW; END $$; \
                               CREATE TRIGGER doom AFTER INSERT ON extensions FOR EACH ROW WHEN (NEW.label = 'doomed') EXECUTE FUNCTION doom();";
/// A feed that takes no entry.
const REFUSAL_SQLITE: &str =
    "CREATE TRIGGER refusal BEFORE INSERT ON feed_entries BEGIN SELECT RAISE(ABORT, 'no'); END;";
const REFUSAL_POSTGRESQL: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; \
                                  CREATE TRIGGER refusal BEFORE INSERT ON feed_entries FOR EACH ROW EXECUTE FUNCTION refuse();";

async fn register(person: &Actor, number: &str, label: &str, dry_run: bool) -> Value {
    let query = "mutation($n: PhoneNumber!, $l: String!, $d: Boolean!) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: $l, dryRun: $d}) \
                 { extension { id } preview { number } errors { code } } }";
    person.execute(query, json!({ "n": number, "l": label, "d": dry_run })).await
}

async fn is_there(person: &Actor, number: &str) -> bool {
    let query = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { id } }";
    !person.execute(query, json!({ "n": number })).await["data"]["extension"].is_null()
}

pub async fn told_if_and_only_if_committed(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let (app, user) = (&ground.app, &ground.user);
    let mut system = ground.system("sip").await;
    register(user, "2342", "told", false).await;
    assert_eq!(system.is_in_step().await.len(), 1, "a registration is told");
    let head = system.cursor();

    let refused = register(user, "2342", "taken", false).await;
    assert_eq!(error_code(&refused["data"]["registerExtension"]), "NUMBER_UNAVAILABLE", "{refused}");
    let previewed = register(user, "2343", "dry", true).await;
    assert_eq!(previewed["data"]["registerExtension"]["preview"]["number"], "2343", "{previewed}");
    app.execute_sql(&format!("{DOOM}{DOOM_SQLITE}"), &format!("{DOOM}{DOOM_POSTGRESQL}")).await;
    let failed = register(user, "2344", "doomed", false).await;
    assert!(failed["errors"][0]["extensions"]["requestId"].is_string(), "the commit did not fail: {failed}");
    assert!(!is_there(user, "2344").await);
    assert_eq!(system.is_in_step().await, Vec::<Value>::new(), "told without a commit");
    assert_eq!(system.cursor(), head, "a revision without a commit");

    app.execute_sql(REFUSAL_SQLITE, REFUSAL_POSTGRESQL).await;
    let failed = register(user, "2345", "not to be told", false).await;
    assert!(failed["errors"][0]["extensions"]["requestId"].is_string(), "committed without an entry: {failed}");
    app.execute_sql("DROP TRIGGER refusal", "DROP TRIGGER refusal ON feed_entries").await;
    assert!(!is_there(user, "2345").await, "committed without an entry");
    register(user, "2345", "told after all", false).await;
    assert_eq!(system.is_in_step().await.len(), 1);
}
