//! What telephone systems tell about extensions: an IPEI, an IMSI, when a device registered last.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::{Queryable, Selectable};
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content_queries;
use crate::access::{Action, Caller, Permit};
use crate::changes::locks::{self, Hold};
use crate::changes::{FeedRef, Keys, Mark};
use crate::extensions::sealed;
use crate::ids::{AccountId, EventId, ExtensionId, ServiceTypeId};
use crate::problem::{Denied, Fault, Problem, ProblemKind, Stop};
use crate::query;
use crate::service_types::schema::{Editor, ParameterSchema, Parameters, Parts, Uniqueness, merge_patch};
use crate::services::Services;
use crate::store::Conn;
use crate::store::schema::{extension_unique_values, extensions};
use crate::store::types::{Id, JsonValue};
use crate::transaction::{Mode, Tx, transact};

/// The extension that was written to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Written {
    pub id: ExtensionId,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = extensions)]
struct Row {
    id: ExtensionId,
    event_id: EventId,
    service_type_id: ServiceTypeId,
    owner_id: AccountId,
    slot: i32,
    number: String,
    parameters: JsonValue,
    secrets: Option<Vec<u8>>,
    status: JsonValue,
    version: i32,
}

/// Merges a telephone system's parameters into an extension (RFC 7396).
///
/// What a system reports about itself (`x-status`) changes neither version nor feed; all else is told to every consumer, the one that wrote
/// it too, which applies it harmlessly.
///
/// # Errors
/// Problems for an extension outside the key's limits, a parameter that is not the system's to write, one that does not fit the
/// schema, and a value that another extension has.
pub async fn write_back(services: &Services, caller: &Arc<Caller>, id: String, patch: Value) -> Result<Written, Stop> {
    transact(services, caller, Action::WriteBackParameters, Mode::Commit, |tx| Box::pin(write_back_in(tx, id, patch)))
        .await
}

async fn write_back_in(tx: &mut Tx<'_>, id: String, patch: Value) -> Result<Written, Stop> {
    let id =
        ExtensionId::from_global(&id).ok_or_else(|| Problem::invalid("id", "This is not the id of an extension."))?;
    let permit = tx.permit(Action::WriteBackParameters).await?;
    let key = permit.actor().key().ok_or(Denied::Forbidden)?;
    let unknown = || Problem::not_found("id", "There is no such extension.");
    let found =
        row(tx.conn, id).await?.filter(|row| key.covers(row.event_id, row.service_type_id)).ok_or_else(unknown)?;
    locks::accounts(tx.conn, &[found.owner_id], Hold::Shared).await?;
    locks::service_types(tx.conn, &[found.service_type_id], Hold::Shared).await?;
    locks::events(tx.conn, &[found.event_id]).await?;
    // Only now nobody else changes it.
    let row = row(tx.conn, id).await?.ok_or_else(unknown)?;
    let place = content_queries::place(tx.conn, row.event_id, row.service_type_id).await?;
    if place.archived {
        return Err(Problem::new(ProblemKind::EventClosed, "", "The event is archived.").into());
    }
    let schema = &*place.schema;
    let before = stored_parts(tx, &row)?;
    let after = merged(schema, &before, &patch)?;
    write(tx, &permit, schema, &row, &before, &after).await?;
    Ok(Written { id })
}

fn stored_parts(tx: &Tx<'_>, row: &Row) -> Result<Parts, Stop> {
    let secrets = sealed::open(tx.sealer(), row.id, row.secrets.as_deref())?;
    Ok(Parts { public: object(&row.parameters.0), secrets, status: object(&row.status.0) })
}

fn object(value: &Value) -> Parameters {
    value.as_object().cloned().unwrap_or_default()
}

