//! Creation of extensions: registration by a user, assignment by an operator.

use std::sync::Arc;

use accounts::Account;
use events::Event;
use numbers::{AllocationRequest, Transition, allocate, transition};
use platform::access::{Caller, Permit, Role};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::{AccountId, ExtensionId};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde_json::Value;
use service_types::schema::GenerationContext;
use service_types::{ServiceType, compiled};

use super::fallback::set_fallback;
use super::{ChangeKind, Changed, check_phase, editor, feed_changes, parameters, visible_secrets};
use crate::actions;
use crate::label::Label;
use crate::model::Extension;
use crate::queries;
use crate::visibility::Visibility;

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
pub struct NewRegistration {
    pub event: Event,
    pub service_type: ServiceType,
    pub owner: Account,
    /// `None`: a random free number.
    pub number: Option<String>,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: Option<Value>,
    /// Allocate a number even if it is held or reserved for another account, or ages.
    pub override_reservation: bool,
}

/// Registers an extension of the caller's own.
///
/// # Errors
/// User errors at the field concerned; the API's description lists them.
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
            override_reservation: false,
        };
        let (mut row, generated) = create_extension(tx, &permit, registration).await?;
        if let Some(number) = &input.fallback_number {
            set_fallback(tx, &mut row, Some(number)).await?;
            queries::save(tx.conn, &permit, &row).await?;
        }
        Changed::of(tx, mode, &permit, &row, generated).await
    })
    .await
}

/// Creates an extension for any account, in any phase but ARCHIVED.
///
/// # Errors
/// User errors at the field concerned.
pub async fn assign(services: &Services, caller: &Arc<Caller>, input: AssignExtension) -> Result<Changed, Error> {
    transact!(services, caller, actions::ASSIGN_EXTENSION, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let no_owner = || UserError::not_found("owner", "There is no account of this name.");
        let owner = find_account(tx, &input.owner).await?.ok_or_else(no_owner)?.id;
        let (event, service_type) = lock_event_and_type(tx, owner, &input.event, &input.service_type).await?;
        let permit = tx.permit().await?;
        let owner = load_account(tx, owner).await?.ok_or_else(no_owner)?;
        let permissions = match &input.permissions {
            None => Vec::new(),
            Some(slugs) => super::change::permissions(tx, slugs).await?,
        };
        let registration = NewRegistration {
            event,
            service_type,
            owner,
            number: Some(input.number),
            label: input.label,
            visibility: input.visibility,
            parameters: input.parameters,
            override_reservation: input.override_reservation,
        };
        let (row, generated) = create_extension(tx, &permit, registration).await?;
        if !permissions.is_empty() {
            queries::set_permissions(tx.conn, &permit, row.id, &permissions).await?;
        }
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

/// Creates an extension and puts its number into service. The caller holds the locks of owner, service type and event.
///
/// # Errors
/// User errors at the field concerned.
pub async fn create_extension(
    tx: &mut Tx<'_>,
    permit: &Permit,
    registration: NewRegistration,
) -> Result<(Extension, Option<Value>), Error> {
    let NewRegistration { event, service_type, owner, number, label, visibility, parameters, override_reservation } =
        registration;
    check_phase(&event, permit, ChangeKind::Assignment).map_err(|problem| problem.at(["event"]))?;
    check_offer(tx, permit, &event, &service_type).await?;
    if !permit.is_staff() {
        check_quota(tx, owner.id, &event, &service_type, "serviceType").await?;
    }
    let label = Label::parse(&label).map_err(|problem| problem.at(["label"]))?;
    let patch = parameters::parse_patch(parameters)?;
    let request =
        AllocationRequest { event: &event, service_type: &service_type, owner: owner.id, override_reservation };
    let number = allocate(tx, permit, &request, number.as_deref()).await?;
    let schema = compiled(&service_type)?;
    let source = GenerationContext { number: &number.number, username: &owner.username, rng: tx.rng() };
    let (values, secrets) = parameters::merge(&schema, serde_json::Map::new(), patch, editor(permit), &source)?;
    let id = ExtensionId::new(tx.rng(), tx.now);
    let mut row = Extension {
        slot: queries::next_slot(tx.conn, permit, event.id).await?,
        label: label.into_string(),
        visibility,
        ..Extension::new(id, (event.id, service_type.id, owner.id), &number.number, tx.now)
    };
    parameters::store(tx, &schema, &mut row, values)?;
    queries::insert(tx.conn, permit, &row).await?;
    queries::index(tx.conn, permit, &row, true).await?;
    parameters::store_unique_values(tx, permit, &schema, &row, &service_type).await?;
    let in_service = Transition::to_in_service(owner.id, row.id);
    transition(tx, permit, number, in_service).await?;
    feed_changes::record_upsert(tx, &row, &schema);
    let summary = format!("{} on {} for {}", row.number, service_type.slug, owner.username);
    tx.audit(permit, Some(row.id.global()), summary).await?;
    Ok((row, visible_secrets(&schema, &secrets, permit)))
}

/// Refuses a service type that is retired, privileged or not offered at the event.
async fn check_offer(tx: &mut Tx<'_>, permit: &Permit, event: &Event, service_type: &ServiceType) -> Result<(), Error> {
    if service_type.retired {
        return Err(UserError::new(UserErrorKind::Conflict, "serviceType", "This service type is retired.").into());
    }
    if permit.is_staff() {
        return Ok(());
    }
    if service_type.privileged {
        let message = "Only operators register this service type.";
        return Err(UserError::new(UserErrorKind::ServiceTypePrivileged, "serviceType", message).into());
    }
    if !service_types::event_offers(tx.conn, event.id, service_type.id).await? {
        return Err(UserError::invalid("serviceType", "This service type is not offered at this event.").into());
    }
    Ok(())
}

/// Refuses another extension of the type for an owner who has reached the quota of the event.
///
/// # Errors
/// QUOTA_EXCEEDED at `field`.
pub(super) async fn check_quota(
    tx: &mut Tx<'_>,
    owner: AccountId,
    event: &Event,
    service_type: &ServiceType,
    field: &str,
) -> Result<(), Error> {
    let Some(limit) = service_type.quota else { return Ok(()) };
    if queries::count_of_owner(tx.conn, owner, event.id, service_type.id).await? >= i64::from(limit) {
        let message = format!("At this event one user holds at most {limit} of these.");
        return Err(UserError::new(UserErrorKind::QuotaExceeded { limit }, field, message).into());
    }
    Ok(())
}
