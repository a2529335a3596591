//! Putting a number into service: registering one's own, or assigning one to somebody.

use std::sync::Arc;

use serde_json::Value;

use super::super::label::Label;
use super::super::model::Extension;
use super::super::queries;
use super::super::visibility::Visibility;
use super::claim::{Claim, UsablePlan, claim, in_service};
use super::{Changed, Preview, Weight, check_phase, editor, marks, parameters};
use crate::access::{Action, Caller, Permit, Role};
use crate::accounts::{self, Account};
use crate::changes::locks::{self, Hold};
use crate::ids::{AccountId, ExtensionId};
use crate::numbers::NumberRow;
use crate::numbers::number::Number;
use crate::numbers::queries::TakenNumbers;
use crate::numbers::rules::shift;
use crate::problem::{Denied, Problem, ProblemKind, Stop};
use crate::service_types::schema::{ParameterSchema, Source};
use crate::service_types::{self, Event, ServiceType, compiled};
use crate::services::Services;
use crate::store::types::JsonValue;
use crate::transaction::{Mode, Tx, transact};

/// What somebody registers for themselves.
pub struct RegisterExtension {
    pub event: String,
    pub service_type: String,
    /// None: the server picks a free one.
    pub number: Option<String>,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: Option<Value>,
    pub dry_run: bool,
}

/// What an operator assigns to somebody.
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

/// A number to be put into service, with everything that was looked up for it.
pub struct Placement {
    pub event: Event,
    pub service_type: ServiceType,
    pub owner: Account,
    pub number: Option<String>,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: Option<Value>,
    /// Take a number that is kept for somebody else.
    pub override_reservation: bool,
}

/// Registers an extension of the caller's own.
///
/// # Errors
/// Typed problems at the field concerned; see the API's description.
pub async fn register(services: &Services, caller: &Arc<Caller>, input: RegisterExtension) -> Result<Changed, Stop> {
    let mode = Mode::dry_run(input.dry_run);
    transact(services, caller, Action::RegisterExtension, mode, move |tx| {
        Box::pin(async move {
            let account = tx.actor().demand(Role::User).map(|()| tx.actor().account())?.ok_or(Denied::Forbidden)?;
            let (event, service_type) = find(tx, &input.event, &input.service_type).await?;
            lock(tx, account, &event, &service_type).await?;
            let permit = tx.permit(Action::RegisterExtension).await?;
            let owner = accounts::queries::by_id(tx.conn, account).await?.ok_or(Denied::Unauthenticated)?;
            if owner.email_verified_at.is_none() {
                let message = "Verify your e-mail address first: open the link in the mail.";
                return Err(Problem::new(ProblemKind::EmailUnverified, "", message).into());
            }
            let placement = Placement {
                event,
                service_type,
                owner,
                number: input.number,
                label: input.label,
                visibility: input.visibility,
                parameters: input.parameters,
                override_reservation: false,
            };
            let (row, generated) = place(tx, &permit, placement).await?;
            let preview = (mode == Mode::DryRun)
                .then(|| Preview { number: row.number.clone(), parameters: row.parameters.0.clone() });
            Ok(Changed { extension: row.id, generated: generated.filter(|_| preview.is_none()), preview })
        })
    })
    .await
}

