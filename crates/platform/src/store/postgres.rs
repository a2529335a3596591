//! A PostgreSQL cluster: a pool, READ COMMITTED for writers, REPEATABLE READ READ ONLY for what must see one instant.

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

/// The steps from an empty database to today's tables.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgresql");

/// How many connections an instance holds at most.
const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told to come back.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// The advisory lock that instances take while they migrate; any fixed number of our own.
const MIGRATION_LOCK: i64 = 0x5357_4254_4d49_4752;

/// A connection of the pool.
pub type PgConn = AsyncPgConnection;
/// A connection on loan from the pool.
pub type PooledPg = pooled::PooledConnection<'static, PgConn>;

/// The pool, and the address for connections outside it.
#[derive(Clone)]
pub struct Database {
    pool: pooled::Pool<PgConn>,
    url: std::sync::Arc<str>,
}

impl Database {
    pub async fn connect(url: &str) -> Result<Self, InternalError> {
        let mut config = ManagerConfig::default();
        // A connection whose future was dropped in the middle of a transaction is thrown away; others need no test query.
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
        database.lease().await?;
        Ok(database)
    }

    pub async fn lease(&self) -> Result<PooledPg, InternalError> {
        self.pool.get_owned().await.map_err(|error| InternalError::Connection(error.to_string()))
    }

    pub async fn migrate(&self) -> Result<(), InternalError> {
        let mut conn =
            PgConn::establish(&self.url).await.map_err(|error| InternalError::Connection(error.to_string()))?;
        conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
        // The lock ends with the connection, whatever happens.
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

    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    {
        let mut conn = Conn::Postgres(self.lease().await?);
        in_transaction(&mut conn, "BEGIN ISOLATION LEVEL READ COMMITTED", work, true).await
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

/// What holds for every connection of the pool. A request is given up after seconds, and its statement must not go on for
/// minutes; statements are short, and compiling them costs more than it gains.
const SETTINGS: &str = "SET statement_timeout = '30s'; SET jit = off;";

async fn establish(url: String) -> ConnectionResult<PgConn> {
    let mut conn = PgConn::establish(&url).await?;
    conn.batch_execute(SETTINGS).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Runs a read transaction that sees one instant.
pub async fn snapshot<T, F>(lease: &mut PooledConn, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    in_transaction(lease, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", work, false).await
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
        // Where the work failed, its own error says more than a rollback on a connection that is gone.
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
            Box::new("an embedded connection in the PostgreSQL store".to_owned()),
        )),
    }
}
