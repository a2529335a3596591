//! What people say of themselves.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::passwords::prove;
use super::registration::{may_mail, send_verification};
use super::{Changed, clean_display_name, clean_email, search_text, send};
use crate::model::MailTokenPurpose;
use crate::queries;
use platform::access::Caller;
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::mail::Mail;
use platform::services::Services;
use platform::transaction::Mode;

/// Changes the caller's display name; nothing where it is left out.
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

/// A new address, with the password that allows it.
pub struct ChangeEmail {
    pub email: String,
    pub password: String,
}

/// Begins a change of address: the link goes to the new one, and until it is proved a verified old one stays.
///
/// # Errors
/// INVALID at `email`, CREDENTIALS_REJECTED at `password`, RATE_LIMITED when too many links were sent.
pub async fn change_email(services: &Services, caller: &Arc<Caller>, input: ChangeEmail) -> Result<Changed, Error> {
    let email = clean_email(&input.email)?;
    let account = prove(services, caller, &input.password, "password").await?;
    transact!(services, caller, actions::CHANGE_EMAIL, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        if !may_mail(tx, account.id, MailTokenPurpose::VerifyEmail).await? {
            let kind = UserErrorKind::RateLimited { retry_after_seconds: 3600 };
            return Err(UserError::new(kind, "email", "Too many links were sent. Try again in an hour.").into());
        }
        if account.email_verified_at.is_none() {
            queries::set_unverified_email(tx.conn, &permit, account.id, &email).await?;
        }
        match queries::by_verified_email(tx.conn, &email).await?.filter(|owner| owner.id != account.id) {
            Some(owner) => send(tx, &Mail::email_taken(&owner.email, &owner.username)).await?,
            None => send_verification(tx, &account, &email).await?,
        }
        tx.audit(&permit, Some(account.id.global()), format!("{} asked for another e-mail address", account.username))
            .await?;
        Ok(Changed { account: account.id })
    })
    .await
}
