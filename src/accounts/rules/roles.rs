//! Who may do what: roles.

use std::sync::Arc;

use super::{Changed, clean_username};
use crate::access::{Action, Caller, Role};
use crate::accounts::queries;
use crate::error::{Error, UserError, UserErrorKind};
use crate::locks;
use crate::services::Services;
use crate::transaction::{Mode, transact};

/// Gives an account another role. Nobody can demote the last admin.
///
/// # Errors
/// NOT_FOUND at `username`, LAST_ADMIN.
pub async fn set_role(services: &Services, caller: &Arc<Caller>, username: &str, role: Role) -> Result<Changed, Error> {
    let username = clean_username(username).map_err(|_| no_such_account());
    transact(services, caller, Action::SetRole, Mode::Commit, move |tx| {
        Box::pin(async move {
            locks::named(tx.conn, "admins").await?;
            let permit = tx.permit(Action::SetRole).await?;
            let account = queries::by_username(tx.conn, &username?).await?.ok_or_else(no_such_account)?;
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
    })
    .await
}

/// The problem of a username that nobody has.
pub(crate) fn no_such_account() -> UserError {
    UserError::not_found("username", "There is no account of this name.")
}
