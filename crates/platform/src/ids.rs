//! The ids of every kind of row: one type each, so that none can be taken for another.

use crate::clock::{Rng, Timestamp};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $kind:literal),+ $(,)?) => {
        $(
            $crate::id_type! { $(#[$meta])* $name }

            impl $name {
                /// The kind that its global id begins with: the name of the GraphQL type.
                pub const KIND: &'static str = $kind;

                /// The id as clients know it: `Kind:0192…`.
                pub fn global(self) -> String {
                    format!("{}:{}", Self::KIND, self.0.simple())
                }

                /// Reads a global id; nothing for another kind's.
                pub fn from_global(text: &str) -> Option<Self> {
                    let id = text.strip_prefix(Self::KIND)?.strip_prefix(':')?;
                    uuid::Uuid::try_parse(id).ok().map(Self)
                }

                /// A new id, sortable by `now`.
                pub fn new(rng: &dyn Rng, now: Timestamp) -> Self {
                    Self(rng.uuid(now))
                }
            }
        )+
    };
}

ids! {
    /// A person's account.
    AccountId = "Account",
    /// A signed-in browser or program.
    SessionId = "Session",
    /// A restriction of an account, a number or an extension.
    RestrictionId = "Restriction",
    /// An event: one numbering plan.
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
    /// A touched number's row.
    NumberId = "NumberRow",
    /// One step in a number's history.
    NumberHistoryId = "NumberHistoryEntry",
    /// An extension.
    ExtensionId = "Extension",
    /// A membership of an extension in a call group.
    GroupMemberId = "GroupMember",
    /// A provisioning feed: one event and one service type.
    FeedId = "Feed",
    /// A telephone system that reads a feed.
    ConsumerId = "FeedConsumer",
    /// A link under which one telephone finds its configuration.
    DeviceLinkId = "DeviceLink",
    /// A job.
    JobId = "Job",
}
