//! Deletion and export of the numbers of an account.

use ::accounts::hooks::{AccountHooks, Export, Holdings, Section};
use ::accounts::rules::{optional_timestamp, restrictions_section};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use numbering::NumberState;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::{AccountId, EventId};
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use restrictions::TargetKind;
use serde_json::{Value, json};

use super::NumberHooks;
use crate::model::{AccountPlans, NumberTransition};
use crate::queries;
use crate::transitions::{Transition, transition};

impl AccountHooks for NumberHooks {
    /// The plans of the reservations, and the E.164 numbers in service. Those of an event are locked with its extensions,
    /// and held numbers stay unchanged.
    fn holdings<'t>(&'t self, conn: &'t mut Conn, account: AccountId) -> BoxFuture<'t, Result<Holdings, Error>> {
        async move {
            let AccountPlans { events, e164_numbers } = queries::plans_of_account(conn, account).await?;
            Ok(Holdings { service_types: Vec::new(), events, e164_numbers })
        }
        .boxed()
    }

    /// Releases the reservations of the account. Holds stay until they expire: the telephone systems must remove a number
    /// before it is available.
    fn delete<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for row in queries::numbers_of_account(tx.conn, account).await? {
                if row.state == NumberState::Reserved {
                    transition(tx, permit, row, Transition::to_available()).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn export<'t>(&'t self, export: &'t mut Export<'_>) -> BoxFuture<'t, Result<Vec<Section>, Error>> {
        async move {
            Ok(vec![
                Section { key: "numbers", content: numbers(export).await? },
                Section { key: "numberHistory", content: history(export).await? },
            ])
        }
        .boxed()
    }
}

async fn numbers(export: &mut Export<'_>) -> Result<Value, Error> {
    let mut exported = Vec::new();
    for row in queries::numbers_of_account(export.conn, export.account).await? {
        exported.push(json!({
            "event": event_slug(export, row.event_id).await?,
            "number": row.number,
            "state": row.state.as_str(),
            "until": optional_timestamp(row.until),
            "restrictions": restrictions_section(export, TargetKind::Number, Id(row.id.0)).await?,
        }));
    }
    Ok(Value::Array(exported))
}

async fn history(export: &mut Export<'_>) -> Result<Value, Error> {
    let mut exported = Vec::new();
    for NumberTransition { transition, number } in queries::history_of_account(export.conn, export.account).await? {
        exported.push(json!({
            "event": event_slug(export, number.event_id).await?,
            "number": number.number,
            "at": transition.at.to_string(),
            "from": transition.from_state.as_str(),
            "to": transition.to_state.as_str(),
        }));
    }
    Ok(Value::Array(exported))
}

/// The slug of an event as JSON; null for an E.164 number.
async fn event_slug(export: &mut Export<'_>, id: Option<EventId>) -> Result<Value, Error> {
    let Some(id) = id else { return Ok(Value::Null) };
    let event = ::events::event_by_id(export.conn, id).await?;
    Ok(json!(event.map(|event| event.slug)))
}
