//! SQLite backend: a writer thread and a pool of readers.
//!
//! WAL mode with `synchronous=FULL`: an acknowledged commit is on the disk. Group commit: the writer runs all waiting
//! transactions, each in a savepoint, and commits them together, so that they share one flush.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::{Connection as _, SqliteConnection};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::version::refuse_newer;
use super::{Conn, PooledConn, Work, begin_nested, end_nested, hints};
use crate::deadline::{self, Deadline};
use crate::error::{Error, InternalError};

/// The embedded migrations.
pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Maximum number of readers. Each has its own page cache and prepared statements.
const READERS: usize = 8;
/// Maximum number of transactions in a group commit, which bounds its duration.
const COMMIT_GROUP: usize = 64;
/// Maximum time that a request waits for a reader.
const READER_WAIT: Duration = Duration::from_secs(5);

/// A connection that runs statements on the calling thread: short statements cost less than a change of threads.
/// Operations that may read much run as a whole on other threads ([`workers`](crate::workers)).
pub type SqliteConn = SyncConnectionWrapper<SqliteConnection, Inline>;

/// Runs a statement on the calling thread, unless the deadline of its operation has passed.
pub struct Inline;

impl SpawnBlocking for Inline {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn std::error::Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let result = if deadline::is_over() { Err(deadline::PASSED.into()) } else { Ok(task()) };
        Box::pin(std::future::ready(result))
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// The readers of a file and the queue of its writer.
#[derive(Clone)]
pub struct Database {
    readers: Arc<Readers>,
    writer: mpsc::Sender<QueuedTransaction>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<SqliteConn>>,
    permits: Arc<Semaphore>,
}

/// The slot of a reader in the pool.
pub struct PoolSlot {
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

/// A reader with its slot in the pool.
pub struct Reader {
    pub conn: SqliteConn,
    pub slot: PoolSlot,
}

impl PoolSlot {
    /// Returns the reader to the pool.
    pub fn release(self, conn: SqliteConn) {
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
    }
}

/// A queued transaction: runs in a savepoint and receives the result of the commit.
trait Transaction: Send {
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Result<(), diesel::result::Error>>;
    fn finish(self: Box<Self>, commit: &Result<(), diesel::result::Error>);
}

type QueuedTransaction = Box<dyn Transaction>;

struct Pending<T, F> {
    work: Option<F>,
    deadline: Option<Arc<Deadline>>,
    result: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Transaction for Pending<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Result<(), diesel::result::Error>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(()) };
            if self.deadline.as_ref().is_some_and(|deadline| deadline.is_over()) {
                self.result = Some(Err(InternalError::Overloaded(deadline::PASSED).into()));
                return Ok(());
            }
            begin_nested(conn).await?;
            let work = deadline::within(self.deadline.take(), work(conn));
            let result = AssertUnwindSafe(work).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err(InternalError::new("a transaction panicked").into()));
            end_nested(conn, result.is_ok()).await?;
            self.result = Some(result);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, commit: &Result<(), diesel::result::Error>) {
        let answer = match (self.result, commit) {
            (Some(result), Ok(())) => result,
            (Some(Err(error)), Err(_)) => Err(error),
            (_, Err(error)) => Err(InternalError::Database(copy_error(error)).into()),
            (None, Ok(())) => Err(InternalError::new("a transaction was not run").into()),
        };
        // The caller may have dropped its future; the commit does not depend on it.
        drop(self.answer.send(answer));
    }
}

/// Copies an error for each transaction of a failed group, as diesel's errors are not `Clone`.
fn copy_error(error: &diesel::result::Error) -> diesel::result::Error {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, information) => {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(information.message().to_owned()))
        }
        other => Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(other.to_string())),
    }
}

