//! Readiness of a server whose disk is full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use super::{OperationTest, Suite, command};

pub const TESTS: &[(&str, OperationTest)] = &[];

const FULL_DISK: &str = "serving::a_full_disk_is_not_ready";

/// Adds the test of the full disk, which needs the right to mount a file system.
pub fn add_full_disk(suite: &mut Suite) {
    let is_possible = Disk::mount().is_some();
    if !is_possible {
        suite.skipped.push(format!("operations::{FULL_DISK} (no right to mount)"));
    }
    let trial = Trial::test(format!("operations::{FULL_DISK}"), a_full_disk_is_not_ready);
    suite.trials.push(trial.with_ignored_flag(!is_possible));
}

/// A small file system in memory.
struct Disk(PathBuf);

impl Disk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?.keep();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"])
            .arg(&folder)
            .stderr(Stdio::null())
            .status();
        if mount.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        std::fs::remove_dir(folder).ok();
        None
    }

    /// Fills it up.
    fn fill(&self) -> PathBuf {
        let file = self.0.join("filler");
        let mut filler = std::fs::File::create(&file).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while std::io::Write::write_all(&mut filler, &vec![1; size]).is_ok() {}
        }
        file
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
        drop(std::fs::remove_dir(&self.0));
    }
}

fn a_full_disk_is_not_ready() -> Result<(), Failed> {
    let disk = Disk::mount().ok_or("no right to mount")?;
    let logs = tempfile::tempdir()?;
    let log = std::fs::File::create(logs.path().join("log"))?;
    let arguments = ["serve", "--demo", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir"];
    let mut server = command(logs.path(), &arguments, &[]).arg(&disk.0).stderr(log).stdout(Stdio::null()).spawn()?;
    let outcome = readiness(&mut server, logs.path(), &disk);
    server.kill()?;
    server.wait()?;
    outcome
}

fn readiness(server: &mut std::process::Child, logs: &Path, disk: &Disk) -> Result<(), Failed> {
    let address = loop {
        let text = std::fs::read_to_string(logs.join("log"))?;
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        if let Some(line) = lines.find(|line| line["message"] == "listening") {
            break line["address"].as_str().ok_or("no address")?.to_owned();
        }
        assert!(server.try_wait()?.is_none(), "{text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = || {
        // An answer may be kept for a second.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        runtime.block_on(async { Ok::<_, Failed>(reqwest::get(format!("http://{address}/readyz")).await?.status()) })
    };
    assert_eq!(status()?, 200);
    let filler = disk.fill();
    assert_eq!(status()?, 503, "a full disk is ready");
    std::fs::remove_file(filler)?;
    assert_eq!(status()?, 200, "a disk with space again is not ready");
    Ok(())
}
