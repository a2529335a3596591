//! Everything that is held about one person.
//!
//! It is read in one instant. Of others there are only the numbers that ring the person's extensions or are rung by them;
//! who acted on the person, and on whom the person acted, is not in it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::access::{Action, Caller};
use crate::accounts::Account;
use crate::clock::Timestamp;
use crate::error::{AuthError, Error};
use crate::extensions::{Extension, sealed};
use crate::groups::Membership;
use crate::ids::{AccountId, EventId};
use crate::restrictions::{Restriction, TargetKind};
use crate::secrets::Sealer;
use crate::service_types::compiled;
use crate::service_types::schema::{Parameters, Viewer};
use crate::services::Services;
use crate::store::Conn;
use crate::store::types::Id;
use crate::transaction::{Mode, transact};
use crate::{accounts, audit, extensions, groups, numbers, provisioning, restrictions, service_types};

/// Everything held about the caller, as JSON. It is recorded in the audit.
///
/// # Errors
/// [`AuthError`] for anybody but a signed-in person; when the database fails.
pub async fn export(services: &Services, caller: &Arc<Caller>) -> Result<Value, Error> {
    let id = caller.actor.demand_person()?.id;
    let now = services.now();
    let with_secrets = caller.actor.demand_recent_sign_in(now).is_ok();
    let mut request = Caller::clone(caller);
    request.idempotency = None;
    transact(services, &Arc::new(request), Action::ExportMyData, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit(Action::ExportMyData).await?;
            tx.audit(&permit, Some(id.global()), "everything held about the account was exported").await
        })
    })
    .await?;
    let sealer = Arc::clone(&services.sealer);
    let (mut found, own) = services
        .store
        .snapshot(move |conn| {
            Box::pin(async move { Reader { conn, sealer: &sealer, id, now, with_secrets }.everything().await })
        })
        .await?;
    for (extension, shown) in own.iter().zip(found["extensions"].as_array_mut().into_iter().flatten()) {
        let statuses = provisioning::statuses_of(services, extension.id).await?.into_iter();
        let status = |status: provisioning::model::ConsumerStatus| {
            json!({
                "consumer": status.consumer,
                "state": status.state.as_str(),
                "at": time(status.at),
                "message": status.message,
            })
        };
        shown["provisioning"] = statuses.map(status).collect();
    }
    Ok(found)
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// Reads what is held about one account.
struct Reader<'c> {
    conn: &'c mut Conn,
    sealer: &'c Sealer,
    id: AccountId,
    now: Timestamp,
    with_secrets: bool,
}

