//! Storage on SQLite or PostgreSQL with one set of queries.
//!
//! A query is written once, with diesel, and expanded for each database by [`query!`](crate::query). [`Store::write`]
//! runs a transaction, [`Store::read`] returns a connection for single statements, and [`Store::snapshot`] runs several
//! reads on one consistent state.

pub mod hints;
mod postgres;
mod postgres_url;
mod restore;
pub mod schema;
mod sqlite;
pub mod types;
mod url;
mod version;

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres_rustls::MakeRustlsConnect;

pub use postgres::{PgConn, PooledPg};
pub use postgres_url::{PostgresConnection, PostgresError, PostgresUrl};
pub use restore::{CheckedBackup, ServerLock};
pub use sqlite::SqliteConn;
pub use url::{DatabaseUrl, DatabaseUrlError};

use crate::deadline::{self, Deadline};
use crate::error::{Error, InternalError};
use crate::text::characters::is_storable;

/// A connection to the database of the installation.
#[expect(
    clippy::large_enum_variant,
    reason = "there are few connections, and a box would cost every statement an indirection"
)]
pub enum Conn {
    /// A connection to the SQLite file.
    Sqlite(SqliteConn),
    /// A connection of the PostgreSQL pool.
    Postgres(PooledPg),
}

/// Expands a query for both databases, with `$c` bound to the concrete connection.
///
/// A query by a unique key ends in `get_result`, not in `first`: SQLite prepares a statement with a bound `LIMIT` again
/// on each execution.
///
/// ```ignore
/// query!(conn, |c| accounts::table.find(id).get_result::<Account>(c).await.optional())
/// ```
#[macro_export]
macro_rules! query {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite($c) => $body,
            $crate::store::Conn::Postgres($c) => {
                let $c: &mut $crate::store::PgConn = $c;
                $body
            }
        }
    };
}

/// Inserts rows of one type. On PostgreSQL one statement inserts many rows, since each statement is a round trip; on
/// SQLite a prepared statement inserts each row.
///
/// ```ignore
/// insert_rows!(conn, &rows, |values| diesel::insert_into(accounts::table).values(values))
/// ```
#[macro_export]
macro_rules! insert_rows {
    ($conn:expr, $rows:expr, |$values:ident| $insert:expr) => {{
        let rows = $rows;
        match &mut *$conn {
            $crate::store::Conn::Postgres(c) if rows.len() > $crate::store::BATCH_THRESHOLD => {
                let c: &mut $crate::store::PgConn = c;
                for $values in rows.chunks($crate::store::CHUNK) {
                    $insert.execute(c).await?;
                }
            }
            conn => {
                for $values in rows {
                    $crate::query!(&mut *conn, |c| $insert.execute(c).await)?;
                }
            }
        }
    }};
}

/// The text to compare a column with in a query for a name that a caller gives. A name with U+0000 cannot exist, and
/// PostgreSQL refuses it as the value of a parameter: it is replaced by a noncharacter, which no stored name has.
pub fn sought(name: &str) -> Cow<'_, str> {
    if is_storable(name) { name.into() } else { name.replace('\0', "\u{FFFF}").into() }
}

/// Maximum number of values in one statement.
pub const CHUNK: usize = 500;

/// Number of rows up to which prepared statements for single rows are used.
pub const BATCH_THRESHOLD: usize = 8;

impl Conn {
    /// Returns whether one statement is faster than a prepared one for each of `rows` rows.
    pub const fn prefers_batch(&self, rows: usize) -> bool {
        matches!(self, Self::Postgres(_)) && rows > BATCH_THRESHOLD
    }
}

/// Future of a transaction's closure, which borrows the connection.
pub type Work<'c, T> = BoxFuture<'c, Result<T, Error>>;

/// Handle to the database of the installation, cheap to clone.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite(sqlite::Database),
    Postgres(Box<postgres::Database>),
}

