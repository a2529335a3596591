//! Creation of extensions: registration by a user, assignment by an operator.

use std::sync::Arc;

use accounts::Account;
use events::Event;
use numbering::number::Number;
use numbers::{AllocationRequest, NumberRow, Transition, allocate, transition};
use platform::access::{Caller, Permit, Role};
use platform::error::{AuthError, Error, InternalError, UserError, UserErrorKind};
use platform::ids::{AccountId, CallPermissionId, ExtensionId};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde_json::Value;
use service_types::ServiceType;

use super::fallback::set_first_fallback;
use super::offer::Offer;
use super::parameters::{ChangedParameters, CompiledServiceType, NewValues, ParameterChange};
use super::permissions::load_permissions;
use super::problems::Problems;
use super::{ChangeKind, Changed, check_phase, editor, feed_changes, parameters, visible_secrets};
use crate::bulk_queries::{self, Grant};
use crate::label::Label;
use crate::model::Extension;
use crate::visibility::Visibility;
use crate::{actions, queries};

/// The input of [`register`].
pub struct RegisterExtension {
    pub event: String,
    pub service_type: String,
    /// `None`: the server allocates a random free number.
    pub number: Option<String>,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: Option<Value>,
    /// The number that receives the calls which the extension does not answer.
    pub fallback_number: Option<String>,
    pub dry_run: bool,
}

/// The input of [`assign`].
pub struct AssignExtension {
    pub event: String,
    pub service_type: String,
    pub number: String,
    pub owner: String,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: Option<Value>,
    pub permissions: Option<Vec<String>>,
    pub override_reservation: bool,
}

/// An extension to be created, with the rows that its input names.
struct NewRegistration {
    event: Event,
    service_type: ServiceType,
    owner: Account,
    /// `None`: a random free number.
    number: Option<String>,
    label: String,
    visibility: Visibility,
    parameters: Option<Value>,
    /// The slugs of call permissions.
    permissions: Option<Vec<String>>,
    /// The number that receives the calls which the extension does not answer.
    fallback_number: Option<String>,
    /// Allocate a number even if it is held or reserved for another account, or ages.
    override_reservation: bool,
}

/// Registers an extension of the caller's own.
///
/// # Errors
/// Every problem at the field concerned; the API's description lists them.
pub async fn register(services: &Services, caller: &Arc<Caller>, input: RegisterExtension) -> Result<Changed, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact!(services, caller, actions::REGISTER_EXTENSION, mode, |tx| {
        let account = tx.actor().demand(Role::User).map(|()| tx.actor().account())?.ok_or(AuthError::Forbidden)?;
        let (event, service_type) = lock_event_and_type(tx, account, &input.event, &input.service_type).await?;
        let permit = tx.permit().await?;
        let owner = accounts::account_by_id(tx.conn, account).await?.ok_or(AuthError::Unauthenticated)?;
        if owner.email_verified_at.is_none() {
            let message = "Verify your e-mail address first: open the link in the mail.";
            return Err(UserError::new(UserErrorKind::EmailUnverified, "", message).into());
        }
        let registration = NewRegistration {
            event,
            service_type,
            owner,
            number: input.number,
            label: input.label,
            visibility: input.visibility,
            parameters: input.parameters,
            permissions: None,
            fallback_number: input.fallback_number,
            override_reservation: false,
        };
        let (row, generated) = create_extension(tx, &permit, registration).await?;
        Changed::of(tx, mode, &permit, &row, generated).await
    })
    .await
}

/// Creates an extension for any account, in any phase but ARCHIVED.
///
/// # Errors
/// Every problem at the field concerned.
pub async fn assign(services: &Services, caller: &Arc<Caller>, input: AssignExtension) -> Result<Changed, Error> {
    transact!(services, caller, actions::ASSIGN_EXTENSION, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let no_owner = || UserError::not_found("owner", "There is no account of this name.");
        let owner = find_account(tx, &input.owner).await?.ok_or_else(no_owner)?.id;
        let (event, service_type) = lock_event_and_type(tx, owner, &input.event, &input.service_type).await?;
        let permit = tx.permit().await?;
        let owner = load_account(tx, owner).await?.ok_or_else(no_owner)?;
        let registration = NewRegistration {
            event,
            service_type,
            owner,
            number: Some(input.number),
            label: input.label,
            visibility: input.visibility,
            parameters: input.parameters,
            permissions: input.permissions,
            fallback_number: None,
            override_reservation: input.override_reservation,
        };
        let (row, generated) = create_extension(tx, &permit, registration).await?;
        Ok(Changed { extension: row.id, generated, preview: None })
    })
    .await
}

/// Finds the event of a slug, if the caller may see it.
///
/// # Errors
/// NOT_FOUND at `event`.
pub async fn find_event(tx: &mut Tx<'_>, slug: &str) -> Result<Event, Error> {
    let is_admin = tx.actor().is_at_least(Role::Admin);
    let event = events::event_by_slug(tx.conn, slug).await?;
    let event = event.filter(|event| is_admin || event.phase != events::EventPhase::Draft);
    Ok(event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?)
}

async fn find_event_and_type(tx: &mut Tx<'_>, event: &str, service_type: &str) -> Result<(Event, ServiceType), Error> {
    let no_type = || UserError::not_found("serviceType", "There is no such service type.");
    let event = find_event(tx, event).await?;
    let service_type = service_types::service_type_by_slug(tx.conn, service_type).await?.ok_or_else(no_type)?;
    Ok((event, service_type))
}

