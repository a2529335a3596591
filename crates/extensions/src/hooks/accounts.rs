//! Restriction, deletion and export of the extensions of an account.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ::accounts::hooks::{AccountHooks, Export, Holdings, Section};
use ::accounts::rules::restrictions_section;
use ::service_types::compiled;
use ::service_types::schema::{Parameters, Viewer};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::error::{Error, InternalError};
use platform::feed_log::EntryChange;
use platform::ids::AccountId;
use platform::notifications::Notification;
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use restrictions::TargetKind;
use serde_json::{Value, json};

use super::ExtensionHooks;
use crate::groups::Membership;
use crate::{Extension, dependent_queries, groups, queries, rules, sealed};

impl AccountHooks for ExtensionHooks {
    fn holdings<'t>(&'t self, conn: &'t mut Conn, account: AccountId) -> BoxFuture<'t, Result<Holdings, Error>> {
        async move {
            let (mut service_types, mut events) = (Vec::new(), Vec::new());
            for feed in dependent_queries::feeds_of_owner(conn, account).await? {
                service_types.push(feed.service_type);
                events.push(feed.event);
            }
            Ok(Holdings { service_types, events, e164_numbers: Vec::new() })
        }
        .boxed()
    }

    /// Records a touch of every feed entry that contains an extension of the account, and notifies the directories that list it.
    fn restriction_changed<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for slot in dependent_queries::dependents_of_owner(tx.conn, account).await? {
                tx.notify(Notification::Directory(slot.feed.event));
                tx.changes.record(slot.feed, slot.extension, slot.slot, EntryChange::Touch);
            }
            Ok(())
        }
        .boxed()
    }

    fn delete<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            let mut events = HashMap::new();
            for row in queries::of_owner(tx.conn, account).await? {
                let event = match events.entry(row.event_id) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        let event = ::events::event_by_id(tx.conn, row.event_id).await?;
                        entry.insert(event.ok_or_else(|| InternalError::new("an extension of a missing event"))?)
                    }
                };
                rules::remove(tx, permit, &row, event).await?;
                tx.audit(permit, Some(row.id.global()), format!("{} was deleted", row.number)).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn export<'t>(&'t self, export: &'t mut Export<'_>) -> BoxFuture<'t, Result<Vec<Section>, Error>> {
        async move {
            let mut exported = Vec::new();
            for row in queries::of_owner(export.conn, export.account).await? {
                exported.push(extension(export, &row).await?);
            }
            Ok(vec![Section { key: "extensions", content: Value::Array(exported) }])
        }
        .boxed()
    }
}

/// An extension as JSON, with its credentials if the export contains secrets.
async fn extension(export: &mut Export<'_>, row: &Extension) -> Result<Value, Error> {
    let event = ::events::event_by_id(export.conn, row.event_id).await?;
    let service_type = ::service_types::service_type_by_id(export.conn, row.service_type_id).await?;
    let (parameters, credentials) = match &service_type {
        None => (Parameters::new(), None),
        Some(service_type) => {
            let schema = compiled(service_type)?;
            let mut values = row.parameters.0.as_object().cloned().unwrap_or_default();
            values.extend(row.status.0.as_object().cloned().unwrap_or_default());
            let secrets = sealed::open(export.sealer, row.id, row.secrets.as_deref())?;
            let credentials = export.with_secrets.then(|| schema.visible(&secrets, Viewer::Owner));
            (schema.visible(&values, Viewer::Owner), credentials)
        }
    };
    let granted = queries::permissions_of(export.conn, row.id).await?;
    let permissions = ::events::all_permissions(export.conn).await?.into_iter();
    let permissions: Vec<_> = permissions.filter(|row| granted.contains(&row.id)).map(|row| row.slug).collect();
    let fallback = match row.fallback_extension_id {
        Some(id) => queries::number_of(export.conn, id).await?,
        None => row.fallback_number.clone(),
    };
    let members = groups::queries::members_of(export.conn, row.id).await?;
    let member_of = groups::queries::memberships_of(export.conn, row.id).await?;
    Ok(json!({
        "id": row.id.global(),
        "event": event.map(|event| event.slug),
        "serviceType": service_type.map(|service_type| service_type.slug),
        "slot": row.slot,
        "number": row.number,
        "label": row.label,
        "visibility": row.visibility.as_str(),
        "parameters": parameters,
        "credentials": credentials,
        "permissions": permissions,
        "fallbackNumber": fallback,
        "restrictions": restrictions_section(export, TargetKind::Extension, Id(row.id.0)).await?,
        "members": members.iter().map(|found| membership(found, &found.member.number)).collect::<Value>(),
        "memberOf": member_of.iter().map(|found| membership(found, &found.group.number)).collect::<Value>(),
        "createdAt": row.created_at.to_string(),
        "updatedAt": row.updated_at.to_string(),
        "version": row.version,
    }))
}

/// A membership as JSON, with the number of the other extension.
fn membership(found: &Membership, number: &str) -> Value {
    json!({
        "number": number,
        "delaySeconds": found.row.delay_seconds,
        "paused": found.row.paused,
        "membership": found.row.membership.as_str(),
    })
}