/// A connection that is returned to its pool when it is dropped. A PostgreSQL statement that still runs then, after the
/// deadline of its operation, is cancelled first.
pub struct PooledConn {
    conn: Option<Conn>,
    slot: Option<sqlite::PoolSlot>,
    /// The connector that cancels a statement of PostgreSQL.
    tls: Option<MakeRustlsConnect>,
    deadline: Option<Arc<Deadline>>,
    /// The operation's share of the connections.
    _share: Option<OwnedSemaphorePermit>,
}

impl Deref for PooledConn {
    type Target = Conn;
    #[expect(clippy::expect_used, reason = "only drop takes the connection")]
    fn deref(&self) -> &Conn {
        self.conn.as_ref().expect("the connection is present until drop")
    }
}

impl DerefMut for PooledConn {
    #[expect(clippy::expect_used, reason = "only drop takes the connection")]
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("the connection is present until drop")
    }
}

impl Drop for PooledConn {
    fn drop(&mut self) {
        match (self.slot.take(), self.conn.take()) {
            (Some(slot), Some(Conn::Sqlite(conn))) => slot.release(conn),
            (None, Some(Conn::Postgres(conn))) if self.deadline.as_ref().is_some_and(|deadline| deadline.is_over()) => {
                if let Some(tls) = self.tls.take() {
                    postgres::cancel(conn, tls);
                }
            }
            _ => {}
        }
    }
}

impl Store {
    /// Opens or creates the database and applies missing migrations.
    ///
    /// # Errors
    /// When the database cannot be reached, a newer version of the program has migrated it, or a migration fails.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, InternalError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Returns whether the database has been migrated before, without creating it.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached.
    pub async fn exists(url: &DatabaseUrl) -> Result<bool, InternalError> {
        match url {
            DatabaseUrl::Sqlite(path) => Ok(std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)),
            DatabaseUrl::Postgres(url) => postgres::Database::connect(url.expose()).await?.is_installed().await,
        }
    }

    /// Opens the database without migrating it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, InternalError> {
        Ok(Self(match url {
            DatabaseUrl::Sqlite(path) => Backend::Sqlite(sqlite::Database::open(path)?),
            DatabaseUrl::Postgres(url) => Backend::Postgres(Box::new(postgres::Database::connect(url.expose()).await?)),
        }))
    }

    /// Applies missing migrations and returns their versions. On PostgreSQL an advisory lock serializes instances that
    /// start together.
    ///
    /// # Errors
    /// When a newer version of the program has migrated the database, or a migration fails. Earlier migrations stay
    /// applied.
    pub async fn migrate(&self) -> Result<Vec<String>, InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.migrate().await,
            Backend::Postgres(database) => database.migrate().await,
        }
    }

    /// Checks that no newer version of the program has migrated the database.
    ///
    /// # Errors
    /// When one has, or the database cannot be read.
    pub async fn check_version(&self) -> Result<(), InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.check_version().await,
            Backend::Postgres(database) => database.check_version().await,
        }
    }

    /// Returns whether every migration of this program is applied.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.is_migrated().await,
            Backend::Postgres(database) => database.is_migrated().await,
        }
    }

    /// Runs `work` in a transaction, which is committed when it returns `Ok` and rolled back otherwise.
    ///
    /// On SQLite the writer thread runs transactions one after another, also when the caller drops this future. Waiting
    /// transactions are committed together, each in its own savepoint. After the deadline of its operation a transaction
    /// is not begun, and one that runs is rolled back at its next statement.
    ///
    /// # Errors
    /// The error of `work`, or [`Error::Internal`] when a statement or the commit fails.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        match &self.0 {
            Backend::Sqlite(database) => database.write(work).await,
            Backend::Postgres(_) => postgres::write(&mut self.read().await?, work).await,
        }
    }

    /// Returns a connection for short reads by key or keyset.
    ///
    /// # Errors
    /// When no connection is free within 5 seconds.
    pub async fn read(&self) -> Result<PooledConn, InternalError> {
        let deadline = Deadline::current();
        let share = match &deadline {
            Some(deadline) => deadline.connection().await,
            None => None,
        };
        let (conn, slot, tls) = match &self.0 {
            Backend::Sqlite(database) => {
                let reader = database.reader().await?;
                (Conn::Sqlite(reader.conn), Some(reader.slot), None)
            }
            Backend::Postgres(database) => (Conn::Postgres(database.acquire().await?), None, Some(database.tls())),
        };
        Ok(PooledConn { conn: Some(conn), slot, tls, deadline, _share: share })
    }

    /// Runs `work` in a read transaction, whose statements all see the same state.
    ///
    /// # Errors
    /// The error of `work`, or [`Error::Internal`] when a statement fails.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        let mut conn = self.read().await?;
        match &self.0 {
            Backend::Sqlite(_) => sqlite::snapshot(conn, work).await,
            Backend::Postgres(_) => postgres::snapshot(&mut conn, work).await,
        }
    }

    /// Checks that the database is writable: a transaction that changes nothing, free space beside the SQLite file, and
    /// a PostgreSQL session that is kept between transactions.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is not writable.
    pub async fn check_writable(&self) -> Result<(), Error> {
        self.write(|conn| Box::pin(async move { Ok(touch(conn).await?) })).await?;
        match &self.0 {
            Backend::Sqlite(database) => Ok(database.check_free_space().await?),
            Backend::Postgres(database) => Ok(database.check_sessions().await?),
        }
    }

    /// Returns whether the database is SQLite.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0, Backend::Sqlite(_))
    }

    /// Copies a consistent state of the SQLite database into a new file, without blocking writers.
    ///
    /// # Errors
    /// When the database is PostgreSQL, the file is not empty, or the disk fails.
    pub async fn backup_into(&self, file: &std::path::Path) -> Result<(), InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.backup_into(file).await,
            Backend::Postgres(_) => Err(InternalError::new("PostgreSQL is backed up with its own pg_dump")),
        }
    }

    /// Listens for `pg_notify` messages on a channel; `None` on SQLite, which a single process uses.
    ///
    /// # Errors
    /// When the connection cannot be established.
    pub async fn listen(&self, channel: &str) -> Result<Option<tokio::sync::mpsc::Receiver<String>>, InternalError> {
        match &self.0 {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(database) => database.listen(channel).await.map(Some),
        }
    }
}

