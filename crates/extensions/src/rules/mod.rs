//! Operations on extensions.

mod bar;
mod change;
mod create;
mod fallback;
pub mod feed_changes;
pub mod loops;
mod migrate;
pub mod parameters;
mod remove;
mod renumber;
mod reseal;
mod swap;
mod transfer;
mod write_back;

pub use bar::{bar_number, unbar_number};
pub use change::{UpdateExtension, rotate_secret, set_call_permissions, update};
pub use create::{AssignExtension, NewRegistration, RegisterExtension, assign, create_extension, find_event, register};
pub use fallback::set_fallback;
pub use migrate::migrate;
pub use remove::{Deleted, delete, remove};
pub use renumber::{RenumberExtension, renumber};
pub use reseal::{Resealed, reseal};
pub use swap::{Swapped, swap};
pub use transfer::{TransferExtension, transfer};
pub use write_back::{Written, write_back};

use events::{Event, EventPhase};
use platform::access::{Action, Permit, Requirement, Role, scope};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::{AccountId, ExtensionId};
use platform::locks::{self, LockMode};
use platform::transaction::{Mode, Tx};
use serde_json::Value;
use service_types::schema::{Editor, ParameterSchema, Parameters, Viewer};
use service_types::{ServiceType, compiled};

use crate::model::Extension;
use crate::queries;

/// An extension that an operation made or changed.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    pub extension: ExtensionId,
    /// The secrets that were generated, by parameter. No later answer contains them.
    #[serde(skip)]
    pub generated: Option<Value>,
    /// The result of a dry run.
    #[serde(skip)]
    pub preview: Option<Preview>,
}

/// The result of a dry run.
#[derive(Debug, Clone)]
pub struct Preview {
    pub number: String,
    /// The parameters that the caller may see.
    pub parameters: Value,
}

impl Changed {
    /// The outcome for the current state of an extension: a preview in a dry run, otherwise with the generated secrets.
    async fn of(
        tx: &mut Tx<'_>,
        mode: Mode,
        permit: &Permit,
        row: &Extension,
        generated: Option<Value>,
    ) -> Result<Self, Error> {
        if mode == Mode::Commit {
            return Ok(Self { extension: row.id, generated, preview: None });
        }
        let (_, service_type) = event_and_type_of(tx, row).await?;
        let mut values = parameters::public(row);
        values.extend(row.status.0.as_object().cloned().unwrap_or_default());
        let parameters = compiled(&service_type)?.visible(&values, viewer(permit)).into();
        let preview = Preview { number: row.number.clone(), parameters };
        Ok(Self { extension: row.id, generated: None, preview: Some(preview) })
    }
}

/// The generated secrets that the caller may see; `None` if there are none.
fn visible_secrets(schema: &ParameterSchema, secrets: &Parameters, permit: &Permit) -> Option<Value> {
    let visible = schema.visible(secrets, viewer(permit));
    (!visible.is_empty()).then_some(Value::Object(visible))
}

fn viewer(permit: &Permit) -> Viewer {
    if permit.is_staff() { Viewer::Operator } else { Viewer::Owner }
}

/// An extension that the caller may change, with its event and service type, read under their locks.
struct Locked {
    permit: Permit,
    row: Extension,
    event: Event,
    service_type: ServiceType,
}

/// Locks the extension of `id` with its event and service type, and reads them under the locks.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`, the latter also for an extension outside the caller's scope.
async fn lock_one(tx: &mut Tx<'_>, action: Action, id: &str) -> Result<Locked, Error> {
    let (permit, mut rows) = lock_rows(tx, action, &[("id", id)], &[]).await?;
    let row = rows.pop().ok_or_else(|| InternalError::new("no row for an id"))?;
    let (event, service_type) = event_and_type_of(tx, &row).await?;
    Ok(Locked { permit, row, event, service_type })
}

