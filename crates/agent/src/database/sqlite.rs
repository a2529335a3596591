//! A SQLite file, perhaps another program's.

use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::deserialize::QueryableByName;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};

use super::{Datum, Row};
use crate::trouble::{Fails, Refusal, Trouble};

/// How long another program's lock is waited for, in milliseconds.
const BUSY_MILLISECONDS: u32 = 5000;

/// An open file. Its journal mode is left as its owner has it.
///
/// The lock is never waited for, since only one may change a connection; it lets the agent be watched from several threads.
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
    /// Opens the file, and makes it if it is not there.
    pub fn open(path: &str) -> Result<Self, Trouble> {
        let unreachable = |error: String| Trouble::passing(format!("the database {path} cannot be opened: {error}"));
        let mut connection = SqliteConnection::establish(path).map_err(|error| unreachable(error.to_string()))?;
        // FULL: what was committed is on the disk, so an acknowledgement after it is true.
        let settings = format!("PRAGMA busy_timeout = {BUSY_MILLISECONDS}; PRAGMA synchronous = FULL;");
        connection.batch_execute(&settings).map_err(|error| unreachable(error.to_string()))?;
        Ok(Self(Mutex::new(connection)))
    }

    fn inner(&mut self) -> &mut SqliteConnection {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn batch(&mut self, sql: &str) -> Result<(), Fails> {
        self.inner().batch_execute(sql).map_err(|error| fails(&error))
    }

    pub fn execute(&mut self, sql: &str, data: &[Datum]) -> Result<u64, Fails> {
        let changed = bound(sql, data).execute(self.inner()).map_err(|error| fails(&error))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub fn rows(&mut self, sql: &str, data: &[Datum]) -> Result<Vec<Row>, Fails> {
        let rows: Vec<Columns> = bound(sql, data).load(self.inner()).map_err(|error| fails(&error))?;
        Ok(rows.into_iter().map(|row| [row.a, row.b, row.c]).collect())
    }
}

fn bound<'q>(sql: &str, data: &[Datum]) -> Query<'q> {
    data.iter().fold(diesel::sql_query(sql).into_boxed(), |query, datum| match datum {
        Datum::Null => query.bind::<Nullable<Text>, _>(None::<String>),
        Datum::Boolean(flag) => query.bind::<Integer, _>(i32::from(*flag)),
        Datum::Integer(whole) => query.bind::<BigInt, _>(*whole),
        Datum::Real(real) => query.bind::<Double, _>(*real),
        Datum::Text(text) => query.bind::<Text, _>(text.clone()),
    })
}

/// Whether the statement is at fault, or the file: locked, full, read-only, damaged.
fn fails(error: &Error) -> Fails {
    let refusal = |code: &str| Fails::Record(Refusal::new(code, error.to_string()));
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => refusal("UNIQUE"),
        Error::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation,
            _,
        ) => refusal("CONSTRAINT"),
        Error::DatabaseError(_, information) => {
            let text = information.message();
            let is_files = ["locked", "busy", "disk", "readonly", "unable to open", "malformed", "not a database"]
                .iter()
                .any(|sign| text.contains(sign));
            if is_files {
                Fails::System(Trouble::passing(format!("the database cannot be written: {text}")))
            } else {
                refusal("SQL")
            }
        }
        _ => refusal("SQL"),
    }
}
