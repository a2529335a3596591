//! Commands on installations that are missing, foreign, newer or a demo.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};

use super::{OperationTest, command, refusal, run, success};
use crate::support::Database;

/// The tests that need no database of the suite.
pub const TESTS: &[(&str, OperationTest)] = &[
    ("commands::a_closed_or_full_output_is_an_error", a_closed_or_full_output_is_an_error),
    ("commands::an_invalid_setting_is_named", an_invalid_setting_is_named),
    ("commands::migrate_and_admin_create_say_what_they_did", migrate_and_admin_create_say_what_they_did),
];

/// Runs a command on an installation of a test.
pub fn run_on(folder: &Path, database: &Database, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let url = database.url();
    let more = ["--data-dir", "data", "--database-url", &url];
    run(folder, &[arguments, &more[..]].concat(), variables)
}

/// Runs a command off the async workers.
async fn run_async(folder: &Path, database: &Database, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    tokio::task::block_in_place(|| run_on(folder, database, arguments, variables))
}

/// Runs SQL beside the program.
pub async fn execute(database: &Database, statements: &str) {
    match database {
        Database::Sqlite(file) => {
            use diesel::connection::SimpleConnection as _;
            let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(file.to_str().unwrap()).unwrap();
            conn.batch_execute(statements).unwrap();
        }
        Database::Postgres(_, url) => {
            AsyncPgConnection::establish(url).await.unwrap().batch_execute(statements).await.unwrap();
        }
    }
}

pub async fn only_some_commands_create_an_installation(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    std::fs::write(folder.join("rows.csv"), "number\n").unwrap();
    let files = || std::fs::read_dir(folder).unwrap().count();
    let before = files();
    for arguments in [
        &["backup", "copy.db"][..],
        &["audit", "verify"],
        &["rotate-key"],
        &["export", "--event", "camp"],
        &["import", "rows.csv", "--event", "camp"],
        &["schema", "--live"],
    ] {
        let error = refusal(&run_async(folder, &database, arguments, &[]).await);
        assert!(error.contains("there is no installation") && error.contains("--data-dir"), "{arguments:?}: {error}");
        assert_eq!(files(), before, "{arguments:?} created something");
    }
    success(&run_async(folder, &database, &["admin", "create", "ford"], &[]).await);
    let intact = success(&run_async(folder, &database, &["audit", "verify"], &[]).await);
    assert!(intact.contains("The audit is intact: 1 rows"), "{intact}");
}

