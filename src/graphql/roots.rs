//! The roots of the API, put together from the domains.

use async_graphql::{MergedObject, MergedSubscription, Schema};

use crate::accounts::graphql::{AccountsMutation, AccountsQuery};
use crate::api_keys::graphql::{ApiKeysMutation, ApiKeysQuery};
use crate::audit::graphql::AuditQuery;
use crate::directory::graphql::{DirectoryQuery, DirectorySubscription};
use crate::extensions::graphql::{ExtensionsMutation, ExtensionsQuery};
use crate::groups::graphql::{GroupsMutation, GroupsQuery};
use crate::moderation::graphql::ModerationMutation;
use crate::provisioning::graphql::{
    ProvisioningMutation, ProvisioningQuery, ProvisioningSubscription, WebHookMutation,
};
use crate::service_types::graphql::{ConfigMutation, ConfigQuery};

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    AccountsQuery,
    AuditQuery,
    ConfigQuery,
    ApiKeysQuery,
    ExtensionsQuery,
    GroupsQuery,
    DirectoryQuery,
    ProvisioningQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    AccountsMutation,
    ModerationMutation,
    ConfigMutation,
    ApiKeysMutation,
    ExtensionsMutation,
    GroupsMutation,
    ProvisioningMutation,
    WebHookMutation,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(DirectorySubscription, ProvisioningSubscription);

/// The schema of the installation.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;
