//! The file of the embedded database as a whole: its lock, the check of a backup, and its replacement.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};

use super::DatabaseUrl;
use super::sqlite::MIGRATIONS;
use super::version::refuse_newer;
use crate::error::InternalError;

/// Suffixes of the files that belong to a database: the file itself, its journal, and the index of the journal.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The lock of a server on its SQLite file. PostgreSQL needs none.
#[derive(Debug)]
pub struct ServerLock {
    _file: Option<File>,
}

impl ServerLock {
    /// Takes the lock, which ends with the returned value or the process.
    ///
    /// # Errors
    /// When another server holds it, or the lock file `FILE.lock` cannot be written.
    pub fn acquire(url: &DatabaseUrl) -> Result<Self, InternalError> {
        let DatabaseUrl::Sqlite(path) = url else { return Ok(Self { _file: None }) };
        let lock = with_suffix(path, ".lock");
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
        let file = open.map_err(|error| file_error(&lock, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(InternalError::new(format!(
                "a server uses the database {} already, and a SQLite file has one server: stop it first, or use \
                 PostgreSQL for several",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(file_error(&lock, &error)),
        }
    }
}

/// A checked copy of a backup, beside the file that it is going to replace. Dropping it removes the copy.
#[derive(Debug)]
pub struct CheckedBackup {
    copy: PathBuf,
    target: PathBuf,
    is_installed: bool,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl CheckedBackup {
    /// Copies a backup, with the journal beside it if there is one, and checks the copy.
    ///
    /// # Errors
    /// When the backup cannot be read, is damaged, is no database of this program or one of a newer version.
    pub fn copy(backup: &Path, target: &Path) -> Result<Self, InternalError> {
        let copy = with_suffix(target, &format!(".restore-{}", std::process::id()));
        let checked = Self { copy, target: target.to_owned(), is_installed: false };
        for suffix in ["", "-wal"] {
            let (from, to) = (with_suffix(backup, suffix), with_suffix(&checked.copy, suffix));
            match copy_private(&from, &to) {
                Err(error) if suffix.is_empty() || error.kind() != io::ErrorKind::NotFound => {
                    return Err(file_error(&from, &error));
                }
                _ => {}
            }
        }
        checked.check().map_err(|cause| InternalError::new(format!("{}: {cause}", backup.display())))?;
        Ok(checked)
    }

    /// Returns the URL of the copy.
    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.copy.clone())
    }

    fn check(&self) -> Result<(), String> {
        let mut conn = SqliteConnection::establish(&self.copy.to_string_lossy()).map_err(|error| error.to_string())?;
        let no_database = |error: diesel::result::Error| {
            let is_damaged = error.to_string().contains("malformed");
            format!("it is {}: {error}", if is_damaged { "damaged" } else { "not a backup of Switchboard" })
        };
        // Reads the journal of the copy into it.
        conn.batch_execute("PRAGMA journal_mode = DELETE;").map_err(no_database)?;
        let findings: Vec<Finding> = sql_query("PRAGMA integrity_check(1)").load(&mut conn).map_err(no_database)?;
        if let Some(finding) = findings.into_iter().find(|finding| finding.integrity_check != "ok") {
            return Err(format!("it is damaged: {}", finding.integrity_check));
        }
        let tables: Vec<Count> = sql_query(
            "SELECT count(*) AS count FROM sqlite_master WHERE name IN ('__diesel_schema_migrations', 'audit_events')",
        )
        .load(&mut conn)
        .map_err(no_database)?;
        if tables.first().is_none_or(|tables| tables.count != 2) {
            return Err("it is not a backup of Switchboard: it has other tables".to_owned());
        }
        refuse_newer(&mut conn, MIGRATIONS).map_err(|error| error.to_string())
    }

    /// Puts the copy in place of the database, whose files are renamed to `FILE.replaced-SUFFIX` and so on. Returns the
    /// new name of the database if there was one.
    ///
    /// # Errors
    /// When another program has the database open, or a file cannot be renamed.
    pub fn install(mut self, suffix: &str) -> Result<Option<PathBuf>, InternalError> {
        refuse_open_database(&self.target)?;
        let replaced = with_suffix(&self.target, &format!(".replaced-{suffix}"));
        let mut had_database = false;
        // The journal first: a journal beside another database would be applied to it.
        for suffix in SUFFIXES.iter().rev() {
            let (from, to) = (with_suffix(&self.target, suffix), with_suffix(&replaced, suffix));
            match fs::rename(&from, &to) {
                Ok(()) => had_database = suffix.is_empty(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(file_error(&from, &error)),
            }
        }
        let rename = || -> io::Result<()> {
            File::open(&self.copy)?.sync_all()?;
            fs::rename(&self.copy, &self.target)?;
            File::open(self.target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
                .sync_all()
        };
        rename().map_err(|error| file_error(&self.target, &error))?;
        self.is_installed = true;
        Ok(had_database.then_some(replaced))
    }
}

impl Drop for CheckedBackup {
    fn drop(&mut self) {
        for suffix in SUFFIXES {
            if !(self.is_installed && suffix.is_empty()) {
                // The files exist only in part, and an error here has no remedy.
                drop(fs::remove_file(with_suffix(&self.copy, suffix)));
            }
        }
    }
}

/// Fails when another connection to the file is open. A damaged or missing file has none that could matter.
fn refuse_open_database(path: &Path) -> Result<(), InternalError> {
    // SQLite would remove the journal of a file that is no database, and the journal may be all that is left.
    if !has_header(path) {
        return Ok(());
    }
    let Ok(mut conn) = SqliteConnection::establish(&path.to_string_lossy()) else { return Ok(()) };
    // Leaving WAL mode needs the file for this connection alone. It also takes the journal into the file.
    let locked = conn.batch_execute("PRAGMA journal_mode = DELETE;");
    match locked {
        Err(error) if error.to_string().contains("locked") => Err(InternalError::new(format!(
            "the database {} is in use: stop the server and every other command first",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Returns whether the file begins as a SQLite database does.
fn has_header(path: &Path) -> bool {
    let mut header = [0; 16];
    File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut header)).is_ok()
        && header == *b"SQLite format 3\0"
}

fn copy_private(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

fn file_error(path: &Path, error: &io::Error) -> InternalError {
    InternalError::Connection(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    fn url(path: &Path) -> DatabaseUrl {
        DatabaseUrl::Sqlite(path.to_owned())
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn one_server_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let url = url(&folder.path().join("switchboard.db"));
        let first = ServerLock::acquire(&url).unwrap();
        let refused = ServerLock::acquire(&url).unwrap_err().to_string();
        assert!(refused.contains("a server uses the database"), "{refused}");
        drop(first);
        ServerLock::acquire(&url).unwrap();
    }

    #[tokio::test]
    async fn a_backup_replaces_the_database_and_its_journal() {
        let folder = tempfile::tempdir().unwrap();
        let (target, backup) = (folder.path().join("switchboard.db"), folder.path().join("copy.db"));
        let store = Store::open(&url(&target)).await.unwrap();
        store.backup_into(&backup).await.unwrap();
        // A connection holds its lock on the file from its first transaction on.
        store.check_writable().await.unwrap();
        let refused = CheckedBackup::copy(&backup, &target).unwrap().install("1").unwrap_err().to_string();
        assert!(refused.contains("is in use"), "{refused}");
        drop(store);
        // The writer thread closes its connection a moment later.
        while refuse_open_database(&target).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        for leftover in ["switchboard.db", "switchboard.db-wal", "switchboard.db-shm"] {
            fs::write(folder.path().join(leftover), "left after a crash").unwrap();
        }
        let replaced = CheckedBackup::copy(&backup, &target).unwrap().install("2").unwrap();
        assert_eq!(replaced, Some(folder.path().join("switchboard.db.replaced-2")));
        let expected = [
            "copy.db",
            "switchboard.db",
            "switchboard.db.replaced-2",
            "switchboard.db.replaced-2-shm",
            "switchboard.db.replaced-2-wal",
        ];
        assert_eq!(files(folder.path()), expected);
        assert!(Store::open(&url(&target)).await.unwrap().is_migrated().await.unwrap());
    }

    #[tokio::test]
    async fn a_file_that_is_no_whole_backup_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (target, backup) = (folder.path().join("switchboard.db"), folder.path().join("copy.db"));
        Store::open(&url(&folder.path().join("source.db"))).await.unwrap().backup_into(&backup).await.unwrap();
        let bytes = fs::read(&backup).unwrap();
        let mut damaged = bytes.clone();
        damaged[8192..12288].fill(0x55);
        for (content, expected) in [
            (&bytes[..bytes.len() / 2], "damaged"),
            (&damaged[..], ""),
            (&b"no database at all, and long enough for a header of one"[..], "not a backup"),
            (&b""[..], "other tables"),
        ] {
            fs::write(&backup, content).unwrap();
            let before = files(folder.path());
            let refused = CheckedBackup::copy(&backup, &target).unwrap_err().to_string();
            assert!(refused.contains("copy.db: it is") && refused.contains(expected), "{refused}");
            assert_eq!(files(folder.path()), before);
        }
        let refused = CheckedBackup::copy(&folder.path().join("none.db"), &target).unwrap_err().to_string();
        assert!(refused.contains("none.db: No such file"), "{refused}");
    }
}
