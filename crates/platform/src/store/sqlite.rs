//! The embedded database: one writer on a thread of its own, readers beside it.
//!
//! WAL with `synchronous=FULL`: a commit that was acknowledged is on the disk. The writer takes all the transactions that
//! wait, gives each a savepoint, and commits them together, so that one flush of the disk serves them all.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
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

use super::{Conn, PooledConn, Work, begin_nested, end_nested};
use crate::error::{Error, InternalError};

/// The steps from an empty file to today's tables.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How many readers may be open; each keeps its own page cache and prepared statements.
const READERS: usize = 8;
/// How many waiting writers share one commit at most: enough to win the flush, few enough to bound a commit.
const COMMIT_GROUP: usize = 64;
/// How long a request waits for a free reader before it is told to come back.
const READER_WAIT: Duration = Duration::from_secs(5);

/// A connection whose statements run where they are called: short ones cost less than a hop to another thread.
pub type SqliteConn = SyncConnectionWrapper<SqliteConnection, Inline>;

/// Runs a statement on the calling thread.
pub struct Inline;

impl SpawnBlocking for Inline {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn std::error::Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let result = task();
        Box::pin(std::future::ready(Ok(result)))
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// The open file: its readers and the way to its writer.
#[derive(Clone)]
pub struct Database {
    readers: Arc<Readers>,
    writer: mpsc::Sender<Job>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<SqliteConn>>,
    free: Arc<Semaphore>,
}

/// Where a reader goes back to.
pub struct PoolSlot {
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl PoolSlot {
    /// Takes a reader back for the next request.
    pub fn release(self, conn: SqliteConn) {
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
    }
}

/// A transaction that waits for the writer: run in a savepoint, then told how the commit went.
trait Transaction: Send {
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Result<(), diesel::result::Error>>;
    fn finish(self: Box<Self>, commit: &Result<(), diesel::result::Error>);
}

type Job = Box<dyn Transaction>;

struct Pending<T, F> {
    work: Option<F>,
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
            begin_nested(conn).await?;
            let result = AssertUnwindSafe(work(conn)).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err(InternalError::new("a transaction panicked").into()));
            end_nested(conn, result.is_ok()).await?;
            self.result = Some(result);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, commit: &Result<(), diesel::result::Error>) {
        let answer = match (self.result, commit) {
            (Some(result), Ok(())) => result,
            (Some(Err(stop)), Err(_)) => Err(stop),
            (_, Err(error)) => Err(InternalError::Database(again(error)).into()),
            (None, Ok(())) => Err(InternalError::new("a transaction was not run").into()),
        };
        // Whoever asked may have gone away; the transaction is committed all the same.
        drop(self.answer.send(answer));
    }
}

/// The same error once more: diesel's are not `Clone`, and everyone in a failed group is told.
fn again(error: &diesel::result::Error) -> diesel::result::Error {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, information) => {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(information.message().to_owned()))
        }
        other => Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(other.to_string())),
    }
}

impl Database {
    /// Opens the file, making it when it is missing, and starts the writer's thread.
    pub fn open(path: &Path) -> Result<Self, InternalError> {
        make_private(path)?;
        let writer_conn = establish(path, Mode::Write)?;
        let (writer, jobs) = mpsc::channel(1024);
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(write_in_turn(Conn::Sqlite(writer_conn), jobs)))?;
        let readers =
            Readers { path: path.to_owned(), idle: Mutex::default(), free: Arc::new(Semaphore::new(READERS)) };
        Ok(Self { readers: Arc::new(readers), writer })
    }

    pub async fn migrate(&self) -> Result<(), InternalError> {
        let path = self.readers.path.clone();
        blocking(move || {
            let mut conn = establish_sync(&path, Mode::Write)?;
            conn.run_pending_migrations(MIGRATIONS)
                .map(drop)
                .map_err(|error| InternalError::new(format!("migration: {error}")))
        })
        .await
    }

    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        let path = self.readers.path.clone();
        blocking(move || {
            let mut conn = establish_sync(&path, Mode::Read)?;
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
        let job = Box::new(Pending { work: Some(work), result: None, answer });
        if self.writer.send(job).await.is_err() {
            return Err(InternalError::Connection("the writer has stopped".to_owned()).into());
        }
        result.await.unwrap_or_else(|_| Err(InternalError::Connection("the writer has stopped".to_owned()).into()))
    }

    pub async fn reader(&self) -> Result<(SqliteConn, PoolSlot), InternalError> {
        let permit = tokio::time::timeout(READER_WAIT, Arc::clone(&self.readers.free).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(InternalError::Overloaded("no free database reader")) };
        let home = PoolSlot { readers: Arc::clone(&self.readers), _permit: permit };
        let idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => establish(&self.readers.path, Mode::Read)?,
        };
        Ok((conn, home))
    }

    pub async fn backup_into(&self, file: &Path) -> Result<(), InternalError> {
        let (path, file) = (self.readers.path.clone(), file.to_owned());
        blocking(move || {
            make_private(&file)?;
            let mut conn = establish_sync(&path, Mode::Backup)?;
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

/// The writer's life: take what waits, run each in a savepoint, commit once, tell everyone.
async fn write_in_turn(mut conn: Conn, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut group = vec![first];
        while group.len() < COMMIT_GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        let outcome = run_group(&mut conn, &mut group).await;
        if outcome.is_err() {
            abandon(&mut conn).await;
        }
        for job in group {
            job.finish(&outcome);
        }
    }
}

async fn run_group(conn: &mut Conn, group: &mut [Job]) -> Result<(), diesel::result::Error> {
    let Conn::Sqlite(sqlite) = conn else { return Ok(()) };
    sqlite.spawn_blocking(|c| AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")).await?;
    for job in group {
        job.run(conn).await?;
    }
    end_nested(conn, true).await
}

/// Leaves a transaction that could not be committed, however deep it was.
async fn abandon(conn: &mut Conn) {
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
            // diesel then takes its connection for broken; SQLite itself has already rolled back.
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

/// Runs a read transaction off the async threads: it may read a hundred thousand rows.
pub async fn snapshot<T, F>(mut lease: PooledConn, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let conn: &mut Conn = &mut lease;
            begin_nested(conn).await?;
            let result = work(conn).await;
            end_nested(conn, false).await?;
            result
        })
    });
    task.await.unwrap_or_else(|error| Err(InternalError::new(error).into()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Write,
    Backup,
}

/// Makes the file for its owner's eyes only, where it is missing: SQLite would follow the umask, and gives the files beside it
/// the rights of this one.
fn make_private(path: &Path) -> Result<(), InternalError> {
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| InternalError::Connection(format!("{}: {error}", path.display())))
}

fn establish(path: &Path, mode: Mode) -> Result<SqliteConn, InternalError> {
    establish_sync(path, mode).map(SqliteConn::new)
}

fn establish_sync(path: &Path, mode: Mode) -> Result<SqliteConnection, InternalError> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())
        .map_err(|error| InternalError::Connection(format!("{}: {error}", path.display())))?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY;",
    )?;
    if mode == Mode::Read {
        conn.batch_execute("PRAGMA query_only = ON;")?;
    }
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

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
        assert!(database.backup_into(&copy).await.is_err(), "a backup is not written over");
    }
}
