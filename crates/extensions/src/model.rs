//! The row of an extension.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::clock::Timestamp;
use platform::ids::{AccountId, EventId, ExtensionId, ServiceTypeId};
use platform::store::schema::extensions;
use platform::store::types::JsonValue;

use super::visibility::Visibility;

/// A number in service with its owner, service type and parameters.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, diesel::AsChangeset)]
#[diesel(table_name = extensions, treat_none_as_null = true)]
pub struct Extension {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub owner_id: AccountId,
    /// A small stable integer, unique in the event and never reused.
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub visibility: Visibility,
    /// The parameters without secrets and status.
    pub parameters: JsonValue,
    /// The secret parameters as a sealed JSON object.
    pub secrets: Option<Vec<u8>>,
    /// The parameters that telephone systems report.
    pub status: JsonValue,
    pub fallback_extension_id: Option<ExtensionId>,
    /// A fallback outside the event.
    pub fallback_number: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i32,
}

/// An extension with the username of its owner.
#[derive(Clone, Debug, Queryable)]
pub struct OwnedExtension {
    pub row: Extension,
    pub username: String,
}

impl Extension {
    /// A new extension without settings. Its slot is 0 until the caller allocates one.
    pub fn new(
        id: ExtensionId,
        (event_id, service_type_id, owner_id): (EventId, ServiceTypeId, AccountId),
        number: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            event_id,
            service_type_id,
            owner_id,
            slot: 0,
            number: number.to_owned(),
            label: String::new(),
            visibility: Visibility::default(),
            parameters: JsonValue::default(),
            secrets: None,
            status: JsonValue::default(),
            fallback_extension_id: None,
            fallback_number: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}
