//! What may be done with extensions.

mod bar;
mod change;
mod claim;
mod export;
mod import;
mod marks;
mod parameters;
mod place;
mod remove;
mod reseal;

pub use bar::{ChangedNumber, bar_number, unbar_number};
pub use change::{UpdateExtension, rotate_secret, set_call_permissions, update};
pub use export::export;
pub use import::{Import, Imported, Progress, import};
pub use place::{AssignExtension, Placement, RegisterExtension, Wish, assign, available, place, register};
pub use remove::{Deleted, delete};
pub use reseal::{Resealed, reseal};

use serde_json::Value;

use super::model::Extension;
use super::queries;
use crate::access::{Action, Permit, Role, scope};
use crate::changes::locks::{self, Hold};
use crate::ids::ExtensionId;
use crate::problem::{Problem, ProblemKind, Stop};
use crate::service_types::{self, Event, EventPhase, ServiceType};
use crate::transaction::Tx;

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
    pub parameters: Value,
}

/// An extension that the caller may change, with its event and type, under their locks.
struct Held {
    permit: Permit,
    row: Extension,
    event: Event,
    service_type: ServiceType,
}

/// Finds the extension of `id`, takes the locks, reads it again under them, and asks whether the caller may.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`: another's extension is not there.
async fn hold(tx: &mut Tx<'_>, action: Action, id: &str) -> Result<Held, Stop> {
    let id =
        ExtensionId::from_global(id).ok_or_else(|| Problem::invalid("id", "This is not the id of an extension."))?;
    let missing = || Problem::not_found("id", "There is no such extension.");
    let scope = scope(tx.actor());
    let found = queries::by_id(tx.conn, &scope, id).await?;
    if let Some(row) = &found {
        locks::accounts(tx.conn, &[row.owner_id], Hold::Shared).await?;
        locks::service_types(tx.conn, &[row.service_type_id], Hold::Shared).await?;
        locks::events(tx.conn, &[row.event_id]).await?;
    }
    let permit = tx.permit(action).await?;
    let row =
        queries::by_id(tx.conn, &scope, id).await?.filter(|row| permit.is_for(row.owner_id)).ok_or_else(missing)?;
    let event = service_types::queries::event_by_id(tx.conn, row.event_id).await?.ok_or_else(missing)?;
    let service_type =
        service_types::queries::service_type_by_id(tx.conn, row.service_type_id).await?.ok_or_else(missing)?;
    Ok(Held { permit, row, event, service_type })
}

/// What kind of change is asked for: a frozen event still allows the light ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Labels, visibility, secrets, parameters.
    Light,
    /// Registering, renumbering, deleting.
    Heavy,
}

/// Refuses what the event's phase does not allow this caller.
fn check_phase(event: &Event, permit: &Permit, weight: Weight) -> Result<(), Problem> {
    let closed = |message: &str| Err(Problem::new(ProblemKind::EventClosed, "event", message));
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
fn check_version(row: &Extension, expected: Option<i32>) -> Result<(), Problem> {
    match expected {
        Some(expected) if expected != row.version => {
            let kind = ProblemKind::StaleVersion { current: row.version };
            Err(Problem::new(kind, "expectedVersion", "It has changed since you read it. Read it again."))
        }
        _ => Ok(()),
    }
}

/// Whether the holder edits as staff or as the owner.
fn editor(permit: &Permit) -> service_types::schema::Editor {
    if permit.actor().is_at_least(Role::Operator) {
        service_types::schema::Editor::Operator
    } else {
        service_types::schema::Editor::Owner
    }
}
