//! An event and a service type over a temporary SQLite database, with extensions and numbers inserted by SQL.

use std::sync::Arc;

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use events::EventPhase;
use events::rules::{CreateEvent, CreateNumberRange, DEFAULT_HOLD_SECONDS, DEFAULT_TIME_ZONE};
use platform::access::Caller;
use platform::error::{Error, UserError};
use platform::feed_log::{self, FeedRef};
use platform::ids::{AccountId, EventId, ExtensionId, NumberId, NumberRangeId, ServiceTypeId};
use platform::patch::Patch;
use platform::query;
use platform::services::Services;
use platform::store::schema::{accounts, extension_unique_values, extensions, numbers};
use platform::store::types::JsonValue;
use serde_json::{Value, json};
use service_types::{ServiceBehaviour, rules};
use test_support::NOW;

pub struct Fixture {
    pub services: Services,
    pub admin: Arc<Caller>,
    pub owner: AccountId,
    pub event: EventId,
    pub pager: ServiceTypeId,
    _folder: tempfile::TempDir,
}

pub fn pager_schema() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "ric": { "type": "integer", "x-unique": "SERVICE_TYPE" },
        "baud": { "type": "integer" },
    } })
}

pub fn event(slug: &str) -> CreateEvent {
    CreateEvent {
        slug: slug.into(),
        name: "Camp".into(),
        starts_at: None,
        ends_at: None,
        time_zone: DEFAULT_TIME_ZONE.into(),
        phase: EventPhase::Open,
        hold_seconds: DEFAULT_HOLD_SECONDS,
        reserved_prefixes: Vec::new(),
        copy_from: None,
    }
}

pub fn no_changes() -> rules::UpdateServiceType {
    rules::UpdateServiceType {
        slug: "pager".into(),
        name: Patch::Undefined,
        description: Patch::Undefined,
        instructions: Patch::Undefined,
        parameter_schema: Patch::Undefined,
        defaults: None,
        privileged: Patch::Undefined,
        group_capable: Patch::Undefined,
        quota: Patch::Undefined,
        member_limit: Patch::Undefined,
        settings: Patch::Undefined,
        retired: Patch::Undefined,
        expected_schema_version: None,
        dry_run: false,
    }
}

pub fn new_schema(change: impl FnOnce(&mut Value)) -> rules::UpdateServiceType {
    let mut schema = pager_schema();
    change(&mut schema);
    rules::UpdateServiceType { parameter_schema: Patch::Value(schema), ..no_changes() }
}

pub fn problem<T>(result: Result<T, Error>) -> UserError {
    match result {
        Err(Error::User(problems)) => problems.into_iter().next().unwrap(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was accepted"),
    }
}

impl Fixture {
    pub async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (services, _) = test_support::services(folder.path(), folder.path().join("switchboard.db"), 1).await;
        let admin = Caller::system("test");
        let pager = rules::CreateServiceType {
            slug: "pager".into(),
            name: "Pager".into(),
            description: String::new(),
            instructions: String::new(),
            parameter_schema: pager_schema(),
            behaviour: ServiceBehaviour::Endpoint,
            privileged: false,
            group_capable: false,
            quota: Some(2),
            member_limit: None,
            settings: None,
        };
        let pager = rules::create_service_type(&services, &admin, pager, Vec::new()).await.unwrap().id;
        let input = CreateEvent { reserved_prefixes: vec!["112".into()], ..event("camp") };
        let event = rules::create_event(&services, &admin, input, vec!["pager".into()]).await.unwrap().id;
        let owner = AccountId::new(&*services.rng, NOW);
        services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    query!(conn, |c| diesel::insert_into(accounts::table)
                        .values((
                            accounts::id.eq(owner),
                            accounts::username.eq("zoe"),
                            accounts::display_name.eq("Zoe"),
                            accounts::email.eq("zoe@example.org"),
                            accounts::password_hash.eq(""),
                            accounts::role.eq("USER"),
                            accounts::search.eq("zoe"),
                            accounts::created_at.eq(NOW),
                        ))
                        .execute(c)
                        .await)?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        Self { services, admin, owner, event, pager, _folder: folder }
    }

    pub async fn extension(&self, slot: i32, number: &'static str, parameters: Value) -> ExtensionId {
        let id = ExtensionId::new(&*self.services.rng, NOW);
        let (event, pager, owner) = (self.event, self.pager, self.owner);
        self.services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    query!(conn, |c| diesel::insert_into(extensions::table)
                        .values((
                            extensions::id.eq(id),
                            extensions::event_id.eq(event),
                            extensions::service_type_id.eq(pager),
                            extensions::owner_id.eq(owner),
                            extensions::slot.eq(slot),
                            extensions::number.eq(number),
                            extensions::label.eq("Zoë's"),
                            extensions::visibility.eq("PUBLIC"),
                            extensions::parameters.eq(JsonValue(parameters)),
                            extensions::status.eq(JsonValue(json!({}))),
                            extensions::created_at.eq(NOW),
                            extensions::updated_at.eq(NOW),
                            extensions::version.eq(1),
                        ))
                        .execute(c)
                        .await)?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        id
    }

    pub async fn number(&self, number: &'static str, state: &'static str) {
        let (id, event, owner) = (NumberId::new(&*self.services.rng, NOW), self.event, self.owner);
        self.services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    query!(conn, |c| diesel::insert_into(numbers::table)
                        .values((
                            numbers::id.eq(id),
                            numbers::event_id.eq(Some(event)),
                            numbers::number.eq(number),
                            numbers::state.eq(state),
                            numbers::account_id.eq(Some(owner)),
                            numbers::version.eq(1),
                        ))
                        .execute(c)
                        .await)?;
                    Ok(())
                })
            })
            .await
            .unwrap();
    }

    pub async fn range(&self, first: &str, last: &str) -> Result<NumberRangeId, Error> {
        let input = CreateNumberRange {
            event: "camp".into(),
            first: first.into(),
            last: last.into(),
            label: "Open".into(),
            privileged: false,
        };
        rules::create_range(&self.services, &self.admin, input, Vec::new()).await.map(|changed| changed.id)
    }

    pub async fn update(&self, input: rules::UpdateServiceType) -> rules::UpdateOutcome {
        rules::update_service_type(&self.services, &self.admin, input, Vec::new()).await
    }

    pub async fn stored(&self, id: ExtensionId) -> (Value, i32) {
        let conn = &mut *self.services.store.read().await.unwrap();
        let row: (JsonValue, i32) = query!(conn, |c| extensions::table
            .find(id)
            .select((extensions::parameters, extensions::version))
            .first(c)
            .await)
        .unwrap();
        (row.0.0, row.1)
    }

    pub async fn schema_version(&self) -> i32 {
        let conn = &mut *self.services.store.read().await.unwrap();
        service_types::service_type_by_slug(conn, "pager").await.unwrap().unwrap().schema_version
    }

    pub async fn head(&self) -> i64 {
        let conn = &mut *self.services.store.read().await.unwrap();
        let feed = feed_log::feed_of(conn, FeedRef { event: self.event, service_type: self.pager }).await.unwrap();
        feed.map_or(0, |feed| feed.head)
    }

    pub async fn unique_values(&self) -> Vec<String> {
        let conn = &mut *self.services.store.read().await.unwrap();
        query!(conn, |c| extension_unique_values::table
            .select(extension_unique_values::value)
            .order(extension_unique_values::value)
            .load(c)
            .await)
        .unwrap()
    }
}
