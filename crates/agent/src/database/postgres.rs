//! A PostgreSQL database, perhaps another program's.
//!
//! Values travel as text (PostgreSQL protocol, Bind, format code 0), so that the server reads each as its column's type.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, NoTls};

use super::{Datum, Row};
use crate::trouble::{Fails, Refusal, Trouble};

/// A connection. It ends with the value.
pub struct Connection(Client);

impl Connection {
    pub async fn open(url: &str) -> Result<Self, Trouble> {
        let unreachable = |error: &Error| Trouble::passing(format!("PostgreSQL cannot be reached: {}", words(error)));
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(|error| unreachable(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %error, "the connection to PostgreSQL ended");
            }
        });
        Ok(Self(client))
    }

    pub async fn batch(&self, sql: &str) -> Result<(), Fails> {
        self.0.batch_execute(sql).await.map_err(|error| fails(&error))
    }

    pub async fn execute(&self, sql: &str, data: &[Datum]) -> Result<u64, Fails> {
        let statement = self.0.prepare(sql).await.map_err(|error| fails(&error))?;
        self.0.execute_raw(&statement, data).await.map_err(|error| fails(&error))
    }

    pub async fn rows(&self, sql: &str, data: &[Datum]) -> Result<Vec<Row>, Fails> {
        let data: Vec<&(dyn ToSql + Sync)> = data.iter().map(|datum| datum as &(dyn ToSql + Sync)).collect();
        let rows = self.0.query(sql, &data).await.map_err(|error| fails(&error))?;
        let row = |row: &tokio_postgres::Row| Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]);
        rows.iter().map(row).collect::<Result<_, Error>>().map_err(|error| fails(&error))
    }
}

impl ToSql for Datum {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Boolean(flag) => out.extend_from_slice(if *flag { b"t" } else { b"f" }),
            Self::Integer(whole) => out.extend_from_slice(whole.to_string().as_bytes()),
            Self::Real(real) => out.extend_from_slice(real.to_string().as_bytes()),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The server's own sentence; values are in its detail, which is left out.
fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => {
            let mut cause: &dyn StdError = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            cause.to_string()
        }
    }
}

/// Classes 22, 23 and 42 are the statement's and its data's (PostgreSQL, appendix A); all others the server's.
fn fails(error: &Error) -> Fails {
    let Some(code) = error.code() else {
        // A value that cannot be sent is the record's; a connection that is gone is not.
        return Fails::System(Trouble::passing(format!("PostgreSQL: {}", words(error))));
    };
    match code.code().get(..2) {
        Some("22" | "23" | "42" | "P0") => Fails::Record(Refusal::new(code.code(), words(error))),
        _ => Fails::System(Trouble::passing(format!("PostgreSQL: {}", words(error)))),
    }
}
