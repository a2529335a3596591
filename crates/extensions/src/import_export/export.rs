//! Export of an event's extensions as rows. The rows contain everything that an import needs to create the extensions again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use numbering::number::Number;
use platform::access::{Caller, Role};
use platform::error::{Error, InternalError, UserError};
use platform::ids::{ExtensionId, ServiceTypeId};
use platform::secrets::Sealer;
use platform::services::Services;
use platform::store::Conn;
use service_types::schema::{ParameterSchema, Viewer};
use service_types::{ServiceBehaviour, ServiceType, compiled};

use super::row::{ExtensionRow, MemberRow};
use crate::groups::{self, GroupMember, MembershipState};
use crate::label::Label;
use crate::model::OwnedExtension;
use crate::rules::parameters::public;
use crate::{Extension, bulk_queries, sealed};

/// Reads the extensions of an event in one snapshot of the database, by number. With `with_secrets` the rows contain all
/// parameters, including secrets and those that only telephone systems can read; otherwise those that an operator can read.
///
/// # Errors
/// NOT_FOUND at `event`; FORBIDDEN for a caller without the role of an operator.
pub async fn export(
    services: &Services,
    caller: &Arc<Caller>,
    event: &str,
    with_secrets: bool,
) -> Result<Vec<ExtensionRow>, Error> {
    caller.actor.demand(Role::Operator)?;
    let sealer = with_secrets.then(|| Arc::clone(&services.sealer));
    let event = event.to_owned();
    services.store.snapshot(move |conn| Box::pin(async move { rows_of(conn, &event, sealer.as_deref()).await })).await
}

/// Rows of other tables that the rows of extensions refer to.
struct RelatedRows {
    service_types: HashMap<ServiceTypeId, (ServiceType, Arc<ParameterSchema>)>,
    permissions: HashMap<ExtensionId, Vec<String>>,
    members: HashMap<ExtensionId, Vec<GroupMember>>,
    numbers: HashMap<ExtensionId, String>,
}

async fn rows_of(conn: &mut Conn, event: &str, sealer: Option<&Sealer>) -> Result<Vec<ExtensionRow>, Error> {
    let missing = || UserError::not_found("event", "There is no such event.");
    let event = events::event_by_slug(conn, event).await?.ok_or_else(missing)?;
    let found = bulk_queries::all_of_event(conn, event.id).await?;
    let mut types = HashMap::new();
    for service_type in service_types::all_service_types(conn).await? {
        let schema = compiled(&service_type)?;
        types.insert(service_type.id, (service_type, schema));
    }
    let slugs: HashMap<_, _> = events::all_permissions(conn).await?.into_iter().map(|row| (row.id, row.slug)).collect();
    let ids: Vec<ExtensionId> = found.iter().map(|found| found.row.id).collect();
    let mut permissions = HashMap::<_, Vec<String>>::new();
    for (extension, permission) in bulk_queries::granted_to(conn, &ids).await? {
        permissions.entry(extension).or_default().extend(slugs.get(&permission).cloned());
    }
    let mut members = HashMap::<_, Vec<_>>::new();
    for member in groups::queries::members_of_groups(conn, &ids).await? {
        members.entry(member.group_id).or_default().push(member);
    }
    let related = RelatedRows {
        service_types: types,
        permissions,
        members,
        numbers: found.iter().map(|found| (found.row.id, found.row.number.clone())).collect(),
    };
    // Sorts in Rust, since the order of the database depends on its collation.
    let mut sorted = BTreeMap::new();
    for OwnedExtension { row, username } in found {
        sorted.insert(row.number.clone(), row_of(row, username, &related, sealer)?);
    }
    Ok(sorted.into_values().collect())
}

fn row_of(
    row: Extension,
    owner: String,
    related: &RelatedRows,
    sealer: Option<&Sealer>,
) -> Result<ExtensionRow, InternalError> {
    let service_type = related.service_types.get(&row.service_type_id);
    let (service_type, schema) =
        service_type.ok_or_else(|| InternalError::new("an extension of a missing service type"))?;
    let mut parameters = public(&row);
    match sealer {
        Some(sealer) => parameters.extend(sealed::open(sealer, row.id, row.secrets.as_deref())?),
        None => parameters = schema.visible(&parameters, Viewer::Operator),
    }
    let mut permissions = related.permissions.get(&row.id).cloned().unwrap_or_default();
    permissions.sort();
    let members = match service_type.behaviour {
        ServiceBehaviour::Endpoint => None,
        ServiceBehaviour::CallGroup => Some(members_of(row.id, related)?),
    };
    let extension_number = row.fallback_extension_id.and_then(|id| related.numbers.get(&id).cloned());
    let fallback = row.fallback_number.or(extension_number);
    Ok(ExtensionRow {
        number: Number::stored(row.number)?,
        service_type: service_type.slug.clone(),
        owner,
        label: Label::parse(&row.label).map_err(|problem| InternalError::new(problem.message))?,
        visibility: row.visibility,
        permissions,
        fallback_number: fallback.map(Number::stored).transpose()?,
        parameters,
        members,
    })
}

fn members_of(group: ExtensionId, related: &RelatedRows) -> Result<Vec<MemberRow>, InternalError> {
    let mut rows = Vec::new();
    for member in related.members.get(&group).into_iter().flatten() {
        let number = related.numbers.get(&member.member_id).cloned();
        let number = number.ok_or_else(|| InternalError::new("a group's member belongs to another event"))?;
        rows.push(MemberRow {
            number: Number::stored(number)?,
            delay_seconds: u16::try_from(member.delay_seconds).map_err(InternalError::new)?,
            paused: member.paused,
            pending: member.membership == MembershipState::Pending,
        });
    }
    rows.sort();
    Ok(rows)
}
