//! The root types of the API, merged from those of the domains.

use async_graphql::{MergedObject, MergedSubscription, Schema};

use super::node::NodeQuery;
use crate::graphql::accounts::{AccountsMutation, AccountsQuery};
use crate::graphql::api_keys::{ApiKeysMutation, ApiKeysQuery};
use crate::graphql::audit::AuditQuery;
use crate::graphql::bans::ModerationMutation;
use crate::graphql::directory::{DirectoryQuery, DirectorySubscription};
use crate::graphql::events::{EventsMutation, EventsQuery};
use crate::graphql::extensions::{ExtensionsMutation, ExtensionsQuery};
use crate::graphql::groups::{GroupsMutation, GroupsQuery};
use crate::graphql::import_export::ImportMutation;
use crate::graphql::numbers::{NumbersMutation, NumbersQuery};
use crate::graphql::personal_data::{PersonalDataMutation, PersonalDataQuery};
use crate::graphql::provisioning::{
    DevicesMutation, ProvisioningMutation, ProvisioningQuery, ProvisioningSubscription, WebHookMutation,
};
use crate::graphql::service_types::{ServiceTypesMutation, ServiceTypesQuery};
use crate::graphql::templates::TemplatesMutation;

/// The queries of the API.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    AccountsQuery,
    AuditQuery,
    EventsQuery,
    ServiceTypesQuery,
    ApiKeysQuery,
    NumbersQuery,
    ExtensionsQuery,
    GroupsQuery,
    DirectoryQuery,
    ProvisioningQuery,
    PersonalDataQuery,
);

/// The mutations of the API.
#[derive(MergedObject, Default)]
pub struct Mutation(
    AccountsMutation,
    ModerationMutation,
    EventsMutation,
    ServiceTypesMutation,
    TemplatesMutation,
    ApiKeysMutation,
    NumbersMutation,
    ExtensionsMutation,
    ImportMutation,
    GroupsMutation,
    ProvisioningMutation,
    DevicesMutation,
    WebHookMutation,
    PersonalDataMutation,
);

/// The subscriptions of the API.
#[derive(MergedSubscription, Default)]
pub struct Subscription(DirectorySubscription, ProvisioningSubscription);

/// The schema of the installation.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;
