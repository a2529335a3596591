//! Copies of reservations into a new event, and numbers in use that limit changes of ranges and reserved prefixes.

use ::events::Event;
use ::events::hooks::EventHooks;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use numbering::NumberState;
use numbering::number::Number;
use numbering::plan;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::EventId;
use platform::store::Conn;
use platform::transaction::Tx;

use super::NumberHooks;
use crate::plan_queries;
use crate::transitions::{Transition, transition_all, unsaved_row};

impl EventHooks for NumberHooks {
    /// Reserves in the copy the numbers that are reserved in the source, for the same accounts.
    fn event_copied<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        source: &'t Event,
        copy: &'t Event,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            let reserved = copy.reserved_prefixes()?;
            let mut reservations = Vec::new();
            for row in plan_queries::active_reservations(tx.conn, source.id, tx.now).await? {
                // The copy may reserve more prefixes than the source.
                if reserved.forbids(&Number::stored(row.number.clone())?) {
                    continue;
                }
                let transition = Transition {
                    to: NumberState::Reserved,
                    account: row.account_id,
                    until: row.until,
                    extension: None,
                };
                reservations.push((unsaved_row(tx, Some(copy.id), &row.number), transition));
            }
            transition_all(tx, permit, reservations).await
        }
        .boxed()
    }

    fn taken_number_in<'t>(
        &'t self,
        conn: &'t mut Conn,
        event: EventId,
        range: &'t plan::NumberRange,
    ) -> BoxFuture<'t, Result<Option<String>, Error>> {
        async move { Ok(plan_queries::first_taken_in(conn, event, range).await?) }.boxed()
    }

    fn taken_number_under<'t>(
        &'t self,
        conn: &'t mut Conn,
        event: EventId,
        prefix: &'t str,
    ) -> BoxFuture<'t, Result<Option<String>, Error>> {
        async move { Ok(plan_queries::first_taken_under(conn, event, prefix).await?) }.boxed()
    }
}
