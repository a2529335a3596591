//! What becomes of an account's numbers when the account is deleted or exported.

use ::restrictions::TargetKind;
use accounts::hooks::{AccountHooks, Export, Holdings, Section};
use accounts::rules::{optional_timestamp, restrictions_section};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use numbering::NumberState;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::{AccountId, EventId};
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use serde_json::{Value, json};

use crate::queries;
use crate::rules::{Move, shift};

/// The numbers' part in the hooks of accounts.
pub struct NumberHooks;

impl AccountHooks for NumberHooks {
    fn holdings<'t>(&'t self, conn: &'t mut Conn, account: AccountId) -> BoxFuture<'t, Result<Holdings, Error>> {
        async move {
            let (mut events, mut e164_numbers) = (Vec::new(), Vec::new());
            for row in queries::of_account(conn, account).await? {
                match row.event_id {
                    Some(event) => events.push(event),
                    None => e164_numbers.push(row.number),
                }
            }
            Ok(Holdings { service_types: Vec::new(), events, e164_numbers })
        }
        .boxed()
    }

    /// Gives back the numbers that are reserved for the account. Holds end by themselves: they keep a number from others until
    /// the telephone systems have removed it.
    fn delete<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for row in queries::of_account(tx.conn, account).await? {
                if row.state == NumberState::Reserved {
                    let free = Move { to: NumberState::Available, account: None, until: None, extension: None };
                    shift(tx, permit, row, free).await?;
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
    let mut shown = Vec::new();
    for row in queries::of_account(export.conn, export.account).await? {
        shown.push(json!({
            "event": event_slug(export, row.event_id).await?,
            "number": row.number,
            "state": row.state.as_str(),
            "until": optional_timestamp(row.until),
            "restrictions": restrictions_section(export, TargetKind::Number, Id(row.id.0)).await?,
        }));
    }
    Ok(Value::Array(shown))
}

async fn history(export: &mut Export<'_>) -> Result<Value, Error> {
    let mut shown = Vec::new();
    for (step, number) in queries::history_of_account(export.conn, export.account).await? {
        shown.push(json!({
            "event": event_slug(export, number.event_id).await?,
            "number": number.number,
            "at": step.at.to_string(),
            "from": step.from_state.as_str(),
            "to": step.to_state.as_str(),
        }));
    }
    Ok(Value::Array(shown))
}

/// The slug of an event; null for a number outside every event.
async fn event_slug(export: &mut Export<'_>, id: Option<EventId>) -> Result<Value, Error> {
    let Some(id) = id else { return Ok(Value::Null) };
    let event = events::event_by_id(export.conn, id).await?;
    Ok(json!(event.map(|event| event.slug)))
}
