//! SQLite and PostgreSQL connections for statements that an operator writes.
//!
//! The server uses diesel's typed queries. The tables and columns of a telephone system are unknown at compile time.

mod postgres;
mod sqlite;
mod statement;

pub use statement::{Dialect, Statement};

use super::error::{AgentError, ApplyError};

/// Value of a placeholder.
#[derive(Clone, PartialEq, Debug)]
pub enum SqlValue {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(String),
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A row of three text columns, which is enough for the agent's own tables.
pub type TextRow = [Option<String>; 3];

/// A connection to the telephone system's database or to the agent's own file.
pub enum Database {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
}

impl Database {
    /// Opens `sqlite:FILE` or `postgres://…`.
    ///
    /// # Errors
    /// [`AgentError::Permanent`] for another URL, [`AgentError::Transient`] when the database cannot be opened.
    pub async fn open(url: &str) -> Result<Self, AgentError> {
        match url.strip_prefix("sqlite:") {
            Some(path) => Ok(Self::Sqlite(sqlite::Connection::open(path)?)),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(postgres::Connection::open(url).await?))
            }
            None => Err(AgentError::permanent("a database is `sqlite:FILE` or `postgres://…`")),
        }
    }

    /// Returns the dialect of the connection's placeholders.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Executes one statement of the operator.
    ///
    /// # Errors
    /// [`ApplyError::Record`] for an invalid statement or value, [`ApplyError::System`] when the database fails.
    pub async fn execute(&mut self, sql: &str, values: &[SqlValue]) -> Result<(), ApplyError> {
        match self {
            Self::Sqlite(connection) => connection.execute(sql, values),
            Self::Postgres(connection) => connection.execute(sql, values).await,
        }
    }

    /// Executes one statement of the agent, written with named parameters.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails or refuses the statement.
    pub async fn internal_execute(&mut self, sql: &str, values: &[SqlValue]) -> Result<(), AgentError> {
        let sql = self.with_placeholders(sql);
        self.execute(&sql, values).await.map_err(into_agent_error)
    }

    /// Runs one query of the agent, written with named parameters. Its columns are named `a`, `b` and `c`.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails or refuses the query.
    pub async fn internal_query(&mut self, sql: &str, values: &[SqlValue]) -> Result<Vec<TextRow>, AgentError> {
        let sql = self.with_placeholders(sql);
        let rows = match self {
            Self::Sqlite(connection) => connection.query(&sql, values),
            Self::Postgres(connection) => connection.query(&sql, values).await,
        };
        rows.map_err(into_agent_error)
    }

    /// Executes statements of the agent without parameters: table definitions and transaction control.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails or refuses a statement.
    pub async fn internal_batch(&mut self, sql: &str) -> Result<(), AgentError> {
        let result = match self {
            Self::Sqlite(connection) => connection.batch(sql),
            Self::Postgres(connection) => connection.batch(sql).await,
        };
        result.map_err(into_agent_error)
    }

    fn with_placeholders(&self, sql: &str) -> String {
        Statement::parse(sql, self.dialect()).text
    }
}

/// Converts the error of an internal statement: without a record, every error is the system's.
fn into_agent_error(error: ApplyError) -> AgentError {
    match error {
        ApplyError::System(error) => error,
        ApplyError::Record(error) => AgentError::Permanent(format!("the database refused: {}", error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn distinguishes_record_errors_from_system_errors() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/x.db", folder.path().display());
        let mut database = Database::open(&url).await.unwrap();
        database.internal_batch("CREATE TABLE t (a TEXT UNIQUE NOT NULL, b INTEGER)").await.unwrap();
        let insert = "INSERT INTO t VALUES (:a, :b)";
        assert_eq!(database.internal_execute(insert, &["x".into(), SqlValue::Integer(1)]).await, Ok(()));
        let duplicate = database.execute("INSERT INTO t VALUES (?1, ?2)", &["x".into(), SqlValue::Boolean(true)]).await;
        assert!(
            matches!(&duplicate, Err(ApplyError::Record(error)) if error.message.contains("UNIQUE")),
            "{duplicate:?}"
        );
        let rows = database.internal_query("SELECT a AS a, CAST(b AS TEXT) AS b, NULL AS c FROM t", &[]).await.unwrap();
        assert_eq!(rows, [[Some("x".to_owned()), Some("1".to_owned()), None]]);
        assert!(matches!(Database::open("sqlite:/nowhere/at/all.db").await, Err(AgentError::Transient(_))));
        assert!(matches!(Database::open("mysql://x").await, Err(AgentError::Permanent(_))));
        assert!(matches!(Database::open("postgres://u@127.0.0.1:1/x").await, Err(AgentError::Transient(_))));
    }

    #[tokio::test]
    async fn reports_a_locked_database_as_transient() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/x.db", folder.path().display());
        let (mut first, mut second) = (Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap());
        first.internal_batch("CREATE TABLE t (a TEXT); BEGIN IMMEDIATE").await.unwrap();
        let refused = second.internal_batch("PRAGMA busy_timeout = 10; BEGIN IMMEDIATE").await;
        assert!(matches!(refused, Err(AgentError::Transient(_))), "{refused:?}");
    }
}
