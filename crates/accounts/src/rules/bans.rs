//! Banning an account and lifting a ban.
//!
//! A ban is a restriction of the account. It ends the account's sessions and appears in every feed that contains the
//! account's extensions or groups with them. Lifting the ban only deletes the restriction, because nothing else was
//! written.

use std::sync::Arc;

use platform::access::{Caller, Permit, Role};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::RestrictionId;
use platform::locks::{self, LockMode};
use platform::notifications::Notification;
use platform::services::Services;
use platform::text::characters::{is_visible, storable};
use platform::transact;
use platform::transaction::{Mode, Tx};
use restrictions::{NewRestriction, RestrictionSource};

use super::{Changed, clean_username, no_such_account};
use crate::hooks::{AccountHooks, holdings};
use crate::{Account, actions, queries, session_queries};

/// Maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// Validates the reason of a ban or a bar: trimmed, 1 to 500 characters.
///
/// # Errors
/// REQUIRED or INVALID at `reason`.
pub fn clean_reason(input: &str) -> Result<String, UserError> {
    let reason = storable("reason", input.trim().to_owned())?;
    if !reason.chars().any(is_visible) {
        return Err(UserError::new(UserErrorKind::Required, "reason", "Say why: the person concerned will read it."));
    }
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(UserError::invalid("reason", "A reason has at most 500 characters.")
            .rule("reason.long")
            .with_value(MAX_REASON_CHARS));
    }
    Ok(reason)
}

/// Bans an account: no sign-in, no write, no calls. A second ban updates the reason.
///
/// # Errors
/// NOT_FOUND at `username`, LAST_ADMIN, INVALID at `username` for the caller's own account and at `reason`;
/// [`AuthError::Forbidden`] for an operator who names an admin.
pub async fn ban(services: &Services, caller: &Arc<Caller>, username: &str, reason: &str) -> Result<Changed, Error> {
    let (username, reason) = (clean_username(username).map_err(|_| no_such_account())?, clean_reason(reason)?);
    transact!(services, caller, actions::BAN_ACCOUNT, Mode::Commit, |tx| {
        let (permit, account) = lock_account(tx, &username).await?;
        if account.role == Role::Admin && queries::count_other_admins(tx.conn, account.id).await? == 0 {
            return Err(UserError::new(UserErrorKind::LastAdmin, "username", "This is the last admin.").into());
        }
        let by = permit.actor().account();
        if by == Some(account.id) {
            let message = "You cannot ban your own account. Another operator can.";
            return Err(UserError::invalid("username", message).rule("ban.self").into());
        }
        let id = RestrictionId::new(tx.rng(), tx.now);
        let new = NewRestriction::new(id, account.id.into(), RestrictionSource::Ban, &reason, tx.now, by);
        restrictions::apply(tx.conn, &permit, &new).await?;
        session_queries::delete_sessions(tx.conn, &permit, account.id, None).await?;
        tx.notify(Notification::AccountEnded(account.id));
        notify_hooks(tx, &account).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} was banned: {reason}", account.username)).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

/// Lifts a ban. Does nothing if the account is not banned.
///
/// # Errors
/// NOT_FOUND at `username`; [`AuthError::Forbidden`] for an operator who names an admin.
pub async fn unban(services: &Services, caller: &Arc<Caller>, username: &str) -> Result<Changed, Error> {
    let username = clean_username(username).map_err(|_| no_such_account())?;
    transact!(services, caller, actions::UNBAN_ACCOUNT, Mode::Commit, |tx| {
        let (permit, account) = lock_account(tx, &username).await?;
        if restrictions::lift(tx.conn, &permit, account.id.into(), RestrictionSource::Ban).await? {
            notify_hooks(tx, &account).await?;
            let summary = format!("the ban of {} was lifted", account.username);
            tx.audit(&permit, Some(account.id.global()), summary).await?;
        }
        Ok(Changed { account: account.id })
    })
    .await
}

/// Locks the account and the events of its holdings, and creates the permit under the locks.
///
/// # Errors
/// As [`Tx::permit`]; NOT_FOUND at `username`; [`AuthError::Forbidden`] for an operator who names an admin.
async fn lock_account(tx: &mut Tx<'_>, username: &str) -> Result<(Permit, Account), Error> {
    locks::named(tx.conn, "admins").await?;
    let found = queries::account_by_username(tx.conn, username).await?;
    if let Some(account) = &found {
        locks::accounts(tx.conn, &[account.id], LockMode::Exclusive).await?;
        let events = holdings(tx, account).await?.events;
        locks::events(tx.conn, &events).await?;
    }
    let permit = tx.permit().await?;
    let account = found.ok_or_else(no_such_account)?;
    if account.role == Role::Admin && !permit.actor().is_at_least(Role::Admin) {
        return Err(AuthError::Forbidden.into());
    }
    Ok((permit, account))
}

/// Calls the hooks that record the changed restriction in the feeds.
async fn notify_hooks(tx: &mut Tx<'_>, account: &Account) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn AccountHooks>() {
        hook.restriction_changed(tx, account.id).await?;
    }
    Ok(())
}
