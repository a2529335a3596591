//! What may be done with extensions.

mod bar;
mod change;
mod fallback;
pub mod loops;
pub mod marks;
pub mod parameters;
mod place;
mod remove;
mod renumber;
mod reseal;
mod swap;
mod transfer;
mod write_back;

pub use bar::{bar_number, unbar_number};
pub use change::{UpdateExtension, rotate_secret, set_call_permissions, update};
pub use fallback::set_fallback;
pub use place::{AssignExtension, Placement, RegisterExtension, assign, find_event, place, register};
pub use remove::{Deleted, delete, remove};
pub use renumber::{RenumberExtension, renumber};
pub use reseal::{Resealed, reseal};
pub use swap::{Swapped, swap};
pub use transfer::{TransferExtension, transfer};
pub use write_back::{Written, write_back};

use serde_json::Value;

use super::model::Extension;
use super::queries;
use events::{Event, EventPhase};
use platform::access::{Action, Permit, Requirement, Role, scope};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::{AccountId, ExtensionId};
use platform::locks::{self, LockMode};
use platform::transaction::{Mode, Tx};
use service_types::schema::{Editor, ParameterSchema, Parameters, Viewer};
use service_types::{ServiceType, compiled};

/// An extension that an operation made or changed.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    pub extension: ExtensionId,
    /// Secrets that were generated, by parameter: shown this once.
    #[serde(skip)]
    pub generated: Option<Value>,
    /// What a dry run would have made.
    #[serde(skip)]
    pub preview: Option<Preview>,
}

/// What a dry run would have made.
#[derive(Debug, Clone)]
pub struct Preview {
    pub number: String,
    /// As far as the caller may see them.
    pub parameters: Value,
}

impl Changed {
    /// The outcome for an extension as it is now: in a dry run a preview, otherwise what was generated.
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
        let (_, service_type) = place_of(tx, row).await?;
        let mut values = marks::public(row);
        values.extend(row.status.0.as_object().cloned().unwrap_or_default());
        let parameters = compiled(&service_type)?.visible(&values, viewer(permit)).into();
        let preview = Preview { number: row.number.clone(), parameters };
        Ok(Self { extension: row.id, generated: None, preview: Some(preview) })
    }
}

/// The generated secrets that the holder may see, to be shown this once; nothing where there are none.
fn shown_once(schema: &ParameterSchema, secrets: &Parameters, permit: &Permit) -> Option<Value> {
    let visible = schema.visible(secrets, viewer(permit));
    (!visible.is_empty()).then_some(Value::Object(visible))
}

fn viewer(permit: &Permit) -> Viewer {
    if permit.is_staff() { Viewer::Operator } else { Viewer::Owner }
}

/// An extension that the caller may change, with its event and type, under their locks.
struct Held {
    permit: Permit,
    row: Extension,
    event: Event,
    service_type: ServiceType,
}

/// Finds the extension of `id`, takes the locks, reads everything again under them, and asks whether the caller may.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`: another's extension is not there.
async fn hold(tx: &mut Tx<'_>, action: Action, id: &str) -> Result<Held, Error> {
    let (permit, mut rows) = take(tx, action, &[("id", id)], &[]).await?;
    let row = rows.pop().ok_or_else(|| InternalError::new("no row for an id"))?;
    let (event, service_type) = place_of(tx, &row).await?;
    Ok(Held { permit, row, event, service_type })
}

/// Finds the extensions of several input fields, takes their locks and those of other accounts that are concerned, and reads the
/// extensions again: on PostgreSQL whoever waited for a lock had read what may not be so any more.
///
/// # Errors
/// INVALID or NOT_FOUND at the field; CONFLICT for one that changed hands meanwhile, since its new owner is not locked.
async fn take(
    tx: &mut Tx<'_>,
    action: Action,
    fields: &[(&'static str, &str)],
    others: &[AccountId],
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
    lock(tx, &found.iter().map(|(_, row)| row).collect::<Vec<_>>(), others).await?;
    let permit = tx.permit().await?;
    let mut held = Vec::new();
    for (field, before) in found {
        let row = queries::by_id(tx.conn, &scope, before.id).await?.filter(|row| permit.is_for(row.owner_id));
        let row = row.ok_or_else(|| UserError::not_found(field, "There is no such extension."))?;
        if row.owner_id != before.owner_id {
            let message = "It got another owner this very moment. Try again.";
            return Err(UserError::new(UserErrorKind::Conflict, field, message).into());
        }
        held.push(row);
    }
    Ok((permit, held))
}

/// Takes the locks of whoever writes these extensions: owners, other accounts that are concerned, types, events.
async fn lock(tx: &mut Tx<'_>, rows: &[&Extension], others: &[AccountId]) -> Result<(), Error> {
    let accounts: Vec<_> = rows.iter().map(|row| row.owner_id).chain(others.iter().copied()).collect();
    let service_types: Vec<_> = rows.iter().map(|row| row.service_type_id).collect();
    let events: Vec<_> = rows.iter().map(|row| row.event_id).collect();
    locks::accounts(tx.conn, &accounts, LockMode::Shared).await?;
    locks::service_types(tx.conn, &service_types, LockMode::Shared).await?;
    Ok(locks::events(tx.conn, &events).await?)
}

/// The event and the service type of an extension.
async fn place_of(tx: &mut Tx<'_>, row: &Extension) -> Result<(Event, ServiceType), Error> {
    let event = events::event_by_id(tx.conn, row.event_id).await?;
    let service_type = service_types::service_type_by_id(tx.conn, row.service_type_id).await?;
    match (event, service_type) {
        (Some(event), Some(service_type)) => Ok((event, service_type)),
        _ => Err(InternalError::new("an extension without its event or service type").into()),
    }
}

/// What kind of change is asked for: a frozen event still allows the light ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Labels, visibility, secrets, parameters.
    Light,
    /// Registering, renumbering, deleting.
    Heavy,
}

/// Refuses what the event's phase does not allow this caller.
///
/// # Errors
/// EVENT_CLOSED.
pub fn check_phase(event: &Event, permit: &Permit, weight: Weight) -> Result<(), UserError> {
    let closed = |message: &str| Err(UserError::new(UserErrorKind::EventClosed, "", message));
    match event.phase {
        EventPhase::Archived => closed("This event is archived: nothing changes any more."),
        _ if permit.is_staff() => Ok(()),
        EventPhase::Open => Ok(()),
        EventPhase::Frozen if weight == Weight::Light => Ok(()),
        EventPhase::Frozen => closed("This event is frozen: ask an operator."),
        EventPhase::Draft | EventPhase::Staff => closed("This event is not open yet."),
    }
}

/// Refuses an old copy.
fn check_version(row: &Extension, expected: Option<i32>) -> Result<(), UserError> {
    match expected {
        Some(expected) if expected != row.version => {
            let kind = UserErrorKind::StaleVersion { current: row.version };
            Err(UserError::new(kind, "expectedVersion", "It has changed since you read it. Read it again."))
        }
        _ => Ok(()),
    }
}

/// Whether the holder edits as staff or as the owner.
pub fn editor(permit: &Permit) -> Editor {
    if permit.actor().is_at_least(Role::Operator) { Editor::Operator } else { Editor::Owner }
}
