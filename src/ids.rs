//! The ids of every kind of row: one type each, so that none can be taken for another.

use crate::clock::{Rng, Timestamp};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        $(
            $crate::id_type! { $(#[$meta])* $name }

            impl $name {
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
    AccountId,
    /// A signed-in browser or program.
    SessionId,
    /// A restriction of an account, a number or an extension.
    RestrictionId,
    /// An event: one numbering plan.
    EventId,
    /// A range of numbers.
    NumberRangeId,
    /// A service type.
    ServiceTypeId,
    /// A call permission.
    CallPermissionId,
    /// A template of a service type.
    TemplateId,
    /// An API key.
    ApiKeyId,
    /// A touched number's row.
    NumberId,
    /// One step in a number's history.
    NumberHistoryId,
    /// An extension.
    ExtensionId,
    /// A membership of an extension in a call group.
    GroupMemberId,
    /// A provisioning feed: one event and one service type.
    FeedId,
    /// A telephone system that reads a feed.
    ConsumerId,
    /// A job.
    JobId,
}
