//! PostgreSQL backend: a connection pool, READ COMMITTED for writes, REPEATABLE READ READ ONLY for snapshots.

use std::time::Duration;

use diesel::ConnectionResult;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8 as pooled};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection as _, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _,
    SimpleAsyncConnection as _, TransactionManager as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::{Conn, PooledConn, Work};
use crate::error::{Error, InternalError};

/// The embedded migrations.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgresql");

/// Maximum number of connections of an instance.
const CONNECTIONS: u32 = 16;
/// Maximum time that a request waits for a connection.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// Key of the advisory lock that serializes migrations: `SWBTMIGR` in ASCII.
const MIGRATION_LOCK: i64 = 0x5357_4254_4d49_4752;

/// A PostgreSQL connection.
pub type PgConn = AsyncPgConnection;
/// A connection that is returned to the pool when it is dropped.
pub type PooledPg = pooled::PooledConnection<'static, PgConn>;

/// The connection pool, and the URL for connections outside it.
#[derive(Clone)]
pub struct Database {
    pool: pooled::Pool<PgConn>,
    url: std::sync::Arc<str>,
}

impl Database {
    pub async fn connect(url: &str) -> Result<Self, InternalError> {
        let mut config = ManagerConfig::default();
        // Discards a connection whose transaction was interrupted, without a test query for the others.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|url| Box::pin(establish(url.to_owned())));
        let manager = AsyncDieselConnectionManager::<PgConn>::new_with_config(url, config);
        let pool = pooled::Pool::builder()
            .max_size(CONNECTIONS)
            .connection_timeout(CONNECTION_WAIT)
            .build(manager)
            .await
            .map_err(|error| InternalError::Connection(error.to_string()))?;
        let database = Self { pool, url: url.into() };
        database.acquire().await?;
        Ok(database)
    }

    pub async fn acquire(&self) -> Result<PooledPg, InternalError> {
        self.pool.get_owned().await.map_err(|error| InternalError::Connection(error.to_string()))
    }

    pub async fn migrate(&self) -> Result<(), InternalError> {
        let mut conn =
            PgConn::establish(&self.url).await.map_err(|error| InternalError::Connection(error.to_string()))?;
        conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
        // The lock is released with the connection, also after an error.
        AsyncMigrationHarness::new(conn)
            .run_pending_migrations(MIGRATIONS)
            .map(drop)
            .map_err(|error| InternalError::new(format!("migration: {error}")))
    }

    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        let conn = PgConn::establish(&self.url).await.map_err(|error| InternalError::Connection(error.to_string()))?;
        AsyncMigrationHarness::new(conn)
            .has_pending_migration(MIGRATIONS)
            .map(|pending| !pending)
            .map_err(InternalError::new)
    }

    pub async fn listen(&self, channel: &str) -> Result<mpsc::Receiver<String>, InternalError> {
        let mut conn =
            PgConn::establish(&self.url).await.map_err(|error| InternalError::Connection(error.to_string()))?;
        diesel::sql_query(format!("LISTEN {channel}")).execute(&mut conn).await?;
        let (sender, receiver) = mpsc::channel(1024);
        tokio::spawn(async move {
            let mut notifications = std::pin::pin!(conn.notifications_stream());
            while let Some(Ok(notification)) = notifications.next().await {
                if sender.send(notification.payload).await.is_err() {
                    break;
                }
            }
        });
        Ok(receiver)
    }
}

/// Settings of every pooled connection. The timeout bounds statements of abandoned requests. JIT compilation costs more
/// than it saves for short statements.
const SETTINGS: &str = "SET statement_timeout = '30s'; SET jit = off;";

async fn establish(url: String) -> ConnectionResult<PgConn> {
    let mut conn = PgConn::establish(&url).await?;
    conn.batch_execute(SETTINGS).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Runs a transaction.
pub async fn write<T, F>(conn: &mut PooledConn, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    in_transaction(conn, "BEGIN ISOLATION LEVEL READ COMMITTED", work, true).await
}

/// Cancels the statement of a connection whose operation has ended, then returns the connection to the pool.
pub fn cancel(mut conn: PooledPg) {
    let token = conn.cancel_token();
    // Outside a runtime the program is ending.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = token.cancel_query(tokio_postgres::NoTls).await {
            tracing::debug!(%error, "a statement could not be cancelled and runs until its timeout");
        }
        // The server processes the cancellation at some time after the request. This statement receives a late one, so
        // the next user of the connection does not.
        drop(diesel::sql_query("SELECT 1").execute(&mut conn).await);
    });
}

/// Runs a read transaction on one state of the database.
pub async fn snapshot<T, F>(conn: &mut PooledConn, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    in_transaction(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", work, false).await
}

async fn in_transaction<T, F>(conn: &mut Conn, begin: &str, work: F, keep: bool) -> Result<T, Error>
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T>,
{
    AnsiTransactionManager::begin_transaction_sql(postgres(conn)?, begin).await?;
    let result = work(conn).await;
    let conn = postgres(conn)?;
    if result.is_ok() && keep {
        AnsiTransactionManager::commit_transaction(conn).await?;
    } else {
        let rolled_back = AnsiTransactionManager::rollback_transaction(conn).await;
        // After an error of the work, an error of the rollback is a consequence and not reported.
        if result.is_ok() {
            rolled_back?;
        }
    }
    result
}

fn postgres(conn: &mut Conn) -> diesel::QueryResult<&mut PgConn> {
    match conn {
        Conn::Postgres(conn) => Ok(conn),
        Conn::Sqlite(_) => Err(DatabaseError::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand,
            Box::new("a SQLite connection in the PostgreSQL store".to_owned()),
        )),
    }
}
