//! Removal of accounts whose address was never verified.

use platform::access::Caller;
use platform::audit;
use platform::error::Error;
use platform::ids::AccountId;
use platform::locks::{self, LockMode};
use platform::notifications::Notification;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use crate::hooks::{Holdings, holdings};
use crate::{actions, queries, session_queries};

/// Time after which an account without a verified address is removed, in seconds: 7 days. A verification link is valid
/// for one day, and can be requested again.
pub const UNVERIFIED_SECONDS: i64 = 7 * 24 * 3600;
/// Number of accounts that are read together.
const PAGE: i64 = 200;

/// Removes the accounts whose address was not verified within [`UNVERIFIED_SECONDS`], each in a transaction of its own.
/// The username becomes available again, except where the audit or another table refers to the account: then only its
/// personal data is erased. An account with extensions or numbers stays.
///
/// # Errors
/// When the database fails.
pub async fn prune_unverified(services: &Services) -> Result<usize, Error> {
    let (mut after, mut pruned) = (None, 0);
    loop {
        let before = services.now().plus_seconds(-UNVERIFIED_SECONDS);
        let page = queries::unverified_accounts(&mut *services.store.read().await?, before, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(pruned) };
        after = Some(*last);
        for account in page {
            pruned += usize::from(prune(services, account).await?);
        }
    }
}

/// Removes one account, unless it was verified meanwhile or has holdings. Returns whether it did.
async fn prune(services: &Services, id: AccountId) -> Result<bool, Error> {
    let caller = Caller::system("prune accounts");
    transact!(services, &caller, actions::PRUNE_ACCOUNTS, Mode::Commit, |tx| {
        locks::accounts(tx.conn, &[id], LockMode::Exclusive).await?;
        let account = queries::account_by_id(tx.conn, id).await?;
        let account = account.filter(|account| account.email_verified_at.is_none() && account.deleted_at.is_none());
        let Some(account) = account else { return Ok(false) };
        let Holdings { service_types, events, e164_numbers } = holdings(tx, &account).await?;
        if !(service_types.is_empty() && events.is_empty() && e164_numbers.is_empty()) {
            return Ok(false);
        }
        let permit = tx.permit().await?;
        session_queries::delete_sessions(tx.conn, &permit, id, None).await?;
        tx.notify(Notification::AccountEnded(id));
        restrictions::lift_all(tx.conn, &permit, id.into()).await?;
        platform::idempotency::delete_by_account(tx.conn, &permit, id).await?;
        queries::erase(tx.conn, &permit, &account, tx.now).await?;
        // A later account of this name would inherit the rows of this one in the audit.
        let of_account = audit::Filter { actor: Some(account.username.clone()), ..audit::Filter::default() };
        if audit::newest(tx.conn, &of_account, 1).await?.is_empty() {
            queries::delete_unless_referenced(tx.conn, &permit, id).await?;
        }
        let summary = format!("{} was removed: the e-mail address was never verified", account.username);
        tx.audit(&permit, Some(id.global()), summary).await?;
        Ok(true)
    })
    .await
}
