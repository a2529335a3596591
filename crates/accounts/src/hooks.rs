//! Hooks of accounts: what the domains above do when an account is banned, deleted or exported.

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

/// What an account owns in a domain above, as far as locks are concerned.
#[derive(Clone, Default, Debug)]
pub struct Holdings {
    /// The service types of its extensions.
    pub service_types: Vec<ServiceTypeId>,
    /// The events in which it owns extensions or has numbers.
    pub events: Vec<EventId>,
    /// The numbers that it has outside every event, in E.164.
    pub e164_numbers: Vec<String>,
}

/// A read of everything that is held about one account, in one read transaction.
pub struct Export<'c> {
    /// The connection, inside the read transaction.
    pub conn: &'c mut Conn,
    /// Opens sealed parameters.
    pub sealer: &'c Sealer,
    /// The account.
    pub account: AccountId,
    /// The instant of the export.
    pub now: Timestamp,
    /// Whether secret parameters are included: the caller signed in or gave the password within 15 minutes.
    pub with_secrets: bool,
}

/// One section of an export: its key in the JSON object, and its content.
pub type Section = (&'static str, Value);

/// Hook of accounts. Methods with a transaction run inside the one that changes the account.
pub trait AccountHooks: Send + Sync {
    /// What the account owns in this domain; read before the locks are taken, and again under the account's lock.
    ///
    /// # Errors
    /// When the database refuses.
    fn holdings<'t>(&'t self, conn: &'t mut Conn, account: AccountId) -> BoxFuture<'t, Result<Holdings, Error>>;

    /// Records in the feeds that a restriction of the account was applied or lifted.
    ///
    /// # Errors
    /// When the database refuses.
    fn restriction_changed<'t, 'c: 't>(
        &'t self,
        _tx: &'t mut Tx<'c>,
        _account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Ends what the account owns in this domain. The locks of [`Self::holdings`] are held.
    ///
    /// # Errors
    /// When the database refuses.
    fn delete<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        account: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>>;

    /// The sections of the account's export that this domain contributes.
    ///
    /// # Errors
    /// When the database refuses, or stored data cannot be read.
    fn export<'t>(&'t self, export: &'t mut Export<'_>) -> BoxFuture<'t, Result<Vec<Section>, Error>>;

    /// Adds to the finished export what cannot be read in its transaction.
    ///
    /// # Errors
    /// When the database refuses.
    fn annotate_export<'t>(
        &'t self,
        _services: &'t Services,
        _export: &'t mut Value,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What the account owns in every domain above.
///
/// # Errors
/// When the database refuses.
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