impl Database {
    /// Opens or creates the file and starts the writer thread.
    pub fn open(path: &Path) -> Result<Self, InternalError> {
        create_private(path)?;
        let writer_conn = establish(path, Access::Write)?;
        let (writer, queue) = mpsc::channel(1024);
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(run_writer(Conn::Sqlite(writer_conn), queue)))?;
        let readers =
            Readers { path: path.to_owned(), idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) };
        Ok(Self { readers: Arc::new(readers), writer })
    }

    /// Applies missing migrations and returns their versions.
    pub async fn migrate(&self) -> Result<Vec<String>, InternalError> {
        let path = self.readers.path.clone();
        blocking(move || {
            let mut conn = establish_sync(&path, Access::Write)?;
            refuse_newer(&mut conn, MIGRATIONS)?;
            let applied = conn
                .run_pending_migrations(MIGRATIONS)
                .map_err(|error| InternalError::new(format!("{}: migration: {error}", path.display())))?;
            Ok(applied.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// Checks that no newer version of the program has migrated the database.
    pub async fn check_version(&self) -> Result<(), InternalError> {
        let path = self.readers.path.clone();
        blocking(move || refuse_newer(&mut establish_sync(&path, Access::Read)?, MIGRATIONS)).await
    }

    /// Writes and removes a file beside the database. A transaction that changes one row can succeed on a full disk, as
    /// it reuses pages of the journal.
    pub async fn check_free_space(&self) -> Result<(), InternalError> {
        let path = self.readers.path.clone();
        blocking(move || {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".write-test-{}", std::process::id()));
            let file = path.with_file_name(name);
            let written = write_test_file(&file);
            // The error of writing is reported, not that of the clean-up.
            drop(std::fs::remove_file(&file));
            written.map_err(|error| InternalError::Connection(format!("{}: {error}", file.display())))
        })
        .await
    }

    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        let path = self.readers.path.clone();
        blocking(move || {
            let mut conn = establish_sync(&path, Access::Read)?;
            let pending = conn.has_pending_migration(MIGRATIONS).map_err(InternalError::new)?;
            Ok(!pending)
        })
        .await
    }

    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let transaction = Box::new(Pending { work: Some(work), deadline: Deadline::current(), result: None, answer });
        if self.writer.send(transaction).await.is_err() {
            return Err(InternalError::Connection("the writer has stopped".to_owned()).into());
        }
        result.await.unwrap_or_else(|_| Err(InternalError::Connection("the writer has stopped".to_owned()).into()))
    }

    pub async fn reader(&self) -> Result<Reader, InternalError> {
        let permit = tokio::time::timeout(READER_WAIT, Arc::clone(&self.readers.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(InternalError::Overloaded("no free database reader")) };
        let slot = PoolSlot { readers: Arc::clone(&self.readers), _permit: permit };
        let idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => establish(&self.readers.path, Access::Read)?,
        };
        Ok(Reader { conn, slot })
    }

    pub async fn backup_into(&self, file: &Path) -> Result<(), InternalError> {
        let (path, file) = (self.readers.path.clone(), file.to_owned());
        blocking(move || {
            if std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() > 0) {
                return Err(InternalError::new(format!("{} exists already", file.display())));
            }
            create_private(&file)?;
            let mut conn = establish_sync(&path, Access::Backup)?;
            let quoted = file.to_string_lossy().replace('\'', "''");
            Ok(conn.batch_execute(&format!("VACUUM INTO '{quoted}'"))?)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InternalError> + Send + 'static,
) -> Result<T, InternalError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(InternalError::new(error)))
}

/// Runs the writer: takes the waiting transactions, runs each in a savepoint, commits them and sends the results.
async fn run_writer(mut conn: Conn, mut queue: mpsc::Receiver<QueuedTransaction>) {
    while let Some(first) = queue.recv().await {
        let mut group = vec![first];
        while group.len() < COMMIT_GROUP
            && let Ok(transaction) = queue.try_recv()
        {
            group.push(transaction);
        }
        let result = run_group(&mut conn, &mut group).await;
        if result.is_err() {
            roll_back(&mut conn).await;
        }
        for transaction in group {
            transaction.finish(&result);
        }
    }
}