impl Reader<'_> {
    async fn everything(mut self) -> Result<(Value, Vec<Extension>), Error> {
        let account = accounts::queries::by_id(self.conn, self.id).await?.ok_or(AuthError::Unauthenticated)?;
        let own = extensions::queries::of_owner(self.conn, self.id).await?;
        let mut shown = Vec::with_capacity(own.len());
        for row in &own {
            shown.push(self.extension(row).await?);
        }
        let found = json!({
            "exportedAt": self.now.to_string(),
            "account": self.account(&account).await?,
            "sessions": self.sessions().await?,
            "mailedLinks": self.mailed_links().await?,
            "extensions": shown,
            "numbers": self.numbers().await?,
            "numberHistory": self.number_history().await?,
            "audit": self.audit(&account).await?,
        });
        Ok((found, own))
    }

    async fn account(&mut self, account: &Account) -> Result<Value, Error> {
        Ok(json!({
            "id": account.id.global(),
            "username": account.username,
            "displayName": account.display_name,
            "email": account.email,
            "emailVerifiedAt": time(account.email_verified_at),
            "role": account.role.as_str(),
            "createdAt": account.created_at.to_string(),
            "restrictions": self.restrictions(TargetKind::Account, Id(account.id.0)).await?,
        }))
    }

    async fn sessions(&mut self) -> Result<Value, Error> {
        let rows = accounts::proof_queries::sessions_of(self.conn, self.id, self.now).await?.into_iter();
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

    /// Links that were mailed, without the tokens: those are nowhere stored.
    async fn mailed_links(&mut self) -> Result<Value, Error> {
        let rows = accounts::proof_queries::mail_tokens_of(self.conn, self.id).await?.into_iter();
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

    async fn restrictions(&mut self, kind: TargetKind, id: Id) -> Result<Value, Error> {
        let rows = restrictions::of_targets(self.conn, kind, &[id]).await?.into_iter();
        Ok(rows.map(|row| restriction(&row)).collect())
    }

    async fn extension(&mut self, row: &Extension) -> Result<Value, Error> {
        let kind = service_types::queries::service_type_by_id(self.conn, row.service_type_id).await?;
        let (parameters, credentials) = match &kind {
            None => (Parameters::new(), None),
            Some(kind) => {
                let schema = compiled(kind)?;
                let mut values = row.parameters.0.as_object().cloned().unwrap_or_default();
                values.extend(row.status.0.as_object().cloned().unwrap_or_default());
                let secrets = sealed::open(self.sealer, row.id, row.secrets.as_deref())?;
                let credentials = self.with_secrets.then(|| schema.visible(&secrets, Viewer::Owner));
                (schema.visible(&values, Viewer::Owner), credentials)
            }
        };
        let granted = extensions::queries::permissions_of(self.conn, row.id).await?;
        let permissions = service_types::queries::all_permissions(self.conn).await?.into_iter();
        let permissions: Vec<_> = permissions.filter(|row| granted.contains(&row.id)).map(|row| row.slug).collect();
        let fallback = match row.fallback_extension_id {
            Some(id) => extensions::queries::number_of(self.conn, id).await?,
            None => row.fallback_number.clone(),
        };
        let members = groups::queries::members_of(self.conn, row.id).await?;
        let member_of = groups::queries::memberships_of(self.conn, row.id).await?;
        Ok(json!({
            "id": row.id.global(),
            "event": self.event(Some(row.event_id)).await?,
            "serviceType": kind.map(|kind| kind.slug),
            "slot": row.slot,
            "number": row.number,
            "label": row.label,
            "visibility": row.visibility.as_str(),
            "parameters": parameters,
            "credentials": credentials,
            "permissions": permissions,
            "fallbackNumber": fallback,
            "restrictions": self.restrictions(TargetKind::Extension, Id(row.id.0)).await?,
            "members": members.iter().map(|found| membership(found, &found.member.number)).collect::<Value>(),
            "memberOf": member_of.iter().map(|found| membership(found, &found.group.number)).collect::<Value>(),
            "createdAt": row.created_at.to_string(),
            "updatedAt": row.updated_at.to_string(),
            "version": row.version,
        }))
    }

    async fn numbers(&mut self) -> Result<Value, Error> {
        let mut shown = Vec::new();
        for row in numbers::queries::of_account(self.conn, self.id).await? {
            shown.push(json!({
                "event": self.event(row.event_id).await?,
                "number": row.number,
                "state": row.state.as_str(),
                "until": time(row.until),
                "restrictions": self.restrictions(TargetKind::Number, Id(row.id.0)).await?,
            }));
        }
        Ok(Value::Array(shown))
    }

    async fn number_history(&mut self) -> Result<Value, Error> {
        let mut shown = Vec::new();
        for (step, number) in numbers::queries::history_of_account(self.conn, self.id).await? {
            shown.push(json!({
                "event": self.event(number.event_id).await?,
                "number": number.number,
                "at": step.at.to_string(),
                "from": step.from_state.as_str(),
                "to": step.to_state.as_str(),
            }));
        }
        Ok(Value::Array(shown))
    }

    /// What the person did, and what was done to the account. A summary may name others, so it is told only where it is
    /// about the account itself.
    async fn audit(&mut self, account: &Account) -> Result<Value, Error> {
        let own = account.id.global();
        let rows = audit::concerning(self.conn, &account.username, &own).await?.into_iter();
        Ok(rows
            .map(|row| {
                let is_about_me = row.entity.as_deref() == Some(own.as_str());
                json!({
                    "at": row.at.to_string(),
                    "action": row.action,
                    "byMyself": row.actor == account.username,
                    "summary": is_about_me.then_some(row.summary),
                })
            })
            .collect())
    }

    /// The slug of an event; null for the world's plan.
    async fn event(&mut self, id: Option<EventId>) -> Result<Value, Error> {
        let Some(id) = id else { return Ok(Value::Null) };
        let event = service_types::queries::event_by_id(self.conn, id).await?;
        Ok(json!(event.map(|event| event.slug)))
    }
}

fn restriction(row: &Restriction) -> Value {
    json!({
        "source": row.source.as_str(),
        "effects": row.effects().iter().map(|effect| effect.as_str()).collect::<Vec<_>>(),
        "reason": row.reason,
        "createdAt": row.created_at.to_string(),
    })
}

/// A membership, with the number at its other end.
fn membership(found: &Membership, number: &str) -> Value {
    json!({
        "number": number,
        "delaySeconds": found.row.delay_seconds,
        "paused": found.row.paused,
        "membership": found.row.membership.as_str(),
    })
}
