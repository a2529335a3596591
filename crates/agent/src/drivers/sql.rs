//! Statements against SQLite or PostgreSQL, in the same transaction as the agent's own cursor.

use std::collections::HashMap;

use serde_json::Value;

use crate::config;
use crate::database::{Database, Statement};
use crate::entry::Batch;
use crate::trouble::{Fails, Refusal, Trouble};

/// Applies a batch within the transaction that is under way; what a statement refuses is undone for its record alone.
///
/// # Errors
/// [`Trouble`] when the database itself fails: nothing of the batch may be kept then.
pub async fn apply(
    database: &mut Database,
    sql: &config::Sql,
    batch: &Batch,
) -> Result<HashMap<String, Refusal>, Trouble> {
    let mut failed = HashMap::new();
    for deletion in batch.deletions() {
        for values in deletion.values() {
            if let Some(refusal) = record(database, &sql.delete, &values).await? {
                failed.insert(deletion.id.clone(), refusal);
            }
        }
    }
    for entry in &batch.upserts {
        if let Some(refusal) = record(database, &sql.upsert, &entry.values).await? {
            failed.insert(entry.id.clone(), refusal);
        }
    }
    Ok(failed)
}

async fn record(database: &mut Database, statements: &[Statement], values: &Value) -> Result<Option<Refusal>, Trouble> {
    database.own_batch("SAVEPOINT record").await?;
    for statement in statements {
        match database.execute(&statement.text, &statement.data(values)).await {
            Ok(_) => {}
            Err(Fails::System(trouble)) => return Err(trouble),
            Err(Fails::Record(refusal)) => {
                database.own_batch("ROLLBACK TO SAVEPOINT record; RELEASE SAVEPOINT record").await?;
                return Ok(Some(refusal));
            }
        }
    }
    database.own_batch("RELEASE SAVEPOINT record").await?;
    Ok(None)
}
