//! The states of a number: reserved, held, ageing, barred.

pub mod ageing;
pub mod barring;
pub mod holds;
pub mod list;
pub mod reservations;

use crate::support::{Actor, string};

/// The state changes of a number as the caller sees them: `STATE actor`, with `?` for a hidden actor.
async fn history(actor: &Actor, number: &str) -> Vec<String> {
    let number = actor.number(number).await;
    let changes = number["history"]["nodes"].as_array().unwrap().iter();
    changes.map(|change| format!("{} {}", string(&change["to"]), change["actor"].as_str().unwrap_or("?"))).collect()
}

/// Registers 2342 and deletes it, so that it is held for the caller.
async fn registers_and_deletes_2342(user: &Actor) {
    let id = user.registers("sip", "2342").await.id();
    user.deletes(&id).await.ok();
}
