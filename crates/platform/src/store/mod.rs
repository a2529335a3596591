//! Both databases behind one door.
//!
//! A query is written once, with diesel, and expanded for each database by [`query!`](crate::query). Writing goes through
//! [`Store::write`]: one transaction on the connection it is given. Reading takes a connection from [`Store::read`], or,
//! where several statements must see one instant, runs in [`Store::snapshot`].

mod postgres;
pub mod schema;
mod sqlite;
pub mod types;
mod url;

use std::ops::{Deref, DerefMut};

use futures_util::future::BoxFuture;

pub use postgres::{PgConn, PooledPg};
pub use sqlite::SqliteConn;
pub use url::{DatabaseUrl, DatabaseUrlError};

use crate::error::{Error, InternalError};

/// A connection to whichever database the installation uses.
#[expect(clippy::large_enum_variant, reason = "connections are few, and a box would cost every statement a hop")]
pub enum Conn {
    /// The embedded database.
    Sqlite(SqliteConn),
    /// A connection of the PostgreSQL pool.
    Postgres(PooledPg),
}

/// Writes a query once for both databases: the body is expanded with `$c` bound to the concrete connection.
///
/// A find by a unique key ends in `get_result`, not in `first`: SQLite looks at the value that is bound to a `LIMIT`, and plans such
/// a statement anew each time it runs.
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

/// Inserts rows of one type, written once for both databases: PostgreSQL takes many with one statement, since each is a journey to
/// another process; SQLite, which takes one row at a time, a statement it has prepared already.
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

/// How many values one statement names at most, where it is asked for many rows by key.
pub const CHUNK: usize = 500;

/// Up to so many rows are asked for or written one by one: those statements are prepared already.
pub const BATCH_THRESHOLD: usize = 8;

impl Conn {
    /// Whether so many rows are better asked for or written with one statement: each is a journey to another process.
    pub const fn prefers_batch(&self, rows: usize) -> bool {
        matches!(self, Self::Postgres(_)) && rows > BATCH_THRESHOLD
    }
}

/// What a transaction's closure gives back: a boxed future that borrows the connection.
pub type Work<'c, T> = BoxFuture<'c, Result<T, Error>>;

/// The installation's database.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

/// A connection for reading; it goes back when it is dropped.
pub struct PooledConn {
    conn: Option<Conn>,
    home: Option<sqlite::PoolSlot>,
}

impl Deref for PooledConn {
    type Target = Conn;
    #[expect(clippy::expect_used, reason = "the connection leaves only in drop")]
    fn deref(&self) -> &Conn {
        self.conn.as_ref().expect("a lease holds its connection until it is dropped")
    }
}

impl DerefMut for PooledConn {
    #[expect(clippy::expect_used, reason = "the connection leaves only in drop")]
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("a lease holds its connection until it is dropped")
    }
}

impl Drop for PooledConn {
    fn drop(&mut self) {
        if let (Some(home), Some(Conn::Sqlite(conn))) = (self.home.take(), self.conn.take()) {
            home.release(conn);
        }
    }
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be reached, or a migration fails.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, InternalError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens the database as it is, without migrating.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, InternalError> {
        Ok(Self(match url {
            DatabaseUrl::Sqlite(path) => Backend::Sqlite(sqlite::Database::open(path)?),
            DatabaseUrl::Postgres(url) => Backend::Postgres(postgres::Database::connect(url.expose()).await?),
        }))
    }

