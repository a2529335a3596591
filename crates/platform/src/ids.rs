//! Typed ids: one type for each kind of row, so that the compiler rejects an id of another kind.

use crate::clock::{Rng, Timestamp};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $kind:literal),+ $(,)?) => {
        $(
            $crate::id_type! { $(#[$meta])* $name }

            impl $name {
                /// The prefix of the global id: the name of the GraphQL type.
                pub const KIND: &'static str = $kind;

                /// Formats the id as the global id of the API: `Kind:0192…`.
                pub fn global(self) -> String {
                    format!("{}:{}", Self::KIND, self.0.simple())
                }

                /// Parses a global id; `None` for another kind and for malformed text.
                pub fn from_global(text: &str) -> Option<Self> {
                    let id = text.strip_prefix(Self::KIND)?.strip_prefix(':')?;
                    uuid::Uuid::try_parse(id).ok().map(Self)
                }

                /// Generates an id (UUIDv7) that sorts by `now`.
                pub fn new(rng: &dyn Rng, now: Timestamp) -> Self {
                    Self(rng.uuid(now))
                }
            }

            impl From<$name> for $crate::feed_log::Entity {
                fn from(id: $name) -> Self {
                    Self { kind: $crate::feed_log::EntityKind::new($name::KIND), id: EntityId(id.0) }
                }
            }
        )+
    };
}

crate::id_type! {
    /// The id of an entity in a feed, of whatever kind.
    EntityId
}

ids! {
    /// A person's account.
    AccountId = "Account",
    /// A session of a signed-in person.
    SessionId = "Session",
    /// A restriction of an account, a number or an extension.
    RestrictionId = "Restriction",
    /// An event, which has its own numbering plan.
    EventId = "Event",
    /// A range of numbers.
    NumberRangeId = "NumberRange",
    /// A service type.
    ServiceTypeId = "ServiceType",
    /// A call permission.
    CallPermissionId = "CallPermission",
    /// A template of a service type.
    TemplateId = "Template",
    /// An API key.
    ApiKeyId = "ApiKey",
    /// A row of a number; an available number of a range needs none.
    NumberId = "NumberRow",
    /// An entry of a number's history.
    NumberHistoryId = "NumberHistoryEntry",
    /// An extension.
    ExtensionId = "Extension",
    /// A membership of an extension in a call group.
    GroupMemberId = "GroupMember",
    /// A provisioning feed: one event and one service type.
    FeedId = "Feed",
    /// A consumer of a feed.
    ConsumerId = "FeedConsumer",
    /// A link to the configuration of one telephone.
    DeviceLinkId = "DeviceLink",
    /// A job.
    JobId = "Job",
}
