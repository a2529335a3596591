//! Proofs of a password, and the transactions that rely on them.
//!
//! A password is verified outside the transaction, because that takes 30 ms. Meanwhile it can be changed, and the
//! account banned or deleted. So the verification returns the hash that it compared with, and the transaction compares
//! it again under the account's lock.

use platform::access::{Caller, RefusalReason};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::{AccountId, SessionId};
use platform::locks::{self, LockMode};
use platform::passwords::{Password, PasswordCheck};
use platform::services::Services;
use platform::transaction::Tx;

use super::rate_limited;
use super::throttle::Throttle;
use crate::model::Account;
use crate::{queries, session_queries};

/// Proof that the caller knew the password of an account when it was verified.
pub(crate) struct Proof {
    account: AccountId,
    /// The stored hash that the password matched.
    verified_hash: String,
    /// The session in which the password was given; `None` for a sign-in.
    session: Option<SessionId>,
    /// Whether the hash has a lower cost than new ones.
    needs_rehash: bool,
}

/// What has to be proved, and where the answer is reported.
#[derive(Clone, Copy)]
pub(crate) struct OwnPassword<'p> {
    pub(crate) password: &'p str,
    /// The input field of the password.
    pub(crate) field: &'static str,
    /// Number of hashes of the whole operation.
    pub(crate) hashes: u32,
}

impl Proof {
    /// Verifies a password against the hash of an account; `None` if it does not match. Without an account the
    /// verification takes as long.
    ///
    /// # Errors
    /// When too many passwords wait to be hashed.
    pub(crate) async fn of_sign_in(
        services: &Services,
        caller: &Caller,
        account: Option<&Account>,
        password: &Password,
    ) -> Result<Option<Self>, Error> {
        let Some(account) = account else {
            services.hasher.verify_dummy(caller.address, password).await?;
            return Ok(None);
        };
        Self::verify(services, caller, account, password, None).await
    }

    /// Verifies the caller's own password before a sensitive operation. Failures count by session.
    ///
    /// # Errors
    /// CREDENTIALS_REJECTED at the field of the password; RATE_LIMITED; [`AuthError`] for any caller but a signed-in
    /// person.
    pub(crate) async fn of_caller(services: &Services, caller: &Caller, own: OwnPassword<'_>) -> Result<Self, Error> {
        let person = caller.actor.demand_person()?;
        let (id, session) = (person.id, person.session);
        services.quotas.take_hashes_of_account(caller, id, own.hashes).map_err(|retry| {
            services.refusals.record(RefusalReason::HashQuota);
            rate_limited("", retry.seconds, "Too many passwords were checked for this account. Wait a moment.")
        })?;
        let throttle = Throttle::for_session(session, id);
        let guess = throttle.admit(services).await?;
        let mut conn = services.store.read().await?;
        let account = queries::account_by_id(&mut conn, id).await?.filter(|account| account.deleted_at.is_none());
        drop(conn);
        let account = account.ok_or(AuthError::Unauthenticated)?;
        let password = Password::from_input(own.password);
        match Self::verify(services, caller, &account, &password, Some(session)).await? {
            Some(proof) => Ok(proof),
            None => {
                guess.fail(services, caller).await?;
                Err(rejected(own.field).into())
            }
        }
    }

    async fn verify(
        services: &Services,
        caller: &Caller,
        account: &Account,
        password: &Password,
        session: Option<SessionId>,
    ) -> Result<Option<Self>, Error> {
        let check = services.hasher.verify(caller.address, password, &account.password_hash).await?;
        let proof = |needs_rehash| Self {
            account: account.id,
            verified_hash: account.password_hash.clone(),
            session,
            needs_rehash,
        };
        Ok(match check {
            PasswordCheck::Match => Some(proof(false)),
            PasswordCheck::MatchNeedsRehash => Some(proof(true)),
            PasswordCheck::Mismatch => None,
        })
    }

    /// The account of the proof.
    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    /// The hash that the password matched.
    pub(crate) fn verified_hash(&self) -> &str {
        &self.verified_hash
    }

    /// Whether a new hash should replace the one that was verified.
    pub(crate) const fn needs_rehash(&self) -> bool {
        self.needs_rehash
    }

    /// Locks the account and returns it, if the password that was verified is still its password; `None` otherwise.
    /// Exclusive locks of accounts come before all others except “admins”.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] if the session in which the password was given has ended.
    pub(crate) async fn redeem(&self, tx: &mut Tx<'_>, lock: LockMode) -> Result<Option<Account>, Error> {
        locks::accounts(tx.conn, &[self.account], lock).await?;
        if let Some(id) = self.session {
            let session = session_queries::session_by_id(tx.conn, id).await?;
            session.filter(|session| session.account_id == self.account).ok_or(AuthError::Unauthenticated)?;
        }
        let account = queries::account_by_id(tx.conn, self.account).await?;
        Ok(account.filter(|account| account.deleted_at.is_none() && account.password_hash == self.verified_hash))
    }

    /// As [`Self::redeem`], with the error of a wrong password.
    ///
    /// # Errors
    /// CREDENTIALS_REJECTED at `field` if the password was changed meanwhile; otherwise as [`Self::redeem`].
    pub(crate) async fn redeem_at(
        &self,
        tx: &mut Tx<'_>,
        lock: LockMode,
        field: &'static str,
    ) -> Result<Account, Error> {
        Ok(self.redeem(tx, lock).await?.ok_or_else(|| rejected(field))?)
    }
}

fn rejected(field: &str) -> UserError {
    UserError::new(UserErrorKind::CredentialsRejected, field, "This is not your password.")
}