/// Writes rows without changing them.
async fn touch(conn: &mut Conn) -> diesel::QueryResult<()> {
    use diesel::ExpressionMethods as _;
    use diesel_async::RunQueryDsl as _;
    use schema::notification_generations::dsl;
    query!(conn, |c| diesel::update(dsl::notification_generations)
        .set(dsl::generation.eq(dsl::generation))
        .execute(c)
        .await)?;
    Ok(())
}

/// Begins a transaction, or a savepoint inside one. [`end_nested`] ends it. No deadline applies to either, so they
/// always come in pairs.
///
/// # Errors
/// When the statement fails.
pub async fn begin_nested(conn: &mut Conn) -> diesel::QueryResult<()> {
    use diesel_async::{AsyncConnection, TransactionManager};
    async fn begin<C: AsyncConnection>(c: &mut C) -> diesel::QueryResult<()> {
        C::TransactionManager::begin_transaction(c).await
    }
    deadline::within(None, async { query!(conn, |c| begin(c).await) }).await
}

/// Ends the innermost savepoint or the transaction: commits it with `keep`, otherwise rolls it back.
///
/// # Errors
/// When the statement fails.
pub async fn end_nested(conn: &mut Conn, keep: bool) -> diesel::QueryResult<()> {
    use diesel_async::{AsyncConnection, TransactionManager};
    async fn end<C: AsyncConnection>(c: &mut C, keep: bool) -> diesel::QueryResult<()> {
        if keep {
            C::TransactionManager::commit_transaction(c).await
        } else {
            C::TransactionManager::rollback_transaction(c).await
        }
    }
    deadline::within(None, async { query!(conn, |c| end(c, keep).await) }).await
}
