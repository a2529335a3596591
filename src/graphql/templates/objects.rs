//! The GraphQL object of templates.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use platform::access::Role;
use crate::graphql::context::{self, actor};
use crate::graphql::enums;
use crate::graphql::error::ApiError;
use platform::ids::TemplateId;

/// What turns a feed of a service type into the text that a particular telephone system reads.
#[derive(Clone)]
pub struct Template(pub Arc<templates::Template>);

impl Template {
    /// The template of this id, for admins.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: TemplateId) -> Result<Option<Self>, ApiError> {
        if !actor(ctx)?.is_at_least(Role::Admin) {
            return Ok(None);
        }
        let row = templates::template_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }
}

#[Object]
impl Template {
    /// The template's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its name, unique in its service type.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The media type of what it yields.
    async fn content_type(&self) -> &str {
        &self.0.content_type
    }

    /// The kind of text that it yields: it decides how values are escaped.
    async fn format(&self) -> enums::TemplateFormat {
        self.0.format.into()
    }

    /// The template itself, MiniJinja.
    async fn source(&self) -> &str {
        &self.0.source
    }
}
