//! Calls that would go round for ever.
//!
//! A call is handed on in two ways: a group rings its members, and an extension that does not answer gives the call to its
//! fallback. A telephone system rings a member by dialling its number, as any caller does, so the member's own fallback is
//! taken there too. Both steps therefore count alike, and any way back to where a call has been is a loop:
//!
//! | a loop, refused | none |
//! |---|---|
//! | 5001 falls back to itself, or to 5002, which falls back to 5001 | 5001 falls back to 5002, which falls back to a number outside |
//! | a member of group 5005 falls back to 5005 | group 5005 falls back to a member: it is rung a second time, and that is all |
//! | a group is in a group that falls back to it | two groups have a member in common |
//!
//! A paused member counts, since it may go on any time, and so does one that is restricted. An invitation that waits does
//! not: it is looked at again when it is accepted. Where a number outside leads is not known here.

use std::collections::HashMap;

use super::super::graph::{LoopSearch, TooManyReached};
use super::super::queries;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::transaction::Tx;

/// Refuses that `from` rings `to` or falls back to it, if a call could come back to `from`. Lock the event first.
///
/// # Errors
/// GROUP_LOOP at `field` (empty: the whole input) with the numbers of the way, first = last; CONFLICT where the extensions
/// behind `to` are too many to be followed.
pub async fn refuse(tx: &mut Tx<'_>, from: ExtensionId, to: ExtensionId, field: &str) -> Result<(), Error> {
    let mut search = LoopSearch::new(from);
    let mut edges = vec![(from, to)];
    loop {
        match search.follow(edges) {
            Ok(None) if search.frontier().is_empty() => return Ok(()),
            Ok(None) => edges = queries::hand_on(tx.conn, search.frontier()).await?,
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
