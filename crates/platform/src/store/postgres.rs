//! PostgreSQL backend: a connection pool, READ COMMITTED for writes, REPEATABLE READ READ ONLY for snapshots.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::ConnectionResult;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8 as pooled};
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
    TransactionManager as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgres_url::{PostgresError, PostgresUrl};
use super::version::refuse_newer;
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
    url: PostgresUrl,
    last_failure: LastFailure,
}

/// Why the pool could not connect last. The pool itself reports a timeout only.
#[derive(Clone, Default)]
struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    fn set(&self, failure: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn describe(&self, timeout: &pooled::RunError) -> String {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.unwrap_or_else(|| match timeout {
            pooled::RunError::TimedOut => {
                format!("no connection to PostgreSQL was free within {} seconds", CONNECTION_WAIT.as_secs())
            }
            pooled::RunError::User(error) => error.to_string(),
        })
    }
}

impl Database {
    pub async fn connect(url: &str) -> Result<Self, InternalError> {
        let url = PostgresUrl::parse(url).map_err(unreachable)?;
        refuse_transaction_pooling(&url).await?;
        let last_failure = LastFailure::default();
        let mut config = ManagerConfig::default();
        // Discards a connection whose transaction was interrupted, without a test query for the others.
        config.recycling_method = RecyclingMethod::Fast;
        let (pool_url, failure) = (url.clone(), last_failure.clone());
        config.custom_setup = Box::new(move |_| {
            let (url, failure) = (pool_url.clone(), failure.clone());
            Box::pin(async move {
                let result = establish_with_settings(&url).await;
                failure.set(result.as_ref().err().map(describe));
                result
            })
        });
        // The URL is in `url`: the manager's own copy would be printed by its instrumentation.
        let manager = AsyncDieselConnectionManager::<PgConn>::new_with_config("", config);
        let pool = pooled::Pool::builder()
            .max_size(CONNECTIONS)
            .connection_timeout(CONNECTION_WAIT)
            .build(manager)
            .await
            .map_err(|error| InternalError::Connection(error.to_string()))?;
        let database = Self { pool, url, last_failure };
        database.acquire().await?;
        Ok(database)
    }

    /// The connector by which a statement is cancelled.
    pub fn tls(&self) -> MakeRustlsConnect {
        self.url.tls()
    }

    pub async fn acquire(&self) -> Result<PooledPg, InternalError> {
        self.pool.get_owned().await.map_err(|timeout| InternalError::Connection(self.last_failure.describe(&timeout)))
    }

    /// Applies missing migrations and returns their versions.
    pub async fn migrate(&self) -> Result<Vec<String>, InternalError> {
        let mut conn = establish(&self.url).await.map_err(connection_error)?;
        conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
        // The lock is released with the connection, also after an error.
        let mut harness = AsyncMigrationHarness::new(conn);
        refuse_newer(&mut harness, MIGRATIONS)?;
        let applied = harness
            .run_pending_migrations(MIGRATIONS)
            .map_err(|error| InternalError::new(format!("migration: {error}")))?;
        Ok(applied.iter().map(ToString::to_string).collect())
    }

    /// Checks that no newer version of the program has migrated the database.
    pub async fn check_version(&self) -> Result<(), InternalError> {
        let conn = establish(&self.url).await.map_err(connection_error)?;
        refuse_newer(&mut AsyncMigrationHarness::new(conn), MIGRATIONS)
    }

    pub async fn is_migrated(&self) -> Result<bool, InternalError> {
        let conn = establish(&self.url).await.map_err(connection_error)?;
        AsyncMigrationHarness::new(conn)
            .has_pending_migration(MIGRATIONS)
            .map(|pending| !pending)
            .map_err(InternalError::new)
    }

    /// Returns whether a program has migrated the database before.
    pub async fn is_installed(&self) -> Result<bool, InternalError> {
        let (client, connection) = self.url.connect().await.map_err(unreachable)?;
        tokio::spawn(connection);
        let answer = client
            .simple_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL")
            .await
            .map_err(|error| InternalError::Connection(error.to_string()))?;
        Ok(answer.iter().any(|message| first_column(message) == Some("t")))
    }

    /// Fails when a connection pooler has begun to give one client several server connections.
    pub async fn check_sessions(&self) -> Result<(), InternalError> {
        refuse_transaction_pooling(&self.url).await
    }

    pub async fn listen(&self, channel: &str) -> Result<mpsc::Receiver<String>, InternalError> {
        let mut conn = establish(&self.url).await.map_err(connection_error)?;
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

async fn establish_with_settings(url: &PostgresUrl) -> ConnectionResult<PgConn> {
    let mut conn = establish(url).await?;
    conn.batch_execute(SETTINGS).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

async fn establish(url: &PostgresUrl) -> ConnectionResult<PgConn> {
    let (client, connection) =
        url.connect().await.map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))?;
    PgConn::try_from_client_and_connection(client, connection).await
}

/// Returns the cause without diesel's own words around it.
fn describe(error: &diesel::ConnectionError) -> String {
    match error {
        diesel::ConnectionError::BadConnection(cause) => cause.clone(),
        other => other.to_string(),
    }
}

fn connection_error(error: diesel::ConnectionError) -> InternalError {
    InternalError::Connection(describe(&error))
}

fn unreachable(error: PostgresError) -> InternalError {
    InternalError::Connection(error.to_string())
}

/// The sentence for a pooler in transaction or statement mode.
const POOLED: &str = "between this program and PostgreSQL is a connection pooler in transaction mode, in which prepared \
                      statements, LISTEN and session locks do not work: connect to PostgreSQL directly, or set the \
                      pooler to pool_mode=session";

/// Checks that a connection keeps its server process. A pooler in transaction mode (PgBouncer, Odyssey) gives every
/// transaction any free process: then two transactions of one client meet different ones, or those of two clients the
/// same.
async fn refuse_transaction_pooling(url: &PostgresUrl) -> Result<(), InternalError> {
    let (first, connection) = url.connect().await.map_err(unreachable)?;
    tokio::spawn(connection);
    let (second, connection) = url.connect().await.map_err(unreachable)?;
    tokio::spawn(connection);
    let mut processes = Vec::new();
    for client in [&first, &first, &second] {
        processes.push(server_process(client).await?);
    }
    if processes[0] == processes[1] && processes[0] != processes[2] {
        Ok(())
    } else {
        Err(InternalError::Connection(POOLED.to_owned()))
    }
}

/// Returns the id of the server process, by the simple query protocol, which needs no prepared statement.
async fn server_process(client: &tokio_postgres::Client) -> Result<String, InternalError> {
    let answer = client
        .simple_query("SELECT pg_backend_pid()")
        .await
        .map_err(|error| InternalError::Connection(error.to_string()))?;
    let process = answer.iter().find_map(first_column);
    process.map(str::to_owned).ok_or_else(|| InternalError::new("PostgreSQL did not name its process"))
}

fn first_column(message: &tokio_postgres::SimpleQueryMessage) -> Option<&str> {
    match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    }
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
pub fn cancel(mut conn: PooledPg, tls: MakeRustlsConnect) {
    let token = conn.cancel_token();
    // Outside a runtime the program is ending.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = token.cancel_query(tls).await {
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
