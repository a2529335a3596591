//! The agent's own way to SQLite and PostgreSQL: statements whose text an operator wrote.
//!
//! The rest of the program speaks to its database through diesel's types; here neither tables nor columns are known when the
//! program is compiled.

mod postgres;
mod sqlite;
mod statement;

pub use statement::{Dialect, Statement};

use super::trouble::{Fails, Trouble};

/// A value for a placeholder.
#[derive(Clone, PartialEq, Debug)]
pub enum Datum {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(String),
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Three columns of text, which is all that the agent's own tables need.
pub type Row = [Option<String>; 3];

/// A connection to the database that the agent writes to.
pub enum Database {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
}

impl Database {
    /// Opens `sqlite:FILE`, or `postgres://…`.
    ///
    /// # Errors
    /// [`Trouble::Lasting`] for an address of neither kind, [`Trouble::Passing`] when it cannot be reached.
    pub async fn open(url: &str) -> Result<Self, Trouble> {
        match url.strip_prefix("sqlite:") {
            Some(path) => Ok(Self::Sqlite(sqlite::Connection::open(path)?)),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(postgres::Connection::open(url).await?))
            }
            None => Err(Trouble::lasting("a database is `sqlite:FILE` or `postgres://…`")),
        }
    }

    /// Which placeholders its statements have.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// When the database refuses one of them, or is not there.
    pub async fn batch(&mut self, sql: &str) -> Result<(), Fails> {
        match self {
            Self::Sqlite(connection) => connection.batch(sql),
            Self::Postgres(connection) => connection.batch(sql).await,
        }
    }

    /// Runs one statement; how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses it, or is not there.
    pub async fn execute(&mut self, sql: &str, data: &[Datum]) -> Result<u64, Fails> {
        match self {
            Self::Sqlite(connection) => connection.execute(sql, data),
            Self::Postgres(connection) => connection.execute(sql, data).await,
        }
    }

    /// Runs one of the agent's own queries: its columns are texts named `a`, `b` and `c`.
    ///
    /// # Errors
    /// When the database refuses it, or is not there.
    pub async fn rows(&mut self, sql: &str, data: &[Datum]) -> Result<Vec<Row>, Fails> {
        match self {
            Self::Sqlite(connection) => connection.rows(sql, data),
            Self::Postgres(connection) => connection.rows(sql, data).await,
        }
    }

    /// Runs `sql` of the agent's own, written with named parameters: what is refused there is nobody's record.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn own(&mut self, sql: &str, data: &[Datum]) -> Result<u64, Trouble> {
        let sql = self.numbered(sql);
        self.execute(&sql, data).await.map_err(whole)
    }

    /// As [`Self::own`], for a query.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn own_rows(&mut self, sql: &str, data: &[Datum]) -> Result<Vec<Row>, Trouble> {
        let sql = self.numbered(sql);
        self.rows(&sql, data).await.map_err(whole)
    }

    /// Runs statements of the agent's own without parameters: tables, transactions.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn own_batch(&mut self, sql: &str) -> Result<(), Trouble> {
        self.batch(sql).await.map_err(whole)
    }

    fn numbered(&self, sql: &str) -> String {
        Statement::parse(sql, self.dialect()).text
    }
}

/// What is refused outside any record stops everything.
pub fn whole(fails: Fails) -> Trouble {
    match fails {
        Fails::System(trouble) => trouble,
        Fails::Record(refusal) => Trouble::Lasting(format!("the database refuses: {}", refusal.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_record_and_a_missing_database_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/x.db", folder.path().display());
        let mut database = Database::open(&url).await.unwrap();
        database.own_batch("CREATE TABLE t (a TEXT UNIQUE NOT NULL, b INTEGER)").await.unwrap();
        assert_eq!(database.own("INSERT INTO t VALUES (:a, :b)", &["x".into(), Datum::Integer(1)]).await, Ok(1));
        let twice = database.execute("INSERT INTO t VALUES (?1, ?2)", &["x".into(), Datum::Boolean(true)]).await;
        assert!(matches!(&twice, Err(Fails::Record(refusal)) if refusal.message.contains("UNIQUE")), "{twice:?}");
        let rows = database.own_rows("SELECT a AS a, CAST(b AS TEXT) AS b, NULL AS c FROM t", &[]).await.unwrap();
        assert_eq!(rows, [[Some("x".to_owned()), Some("1".to_owned()), None]]);
        assert!(matches!(Database::open("sqlite:/nowhere/at/all.db").await, Err(Trouble::Passing(_))));
        assert!(matches!(Database::open("mysql://x").await, Err(Trouble::Lasting(_))));
        assert!(matches!(Database::open("postgres://u@127.0.0.1:1/x").await, Err(Trouble::Passing(_))));
    }

    #[tokio::test]
    async fn a_locked_database_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/x.db", folder.path().display());
        let (mut one, mut other) = (Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap());
        one.own_batch("CREATE TABLE t (a TEXT); BEGIN IMMEDIATE").await.unwrap();
        let refused = other.own_batch("PRAGMA busy_timeout = 10; BEGIN IMMEDIATE").await;
        assert!(matches!(refused, Err(Trouble::Passing(_))), "{refused:?}");
    }
}