pub async fn a_missing_or_foreign_sealing_key_is_refused(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    success(&run_async(folder, &database, &["admin", "create", "ford"], &[]).await);
    let key_file = folder.join("data/sealing.key");
    let key = std::fs::read_to_string(&key_file).unwrap();
    std::fs::remove_file(&key_file).unwrap();
    let commands = [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["rotate-key"], &["audit", "verify"]];
    for arguments in commands {
        let error = refusal(&run_async(folder, &database, arguments, &[]).await);
        assert!(error.contains("data/sealing.key is missing"), "{arguments:?}: {error}");
        assert!(!key_file.exists(), "{arguments:?} made a new key");
        let other = [("SWITCHBOARD_SEALING_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        let error = refusal(&run_async(folder, &database, arguments, &other).await);
        assert!(
            error.contains("does not belong to this database") && error.contains("SWITCHBOARD_SEALING_KEY"),
            "{error}"
        );
    }
    let line = key.lines().find(|line| !line.starts_with('#')).unwrap();
    success(&run_async(folder, &database, &["migrate"], &[("SWITCHBOARD_SEALING_KEY", line)]).await);
    // A database of an earlier version, in which only the secrets of extensions are sealed, is checked by those.
    execute(&database, "DELETE FROM sealed_keys").await;
    success(&run_async(folder, &database, &["migrate"], &[]).await);
}

pub async fn a_database_of_a_newer_version_is_refused(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    success(&run_async(folder, &database, &["migrate"], &[]).await);
    execute(&database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')").await;
    for arguments in
        [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["admin", "create", "x"], &["audit", "verify"]]
    {
        let error = refusal(&run_async(folder, &database, arguments, &[]).await);
        assert!(error.contains("a newer version of Switchboard"), "{arguments:?}: {error}");
    }
}

pub async fn demo_data_is_not_served_as_production(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    let url = database.url();
    let arguments = ["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir", "data", "--database-url", &url];
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut demo = command(folder, &arguments, &[]).stderr(log).spawn().unwrap();
    let log = || std::fs::read_to_string(folder.join("log")).unwrap();
    while !log().contains("listening") {
        assert!(demo.try_wait().unwrap().is_none(), "{}", log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert!(!log().contains('\u{1b}'), "the log of a file has colours: {}", log());
    assert!(log().contains("url=http://127.0.0.1:") || log().contains("url=\"http://127.0.0.1:"), "{}", log());
    let error = refusal(&run_async(folder, &database, &["serve", "--listen", "127.0.0.1:0"], &[]).await);
    assert!(error.contains("well-known password") && error.contains("admin, operator, user"), "{error}");
}

/// Reads nothing of the output, or has no room for it.
fn a_closed_or_full_output_is_an_error() -> Result<(), libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    success(&run(folder.path(), &["admin", "create", "ford"], &[]));
    for arguments in [&["schema"][..], &["audit", "verify"], &["schema", "--live"], &["migrate"]] {
        let full = std::fs::File::options().write(true).open("/dev/full")?;
        let error = refusal(&command(folder.path(), arguments, &[]).stdout(full).output()?);
        assert!(error.contains("standard output: No space left"), "{arguments:?}: {error}");
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let error = refusal(&command(folder.path(), arguments, &[]).stdout(writer).output()?);
        assert!(error.contains("standard output: Broken pipe"), "{arguments:?}: {error}");
    }
    // A closed standard error leaves the exit code.
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let output = command(folder.path(), &["backup", "/nowhere/x.db"], &[]).stderr(writer).output()?;
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

fn an_invalid_setting_is_named() -> Result<(), libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    std::fs::write(path.join("file"), "x")?;
    std::fs::write(
        path.join("foreign.db"),
        "this is a text that is long enough for the header of a database file.........",
    )?;
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path.join("foreign.db"), std::fs::Permissions::from_mode(0o600))?;
    for (arguments, variable, expected) in [
        (&["migrate"][..], ("SWITCHBOARD_LOG", "verbose"), "SWITCHBOARD_LOG: a level is required"),
        (&["migrate", "--database-url", "foo"], ("A", ""), "--database-url: a database URL begins with"),
        (&["migrate", "--data-dir", "file/data"], ("A", ""), "--data-dir: the folder file/data cannot be created"),
        (&["migrate", "--data-dir", "file"], ("A", ""), "--data-dir: the folder file cannot be created"),
        (&["migrate", "--database-url", "sqlite:foreign.db"], ("A", ""), "foreign.db: file is not a database"),
        (&["migrate", "--database-url", "sqlite:/nonexistent/x.db"], ("A", ""), "/nonexistent/x.db: No such file"),
        (&["serve", "--smtp-url", "smtp://u:p@host:notaport"], ("A", ""), "the port in the URL of the mail server"),
        (&["serve", "--public-url", "https://example.org/phones"], ("A", ""), "must not have a path"),
    ] {
        let error = refusal(&run(path, arguments, &[variable]));
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let listen = run(path, &["serve", "--listen", ":8080"], &[]);
    assert_eq!(listen.status.code(), Some(2));
    let error = String::from_utf8(listen.stderr)?;
    assert!(error.contains("127.0.0.1:8080"), "{error}");
    let mut no_password = command(path, &["admin", "create", "ford"], &[]);
    let error = refusal(&no_password.env_remove("SWITCHBOARD_ADMIN_PASSWORD").output()?);
    assert!(error.contains("set SWITCHBOARD_ADMIN_PASSWORD"), "{error}");
    Ok(())
}

fn migrate_and_admin_create_say_what_they_did() -> Result<(), libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    let first = success(&run(folder.path(), &["migrate"], &[]));
    assert!(first.contains("migrations to sqlite:./data/switchboard.db, the last is "), "{first}");
    let second = success(&run(folder.path(), &["migrate"], &[]));
    assert!(second.contains("has every migration already"), "{second}");
    let created = success(&run(folder.path(), &["admin", "create", "ford"], &[]));
    assert!(created.contains("Without --email"), "{created}");
    success(&run(folder.path(), &["backup", "copy.db"], &[]));
    let error = refusal(&run(folder.path(), &["backup", "copy.db"], &[]));
    assert!(error.contains("copy.db exists already"), "{error}");
    Ok(())
}
