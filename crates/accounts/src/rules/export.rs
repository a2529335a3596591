//! Export of all data about one account (GDPR, article 15).
//!
//! The export is read in one transaction. The only data of other people in it are the numbers with a call edge to the
//! account's extensions. Actors and targets of audit events are omitted.

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
use crate::{Account, actions, queries, session_queries};

/// Exports all data about the caller as JSON, and records the export in the audit.
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
                    for section in hook.export(&mut export).await? {
                        document[section.key] = section.content;
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

/// The sections that this crate contributes.
async fn own_sections(export: &mut Export<'_>) -> Result<Value, Error> {
    let account = queries::account_by_id(export.conn, export.account).await?.ok_or(AuthError::Unauthenticated)?;
    Ok(json!({
        "exportedAt": export.now.to_string(),
        "account": account_section(export, &account).await?,
        "sessions": sessions_section(export).await?,
        "mailedLinks": mailed_links_section(export).await?,
        "audit": audit_section(export, &account).await?,
    }))
}

async fn account_section(export: &mut Export<'_>, account: &Account) -> Result<Value, Error> {
    Ok(json!({
        "id": account.id.global(),
        "username": account.username,
        "displayName": account.display_name,
        "email": account.email,
        "emailVerifiedAt": optional_timestamp(account.email_verified_at),
        "role": account.role.as_str(),
        "createdAt": account.created_at.to_string(),
        "restrictions": restrictions_section(export, TargetKind::Account, Id(account.id.0)).await?,
    }))
}

async fn sessions_section(export: &mut Export<'_>) -> Result<Value, Error> {
    let rows = session_queries::sessions_of_account(export.conn, export.account, export.now).await?.into_iter();
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

/// Links that were mailed, without their tokens: only hashes are stored.
async fn mailed_links_section(export: &mut Export<'_>) -> Result<Value, Error> {
    let rows = session_queries::mail_tokens_of_account(export.conn, export.account).await?.into_iter();
    Ok(rows
        .map(|row| {
            json!({
                "purpose": row.purpose.as_str(),
                "email": row.email,
                "createdAt": row.created_at.to_string(),
                "expiresAt": row.expires_at.to_string(),
                "usedAt": optional_timestamp(row.used_at),
            })
        })
        .collect())
}

/// Audit events of the account as actor or target. A summary may name other people, so it is included only if the
/// target is the account itself.
async fn audit_section(export: &mut Export<'_>, account: &Account) -> Result<Value, Error> {
    let own = account.id.global();
    let rows = audit::concerning(export.conn, &account.username, &own).await?.into_iter();
    Ok(rows
        .map(|row| {
            let is_target = row.entity.as_deref() == Some(own.as_str());
            json!({
                "at": row.at.to_string(),
                "action": row.action,
                "byMyself": row.actor == account.username,
                "summary": is_target.then_some(row.summary),
            })
        })
        .collect())
}

/// The restrictions of a target as JSON.
///
/// # Errors
/// When the database fails.
pub async fn restrictions_section(export: &mut Export<'_>, kind: TargetKind, id: Id) -> Result<Value, Error> {
    let rows = restrictions::of_targets(export.conn, kind, &[id]).await?.into_iter();
    Ok(rows.map(|row| restriction_json(&row)).collect())
}

fn restriction_json(row: &Restriction) -> Value {
    json!({
        "source": row.source.as_str(),
        "effects": row.effects().iter().map(|effect| effect.as_str()).collect::<Vec<_>>(),
        "reason": row.reason,
        "createdAt": row.created_at.to_string(),
    })
}

/// Formats an optional time as RFC 3339.
pub fn optional_timestamp(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
