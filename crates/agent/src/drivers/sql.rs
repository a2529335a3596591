//! The `sql` driver: statements against SQLite or PostgreSQL, in the transaction that stores the agent's cursor.

use serde_json::Value;

use crate::config::SqlConfig;
use crate::database::{Database, Statement};
use crate::entry::Batch;
use crate::error::{AgentError, ApplyError, RecordErrors, collect};

/// Applies a batch within the open transaction. The statements of a failed record are rolled back to a savepoint.
///
/// # Errors
/// [`AgentError`] when the database fails: the caller must roll the transaction back.
pub async fn apply(database: &mut Database, sql: &SqlConfig, batch: &Batch) -> Result<RecordErrors, AgentError> {
    let mut errors = RecordErrors::new();
    for deletion in batch.deletions() {
        for values in deletion.values() {
            let result = execute_record(database, &sql.delete, &values).await;
            collect(&mut errors, &deletion.id, result)?;
        }
    }
    for entry in &batch.upserts {
        let result = execute_record(database, &sql.upsert, &entry.values).await;
        collect(&mut errors, &entry.id, result)?;
    }
    Ok(errors)
}

async fn execute_record(database: &mut Database, statements: &[Statement], values: &Value) -> Result<(), ApplyError> {
    database.internal_batch("SAVEPOINT record").await?;
    for statement in statements {
        if let Err(error) = database.execute(&statement.text, &statement.bind(values)).await {
            if matches!(error, ApplyError::Record(_)) {
                database.internal_batch("ROLLBACK TO SAVEPOINT record; RELEASE SAVEPOINT record").await?;
            }
            return Err(error);
        }
    }
    database.internal_batch("RELEASE SAVEPOINT record").await?;
    Ok(())
}
