//! Rows of service types.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::clock::Timestamp;
use platform::ids::{NumberRangeId, ServiceTypeId};
use platform::store::schema::{range_service_types, service_types};
use platform::store::types::JsonValue;
use platform::text_enum;

text_enum! {
    /// The role of an extension in a telephone system.
    pub enum ServiceBehaviour {
        /// A device.
        Endpoint = "ENDPOINT",
        /// A group that rings its members.
        CallGroup = "CALL_GROUP",
    }
}

/// A kind of service with the schema of its extensions' parameters.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_types)]
pub struct ServiceType {
    pub id: ServiceTypeId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub instructions: String,
    pub parameter_schema: JsonValue,
    pub schema_version: i32,
    pub behaviour: ServiceBehaviour,
    /// Only operators register extensions of it.
    pub privileged: bool,
    /// Its extensions may join call groups.
    pub group_capable: bool,
    /// The maximum number of extensions per account and event; `None` for no limit.
    pub quota: Option<i32>,
    /// The maximum number of members of a group; `None` for no limit.
    pub member_limit: Option<i32>,
    /// No extensions can be registered; existing ones stay.
    pub retired: bool,
    pub settings: JsonValue,
    pub created_at: Timestamp,
}

/// A service type that may use a number range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = range_service_types)]
pub struct RangeLimit {
    pub range_id: NumberRangeId,
    pub service_type_id: ServiceTypeId,
}
