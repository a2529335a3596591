//! SQLite connection.

use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::deserialize::QueryableByName;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};

use super::{SqlValue, TextRow};
use crate::error::{AgentError, ApplyError, RecordError};

/// Time to wait for another program's lock, in milliseconds.
const BUSY_TIMEOUT_MS: u32 = 5000;

/// An open file. The journal mode is not changed.
///
/// The mutex makes the connection `Sync`; it is accessed through `&mut` only, so it never blocks.
pub struct Connection(Mutex<SqliteConnection>);

#[derive(QueryableByName)]
struct Columns {
    #[diesel(sql_type = Nullable<Text>)]
    a: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    b: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c: Option<String>,
}

type Query<'q> = diesel::query_builder::BoxedSqlQuery<'q, Sqlite, diesel::query_builder::SqlQuery>;

impl Connection {
    /// Opens the file and creates it if it is missing.
    pub fn open(path: &str) -> Result<Self, AgentError> {
        let open_error =
            |error: String| AgentError::transient(format!("the database {path} cannot be opened: {error}"));
        let mut connection = SqliteConnection::establish(path).map_err(|error| open_error(error.to_string()))?;
        // FULL: a commit is durable before the agent acknowledges it.
        let settings = format!("PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA synchronous = FULL;");
        connection.batch_execute(&settings).map_err(|error| open_error(error.to_string()))?;
        Ok(Self(Mutex::new(connection)))
    }

    fn inner(&mut self) -> &mut SqliteConnection {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn batch(&mut self, sql: &str) -> Result<(), ApplyError> {
        self.inner().batch_execute(sql).map_err(|error| classify(&error))
    }

    pub fn execute(&mut self, sql: &str, values: &[SqlValue]) -> Result<(), ApplyError> {
        bind(sql, values).execute(self.inner()).map(drop).map_err(|error| classify(&error))
    }

    pub fn query(&mut self, sql: &str, values: &[SqlValue]) -> Result<Vec<TextRow>, ApplyError> {
        let rows: Vec<Columns> = bind(sql, values).load(self.inner()).map_err(|error| classify(&error))?;
        Ok(rows.into_iter().map(|row| [row.a, row.b, row.c]).collect())
    }
}

fn bind<'q>(sql: &str, values: &[SqlValue]) -> Query<'q> {
    values.iter().fold(diesel::sql_query(sql).into_boxed(), |query, value| match value {
        SqlValue::Null => query.bind::<Nullable<Text>, _>(None::<String>),
        SqlValue::Boolean(flag) => query.bind::<Integer, _>(i32::from(*flag)),
        SqlValue::Integer(integer) => query.bind::<BigInt, _>(*integer),
        SqlValue::Real(real) => query.bind::<Double, _>(*real),
        SqlValue::Text(text) => query.bind::<Text, _>(text.clone()),
    })
}

/// Classifies an error by whether it concerns the statement or the file: locked, full, read-only, damaged.
fn classify(error: &Error) -> ApplyError {
    let record_error = |code: &str| ApplyError::Record(RecordError::new(code, error.to_string()));
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => record_error("UNIQUE"),
        Error::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation,
            _,
        ) => record_error("CONSTRAINT"),
        Error::DatabaseError(_, information) => {
            let text = information.message();
            let concerns_file = ["locked", "busy", "disk", "readonly", "unable to open", "malformed", "not a database"]
                .iter()
                .any(|pattern| text.contains(pattern));
            if concerns_file {
                ApplyError::System(AgentError::transient(format!("the database cannot be written: {text}")))
            } else {
                record_error("SQL")
            }
        }
        _ => record_error("SQL"),
    }
}
