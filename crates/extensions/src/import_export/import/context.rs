//! State that an import needs for validation, loaded once instead of per row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

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
use service_types::unique_values::comparison_key;
use service_types::{ServiceType, compiled};

use super::referenced_numbers;
use crate::groups::{self, GroupMember};
use crate::import_export::row::ExtensionRow;
use crate::{Extension, bulk_queries};

/// Maximum number of accounts that an import locks one by one. Above it, one lock covers all accounts, since the database
/// supports only a few thousand locks.
const MAX_ACCOUNT_LOCKS: usize = 64;

/// A service type with its compiled schema.
pub(super) struct CompiledServiceType {
    pub(super) row: ServiceType,
    pub(super) schema: Arc<ParameterSchema>,
    /// Key for the comparison of unique secrets, where the schema has any.
    pub(super) comparison_key: Option<ComparisonKey>,
}

/// State of the database before the import.
pub(super) struct ImportContext {
    pub(super) event: Event,
    /// All ranges of the event, since operators can use every range for every service type.
    pub(super) ranges: Vec<NumberRange>,
    pub(super) reserved: ReservedPrefixes,
    /// Service types by slug.
    pub(super) service_types: HashMap<String, Arc<CompiledServiceType>>,
    /// Accounts by username.
    pub(super) owners: HashMap<String, AccountId>,
    /// Call permissions by slug.
    pub(super) permissions: HashMap<String, CallPermissionId>,
    /// Extensions of the rows' numbers and of the numbers that rows refer to, by number.
    pub(super) extensions: HashMap<String, Extension>,
    /// Saved rows of numbers without an extension, by number.
    pub(super) numbers: HashMap<String, NumberRow>,
    /// Reasons of barred numbers.
    pub(super) barring_reasons: HashMap<NumberId, String>,
    /// Call permissions by extension.
    pub(super) granted: HashMap<ExtensionId, BTreeSet<CallPermissionId>>,
    /// Memberships by group.
    pub(super) members: HashMap<ExtensionId, Vec<GroupMember>>,
}

/// Locks the owners, service types and the event of an import.
///
/// # Errors
/// When the database fails.
pub(super) async fn lock(tx: &mut Tx<'_>, event: &Event, rows: &[(u64, ExtensionRow)]) -> Result<(), Error> {
    let owners: Vec<AccountId> = load_owners(tx.conn, rows).await?.into_values().collect();
    if owners.len() > MAX_ACCOUNT_LOCKS {
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

/// Loads the accounts of the rows' owners, by username.
async fn load_owners(conn: &mut Conn, rows: &[(u64, ExtensionRow)]) -> Result<HashMap<String, AccountId>, Error> {
    let names: BTreeSet<&str> = rows.iter().map(|(_, row)| row.owner.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    Ok(accounts::account_ids_by_username(conn, &names).await?.into_iter().collect())
}

impl ImportContext {
    /// Loads the state. Requires the locks of [`lock`].
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn load(
        tx: &mut Tx<'_>,
        permit: &Permit,
        event: Event,
        rows: &[(u64, ExtensionRow)],
    ) -> Result<Self, Error> {
        let mut numbers_to_load: BTreeSet<&str> = rows.iter().map(|(_, row)| row.number.as_str()).collect();
        numbers_to_load.extend(referenced_numbers(rows));
        let numbers_to_load: Vec<&str> = numbers_to_load.into_iter().collect();
        let found = bulk_queries::by_numbers(tx.conn, event.id, &numbers_to_load).await?;
        let extensions: HashMap<String, Extension> = found.into_iter().map(|row| (row.number.clone(), row)).collect();
        let ids: Vec<ExtensionId> = extensions.values().map(|row| row.id).collect();
        let unassigned: Vec<&str> = rows
            .iter()
            .map(|(_, row)| row.number.as_str())
            .filter(|number| !extensions.contains_key(*number))
            .collect();
        let numbers = load_numbers(tx, permit, &event, &unassigned).await?;
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
            service_types: load_service_types(tx).await?,
            owners: load_owners(tx.conn, rows).await?,
            permissions: permissions.into_iter().map(|permission| (permission.slug, permission.id)).collect(),
            barring_reasons: load_barring_reasons(tx.conn, &numbers).await?,
            event,
            extensions,
            numbers,
            granted,
            members,
        })
    }

    /// Finds the service type of an existing extension.
    pub(super) fn service_type_by_id(&self, id: ServiceTypeId) -> Option<&Arc<CompiledServiceType>> {
        self.service_types.values().find(|candidate| candidate.row.id == id)
    }
}

/// Loads all service types with their compiled schemas, by slug.
async fn load_service_types(tx: &mut Tx<'_>) -> Result<HashMap<String, Arc<CompiledServiceType>>, Error> {
    let mut found = HashMap::new();
    for service_type in service_types::all_service_types(tx.conn).await? {
        let schema = compiled(&service_type)?;
        let comparison_key = comparison_key(tx, &schema).await?;
        found.insert(
            service_type.slug.clone(),
            Arc::new(CompiledServiceType { row: service_type, schema, comparison_key }),
        );
    }
    Ok(found)
}

/// Loads the rows of numbers, and applies expired states.
async fn load_numbers(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: &Event,
    numbers_to_load: &[&str],
) -> Result<HashMap<String, NumberRow>, Error> {
    let mut rows = HashMap::new();
    for row in numbers::numbers_of_event(tx.conn, event.id, numbers_to_load).await? {
        let row = apply_expiry(tx, permit, row).await?;
        rows.insert(row.number.clone(), row);
    }
    Ok(rows)
}

/// Loads the reasons of barred numbers.
async fn load_barring_reasons(
    conn: &mut Conn,
    numbers: &HashMap<String, NumberRow>,
) -> Result<HashMap<NumberId, String>, Error> {
    let ids: Vec<Id> = numbers.values().map(|row| Id(row.id.0)).collect();
    let mut reasons = HashMap::new();
    for chunk in ids.chunks(platform::store::CHUNK) {
        for restriction in restrictions::of_targets(conn, restrictions::TargetKind::Number, chunk).await? {
            reasons.entry(NumberId(restriction.target_id.0)).or_insert(restriction.reason);
        }
    }
    Ok(reasons)
}