/// Assigns a number to anybody, in any phase but ARCHIVED.
///
/// # Errors
/// Typed problems at the field concerned.
pub async fn assign(services: &Services, caller: &Arc<Caller>, input: AssignExtension) -> Result<Changed, Stop> {
    transact(services, caller, Action::AssignExtension, Mode::Commit, move |tx| {
        Box::pin(async move {
            tx.actor().demand(Role::Operator)?;
            let (event, service_type) = find(tx, &input.event, &input.service_type).await?;
            let no_owner = || Problem::not_found("owner", "There is no account of this name.");
            let owner = accounts::queries::by_username(tx.conn, &input.owner.trim().to_ascii_lowercase())
                .await?
                .ok_or_else(no_owner)?;
            lock(tx, owner.id, &event, &service_type).await?;
            let permit = tx.permit(Action::AssignExtension).await?;
            let permissions = match &input.permissions {
                None => Vec::new(),
                Some(slugs) => super::change::permissions(tx, slugs).await?,
            };
            let placement = Placement {
                event,
                service_type,
                owner,
                number: Some(input.number),
                label: input.label,
                visibility: input.visibility,
                parameters: input.parameters,
                override_reservation: input.override_reservation,
            };
            let (row, generated) = place(tx, &permit, placement).await?;
            if !permissions.is_empty() {
                queries::set_permissions(tx.conn, &permit, row.id, &permissions).await?;
            }
            Ok(Changed { extension: row.id, generated, preview: None })
        })
    })
    .await
}

/// The event of this slug, if the caller may know of it.
pub(super) async fn find_event(tx: &mut Tx<'_>, slug: &str) -> Result<Event, Stop> {
    let is_admin = tx.actor().is_at_least(Role::Admin);
    let event = service_types::queries::event_by_slug(tx.conn, slug).await?;
    let event = event.filter(|event| is_admin || event.phase != service_types::EventPhase::Draft);
    Ok(event.ok_or_else(|| Problem::not_found("event", "There is no such event."))?)
}

async fn find(tx: &mut Tx<'_>, event: &str, service_type: &str) -> Result<(Event, ServiceType), Stop> {
    let no_type = || Problem::not_found("serviceType", "There is no such service type.");
    let event = find_event(tx, event).await?;
    let service_type =
        service_types::queries::service_type_by_slug(tx.conn, service_type).await?.ok_or_else(no_type)?;
    Ok((event, service_type))
}

async fn lock(tx: &mut Tx<'_>, owner: AccountId, event: &Event, service_type: &ServiceType) -> Result<(), Stop> {
    locks::accounts(tx.conn, &[owner], Hold::Shared).await?;
    locks::service_types(tx.conn, &[service_type.id], Hold::Shared).await?;
    Ok(locks::events(tx.conn, &[event.id]).await?)
}

/// Puts a number into service under the locks of owner, type and event: what registering, assigning and importing share.
///
/// # Errors
/// Typed problems at the field concerned.
pub async fn place(tx: &mut Tx<'_>, permit: &Permit, placement: Placement) -> Result<(Extension, Option<Value>), Stop> {
    let Placement { event, service_type, owner, number, label, visibility, parameters, override_reservation } =
        placement;
    check_phase(&event, permit, Weight::Heavy)?;
    check_offer(tx, permit, &event, &service_type).await?;
    check_quota(tx, permit, &owner, &event, &service_type).await?;
    let label = Label::parse(&label).map_err(|problem| problem.at(["label"]))?;
    let patch = parameters::patch(parameters)?;
    let wanted = Claim { event: &event, service_type: &service_type, owner: &owner, number, override_reservation };
    let number = claim(tx, permit, wanted).await?;
    let schema = compiled(&service_type)?;
    let source = Source { number: &number.number, username: &owner.username, rng: tx.rng() };
    let (values, secrets) = parameters::merge(&schema, serde_json::Map::new(), patch, editor(permit), &source)?;
    let slot = queries::take_slots(tx.conn, permit, event.id, 1).await?;
    let mut row = draft(tx, (&event, &service_type, owner.id), &number.number, label, visibility);
    row.slot = slot;
    parameters::store(tx, &schema, &mut row, values)?;
    queries::insert(tx.conn, permit, &row).await?;
    parameters::claim_unique(tx, permit, &schema, &row, &service_type).await?;
    begin_service(tx, permit, &row, number, &schema).await?;
    let summary = format!("{} on {} for {}", row.number, service_type.slug, owner.username);
    tx.audit(permit, Some(row.id.global()), summary).await?;
    let generated = (!secrets.is_empty()).then(|| Value::Object(schema.visible(&secrets, viewer(permit))));
    Ok((row, generated))
}

