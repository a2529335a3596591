//! Changes of the profile: display name and e-mail address.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::{AuthError, Error};
use platform::locks::LockMode;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::account_mail::{MailAdmission, MailRequest};
use super::proof::{OwnPassword, Proof};
use super::{Changed, clean_display_name, clean_email, search_text};
use crate::actions;
use crate::queries;

/// Changes the caller's display name. `None` changes nothing.
///
/// # Errors
/// INVALID at `displayName`.
pub async fn update_profile(
    services: &Services,
    caller: &Arc<Caller>,
    display_name: Option<&str>,
) -> Result<Changed, Error> {
    let display_name = display_name.map(clean_display_name).transpose()?;
    transact!(services, caller, actions::UPDATE_PROFILE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let person = permit.actor().person().ok_or(AuthError::Forbidden)?.clone();
        if let Some(name) = display_name {
            queries::set_display_name(tx.conn, &permit, person.id, &name, &search_text(&person.username, &name))
                .await?;
            tx.audit(&permit, Some(person.id.global()), format!("{} changed the display name", person.username))
                .await?;
        }
        Ok(Changed { account: person.id })
    })
    .await
}

/// Input of [`change_email`].
pub struct ChangeEmail {
    pub email: String,
    /// The caller's current password.
    pub password: String,
}

/// Starts a change of the e-mail address: mails a verification link to the new address. A verified old address stays in
/// place until the new one is verified.
///
/// # Errors
/// INVALID at `email`, CREDENTIALS_REJECTED at `password`, RATE_LIMITED after too many mails or failed passwords.
pub async fn change_email(services: &Services, caller: &Arc<Caller>, input: ChangeEmail) -> Result<Changed, Error> {
    let email = clean_email(&input.email)?;
    let own = OwnPassword { password: &input.password, field: "password", hashes: 1 };
    let proof = Proof::of_caller(services, caller, own).await?;
    let admission = MailAdmission::of_account(services, proof.account(), &email)?;
    transact!(services, caller, actions::CHANGE_EMAIL, Mode::Commit, |tx| {
        let account = proof.redeem_at(tx, LockMode::Exclusive, "password").await?;
        let permit = tx.permit().await?;
        if account.email_verified_at.is_none() {
            queries::set_unverified_email(tx.conn, &permit, account.id, &email).await?;
        }
        admission.enqueue(tx, &MailRequest::Verify { account: account.id, email }).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} asked for another e-mail address", account.username))
            .await?;
        Ok(Changed { account: account.id })
    })
    .await
}
