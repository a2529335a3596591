//! Calls to a running telephone system about numbers that are gone, silent or somebody else's: what it holds in memory about
//! them must go, as Kamailio's live bindings.
//!
//! They are noted in the transaction that took the number away and struck out when they are made, so none is forgotten.

use serde_json::json;

use super::config::Request;
use super::copy::Copy;
use super::drivers::http;
use super::entry::{Batch, Keys};
use super::trouble::{Fails, Trouble};

/// Notes the numbers of a batch that have to be called off, before the batch is settled.
///
/// # Errors
/// [`Trouble`] of either kind.
pub async fn owe(copy: &mut Copy, batch: &Batch) -> Result<(), Trouble> {
    for deletion in batch.deletions() {
        for keys in &deletion.keys {
            copy.owe_call(&keys.number, &deletion.id).await?;
        }
    }
    for entry in &batch.upserts {
        let before = copy.known(&entry.id).await?;
        let has_moved = |keys: &Keys| keys.number != entry.number;
        let has_moved = before.is_some_and(|known| known.keys.iter().any(has_moved));
        // Behind a number that moved to another extension stands whatever the former holder registered.
        if !entry.active || has_moved {
            copy.owe_call(&entry.number, &entry.id).await?;
        }
    }
    Ok(())
}

/// Makes the calls that are owed. What the system refuses for one number is logged and done with.
///
/// # Errors
/// [`Trouble::Passing`] when the system is not there: they stay owed.
pub async fn make(copy: &mut Copy, client: &reqwest::Client, request: &Request) -> Result<(), Trouble> {
    for (number, id) in copy.owed_calls().await? {
        match http::send(client, request, &json!({ "number": number, "id": id }), true).await {
            Ok(()) => {}
            Err(Fails::Record(refusal)) => {
                tracing::warn!(extension.id = id, code = refusal.code, "the system did not let go of a number")
            }
            Err(Fails::System(trouble)) => return Err(trouble),
        }
        copy.called(&number).await?;
    }
    Ok(())
}
