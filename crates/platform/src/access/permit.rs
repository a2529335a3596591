//! Permits: proofs of authorization, created inside the transaction that performs the action.

use futures_util::future::BoxFuture;

use super::{Action, Actor, Requirement, Role};
use crate::error::{AuthError, Error, InternalError, UserError, UserErrorKind};
use crate::hooks::Hooks;
use crate::ids::AccountId;
use crate::store::Conn;

/// Proof that an actor may perform an action. Every writing query takes one.
#[derive(Clone, Debug)]
pub struct Permit {
    action: Action,
    actor: Actor,
}

impl Permit {
    /// Returns the permitted action.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Returns the actor, with the role at the time of the check.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns whether the actor may act for other people: an operator, an admin or the program itself.
    pub fn is_staff(&self) -> bool {
        self.actor.is_at_least(Role::Operator)
    }

    /// Returns whether the actor may act for `owner`: the owner itself, or staff.
    pub fn is_for(&self, owner: AccountId) -> bool {
        self.is_staff() || self.actor.account() == Some(owner)
    }
}

/// The current privileges of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// The current role.
    pub role: Role,
    /// The reason of a restriction that forbids writes, if there is one.
    pub write_restriction: Option<String>,
}

/// Hook that reads the status of an account. The `accounts` crate implements it.
pub trait AccountStatusSource: Send + Sync {
    /// Reads the status of an account; `None` for a deleted one.
    ///
    /// # Errors
    /// When the statement fails.
    fn account_status<'c>(
        &'c self,
        conn: &'c mut Conn,
        account: AccountId,
    ) -> BoxFuture<'c, Result<Option<AccountStatus>, InternalError>>;
}

/// Reads the status of an account from the registered source; `None` for a deleted one.
///
/// # Errors
/// When the statement fails, or no source is registered.
pub async fn account_status(
    hooks: &Hooks,
    conn: &mut Conn,
    account: AccountId,
) -> Result<Option<AccountStatus>, InternalError> {
    let source = hooks.all::<dyn AccountStatusSource>().first();
    let source = source.ok_or_else(|| InternalError::new("no source of account statuses is registered"))?;
    source.account_status(conn, account).await
}

/// Creates the permit of `actor` for `action`, from the stored role and restrictions of the account.
///
/// # Errors
/// [`AuthError`] for a missing privilege, RESTRICTED for an account with a NO_WRITE restriction, [`Error::Internal`]
/// when the statement fails.
pub async fn permit(hooks: &Hooks, conn: &mut Conn, actor: &Actor, action: Action) -> Result<Permit, Error> {
    let actor = match (action.requirement(), actor) {
        (_, Actor::System(_)) | (Requirement::Guest, _) => actor.clone(),
        (Requirement::Person(_) | Requirement::Key(_) | Requirement::PersonOrKey(..), Actor::Guest) => {
            return Err(AuthError::Unauthenticated.into());
        }
        (Requirement::Key(scope) | Requirement::PersonOrKey(_, scope), Actor::Key(key)) if key.has(scope) => {
            actor.clone()
        }
        (Requirement::Person(least) | Requirement::PersonOrKey(least, _), Actor::Person(person)) => {
            let status = account_status(hooks, conn, person.id).await?.ok_or(AuthError::Unauthenticated)?;
            if status.role < least {
                return Err(AuthError::Forbidden.into());
            }
            if let Some(reason) = status.write_restriction.filter(|_| !action.is_allowed_while_restricted()) {
                return Err(restricted(&reason).into());
            }
            let mut person = (**person).clone();
            person.role = status.role;
            Actor::Person(person.into())
        }
        _ => return Err(AuthError::Forbidden.into()),
    };
    Ok(Permit { action, actor })
}

fn restricted(reason: &str) -> UserError {
    let message = format!("Your account may not change anything now: {reason}");
    UserError::new(UserErrorKind::Restricted, "", message).rule("account.restricted").with_value(reason)
}
