//! The roots of the API, put together from the domains.

use async_graphql::{MergedObject, Schema};

use crate::accounts::graphql::{AccountsMutation, AccountsQuery};
use crate::api_keys::graphql::{ApiKeysMutation, ApiKeysQuery};
use crate::audit::graphql::AuditQuery;
use crate::extensions::graphql::{ExtensionsMutation, ExtensionsQuery};
use crate::service_types::graphql::{ConfigMutation, ConfigQuery};
use crate::moderation::graphql::ModerationMutation;

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(AccountsQuery, AuditQuery, ConfigQuery, ApiKeysQuery, ExtensionsQuery);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(AccountsMutation, ModerationMutation, ConfigMutation, ApiKeysMutation, ExtensionsMutation);

/// Everything that can be followed.
pub type Subscription = async_graphql::EmptySubscription;

/// The schema of the installation.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;