async fn run_group(conn: &mut Conn, group: &mut [QueuedTransaction]) -> Result<(), diesel::result::Error> {
    let Conn::Sqlite(sqlite) = conn else { return Ok(()) };
    sqlite.spawn_blocking(|c| AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")).await?;
    for transaction in group {
        transaction.run(conn).await?;
    }
    end_nested(conn, true).await
}

/// Rolls back the transaction and all open savepoints.
async fn roll_back(conn: &mut Conn) {
    if let Conn::Sqlite(sqlite) = conn {
        let rolled_back = sqlite
            .spawn_blocking(|c| {
                while c.transaction_depth().is_some() {
                    AnsiTransactionManager::rollback_transaction(c)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = rolled_back {
            tracing::error!(error = %error, "the writer could not roll back");
            // diesel then marks the connection as broken, although SQLite has rolled back itself.
            drop(
                sqlite
                    .spawn_blocking(|c| {
                        drop(c.batch_execute("ROLLBACK"));
                        *AnsiTransactionManager::transaction_manager_status_mut(c) = Default::default();
                        Ok(())
                    })
                    .await,
            );
        }
    }
}

trait Depth {
    fn transaction_depth(&mut self) -> Option<std::num::NonZeroU32>;
}

impl Depth for SqliteConnection {
    fn transaction_depth(&mut self) -> Option<std::num::NonZeroU32> {
        AnsiTransactionManager::transaction_manager_status_mut(self).transaction_depth().ok().flatten()
    }
}

/// Runs a read transaction on a blocking thread, as it can read 100,000 rows.
pub async fn snapshot<T, F>(mut pooled: PooledConn, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    let (runtime, deadline) = (tokio::runtime::Handle::current(), Deadline::current());
    let task = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let conn: &mut Conn = &mut pooled;
            begin_nested(conn).await?;
            let result = deadline::within(deadline, work(conn)).await;
            end_nested(conn, false).await?;
            result
        })
    });
    task.await.unwrap_or_else(|error| Err(InternalError::new(error).into()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    Backup,
}

/// Writes more bytes than SQLite's largest page.
fn write_test_file(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&[0; 128 * 1024])?;
    file.sync_all()
}

/// Creates the file, where it is missing, with read and write access for its owner alone. SQLite would apply the umask.
/// It gives the `-wal` and `-shm` files the mode of this file.
fn create_private(path: &Path) -> Result<(), InternalError> {
    let file_error = |error: std::io::Error| InternalError::Connection(format!("{}: {error}", path.display()));
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(file_error)?;
    let mode = file.metadata().map_err(file_error)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(InternalError::new(format!(
        "others can read or change the database {path} (mode {mode:04o}); make it private with: chmod 600 {path}"
    )))
}

fn establish(path: &Path, access: Access) -> Result<SqliteConn, InternalError> {
    establish_sync(path, access).map(SqliteConn::new)
}

fn establish_sync(path: &Path, access: Access) -> Result<SqliteConnection, InternalError> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())
        .map_err(|error| InternalError::Connection(format!("{}: {error}", path.display())))?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY;",
    )
    .map_err(|error| InternalError::Connection(format!("{}: {error}", path.display())))?;
    if access == Access::Read {
        conn.batch_execute("PRAGMA query_only = ON;")?;
    }
    hints::register(&mut conn)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use diesel_async::SimpleAsyncConnection as _;

    use super::*;

    #[tokio::test]
    async fn the_file_and_its_backup_are_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = (folder.path().join("switchboard.db"), folder.path().join("copy.db"));
        let database = Database::open(&file).unwrap();
        database.migrate().await.unwrap();
        database.backup_into(&copy).await.unwrap();
        for path in [&file, &copy] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
        let refused = database.backup_into(&copy).await.unwrap_err().to_string();
        assert!(refused.contains("copy.db exists already"), "a backup overwrote a file: {refused}");
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("switchboard.db");
        drop(Database::open(&file).unwrap());
        for mode in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = Database::open(&file).err().unwrap().to_string();
            assert!(refused.contains(&format!("(mode {mode:04o})")) && refused.contains("chmod 600"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("switchboard.db");
        let database = Database::open(&file).unwrap();
        assert!(!database.migrate().await.unwrap().is_empty());
        assert_eq!(database.migrate().await.unwrap(), Vec::<String>::new());
        let mut conn = establish_sync(&file, Access::Write).unwrap();
        conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')").unwrap();
        for refused in [database.migrate().await.map(drop), database.check_version().await] {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("newer version") && refused.contains("99991231000001"), "{refused}");
        }
    }

    #[tokio::test]
    async fn the_write_test_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("switchboard.db")).unwrap();
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        database.check_free_space().await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    }

    /// Counts without an end.
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                           SELECT count(*) FROM n WHERE within_deadline()";

    async fn migrated(folder: &tempfile::TempDir) -> Database {
        let database = Database::open(&folder.path().join("switchboard.db")).unwrap();
        database.migrate().await.unwrap();
        database
    }

    #[tokio::test]
    async fn a_statement_ends_at_the_deadline_of_its_operation() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = migrated(&folder).await.reader().await.unwrap();
        let deadline = Deadline::after(Duration::from_millis(50));
        let outcome = deadline::within(Some(deadline), reader.conn.batch_execute(ENDLESS)).await;
        let error = InternalError::from(outcome.unwrap_err());
        assert!(error.is_temporary() && error.to_string().contains(deadline::PASSED), "{error}");
        reader.conn.batch_execute("SELECT 1").await.unwrap();
    }

    #[tokio::test]
    async fn a_transaction_is_not_begun_after_the_deadline_and_leaves_nothing_when_it_passes() {
        let folder = tempfile::tempdir().unwrap();
        let database = migrated(&folder).await;
        let run = |timeout: u64, statements: &'static [&'static str]| {
            let write = database.write(move |conn| {
                Box::pin(async move {
                    let Conn::Sqlite(conn) = conn else { unreachable!() };
                    for statement in statements {
                        conn.batch_execute(statement).await?;
                    }
                    Ok(())
                })
            });
            deadline::within(Some(Deadline::after(Duration::from_millis(timeout))), write)
        };
        assert!(run(0, &["CREATE TABLE late (id INTEGER) STRICT"]).await.is_err());
        assert!(run(50, &["CREATE TABLE late (id INTEGER) STRICT", ENDLESS]).await.is_err());
        run(60_000, &["CREATE TABLE late (id INTEGER) STRICT"]).await.unwrap();
    }
}
