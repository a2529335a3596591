//! The root types of the API, merged from those of the domains.

use async_graphql::{MergedObject, MergedSubscription, Schema};

use super::node::NodeQuery;
use crate::accounts::graphql::{AccountsMutation, AccountsQuery};
use crate::api_keys::graphql::{ApiKeysMutation, ApiKeysQuery};
use crate::audit::graphql::AuditQuery;
use crate::directory::graphql::{DirectoryQuery, DirectorySubscription};
use crate::event_files::graphql::EventFilesMutation;
use crate::extensions::graphql::{ExtensionsMutation, ExtensionsQuery};
use crate::groups::graphql::{GroupsMutation, GroupsQuery};
use crate::moderation::graphql::ModerationMutation;
use crate::numbers::graphql::{NumbersMutation, NumbersQuery};
use crate::personal_data::graphql::{PersonalDataMutation, PersonalDataQuery};
use crate::provisioning::graphql::{
    DevicesMutation, ProvisioningMutation, ProvisioningQuery, ProvisioningSubscription, WebHookMutation,
};
use crate::service_types::graphql::{ConfigMutation, ConfigQuery};

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    AccountsQuery,
    AuditQuery,
    ConfigQuery,
    ApiKeysQuery,
    NumbersQuery,
    ExtensionsQuery,
    GroupsQuery,
    DirectoryQuery,
    ProvisioningQuery,
    PersonalDataQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    AccountsMutation,
    ModerationMutation,
    ConfigMutation,
    ApiKeysMutation,
    NumbersMutation,
    ExtensionsMutation,
    EventFilesMutation,
    GroupsMutation,
    ProvisioningMutation,
    DevicesMutation,
    WebHookMutation,
    PersonalDataMutation,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(DirectorySubscription, ProvisioningSubscription);

/// The schema of the installation.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;