/// Takes the locks of owner, service type and event, and reads the latter two under them: another transaction may have
/// changed them while this one waited for a lock.
async fn lock_event_and_type(
    tx: &mut Tx<'_>,
    owner: AccountId,
    event: &str,
    service_type: &str,
) -> Result<(Event, ServiceType), Error> {
    let before = find_event_and_type(tx, event, service_type).await?;
    locks::accounts(tx.conn, &[owner], LockMode::Shared).await?;
    locks::service_types(tx.conn, &[before.1.id], LockMode::Shared).await?;
    locks::events(tx.conn, &[before.0.id]).await?;
    if locks::may_block(tx.conn) { find_event_and_type(tx, event, service_type).await } else { Ok(before) }
}

/// Finds an account by its username in any case, unless it is deleted.
pub(super) async fn find_account(tx: &mut Tx<'_>, username: &str) -> Result<Option<Account>, Error> {
    let found = accounts::account_by_username(tx.conn, &username.trim().to_ascii_lowercase()).await?;
    Ok(found.filter(|account| account.deleted_at.is_none()))
}

/// Loads the current row of an account, unless it is deleted.
pub(super) async fn load_account(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>, Error> {
    Ok(accounts::account_by_id(tx.conn, id).await?.filter(|account| account.deleted_at.is_none()))
}

/// A registration that passed every check.
struct CheckedRegistration {
    row: Extension,
    number: NumberRow,
    service_type: CompiledServiceType,
    permissions: Vec<CallPermissionId>,
    parameters: ChangedParameters,
}

/// Creates an extension and puts its number into service. The caller holds the locks of owner, service type and event.
///
/// # Errors
/// EVENT_CLOSED at `event`; otherwise every problem of the registration at the field concerned.
async fn create_extension(
    tx: &mut Tx<'_>,
    permit: &Permit,
    registration: NewRegistration,
) -> Result<(Extension, Option<Value>), Error> {
    check_phase(&registration.event, permit, ChangeKind::Assignment).map_err(|problem| problem.at(["event"]))?;
    let owner = registration.owner.username.clone();
    let checked = check_registration(tx, permit, registration).await?;
    let CheckedRegistration { mut row, number, service_type, permissions, parameters } = checked;
    row.slot = queries::next_slot(tx.conn, permit, row.event_id).await?;
    queries::insert(tx.conn, permit, &row).await?;
    queries::index(tx.conn, permit, &row, true).await?;
    let taken = queries::insert_unique_values(tx.conn, permit, row.id, &parameters.unique_values).await?;
    if let Some(parameter) = taken {
        return Err(parameters::already_exists(&parameter).into());
    }
    let grant = |permission_id: &CallPermissionId| Grant { extension_id: row.id, permission_id: *permission_id };
    let grants: Vec<Grant> = permissions.iter().map(grant).collect();
    bulk_queries::grant_all(tx.conn, permit, &grants).await?;
    let in_service = Transition::to_in_service(row.owner_id, row.id);
    transition(tx, permit, number, in_service).await?;
    feed_changes::record_upsert(tx, &row, &service_type.schema);
    let summary = format!("{} on {} for {owner}", row.number, service_type.row.slug);
    tx.audit(permit, Some(row.id.global()), summary).await?;
    let generated = visible_secrets(&service_type.schema, &parameters.generated, permit);
    Ok((row, generated))
}

/// Checks a registration and allocates its number.
///
/// # Errors
/// Every problem at the field concerned.
async fn check_registration(
    tx: &mut Tx<'_>,
    permit: &Permit,
    registration: NewRegistration,
) -> Result<CheckedRegistration, Error> {
    let NewRegistration { event, service_type, owner, override_reservation, .. } = registration;
    let mut problems = Problems::default();
    problems.extend(Offer::load(tx, permit, &event, &service_type, owner.id).await?.check(&service_type));
    let label = problems.collect(Label::parse(&registration.label).map_err(|problem| problem.at(["label"])));
    let patch = problems.collect(parameters::parse_patch(registration.parameters));
    let permissions = match &registration.permissions {
        None => Some(Vec::new()),
        Some(slugs) => problems.collect_all(load_permissions(tx, slugs).await)?,
    };
    let entered = registration.number.as_deref();
    let request =
        AllocationRequest { event: &event, service_type: &service_type, owner: owner.id, override_reservation };
    let number = problems.collect_all(allocate(tx, permit, &request, entered).await)?;
    // The parameters of a refused number are checked too, as they may be derived from it.
    let text = number.as_ref().map(|row| row.number.clone());
    let text = text.or_else(|| Some(Number::clean(entered?).ok()?.into_string())).unwrap_or_default();
    let id = ExtensionId::new(tx.rng(), tx.now);
    let mut row = Extension {
        label: label.map(Label::into_string).unwrap_or_default(),
        visibility: registration.visibility,
        ..Extension::new(id, (event.id, service_type.id, owner.id), &text, tx.now)
    };
    let service_type = CompiledServiceType::load(tx, service_type).await?;
    let parameters = match patch {
        Some(patch) if !text.is_empty() => {
            let values = NewValues::Patch(patch);
            let change =
                ParameterChange { values, editor: editor(permit), username: &owner.username, is_registration: true };
            problems.collect_all(parameters::change(tx, &service_type, &mut row, change))?
        }
        _ => None,
    };
    if let Some(parameters) = &parameters {
        problems.extend(parameters::check_unique_values(tx, id, &parameters.unique_values).await?);
    }
    if let Some(wanted) = &registration.fallback_number {
        problems.collect_all(set_first_fallback(tx, &mut row, wanted).await)?;
    }
    problems.into_result()?;
    let (Some(number), Some(permissions), Some(parameters)) = (number, permissions, parameters) else {
        return Err(InternalError::new("a registration without a problem is incomplete").into());
    };
    Ok(CheckedRegistration { row, number, service_type, permissions, parameters })
}