    /// Applies the migrations that are missing; instances that start together take turns.
    ///
    /// # Errors
    /// When a migration fails: the database is then as the last good one left it.
    pub async fn migrate(&self) -> Result<(), InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.migrate().await,
            Backend::Postgres(database) => database.migrate().await,
        }
    }

    /// Whether every migration of this program is applied.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.is_migrated().await,
            Backend::Postgres(database) => database.is_migrated().await,
        }
    }

    /// Runs `work` in one transaction: committed when it gives `Ok`, rolled back otherwise.
    ///
    /// On SQLite the work runs on the writer's own thread, one after another, and goes on when the caller goes away;
    /// writers that wait are committed together, each in a savepoint of its own.
    ///
    /// # Errors
    /// What `work` gives, or a fault of the database.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        match &self.0 {
            Backend::Sqlite(database) => database.write(work).await,
            Backend::Postgres(database) => database.write(work).await,
        }
    }

    /// A connection for short reads by key or keyset.
    ///
    /// # Errors
    /// When none comes free in time.
    pub async fn read(&self) -> Result<PooledConn, InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => {
                let (conn, home) = database.reader().await?;
                Ok(PooledConn { conn: Some(Conn::Sqlite(conn)), home: Some(home) })
            }
            Backend::Postgres(database) => {
                Ok(PooledConn { conn: Some(Conn::Postgres(database.lease().await?)), home: None })
            }
        }
    }

    /// Runs `work` in a read transaction: all its statements see one instant.
    ///
    /// # Errors
    /// What `work` gives, or a fault of the database.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        let mut lease = self.read().await?;
        match &self.0 {
            Backend::Sqlite(_) => sqlite::snapshot(lease, work).await,
            Backend::Postgres(_) => postgres::snapshot(&mut lease, work).await,
        }
    }

    /// Whether the database can be written at all: a transaction that changes nothing.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check_writable(&self) -> Result<(), Error> {
        self.write(|conn| Box::pin(async move { Ok(touch(conn).await?) })).await
    }

    /// Whether the database is the embedded one.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0, Backend::Sqlite(_))
    }

    /// Copies the embedded database, as of one instant, into a new file while others go on writing.
    ///
    /// # Errors
    /// When the database is PostgreSQL (its own tools do that), the file exists, or the disk fails.
    pub async fn backup_into(&self, file: &std::path::Path) -> Result<(), InternalError> {
        match &self.0 {
            Backend::Sqlite(database) => database.backup_into(file).await,
            Backend::Postgres(_) => Err(InternalError::new("PostgreSQL is backed up with its own pg_dump")),
        }
    }

    /// Every message that another session sends through `pg_notify`; `None` on SQLite, which has one process.
    ///
    /// # Errors
    /// When the listening connection cannot be made.
    pub async fn listen(&self, channel: &str) -> Result<Option<tokio::sync::mpsc::Receiver<String>>, InternalError> {
        match &self.0 {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(database) => database.listen(channel).await.map(Some),
        }
    }
}

/// A write that leaves everything as it is, and still needs the database to be writable.
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

/// Runs `work` in a savepoint of the transaction that is under way: undone alone when it gives an error.
///
/// # Errors
/// What `work` gives, or a fault of the database.
pub async fn savepoint<T, F>(conn: &mut Conn, work: F) -> Result<T, Error>
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T>,
{
    begin_nested(conn).await?;
    match work(conn).await {
        Ok(value) => {
            end_nested(conn, true).await?;
            Ok(value)
        }
        Err(stop) => {
            end_nested(conn, false).await?;
            Err(stop)
        }
    }
}

/// Begins a savepoint that [`end_nested`] must end.
///
/// # Errors
/// When the database refuses.
pub async fn begin_nested(conn: &mut Conn) -> diesel::QueryResult<()> {
    use diesel_async::{AsyncConnection, TransactionManager};
    query!(conn, |c| {
        async fn begin<C: AsyncConnection>(c: &mut C) -> diesel::QueryResult<()> {
            C::TransactionManager::begin_transaction(c).await
        }
        begin(c).await
    })
}

/// Ends the innermost savepoint: kept, or undone.
///
/// # Errors
/// When the database refuses.
pub async fn end_nested(conn: &mut Conn, keep: bool) -> diesel::QueryResult<()> {
    use diesel_async::{AsyncConnection, TransactionManager};
    async fn end<C: AsyncConnection>(c: &mut C, keep: bool) -> diesel::QueryResult<()> {
        if keep {
            C::TransactionManager::commit_transaction(c).await
        } else {
            C::TransactionManager::rollback_transaction(c).await
        }
    }
    query!(conn, |c| end(c, keep).await)
}
