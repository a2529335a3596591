//! `backup`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::api::import_export::commands::ten_thousand_rows;
use crate::support::{Database, TestApp};

/// Registrations of one user, one after the other, until it is stopped.
struct Writer {
    count: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Writer {
    async fn start(app: &TestApp) -> Self {
        let (count, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let user = app.user().await;
        let task = tokio::spawn({
            let (count, stop) = (Arc::clone(&count), Arc::clone(&stop));
            async move {
                while !stop.load(Ordering::SeqCst) {
                    let number = 2_000 + count.load(Ordering::SeqCst);
                    user.registers("sip", &number.to_string()).await.ok();
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { count, stop, task }
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
    }
}

pub async fn a_backup_is_consistent_under_concurrent_writes(app: TestApp) {
    let folder = app.folder.path().join("copy");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("switchboard.db").to_str().unwrap().to_owned();
    if !app.is_embedded() {
        let refused = app.run_command(&["backup", &file]).await;
        assert!(!refused.is_success && refused.stderr.contains("pg_dump"), "{refused:?}");
        return;
    }
    let text = ten_thousand_rows(&app).await;
    app.run_command_ok(&["import", &app.write_file("camp.csv", &text), "--event", "camp"]).await;
    let writer = Writer::start(&app).await;
    while writer.count() < 5 {
        assert!(!writer.task.is_finished(), "the writer failed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = writer.count();
    let report = app.run_command_ok(&["backup", &file]).await;
    let after = writer.count();
    writer.stop().await;
    assert!(report.contains("sealing key is not in it"), "{report}");
    assert!(after > before + 1, "the backup blocked the writer: {before}, {after}");
    assert!(!app.run_command(&["backup", &file]).await.is_success, "a backup was overwritten");

    // The copy with the sealing key is a complete installation.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a backup is one file");
    let mut copy = app.clone();
    copy.database = Database::Sqlite(file.into());
    let exported = copy.run_command_ok(&["export", "--event", "demo"]).await;
    let rows = u32::try_from(exported.lines().count()).unwrap() - 13;
    assert!((before..=after + 1).contains(&rows), "{before} ≤ {rows} ≤ {after}");
    assert_eq!(copy.run_command_ok(&["export", "--event", "camp"]).await.lines().count(), 10_001);
    assert!(
        copy.run_command(&["export", "--event", "demo", "--with-secrets"]).await.is_success,
        "the secrets are lost"
    );
    assert!(copy.run_command_ok(&["audit", "verify"]).await.contains("The audit is intact"));
}