/// The parameters with the patch, checked.
fn merged(schema: &ParameterSchema, before: &Parts, patch: &Value) -> Result<Parts, Stop> {
    let Value::Object(changes) = patch else {
        return Err(Problem::invalid("parameters", "It must be an object.").into());
    };
    let current = before.join();
    let mut problems = schema.forbidden_writes(changes, &current, Editor::Consumer);
    let mut whole = Value::Object(current);
    merge_patch(&mut whole, patch);
    if problems.is_empty() {
        problems = schema.validate(&whole);
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let Value::Object(whole) = whole else {
        return Err(Fault::internal("an object merged into something else").into());
    };
    Ok(schema.split(whole))
}

async fn write(
    tx: &mut Tx<'_>,
    permit: &Permit,
    schema: &ParameterSchema,
    row: &Row,
    before: &Parts,
    after: &Parts,
) -> Result<(), Stop> {
    if before.status != after.status {
        save_status(tx.conn, permit, row.id, &JsonValue(Value::Object(after.status.clone()))).await?;
    }
    if before.public == after.public && before.secrets == after.secrets {
        return Ok(());
    }
    claim_values(tx.conn, permit, schema, row, &before.public, &after.public).await?;
    let sealed = if before.secrets == after.secrets {
        row.secrets.clone()
    } else {
        sealed::seal(tx.sealer(), row.id, &after.secrets)?
    };
    let (parameters, now) = (JsonValue(Value::Object(after.public.clone())), tx.now);
    query!(&mut *tx.conn, c => diesel::update(extensions::table.find(row.id))
        .set((
            extensions::parameters.eq(&parameters),
            extensions::secrets.eq(&sealed),
            extensions::version.eq(row.version + 1),
            extensions::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    let keys = Keys { number: row.number.clone(), parameters: Value::Object(schema.feed_keys(&after.public)) };
    let feed = FeedRef { event: row.event_id, service_type: row.service_type_id };
    tx.changes.mark(feed, row.id, row.slot, Mark::Present(keys));
    let changed: Vec<&str> = after
        .public
        .iter()
        .filter(|(name, value)| before.public.get(*name) != Some(value))
        .map(|(name, _)| name.as_str())
        .collect();
    tx.audit(permit, Some(row.id.global()), format!("wrote back {}", changed.join(", "))).await
}

async fn row(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<Row>> {
    query!(conn, c => extensions::table.find(id).select(Row::as_select()).first(c).await.optional())
}

async fn save_status(conn: &mut Conn, _: &Permit, id: ExtensionId, status: &JsonValue) -> QueryResult<()> {
    query!(conn, c => diesel::update(extensions::table.find(id)).set(extensions::status.eq(status)).execute(c).await)?;
    Ok(())
}

/// Takes the values of unique parameters that are new, and gives up those that are gone.
async fn claim_values(
    conn: &mut Conn,
    _: &Permit,
    schema: &ParameterSchema,
    row: &Row,
    before: &Parameters,
    after: &Parameters,
) -> Result<(), Stop> {
    let values = |parameters: &Parameters| -> BTreeMap<(Id, String), String> {
        let scope = |scope| Id(if scope == Uniqueness::Event { row.event_id.0 } else { row.service_type_id.0 });
        let unique = schema.unique_values(parameters).into_iter();
        unique.map(|(parameter, reach, value)| ((scope(reach), parameter.name.clone()), value)).collect()
    };
    let (before, after) = (values(before), values(after));
    for ((scope, parameter), value) in before.iter().filter(|(place, value)| after.get(*place) != Some(value)) {
        query!(&mut *conn, c => diesel::delete(extension_unique_values::table.find((scope, parameter, value)))
            .filter(extension_unique_values::extension_id.eq(row.id))
            .execute(c)
            .await)?;
    }
    for ((scope, parameter), value) in after.iter().filter(|(place, value)| before.get(*place) != Some(value)) {
        let taken = query!(&mut *conn, c => diesel::insert_into(extension_unique_values::table)
            .values((
                extension_unique_values::scope_id.eq(scope),
                extension_unique_values::parameter.eq(parameter),
                extension_unique_values::value.eq(value),
                extension_unique_values::extension_id.eq(row.id),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await)?
            == 0;
        if taken {
            let problem = Problem::new(ProblemKind::AlreadyExists, "", "Another extension has this value.");
            return Err(problem.at(["parameters", parameter.as_str()]).into());
        }
    }
    Ok(())
}
