//! The proof that somebody may do something, made inside the transaction that does it.

use super::queries::current_role;
use super::{Action, Actor, Least, Role};
use crate::ids::AccountId;
use crate::problem::{Denied, Problem, ProblemKind, Stop};
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
/// [`Denied`] for a wrong role, RESTRICTED for an account that may not write.
pub async fn permit(conn: &mut Conn, actor: &Actor, action: Action) -> Result<Permit, Stop> {
    let holder = match (action.least(), actor) {
        (_, Actor::System(_)) | (Least::Guest, _) => actor.clone(),
        (Least::Person(_) | Least::Key(_) | Least::PersonOrKey(..), Actor::Guest) => {
            return Err(Denied::Unauthenticated.into());
        }
        (Least::Key(scope) | Least::PersonOrKey(_, scope), Actor::Key(key)) if key.has(scope) => actor.clone(),
        (Least::Person(least) | Least::PersonOrKey(least, _), Actor::Person(person)) => {
            let role = current_role(conn, person.id).await?.ok_or(Denied::Unauthenticated)?;
            if role < least {
                return Err(Denied::Forbidden.into());
            }
            if !action.allowed_while_restricted() {
                refuse_restricted(conn, person.id).await?;
            }
            let mut fresh = (**person).clone();
            fresh.role = role;
            Actor::Person(fresh.into())
        }
        _ => return Err(Denied::Forbidden.into()),
    };
    Ok(Permit { action, actor: holder })
}

async fn refuse_restricted(conn: &mut Conn, account: AccountId) -> Result<(), Stop> {
    let restrictions = restrictions::of_account(conn, account).await?;
    let stopped = restrictions.iter().find(|restriction| restriction.has(RestrictionEffect::NoWrite));
    match stopped {
        None => Ok(()),
        Some(restriction) => {
            let message = format!("Your account may not change anything now: {}", restriction.reason);
            let problem = Problem::new(ProblemKind::Restricted, "", message).rule("account.restricted");
            Err(problem.naming(&restriction.reason).into())
        }
    }
}
