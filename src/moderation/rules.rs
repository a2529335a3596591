//! Banning and lifting a ban.

use std::sync::Arc;

use super::queries;
use crate::access::{Action, Caller, Permit, Role};
use crate::accounts::rules::{Changed, clean_username, no_such_account};
use crate::accounts::{self, Account};
use crate::error::{AuthError, Error, UserError, UserErrorKind};
use crate::feed_log::EntryChange;
use crate::ids::RestrictionId;
use crate::locks::{self, LockMode};
use crate::notifications::Notification;
use crate::restrictions::{self, NewRestriction, RestrictionSource};
use crate::services::Services;
use crate::transaction::{Mode, Tx, transact};

/// The longest reason, in characters.
const MOST_REASON_CHARS: usize = 500;

/// A reason that an operator gives, as it is stored.
///
/// # Errors
/// REQUIRED or INVALID at `reason`.
pub fn clean_reason(input: &str) -> Result<String, UserError> {
    let reason = input.trim();
    if reason.is_empty() {
        return Err(UserError::new(UserErrorKind::Required, "reason", "Say why: the person concerned will read it."));
    }
    if reason.chars().count() > MOST_REASON_CHARS {
        return Err(UserError::invalid("reason", "A reason has at most 500 characters.")
            .rule("reason.long")
            .naming(MOST_REASON_CHARS));
    }
    Ok(reason.to_owned())
}

/// Bans an account: no sign-in, no change, no calls. A second ban updates the reason.
///
/// # Errors
/// NOT_FOUND at `username`, LAST_ADMIN, INVALID at `reason`; [`AuthError::Forbidden`] for an operator who means an admin.
pub async fn ban(services: &Services, caller: &Arc<Caller>, username: &str, reason: &str) -> Result<Changed, Error> {
    let (username, reason) = (clean_username(username).map_err(|_| no_such_account())?, clean_reason(reason)?);
    transact(services, caller, Action::BanAccount, Mode::Commit, move |tx| {
        Box::pin(async move {
            let (permit, account) = take(tx, Action::BanAccount, &username).await?;
            if account.role == Role::Admin && accounts::queries::count_other_admins(tx.conn, account.id).await? == 0 {
                return Err(UserError::new(UserErrorKind::LastAdmin, "username", "This is the last admin.").into());
            }
            let id = RestrictionId::new(tx.rng(), tx.now);
            let by = permit.actor().account();
            let new = NewRestriction::new(id, account.id.into(), RestrictionSource::Ban, &reason, tx.now, by);
            restrictions::apply(tx.conn, &permit, &new).await?;
            accounts::proof_queries::end_sessions(tx.conn, &permit, account.id, None).await?;
            tx.notify(Notification::AccountEnded(account.id));
            tell(tx, &account).await?;
            tx.audit(&permit, Some(account.id.global()), format!("{} was banned: {reason}", account.username)).await?;
            Ok(Changed { account: account.id })
        })
    })
    .await
}

/// Lifts a ban; an account that is not banned stays as it is.
///
/// # Errors
/// NOT_FOUND at `username`; [`AuthError::Forbidden`] for an operator who means an admin.
pub async fn unban(services: &Services, caller: &Arc<Caller>, username: &str) -> Result<Changed, Error> {
    let username = clean_username(username).map_err(|_| no_such_account())?;
    transact(services, caller, Action::UnbanAccount, Mode::Commit, move |tx| {
        Box::pin(async move {
            let (permit, account) = take(tx, Action::UnbanAccount, &username).await?;
            if restrictions::lift(tx.conn, &permit, account.id.into(), RestrictionSource::Ban).await? {
                tell(tx, &account).await?;
                tx.audit(&permit, Some(account.id.global()), format!("the ban of {} was lifted", account.username))
                    .await?;
            }
            Ok(Changed { account: account.id })
        })
    })
    .await
}

/// Takes the locks of the account and of the events where it owns something, and asks whether the caller may.
async fn take(tx: &mut Tx<'_>, action: Action, username: &str) -> Result<(Permit, Account), Error> {
    locks::named(tx.conn, "admins").await?;
    let found = accounts::queries::by_username(tx.conn, username).await?;
    if let Some(account) = &found {
        locks::accounts(tx.conn, &[account.id], LockMode::Exclusive).await?;
        let events = queries::events_of(tx.conn, account.id).await?;
        locks::events(tx.conn, &events).await?;
    }
    let permit = tx.permit(action).await?;
    let account = found.ok_or_else(no_such_account)?;
    if account.role == Role::Admin && !permit.actor().is_at_least(Role::Admin) {
        return Err(AuthError::Forbidden.into());
    }
    Ok((permit, account))
}

/// Marks every feed entry that shows what the account owns, and the directories that list it.
async fn tell(tx: &mut Tx<'_>, account: &Account) -> Result<(), Error> {
    for shown in queries::shown_of(tx.conn, account.id).await? {
        tx.notify(Notification::Directory(shown.feed.event));
        tx.changes.record(shown.feed, shown.extension, shown.slot, EntryChange::Touch);
    }
    Ok(())
}
