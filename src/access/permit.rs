//! The proof that somebody may do something, made inside the transaction that does it.

use super::queries::current_role;
use super::{Action, Actor, Requirement, Role};
use crate::error::{AuthError, Error, UserError, UserErrorKind};
use crate::ids::AccountId;
use crate::restrictions::{self, RestrictionEffect};
use crate::store::Conn;

/// The proof that the actor may do `action`. Every writing query wants to see one.
#[derive(Clone, Debug)]
pub struct Permit {
    action: Action,
    actor: Actor,
}

impl Permit {
    /// What it permits.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Who holds it.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether the holder may act for others: operators, admins and the program itself.
    pub fn is_staff(&self) -> bool {
        self.actor.is_at_least(Role::Operator)
    }

    /// Whether the holder may act for `owner`: the owner, or staff.
    pub fn is_for(&self, owner: AccountId) -> bool {
        self.is_staff() || self.actor.account() == Some(owner)
    }
}

/// Asks whether `actor` may do `action`, with the role and the restrictions that the database has now.
///
/// # Errors
/// [`AuthError`] for a wrong role, RESTRICTED for an account that may not write.
pub async fn permit(conn: &mut Conn, actor: &Actor, action: Action) -> Result<Permit, Error> {
    let holder = match (action.requirement(), actor) {
        (_, Actor::System(_)) | (Requirement::Guest, _) => actor.clone(),
        (Requirement::Person(_) | Requirement::Key(_) | Requirement::PersonOrKey(..), Actor::Guest) => {
            return Err(AuthError::Unauthenticated.into());
        }
        (Requirement::Key(scope) | Requirement::PersonOrKey(_, scope), Actor::Key(key)) if key.has(scope) => {
            actor.clone()
        }
        (Requirement::Person(least) | Requirement::PersonOrKey(least, _), Actor::Person(person)) => {
            let role = current_role(conn, person.id).await?.ok_or(AuthError::Unauthenticated)?;
            if role < least {
                return Err(AuthError::Forbidden.into());
            }
            if !action.allowed_while_restricted() {
                refuse_restricted(conn, person.id).await?;
            }
            let mut fresh = (**person).clone();
            fresh.role = role;
            Actor::Person(fresh.into())
        }
        _ => return Err(AuthError::Forbidden.into()),
    };
    Ok(Permit { action, actor: holder })
}

async fn refuse_restricted(conn: &mut Conn, account: AccountId) -> Result<(), Error> {
    let restrictions = restrictions::of_account(conn, account).await?;
    let stopped = restrictions.iter().find(|restriction| restriction.has(RestrictionEffect::NoWrite));
    match stopped {
        None => Ok(()),
        Some(restriction) => {
            let message = format!("Your account may not change anything now: {}", restriction.reason);
            let problem = UserError::new(UserErrorKind::Restricted, "", message).rule("account.restricted");
            Err(problem.naming(&restriction.reason).into())
        }
    }
}
