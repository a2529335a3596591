//! Call loops.
//!
//! An extension forwards a call in two ways: a group calls its members, and an extension that does not answer forwards to its
//! fallback. A telephone system calls a member by dialling its number, so the fallback of the member applies there too. Both
//! edges therefore count alike, and every cycle of them is a loop:
//!
//! | a loop, refused | none |
//! |---|---|
//! | 5001 falls back to itself, or to 5002, which falls back to 5001 | 5001 falls back to 5002, which falls back to a number outside |
//! | a member of group 5005 falls back to 5005 | group 5005 falls back to a member, which is called a second time |
//! | a group is in a group that falls back to it | two groups have a member in common |
//!
//! A paused or restricted member counts, since it may become active at any time. A pending invitation does not: the check is
//! repeated when it is accepted. Forwarding beyond a number outside the event is unknown here.

use std::collections::HashMap;

use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::transaction::Tx;

use crate::graph::{LoopSearch, TooManyReached};
use crate::queries;

/// Refuses the edge from `from` to `to`, a membership or a fallback, if it closes a loop. The caller holds the lock of the event.
///
/// # Errors
/// GROUP_LOOP at `field` (empty: the whole input) with the numbers of the path, first = last; CONFLICT if more extensions are
/// reachable from `to` than the search visits.
pub async fn refuse(tx: &mut Tx<'_>, from: ExtensionId, to: ExtensionId, field: &str) -> Result<(), Error> {
    let mut search = LoopSearch::new(from);
    let mut edges = vec![(from, to)];
    loop {
        match search.follow(edges) {
            Ok(None) if search.frontier().is_empty() => return Ok(()),
            Ok(None) => edges = queries::call_edges(tx.conn, search.frontier()).await?,
            Ok(Some(path)) => {
                let numbers: HashMap<_, _> = queries::numbers_of(tx.conn, &path).await?.into_iter().collect();
                let cycle: Vec<_> = path.iter().filter_map(|id| numbers.get(id).cloned()).collect();
                let message = format!("Calls would go round for ever: {}.", cycle.join(" → "));
                return Err(UserError::new(UserErrorKind::GroupLoop { cycle }, field, message).into());
            }
            Err(TooManyReached) => {
                let message = "Too many extensions ring each other behind this one.";
                return Err(UserError::new(UserErrorKind::Conflict, field, message).into());
            }
        }
    }
}
