//! What an import needs to know before it judges: loaded once, not for each row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::referred;
use crate::groups::{self, GroupMember};
use crate::import_export::row::ExtensionRow;
use crate::{Extension, bulk_queries};
use events::Event;
use numbering::plan::{NumberRange, ReservedPrefixes};
use numbers::{NumberRow, apply_expiry};
use platform::access::Permit;
use platform::error::Error;
use platform::ids::{AccountId, CallPermissionId, ExtensionId, NumberId, ServiceTypeId};
use platform::locks::{self, LockMode};
use platform::secrets::ComparisonKey;
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use service_types::schema::ParameterSchema;
use service_types::sealed::comparison_key;
use service_types::{ServiceType, compiled};

/// How many owners are locked one by one; for more, one lock stands for all: a server has room for a few thousand only.
const OWNERS_LOCKED_SINGLY: usize = 64;

/// A service type with its schema.
pub(super) struct Kind {
    pub(super) service_type: ServiceType,
    pub(super) schema: Arc<ParameterSchema>,
    /// For comparing its unique secrets, where it has any.
    pub(super) key: Option<ComparisonKey>,
}

/// What is there before the import.
pub(super) struct ImportContext {
    pub(super) event: Event,
    /// All of them: operators may use every range for every service type.
    pub(super) ranges: Vec<NumberRange>,
    pub(super) reserved: ReservedPrefixes,
    /// By slug.
    pub(super) kinds: HashMap<String, Arc<Kind>>,
    /// By username.
    pub(super) owners: HashMap<String, AccountId>,
    /// By slug.
    pub(super) permissions: HashMap<String, CallPermissionId>,
    /// The extensions of the rows and of the numbers that they name, by number.
    pub(super) present: HashMap<String, Extension>,
    /// The numbers without an extension that were ever touched.
    pub(super) numbers: HashMap<String, NumberRow>,
    /// Why numbers among them are barred.
    pub(super) bars: HashMap<NumberId, String>,
    pub(super) granted: HashMap<ExtensionId, BTreeSet<CallPermissionId>>,
    /// The memberships of the groups among the extensions.
    pub(super) members: HashMap<ExtensionId, Vec<GroupMember>>,
}

/// Takes the locks of owners, types and event.
///
/// # Errors
/// When the database refuses.
pub(super) async fn lock(tx: &mut Tx<'_>, event: &Event, rows: &[(u64, ExtensionRow)]) -> Result<(), Error> {
    let owners: Vec<AccountId> = owners(tx.conn, rows).await?.into_values().collect();
    if owners.len() > OWNERS_LOCKED_SINGLY {
        locks::all_accounts(tx.conn).await?;
    } else {
        locks::accounts(tx.conn, &owners, LockMode::Shared).await?;
    }
    let slugs: BTreeSet<&str> = rows.iter().map(|(_, row)| row.service_type.as_str()).collect();
    let types = service_types::all_service_types(tx.conn).await?;
    let types: Vec<ServiceTypeId> =
        types.iter().filter(|found| slugs.contains(found.slug.as_str())).map(|found| found.id).collect();
    locks::service_types(tx.conn, &types, LockMode::Shared).await?;
    Ok(locks::events(tx.conn, &[event.id]).await?)
}

async fn owners(conn: &mut Conn, rows: &[(u64, ExtensionRow)]) -> Result<HashMap<String, AccountId>, Error> {
    let names: BTreeSet<&str> = rows.iter().map(|(_, row)| row.owner.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    Ok(accounts::queries::ids_by_usernames(conn, &names).await?.into_iter().collect())
}

impl ImportContext {
    /// Loads it, under the locks.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn load(
        tx: &mut Tx<'_>,
        permit: &Permit,
        event: Event,
        rows: &[(u64, ExtensionRow)],
    ) -> Result<Self, Error> {
        let mut wanted: BTreeSet<&str> = rows.iter().map(|(_, row)| row.number.as_str()).collect();
        wanted.extend(referred(rows));
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let found = bulk_queries::by_numbers(tx.conn, event.id, &wanted).await?;
        let present: HashMap<String, Extension> = found.into_iter().map(|row| (row.number.clone(), row)).collect();
        let ids: Vec<ExtensionId> = present.values().map(|row| row.id).collect();
        let fresh: Vec<&str> =
            rows.iter().map(|(_, row)| row.number.as_str()).filter(|number| !present.contains_key(*number)).collect();
        let numbers = touched(tx, permit, &event, &fresh).await?;
        let mut granted = HashMap::<_, BTreeSet<_>>::new();
        for (extension, permission) in bulk_queries::granted_to(tx.conn, &ids).await? {
            granted.entry(extension).or_default().insert(permission);
        }
        let mut members = HashMap::<_, Vec<_>>::new();
        for member in groups::queries::members_of_groups(tx.conn, &ids).await? {
            members.entry(member.group_id).or_default().push(member);
        }
        let permissions = events::all_permissions(tx.conn).await?;
        let ranges = events::ranges_of_event(tx.conn, event.id).await?;
        Ok(Self {
            ranges: ranges.iter().map(|range| range.plan()).collect::<Result<_, _>>()?,
            reserved: event.reserved_prefixes()?,
            kinds: kinds(tx).await?,
            owners: owners(tx.conn, rows).await?,
            permissions: permissions.into_iter().map(|permission| (permission.slug, permission.id)).collect(),
            bars: bars(tx.conn, &numbers).await?,
            event,
            present,
            numbers,
            granted,
            members,
        })
    }

    /// The kind of an extension that is there.
    pub(super) fn kind_of(&self, service_type: ServiceTypeId) -> Option<&Arc<Kind>> {
        self.kinds.values().find(|kind| kind.service_type.id == service_type)
    }
}

async fn kinds(tx: &mut Tx<'_>) -> Result<HashMap<String, Arc<Kind>>, Error> {
    let mut kinds = HashMap::new();
    for service_type in service_types::all_service_types(tx.conn).await? {
        let schema = compiled(&service_type)?;
        let key = comparison_key(tx, &schema).await?;
        kinds.insert(service_type.slug.clone(), Arc::new(Kind { service_type, schema, key }));
    }
    Ok(kinds)
}

/// The rows of these numbers, brought to the state that they have now.
async fn touched(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: &Event,
    wanted: &[&str],
) -> Result<HashMap<String, NumberRow>, Error> {
    let mut rows = HashMap::new();
    for row in numbers::numbers_of_event(tx.conn, event.id, wanted).await? {
        let row = apply_expiry(tx, permit, row).await?;
        rows.insert(row.number.clone(), row);
    }
    Ok(rows)
}

async fn bars(conn: &mut Conn, numbers: &HashMap<String, NumberRow>) -> Result<HashMap<NumberId, String>, Error> {
    let ids: Vec<Id> = numbers.values().map(|row| Id(row.id.0)).collect();
    let mut bars = HashMap::new();
    for chunk in ids.chunks(platform::store::CHUNK) {
        for bar in restrictions::of_targets(conn, restrictions::TargetKind::Number, chunk).await? {
            bars.entry(NumberId(bar.target_id.0)).or_insert(bar.reason);
        }
    }
    Ok(bars)
}
