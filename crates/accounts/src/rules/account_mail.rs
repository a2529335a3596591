//! Mails that an operation requests without knowing whether there is an account for them.
//!
//! Neither the duration of a request nor what it writes may reveal whether an address has an account. So the request
//! enqueues a job in every case, and the job decides whether a mail is sent, and which.

use platform::access::quotas::MailQuota;
use platform::access::rates::RetryAfter;
use platform::access::{Caller, RefusalReason};
use platform::error::{Error, InternalError, UserError};
use platform::ids::AccountId;
use platform::jobs::{JobKind, JobPriority, NewJob};
use platform::locks::{self, LockMode};
use platform::mail::Mail;
use platform::secrets::SealContext;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::{enqueue_mail, rate_limited};
use crate::model::{Account, MailToken, MailTokenPurpose};
use crate::token::Token;
use crate::{actions, queries, session_queries};

/// Seal context of the payload, which contains an address.
const SEAL_CONTEXT: SealContext<'static> = SealContext::new("jobs", b"", "account_mail");

/// Jobs that decide on the mail of a request. The payload is a sealed [`MailRequest`].
pub static DECIDE_ACCOUNT_MAIL: JobKind = JobKind {
    name: "decide_account_mail",
    priority: JobPriority::High,
    max_attempts: 16,
    sealed_payload: Some(SEAL_CONTEXT),
};

/// A request for a mail. Addresses are canonical.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum MailRequest {
    /// The link that verifies an address for an account; if another account has verified it, a notice to that one.
    Verify { account: AccountId, email: String },
    /// The link once more, for the account that has this address and has not verified it.
    VerifyAgain { email: String },
    /// The link that sets a new password, for the account that has verified the address.
    ResetPassword { email: String },
}

/// Permission to enqueue a [`MailRequest`], from the quotas of its recipient and of its sender.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct MailAdmission(MailQuota);

impl MailAdmission {
    /// Takes a mail to `email` from the quotas of the caller's address and of the recipient.
    ///
    /// # Errors
    /// RATE_LIMITED at `email`.
    pub(crate) fn of_address(services: &Services, caller: &Caller, email: &str) -> Result<Self, UserError> {
        let taken = services.quotas.take_mail_of_address(caller, email);
        taken.map(Self).map_err(|retry| too_many_mails(services, retry))
    }

    /// Takes a mail to `email` from the quotas of the caller's account and of the recipient.
    ///
    /// # Errors
    /// RATE_LIMITED at `email`.
    pub(crate) fn of_account(services: &Services, account: AccountId, email: &str) -> Result<Self, UserError> {
        let taken = services.quotas.take_mail_of_account(account, email);
        taken.map(Self).map_err(|retry| too_many_mails(services, retry))
    }

    /// Enqueues the request, unless its recipient has been sent too many mails.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn enqueue(self, tx: &mut Tx<'_>, request: &MailRequest) -> Result<(), Error> {
        if self.0 == MailQuota::Exhausted {
            return Ok(());
        }
        let payload = serde_json::to_vec(request).map_err(InternalError::new)?;
        let payload = tx.sealer().seal(&SEAL_CONTEXT, &payload).map_err(InternalError::new)?;
        tx.enqueue(NewJob::new(&DECIDE_ACCOUNT_MAIL, payload)).await
    }
}

fn too_many_mails(services: &Services, retry: RetryAfter) -> UserError {
    services.refusals.record(RefusalReason::MailQuota);
    rate_limited("email", retry.seconds, "Too many mails were sent to this address or by you. Try again later.")
}

/// Decides on the mail of a request, and enqueues it.
///
/// # Errors
/// When the payload cannot be read or the database fails.
pub async fn decide_account_mail(services: &Services, payload: &[u8]) -> Result<(), Error> {
    let payload = services.sealer.open(&SEAL_CONTEXT, payload).map_err(InternalError::new)?;
    let request: MailRequest = serde_json::from_slice(&payload).map_err(InternalError::new)?;
    let caller = Caller::system("decide account mail");
    transact!(services, &caller, actions::DECIDE_ACCOUNT_MAIL, Mode::Commit, |tx| {
        match request {
            MailRequest::Verify { account, email } => verify(tx, account, &email).await,
            MailRequest::VerifyAgain { email } => match queries::account_by_unverified_email(tx.conn, &email).await? {
                Some(account) => verify_again(tx, account, &email).await,
                None => Ok(()),
            },
            MailRequest::ResetPassword { email } => reset_password(tx, &email).await,
        }
    })
    .await
}

async fn verify(tx: &mut Tx<'_>, account: AccountId, email: &str) -> Result<(), Error> {
    let Some(account) = lock(tx, account).await? else { return Ok(()) };
    match queries::account_by_verified_email(tx.conn, email).await?.filter(|owner| owner.id != account.id) {
        Some(owner) => enqueue_mail(tx, &Mail::email_taken(&owner.email, &owner.username)).await,
        None => send_verification(tx, &account, email).await,
    }
}

async fn verify_again(tx: &mut Tx<'_>, account: Account, email: &str) -> Result<(), Error> {
    let Some(account) = lock(tx, account.id).await? else { return Ok(()) };
    match queries::account_by_verified_email(tx.conn, email).await? {
        Some(_) => Ok(()),
        None => send_verification(tx, &account, email).await,
    }
}

async fn reset_password(tx: &mut Tx<'_>, email: &str) -> Result<(), Error> {
    let Some(account) = queries::account_by_verified_email(tx.conn, email).await? else { return Ok(()) };
    let Some(account) = lock(tx, account.id).await? else { return Ok(()) };
    let token = issue_mail_token(tx, account.id, MailTokenPurpose::ResetPassword, &account.email).await?;
    enqueue_mail(tx, &Mail::password_reset(&account.email, &account.username, &token.reveal())).await
}

/// Locks an account against a change of its address, a deletion and a ban, and reads it under the lock.
async fn lock(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<Account>, Error> {
    locks::accounts(tx.conn, &[account], LockMode::Shared).await?;
    let account = queries::account_by_id(tx.conn, account).await?;
    Ok(account.filter(|account| account.deleted_at.is_none()))
}

/// Mails a link that verifies `email`. Older links become invalid.
async fn send_verification(tx: &mut Tx<'_>, account: &Account, email: &str) -> Result<(), Error> {
    let token = issue_mail_token(tx, account.id, MailTokenPurpose::VerifyEmail, email).await?;
    enqueue_mail(tx, &Mail::verify_email(email, &account.username, &token.reveal())).await
}

/// Creates a mail token. Older tokens of the same purpose and account become invalid.
async fn issue_mail_token(
    tx: &mut Tx<'_>,
    account: AccountId,
    purpose: MailTokenPurpose,
    email: &str,
) -> Result<Token, Error> {
    session_queries::invalidate_mail_tokens(tx.conn, Some(account), purpose, tx.now).await?;
    let token = Token::generate(tx.rng());
    let row = MailToken::new(&token, Some(account), purpose, Some(email), tx.now);
    session_queries::insert_mail_token(tx.conn, &row).await?;
    Ok(token)
}
