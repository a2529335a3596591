//! The setup link, with which the first admin is created.

use std::sync::Arc;

use platform::access::{Caller, Role};
use platform::error::Error;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::candidate::{Candidate, EmailStatus, RegisterAccount, ReservedNames};
use super::{Changed, parse_mail_token, take_hashes, unknown_token};
use crate::actions;
use crate::model::{MailToken, MailTokenPurpose};
use crate::token::Token;
use crate::{queries, session_queries};

/// Creates a single-use setup token if there is no admin yet. Older setup tokens become invalid.
///
/// # Errors
/// When the database fails.
pub async fn issue_setup_token(services: &Services) -> Result<Option<Token>, Error> {
    let inner = services.clone();
    services
        .store
        .write(move |conn| {
            Box::pin(async move {
                // Not whether there are accounts: a stranger may have registered before the admin.
                if queries::count_admins(conn).await? > 0 {
                    return Ok(None);
                }
                let now = inner.now();
                session_queries::invalidate_mail_tokens(conn, None, MailTokenPurpose::Setup, now).await?;
                let token = Token::generate(&*inner.rng);
                let row = MailToken::new(&token, None, MailTokenPurpose::Setup, None, now);
                session_queries::insert_mail_token(conn, &row).await?;
                Ok(Some(token))
            })
        })
        .await
}

/// Creates the first admin with the token of the setup link.
///
/// # Errors
/// TOKEN_EXPIRED if the link was used or has expired, or an admin exists; INVALID and WEAK_PASSWORD at the field
/// concerned; RATE_LIMITED after too many attempts from this address.
pub async fn complete_setup(
    services: &Services,
    caller: &Arc<Caller>,
    token: &str,
    input: RegisterAccount,
) -> Result<Changed, Error> {
    take_hashes(services, caller, 1)?;
    let token = parse_mail_token(services, token, MailTokenPurpose::Setup).await?;
    let candidate = Candidate::new(&input, ReservedNames::Permitted)?.hash(services, caller).await?;
    let inner = services.clone();
    transact!(services, caller, actions::COMPLETE_SETUP, Mode::Commit, |tx| {
        platform::locks::named(tx.conn, "admins").await?;
        let permit = tx.permit().await?;
        let used =
            session_queries::consume_mail_token(tx.conn, &token.token_hash, MailTokenPurpose::Setup, tx.now).await?;
        if used.is_none() || queries::count_admins(tx.conn).await? > 0 {
            return Err(unknown_token(&inner).into());
        }
        let account = candidate.insert(tx, &permit, Role::Admin, EmailStatus::Verified).await?;
        Ok(Changed { account: account.id })
    })
    .await
}
