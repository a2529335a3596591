//! `audit verify` after someone with access to the database has changed it.

use std::path::Path;
use std::sync::Arc;

use super::commands::{execute, run_on};
use super::{refusal, success};
use crate::support::Database;

/// Statements that switch the protection of the tables off, as its owner can.
fn without_triggers(database: &Database, statements: &str) -> String {
    match database {
        Database::Sqlite(_) => format!(
            "PRAGMA foreign_keys = OFF; DROP TRIGGER IF EXISTS audit_events_keep_update; \
             DROP TRIGGER IF EXISTS audit_events_keep_delete; DROP TRIGGER IF EXISTS audit_seals_keep_update; \
             DROP TRIGGER IF EXISTS audit_seals_keep_delete; {statements}"
        ),
        Database::Postgres(..) => format!("SET session_replication_role = replica; {statements}"),
    }
}

/// An installation with a few rows, all of them in the chain.
async fn install(folder: &Path, database: &Database) {
    for name in ["ford", "arthur", "trillian", "zaphod"] {
        success(&run_on(folder, database, &["admin", "create", name], &[]));
    }
    let intact = success(&run_on(folder, database, &["audit", "verify"], &[]));
    assert!(intact.contains("intact: 4 rows") && intact.contains("There was no anchor"), "{intact}");
}

pub async fn tampering_is_found(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    install(folder, &database).await;
    let verify = || run_on(folder, &database, &["audit", "verify"], &[]);
    let intact = success(&verify());
    assert!(intact.contains("intact: 4 rows") && !intact.contains("no anchor"), "{intact}");

    // A row of another program, in the past or at the end, is never sealed by the verification.
    let forged = "INSERT INTO audit_events (seq, at, actor, via, action, summary) VALUES (-5, 1, 'ford', 'graphql', \
                  'setRole', 'made arthur an admin')";
    let forged = match database {
        Database::Sqlite(_) => forged.to_owned(),
        Database::Postgres(..) => forged.replace("VALUES", "OVERRIDING SYSTEM VALUE VALUES").replace("-5", "9999"),
    };
    execute(&database, &forged).await;
    for _ in 0..2 {
        let error = refusal(&verify());
        assert!(error.contains("is forged"), "{error}");
    }
    execute(&database, &without_triggers(&database, "DELETE FROM audit_events WHERE action = 'setRole'")).await;
    success(&verify());
    let sealed = "SELECT seq FROM audit_seals ORDER BY position DESC LIMIT 1";
    let changed = format!("UPDATE audit_events SET summary = 'nothing happened' WHERE seq = ({sealed})");

    // A changed row; the last rows with their links, without them; the links alone; everything.
    let cut = format!(
        "DELETE FROM audit_events WHERE seq = ({sealed}); \
         DELETE FROM audit_seals WHERE NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.seq = audit_seals.seq)"
    );
    let steps = [
        (changed.as_str(), "The audit chain is broken"),
        (&cut, "The audit was cut"),
        (&format!("DELETE FROM audit_events WHERE seq = ({sealed})"), "The audit was cut"),
        ("DELETE FROM audit_seals", "The audit was cut"),
        ("DELETE FROM audit_seals; DELETE FROM audit_events", "The audit was cut"),
    ];
    for (statements, expected) in steps {
        execute(&database, &without_triggers(&database, statements)).await;
        for _ in 0..2 {
            let error = refusal(&verify());
            assert!(error.contains(expected), "{statements}: {error}");
        }
    }
    // New rows after the cut do not hide it.
    success(&run_on(folder, &database, &["admin", "create", "marvin"], &[]));
    assert!(refusal(&verify()).contains("The audit was cut"));
}

pub async fn rows_of_an_earlier_version_stay_verified(folder: Arc<tempfile::TempDir>, database: Database) {
    let folder = folder.path();
    install(folder, &database).await;
    // As an earlier version leaves them: rows without a MAC, no audit key, no anchor, and no link yet.
    let earlier = "UPDATE audit_events SET mac = NULL; DELETE FROM audit_seals; \
                   DELETE FROM sealed_keys WHERE name = 'audit'";
    execute(&database, &without_triggers(&database, earlier)).await;
    std::fs::remove_file(folder.join("data/audit.anchor")).unwrap();
    let verify = || run_on(folder, &database, &["audit", "verify"], &[]);
    assert!(success(&verify()).contains("intact: 4 rows"));
    success(&run_on(folder, &database, &["admin", "create", "marvin"], &[]));
    assert!(success(&verify()).contains("intact: 5 rows"));
    // A row without a MAC is one of an earlier version only in its part of the chain.
    let forged = "INSERT INTO audit_events (at, actor, via, action, summary) VALUES (1, 'x', 'graphql', 'x', 'x')";
    execute(&database, forged).await;
    assert!(refusal(&verify()).contains("is forged"));
    let statements = "DELETE FROM audit_events WHERE actor = 'x'; \
                      UPDATE audit_events SET summary = 'x' WHERE seq = (SELECT min(seq) FROM audit_events)";
    execute(&database, &without_triggers(&database, statements)).await;
    assert!(refusal(&verify()).contains("is broken at row"));
}
