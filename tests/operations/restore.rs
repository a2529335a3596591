//! `restore`: a backup in place of a database that is gone, damaged or served.

use std::path::Path;
use std::process::Stdio;

use libtest_mimic::Failed;

use super::{OperationTest, command, refusal, run, success};

pub const TESTS: &[(&str, OperationTest)] = &[
    ("restore::a_backup_is_restored_over_the_leftovers_of_a_crash", a_backup_is_restored_over_the_leftovers_of_a_crash),
    ("restore::a_backup_needs_its_sealing_key", a_backup_needs_its_sealing_key),
    ("restore::a_served_database_is_not_replaced", a_served_database_is_not_replaced),
];

/// A folder with an installation with two admins and its backup `copy.db`, made between them.
fn install() -> Result<tempfile::TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    success(&run(folder.path(), &["admin", "create", "ford"], &[]));
    success(&run(folder.path(), &["audit", "verify"], &[]));
    success(&run(folder.path(), &["backup", "copy.db"], &[]));
    success(&run(folder.path(), &["admin", "create", "arthur"], &[]));
    success(&run(folder.path(), &["audit", "verify"], &[]));
    Ok(folder)
}

fn admin_exists(folder: &Path, name: &str) -> bool {
    // The name is taken if the account exists.
    !run(folder, &["admin", "create", name], &[]).status.success()
}

fn a_backup_is_restored_over_the_leftovers_of_a_crash() -> Result<(), Failed> {
    let folder = install()?;
    let path = folder.path();
    for leftover in ["switchboard.db-wal", "switchboard.db-shm"] {
        std::fs::write(path.join("data").join(leftover), vec![0x37; 4152])?;
    }
    let report = success(&run(path, &["restore", "copy.db"], &[]));
    assert!(
        report.contains("was restored from copy.db") && report.contains("Its audit was intact: 1 rows"),
        "{report}"
    );
    assert!(report.contains("switchboard.db.replaced-"), "{report}");
    let intact = success(&run(path, &["audit", "verify"], &[]));
    assert!(intact.contains("intact: 2 rows") && !intact.contains("no anchor"), "{intact}");
    assert!(admin_exists(path, "ford") && !admin_exists(path, "arthur"));
    // The same without a database, and with a backup that is none.
    std::fs::remove_dir_all(path.join("data").join("mail")).ok();
    std::fs::write(path.join("half.db"), &std::fs::read(path.join("copy.db"))?[..40_000])?;
    for (file, expected) in [("half.db", "half.db: it is"), ("none.db", "none.db: No such file")] {
        let error = refusal(&run(path, &["restore", file], &[]));
        assert!(error.contains(expected), "{error}");
    }
    assert!(admin_exists(path, "arthur"), "a refused restoration changed the database");
    Ok(())
}

fn a_backup_needs_its_sealing_key() -> Result<(), Failed> {
    let folder = install()?;
    let path = folder.path();
    let key = std::fs::read_to_string(path.join("data/sealing.key"))?;
    std::fs::remove_dir_all(path.join("data"))?;
    let error = refusal(&run(path, &["restore", "copy.db"], &[]));
    assert!(error.contains("its sealing key is missing") && error.contains("data/sealing.key"), "{error}");
    assert!(!path.join("data/switchboard.db").exists() && !path.join("data/sealing.key").exists());
    // The key of another installation.
    std::fs::create_dir(path.join("other"))?;
    success(&run(&path.join("other"), &["admin", "create", "ford"], &[]));
    let error = refusal(&run(&path.join("other"), &["restore", "../copy.db"], &[]));
    assert!(error.contains("does not belong to this database"), "{error}");
    let key = key.lines().find(|line| !line.starts_with('#')).ok_or("no key")?;
    success(&run(path, &["restore", "copy.db"], &[("SWITCHBOARD_SEALING_KEY", key)]));
    Ok(())
}

fn a_served_database_is_not_replaced() -> Result<(), Failed> {
    let folder = install()?;
    let path = folder.path();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let log = std::fs::File::create(path.join("log"))?;
    let mut server = command(path, &serve, &[]).stdout(Stdio::null()).stderr(log).spawn()?;
    while !std::fs::read_to_string(path.join("log"))?.contains("listening") {
        assert!(server.try_wait()?.is_none(), "{}", std::fs::read_to_string(path.join("log"))?);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let restored = run(path, &["restore", "copy.db"], &[]);
    let second = run(path, &serve, &[]);
    server.kill()?;
    server.wait()?;
    for output in [restored, second] {
        let error = refusal(&output);
        assert!(error.contains("a server uses the database"), "{error}");
    }
    assert!(admin_exists(path, "arthur"));
    success(&run(path, &["restore", "copy.db"], &[]));
    Ok(())
}
