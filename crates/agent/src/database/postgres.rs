//! PostgreSQL connection.
//!
//! Values are sent as text (PostgreSQL protocol, Bind, format code 0), so that the server converts each to its column's
//! type.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error};

use super::{SqlValue, TextRow};
use crate::error::{AgentError, ApplyError, RecordError};
use platform::store::PostgresUrl;

/// A connection, which is closed when dropped.
pub struct Connection(Client);

impl Connection {
    /// Connects, with TLS as `sslmode` of the URL says.
    pub async fn open(url: &str) -> Result<Self, AgentError> {
        let url = PostgresUrl::parse(url).map_err(|error| AgentError::permanent(error.to_string()))?;
        let (client, connection) = url.connect().await.map_err(|error| AgentError::transient(error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %error, "the connection to PostgreSQL ended");
            }
        });
        Ok(Self(client))
    }

    pub async fn batch(&self, sql: &str) -> Result<(), ApplyError> {
        self.0.batch_execute(sql).await.map_err(|error| classify(&error))
    }

    pub async fn execute(&self, sql: &str, values: &[SqlValue]) -> Result<(), ApplyError> {
        let statement = self.0.prepare(sql).await.map_err(|error| classify(&error))?;
        self.0.execute_raw(&statement, values).await.map(drop).map_err(|error| classify(&error))
    }

    pub async fn query(&self, sql: &str, values: &[SqlValue]) -> Result<Vec<TextRow>, ApplyError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.0.query(sql, &values).await.map_err(|error| classify(&error))?;
        let row = |row: &tokio_postgres::Row| Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]);
        rows.iter().map(row).collect::<Result<_, Error>>().map_err(|error| classify(&error))
    }
}

impl ToSql for SqlValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Boolean(flag) => out.extend_from_slice(if *flag { b"t" } else { b"f" }),
            Self::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
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

/// Returns the server's message. Its detail is omitted, as it contains values.
fn describe(error: &Error) -> String {
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

/// Classifies an error by its SQLSTATE class (PostgreSQL, appendix A): 22, 23, 42 and P0 concern the statement and its
/// values, all others the server.
fn classify(error: &Error) -> ApplyError {
    let Some(code) = error.code() else {
        return ApplyError::System(AgentError::transient(format!("PostgreSQL: {}", describe(error))));
    };
    match code.code().get(..2) {
        Some("22" | "23" | "42" | "P0") => ApplyError::Record(RecordError::new(code.code(), describe(error))),
        _ => ApplyError::System(AgentError::transient(format!("PostgreSQL: {}", describe(error)))),
    }
}
