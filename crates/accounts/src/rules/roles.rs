//! Roles of accounts.

use std::sync::Arc;

use platform::access::{Caller, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::locks;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::{Changed, clean_username};
use crate::actions;
use crate::queries;

/// Changes the role of an account. The last admin cannot be demoted.
///
/// # Errors
/// NOT_FOUND at `username`, LAST_ADMIN; [`AuthError::ReauthenticationRequired`](platform::error::AuthError) without a
/// recent sign-in: a stolen session must not create an admin.
pub async fn set_role(services: &Services, caller: &Arc<Caller>, username: &str, role: Role) -> Result<Changed, Error> {
    let username = clean_username(username).map_err(|_| no_such_account());
    transact!(services, caller, actions::SET_ROLE, Mode::Commit, |tx| {
        locks::named(tx.conn, "admins").await?;
        let permit = tx.permit().await?;
        permit.actor().demand_recent_sign_in(tx.now)?;
        let account = queries::account_by_username(tx.conn, &username?).await?.ok_or_else(no_such_account)?;
        if account.role == Role::Admin
            && role != Role::Admin
            && queries::count_other_admins(tx.conn, account.id).await? == 0
        {
            return Err(UserError::new(UserErrorKind::LastAdmin, "username", "This is the last admin.").into());
        }
        queries::set_role(tx.conn, &permit, account.id, role).await?;
        let summary = format!("{} became {}", account.username, role.as_str());
        tx.audit(&permit, Some(account.id.global()), summary).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

/// Error for a username that no account has.
pub(crate) fn no_such_account() -> UserError {
    UserError::not_found("username", "There is no account of this name.")
}
