//! Hooks that dependent domains implement for the ban, the deletion and the export of an account.

use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::error::Error;
use platform::ids::{AccountId, EventId, ServiceTypeId};
use platform::secrets::Sealer;
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::Tx;
use serde_json::Value;

use crate::Account;

/// The holdings of an account in a dependent domain that have to be locked.
#[derive(Clone, Default, Debug)]
pub struct Holdings {
    /// The service types of the account's extensions.
    pub service_types: Vec<ServiceTypeId>,
    /// The events in which the account owns extensions or has reservations.
    pub events: Vec<EventId>,
    /// The account's E.164 numbers, in service or reserved, which belong to no event.
    pub e164_numbers: Vec<String>,
}

/// Context of an export of one account's data, in one read transaction.
pub struct Export<'c> {
    /// The connection, inside the read transaction.
    pub conn: &'c mut Conn,
    /// Decrypts sealed parameters.
    pub sealer: &'c Sealer,
    /// The account to export.
    pub account: AccountId,
    /// Time of the export.
    pub now: Timestamp,
    /// Whether secret parameters are included: the caller signed in or re-authenticated within 15 minutes.
    pub with_secrets: bool,
}

/// One section of an export.
pub struct Section {
    /// Key in the JSON object of the export.
    pub key: &'static str,
    pub content: Value,
}

/// Hook of a dependent domain. Methods with a `tx` run inside the transaction that changes the account.
pub trait AccountHooks: Send + Sync {
    /// The holdings of the account in this domain, which prevent a concurrent change of them once they are locked. Called
    /// under the account's lock.
    ///
    /// # Errors
    /// When the database fails.
    fn holdings<'t>(&'t self, conn: &'t mut Conn, account: AccountId) -> BoxFuture<'t, Result<Holdings, Error>>;

    /// Records in the feeds that a restriction of the account was applied or lifted.
    ///
    /// # Errors
    /// When the database fails.
    fn restriction_changed<'t, 'c: 't>(
        &'t self,
        _tx: &'t mut Tx<'c>,
        _account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Deletes the account's holdings in this domain. The locks on [`Self::holdings`] are held.
    ///
    /// # Errors
    /// When the database fails.
    fn delete<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>>;

    /// The sections that this domain adds to the account's export.
    ///
    /// # Errors
    /// When the database fails or stored data cannot be read.
    fn export<'t>(&'t self, export: &'t mut Export<'_>) -> BoxFuture<'t, Result<Vec<Section>, Error>>;

    /// Adds data to the finished export that cannot be read in its transaction.
    ///
    /// # Errors
    /// When the database fails.
    fn annotate_export<'t>(
        &'t self,
        _services: &'t Services,
        _export: &'t mut Value,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The holdings of the account in all dependent domains.
///
/// # Errors
/// When the database fails.
pub(crate) async fn holdings(tx: &mut Tx<'_>, account: &Account) -> Result<Holdings, Error> {
    let services = tx.services();
    let mut all = Holdings::default();
    for hook in services.hooks.all::<dyn AccountHooks>() {
        let found = hook.holdings(tx.conn, account.id).await?;
        all.service_types.extend(found.service_types);
        all.events.extend(found.events);
        all.e164_numbers.extend(found.e164_numbers);
    }
    Ok(all)
}
