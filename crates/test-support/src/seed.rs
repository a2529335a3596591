//! The rows that every fixture starts with: an account, an event, a service type and an API key.

use diesel::ExpressionMethods as _;
use diesel_async::RunQueryDsl as _;
use platform::store::Conn;
use platform::store::schema::{accounts, api_key_service_types, api_keys, events, service_types};
use platform::store::types::JsonValue;
use serde_json::{Value, json};

use super::{Fixture, NOW};

/// The parameter schema of the service type.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "password": {
                "type": "string",
                "x-secret": true,
                "x-digest": { "username": "{number}", "realm": "{settings.realm}" }
            },
            "mac": { "type": "string", "format": "mac", "x-unique": "SERVICE_TYPE" },
            "imsi": { "type": "string", "x-editable-by": "CONSUMER", "x-visible-to": "CONSUMER" },
            "last_registered": { "type": "string", "x-status": true }
        }
    })
}

impl Fixture {
    /// Inserts the rows.
    pub async fn seed(&self) {
        let fixture = self.clone();
        self.write(move |conn| Box::pin(async move { fixture.insert_rows(conn).await })).await;
    }

    async fn insert_rows(&self, conn: &mut Conn) {
        let Conn::Sqlite(c) = conn else { panic!("the tests are on SQLite") };
        let none = JsonValue(json!([]));
        diesel::insert_into(accounts::table)
            .values((
                accounts::id.eq(self.owner),
                accounts::username.eq("zoe"),
                accounts::display_name.eq("Zoe"),
                accounts::email.eq("zoe@example.org"),
                accounts::password_hash.eq(""),
                accounts::role.eq("USER"),
                accounts::search.eq("zoe"),
                accounts::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(events::table)
            .values((
                events::id.eq(self.feed.event),
                events::slug.eq("camp"),
                events::name.eq("Camp"),
                events::phase.eq("OPEN"),
                events::time_zone.eq("UTC"),
                events::hold_seconds.eq(1800),
                events::reserved_prefixes.eq(&none),
                events::next_slot.eq(1),
                events::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        self.insert_service_type_and_key(conn).await;
    }

    async fn insert_service_type_and_key(&self, conn: &mut Conn) {
        let Conn::Sqlite(c) = conn else { panic!("the tests are on SQLite") };
        diesel::insert_into(service_types::table)
            .values((
                service_types::id.eq(self.feed.service_type),
                service_types::slug.eq("sip"),
                service_types::name.eq("SIP"),
                service_types::description.eq(""),
                service_types::instructions.eq(""),
                service_types::parameter_schema.eq(JsonValue(schema())),
                service_types::schema_version.eq(1),
                service_types::behaviour.eq("ENDPOINT"),
                service_types::privileged.eq(false),
                service_types::group_capable.eq(true),
                service_types::retired.eq(false),
                service_types::settings.eq(JsonValue(json!({ "realm": "camp.example" }))),
                service_types::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::id.eq(self.key),
                api_keys::prefix.eq("abc"),
                api_keys::secret_hash.eq(vec![0u8; 32]),
                api_keys::label.eq("registrar"),
                api_keys::scopes.eq("READ_SECRETS"),
                api_keys::all_events.eq(true),
                api_keys::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(api_key_service_types::table)
            .values((
                api_key_service_types::api_key_id.eq(self.key),
                api_key_service_types::service_type_id.eq(self.feed.service_type),
            ))
            .execute(c)
            .await
            .unwrap();
    }
}