/// A new extension without parameters and without a slot.
pub(super) fn draft(
    tx: &Tx<'_>,
    (event, service_type, owner): (&Event, &ServiceType, AccountId),
    number: &str,
    label: Label,
    visibility: Visibility,
) -> Extension {
    Extension {
        id: ExtensionId::new(tx.rng(), tx.now),
        event_id: event.id,
        service_type_id: service_type.id,
        owner_id: owner,
        slot: 0,
        number: number.to_owned(),
        label: label.into_string(),
        visibility,
        parameters: JsonValue::default(),
        secrets: None,
        status: JsonValue::default(),
        fallback_extension_id: None,
        fallback_number: None,
        created_at: tx.now,
        updated_at: tx.now,
        version: 1,
    }
}

/// What follows when a new row is there: the directory's words, the number in service, the feed.
async fn begin_service(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &Extension,
    number: NumberRow,
    schema: &ParameterSchema,
) -> Result<(), Stop> {
    queries::index(tx.conn, permit, row, true).await?;
    shift(tx, permit, number, in_service(row)).await?;
    marks::present(tx, row, schema);
    Ok(())
}

fn viewer(permit: &Permit) -> service_types::schema::Viewer {
    if permit.is_staff() { service_types::schema::Viewer::Operator } else { service_types::schema::Viewer::Owner }
}

async fn check_offer(tx: &mut Tx<'_>, permit: &Permit, event: &Event, service_type: &ServiceType) -> Result<(), Stop> {
    if service_type.retired {
        return Err(Problem::new(ProblemKind::Conflict, "serviceType", "This service type is retired.").into());
    }
    if permit.is_staff() {
        return Ok(());
    }
    if service_type.privileged {
        let message = "Only operators register this service type.";
        return Err(Problem::new(ProblemKind::ServiceTypePrivileged, "serviceType", message).into());
    }
    if !service_types::queries::event_offers(tx.conn, event.id, service_type.id).await? {
        return Err(Problem::invalid("serviceType", "This service type is not offered at this event.").into());
    }
    Ok(())
}

async fn check_quota(
    tx: &mut Tx<'_>,
    permit: &Permit,
    owner: &Account,
    event: &Event,
    service_type: &ServiceType,
) -> Result<(), Stop> {
    let Some(limit) = service_type.quota.filter(|_| !permit.is_staff()) else { return Ok(()) };
    if queries::count_held(tx.conn, owner.id, event.id, service_type.id).await? >= i64::from(limit) {
        let message = "You hold as many of these as one user may.";
        return Err(Problem::new(ProblemKind::QuotaExceeded { limit }, "serviceType", message).into());
    }
    Ok(())
}

/// Free numbers that the caller may register.
pub enum Wish {
    /// Nearest to these digits.
    Like(String),
    /// Ascending from this number.
    From(Number),
    /// Spread at random.
    Any,
}

/// Finds free numbers for a caller; nothing for an unknown event or type.
///
/// # Errors
/// When the database refuses.
pub async fn available(
    services: &Services,
    is_staff: bool,
    event: &Event,
    service_type: &ServiceType,
    wish: Wish,
    wanted: usize,
) -> Result<Vec<Number>, Stop> {
    let mut conn = services.store.read().await?;
    let plan = UsablePlan::of(&mut conn, is_staff, event, service_type).await?;
    let free = plan.free();
    let mut taken = TakenNumbers { conn: &mut conn, event: event.id };
    Ok(match wish {
        Wish::Like(digits) => free.like(&digits, wanted, &mut taken).await?,
        Wish::From(number) => free.ascending(&number, wanted, &mut taken).await?,
        Wish::Any => free.at_random(wanted, &*services.rng, &mut taken).await?,
    })
}
