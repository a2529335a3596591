//! GraphQL types and queries of the audit, for operators.

use async_graphql::{Context, ID, Object};
use platform::access::Role;
use platform::audit::AuditEvent as Row;
use platform::audit::{self, Filter};

use crate::connection;
use crate::graphql::context;
use crate::graphql::error::ApiError;
use crate::graphql::paging::Page;
use crate::graphql::scalars::DateTime;

/// A recorded action.
#[derive(Clone)]
pub struct AuditEvent(Row);

/// Prefix of an audit event's global id.
const ID_PREFIX: &str = "AuditEvent:";

impl AuditEvent {
    /// Loads the event with a global id, for operators; returns `None` for another kind of id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_visible(ctx: &Context<'_>, id: &str) -> Result<Option<Self>, ApiError> {
        let is_permitted = context::actor(ctx)?.is_at_least(Role::Operator);
        let seq = id.strip_prefix(ID_PREFIX).and_then(|seq| seq.parse().ok());
        let Some(seq) = seq.filter(|_| is_permitted) else { return Ok(None) };
        Ok(audit::by_seq(&mut *context::read(ctx).await?, seq).await?.map(Self))
    }
}

#[Object]
impl AuditEvent {
    /// The event's id.
    pub async fn id(&self) -> ID {
        ID(format!("{ID_PREFIX}{}", self.0.seq))
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// A username, `key:<prefix>` or `system`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The interface: `graphql`, `command` or `job`.
    async fn via(&self) -> &str {
        &self.0.via
    }

    /// The mutation's name, e.g. `banAccount`; for jobs `system.…`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The id of the target.
    async fn entity(&self) -> Option<ID> {
        self.0.entity.clone().map(ID)
    }

    /// One sentence without secrets.
    async fn summary(&self) -> &str {
        &self.0.summary
    }

    /// The id of the request. Null for jobs and commands.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
}

connection!(AuditEventConnection, AuditEventEdge, AuditEvent, "audit events", total_count);

/// Queries of the audit.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Recorded actions, newest first. For operators.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A username, `key:<prefix>` or `system`.")] actor: Option<String>,
        #[graphql(desc = "The mutation's name.")] action: Option<String>,
        #[graphql(desc = "The id of the target.")] entity: Option<ID>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<AuditEventConnection, ApiError> {
        context::actor(ctx)?.demand(Role::Operator)?;
        let page = Page::new("auditEvents", first, after.as_deref())?;
        let filter = Filter { actor, action, entity: entity.map(|id| id.0), before: page.after_as()? };
        let rows = audit::newest(&mut *context::read(ctx).await?, &filter, page.limit()).await?;
        let store = context::services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                let count = audit::count(&mut *store.read().await?, &filter).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        let page_rows =
            page.paginate(rows.into_iter().map(AuditEvent).collect(), |event: &AuditEvent| event.0.seq.to_string());
        Ok(AuditEventConnection::new(page_rows, total))
    }
}
