//! The export of everything that is held about one person.
//!
//! It is read in one transaction. Of other people it holds only the numbers that call the person's extensions or are called by
//! them; who acted on the person, and on whom the person acted, is left out.

use std::sync::Arc;

use platform::access::Caller;
use platform::audit;
use platform::clock::Timestamp;
use platform::error::{AuthError, Error};
use platform::services::Services;
use platform::store::types::Id;
use platform::transact;
use platform::transaction::Mode;
use restrictions::{Restriction, TargetKind};
use serde_json::{Value, json};

use crate::hooks::{AccountHooks, Export};
use crate::{Account, actions, proof_queries, queries};

/// Everything held about the caller, as JSON. The export is recorded in the audit.
///
/// # Errors
/// [`AuthError`] for any caller but a signed-in person; when the database fails.
pub async fn export(services: &Services, caller: &Arc<Caller>) -> Result<Value, Error> {
    let id = caller.actor.demand_person()?.id;
    let now = services.now();
    let with_secrets = caller.actor.demand_recent_sign_in(now).is_ok();
    let mut request = Caller::clone(caller);
    request.idempotency = None;
    transact!(services, &Arc::new(request), actions::EXPORT_MY_DATA, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        tx.audit(&permit, Some(id.global()), "everything held about the account was exported").await
    })
    .await?;
    let shared = services.clone();
    let mut document = services
        .store
        .snapshot(move |conn| {
            Box::pin(async move {
                let mut export = Export { conn, sealer: &shared.sealer, account: id, now, with_secrets };
                let mut document = own_sections(&mut export).await?;
                for hook in shared.hooks.all::<dyn AccountHooks>() {
                    for (key, section) in hook.export(&mut export).await? {
                        document[key] = section;
                    }
                }
                Ok(document)
            })
        })
        .await?;
    for hook in services.hooks.all::<dyn AccountHooks>() {
        hook.annotate_export(services, &mut document).await?;
    }
    Ok(document)
}

/// The sections of the accounts' own domain.
async fn own_sections(export: &mut Export<'_>) -> Result<Value, Error> {
    let account = queries::by_id(export.conn, export.account).await?.ok_or(AuthError::Unauthenticated)?;
    Ok(json!({
        "exportedAt": export.now.to_string(),
        "account": account_section(export, &account).await?,
        "sessions": sessions(export).await?,
        "mailedLinks": mailed_links(export).await?,
        "audit": audit_section(export, &account).await?,
    }))
}

async fn account_section(export: &mut Export<'_>, account: &Account) -> Result<Value, Error> {
    Ok(json!({
        "id": account.id.global(),
        "username": account.username,
        "displayName": account.display_name,
        "email": account.email,
        "emailVerifiedAt": time(account.email_verified_at),
        "role": account.role.as_str(),
        "createdAt": account.created_at.to_string(),
        "restrictions": restrictions_of(export, TargetKind::Account, Id(account.id.0)).await?,
    }))
}

async fn sessions(export: &mut Export<'_>) -> Result<Value, Error> {
    let rows = proof_queries::sessions_of(export.conn, export.account, export.now).await?.into_iter();
    Ok(rows
        .map(|row| {
            json!({
                "id": row.id.global(),
                "createdAt": row.created_at.to_string(),
                "lastSeenAt": row.last_seen_at.to_string(),
                "expiresAt": row.expires_at.to_string(),
                "passwordGivenAt": row.reauthenticated_at.to_string(),
                "userAgent": row.user_agent,
            })
        })
        .collect())
}

/// Links that were mailed, without their tokens, which are stored nowhere.
async fn mailed_links(export: &mut Export<'_>) -> Result<Value, Error> {
    let rows = proof_queries::mail_tokens_of(export.conn, export.account).await?.into_iter();
    Ok(rows
        .map(|row| {
            json!({
                "purpose": row.purpose.as_str(),
                "email": row.email,
                "createdAt": row.created_at.to_string(),
                "expiresAt": row.expires_at.to_string(),
                "usedAt": time(row.used_at),
            })
        })
        .collect())
}

/// What the person did, and what was done to the account. A summary may name other people, so it is included only where it
/// concerns the account itself.
async fn audit_section(export: &mut Export<'_>, account: &Account) -> Result<Value, Error> {
    let own = account.id.global();
    let rows = audit::concerning(export.conn, &account.username, &own).await?.into_iter();
    Ok(rows
        .map(|row| {
            let concerns_account = row.entity.as_deref() == Some(own.as_str());
            json!({
                "at": row.at.to_string(),
                "action": row.action,
                "byMyself": row.actor == account.username,
                "summary": concerns_account.then_some(row.summary),
            })
        })
        .collect())
}

/// The restrictions of a target, as an export shows them.
///
/// # Errors
/// When the database refuses.
pub async fn restrictions_of(export: &mut Export<'_>, kind: TargetKind, id: Id) -> Result<Value, Error> {
    let rows = restrictions::of_targets(export.conn, kind, &[id]).await?.into_iter();
    Ok(rows.map(|row| restriction(&row)).collect())
}

fn restriction(row: &Restriction) -> Value {
    json!({
        "source": row.source.as_str(),
        "effects": row.effects().iter().map(|effect| effect.as_str()).collect::<Vec<_>>(),
        "reason": row.reason,
        "createdAt": row.created_at.to_string(),
    })
}

/// An instant as an export shows it: RFC 3339, or null.
pub fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