/// Finds the extensions of several input fields, takes their locks and those of other accounts, and reads the extensions
/// again: on PostgreSQL another transaction may have changed them while this one waited for a lock.
///
/// # Errors
/// INVALID or NOT_FOUND at the field; CONFLICT for an extension whose owner changed meanwhile, since the new owner is not
/// locked.
async fn lock_rows(
    tx: &mut Tx<'_>,
    action: Action,
    fields: &[(&'static str, &str)],
    other_accounts: &[AccountId],
) -> Result<(Permit, Vec<Extension>), Error> {
    if let Requirement::Person(role) = action.requirement() {
        tx.actor().demand(role)?;
    }
    let scope = scope(tx.actor());
    let mut found = Vec::new();
    for &(field, id) in fields {
        let wrong = || UserError::invalid(field, "This is not the id of an extension.");
        let id = ExtensionId::from_global(id).ok_or_else(wrong)?;
        let missing = || UserError::not_found(field, "There is no such extension.");
        found.push((field, queries::by_id(tx.conn, &scope, id).await?.ok_or_else(missing)?));
    }
    take_locks(tx, &found.iter().map(|(_, row)| row).collect::<Vec<_>>(), other_accounts).await?;
    let permit = tx.permit().await?;
    let mut locked = Vec::new();
    for (field, before) in found {
        let row = queries::by_id(tx.conn, &scope, before.id).await?.filter(|row| permit.is_for(row.owner_id));
        let row = row.ok_or_else(|| UserError::not_found(field, "There is no such extension."))?;
        if row.owner_id != before.owner_id {
            let message = "It got another owner this very moment. Try again.";
            return Err(UserError::new(UserErrorKind::Conflict, field, message).into());
        }
        locked.push(row);
    }
    Ok((permit, locked))
}

/// Takes the locks that a writer of these extensions needs: of the owners and other accounts, the types and the events.
async fn take_locks(tx: &mut Tx<'_>, rows: &[&Extension], other_accounts: &[AccountId]) -> Result<(), Error> {
    let accounts: Vec<_> = rows.iter().map(|row| row.owner_id).chain(other_accounts.iter().copied()).collect();
    let service_types: Vec<_> = rows.iter().map(|row| row.service_type_id).collect();
    let events: Vec<_> = rows.iter().map(|row| row.event_id).collect();
    locks::accounts(tx.conn, &accounts, LockMode::Shared).await?;
    locks::service_types(tx.conn, &service_types, LockMode::Shared).await?;
    Ok(locks::events(tx.conn, &events).await?)
}

/// The event and the service type of an extension.
async fn event_and_type_of(tx: &mut Tx<'_>, row: &Extension) -> Result<(Event, ServiceType), Error> {
    let event = events::event_by_id(tx.conn, row.event_id).await?;
    let service_type = service_types::service_type_by_id(tx.conn, row.service_type_id).await?;
    match (event, service_type) {
        (Some(event), Some(service_type)) => Ok((event, service_type)),
        _ => Err(InternalError::new("an extension without its event or service type").into()),
    }
}

/// The kind of a change to an extension. Owners may change settings in a frozen event, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Label, visibility, parameters and secrets.
    Settings,
    /// Registration, renumbering, transfer and deletion.
    Assignment,
}

/// Refuses a change that the phase of the event does not permit the caller.
///
/// # Errors
/// EVENT_CLOSED.
pub fn check_phase(event: &Event, permit: &Permit, kind: ChangeKind) -> Result<(), UserError> {
    let closed = |message: &str| Err(UserError::new(UserErrorKind::EventClosed, "", message));
    match event.phase {
        EventPhase::Archived => closed("This event is archived: nothing changes any more."),
        _ if permit.is_staff() => Ok(()),
        EventPhase::Open => Ok(()),
        EventPhase::Frozen if kind == ChangeKind::Settings => Ok(()),
        EventPhase::Frozen => closed("This event is frozen: ask an operator."),
        EventPhase::Draft | EventPhase::Staff => closed("This event is not open yet."),
    }
}

/// Refuses a change that is based on an outdated version.
fn check_version(row: &Extension, expected: Option<i32>) -> Result<(), UserError> {
    match expected {
        Some(expected) if expected != row.version => {
            let kind = UserErrorKind::StaleVersion { current: row.version };
            Err(UserError::new(kind, "expectedVersion", "It has changed since you read it. Read it again."))
        }
        _ => Ok(()),
    }
}

/// The editor that the permit stands for: staff or the owner.
pub fn editor(permit: &Permit) -> Editor {
    if permit.actor().is_at_least(Role::Operator) { Editor::Operator } else { Editor::Owner }
}
