//! The rules of the configuration over a temporary SQLite database, with extensions put in directly.

use std::sync::Arc;

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use super::{EventPhase, ServiceBehaviour, TemplateFormat, queries, rules, templates};
use platform::access::Caller;
use platform::access::rates::{Buckets, Rate};
use platform::passwords::Hasher;
use platform::clock::{ManualClock, Rng, SeededRng, Timestamp};
use platform::store::DatabaseUrl;
use platform::error::{Error, UserError, UserErrorKind};
use platform::feed_log::{self, FeedRef};
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, NumberId, ServiceTypeId};
use platform::notifications::Notifier;
use platform::patch::Patch;
use platform::query;
use platform::secrets::Sealer;
use platform::services::{Services, ServicesInner};
use platform::store::Store;
use platform::store::schema::{accounts, extension_permissions, extension_unique_values, extensions, numbers};
use platform::store::types::JsonValue;

const NOW: Timestamp = Timestamp(1_787_000_000_000_000);

struct Camp {
    services: Services,
    admin: Arc<Caller>,
    owner: AccountId,
    event: EventId,
    pager: ServiceTypeId,
    _folder: tempfile::TempDir,
}

fn pager_schema() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "ric": { "type": "integer", "x-unique": "SERVICE_TYPE" },
        "baud": { "type": "integer" },
    } })
}

fn event(slug: &str) -> rules::CreateEvent {
    rules::CreateEvent {
        slug: slug.into(),
        name: "Camp".into(),
        starts_at: None,
        ends_at: None,
        time_zone: rules::DEFAULT_TIME_ZONE.into(),
        phase: EventPhase::Open,
        hold_seconds: rules::DEFAULT_HOLD_SECONDS,
        reserved_prefixes: Vec::new(),
        service_types: Vec::new(),
        copy_from: None,
    }
}

fn nothing() -> rules::UpdateServiceType {
    rules::UpdateServiceType {
        slug: "pager".into(),
        name: Patch::LeftOut,
        description: Patch::LeftOut,
        instructions: Patch::LeftOut,
        parameter_schema: Patch::LeftOut,
        defaults: None,
        privileged: Patch::LeftOut,
        group_capable: Patch::LeftOut,
        quota: Patch::LeftOut,
        member_limit: Patch::LeftOut,
        settings: Patch::LeftOut,
        retired: Patch::LeftOut,
        expected_schema_version: None,
        dry_run: false,
    }
}

fn new_schema(change: impl FnOnce(&mut Value)) -> rules::UpdateServiceType {
    let mut schema = pager_schema();
    change(&mut schema);
    rules::UpdateServiceType { parameter_schema: Patch::Given(schema), ..nothing() }
}

fn problem<T>(result: Result<T, Error>) -> UserError {
    match result {
        Err(Error::User(problems)) => problems.into_iter().next().unwrap(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was accepted"),
    }
}

impl Camp {
    async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(1));
        let services = Services::from(ServicesInner {
            store: Store::open(&DatabaseUrl::Sqlite(folder.path().join("switchboard.db"))).await.unwrap(),
            clock: Arc::clone(&clock) as _,
            sealer: Arc::new(Sealer::load_or_create(folder.path(), None, Arc::clone(&rng)).unwrap()),
            hasher: Arc::new(Hasher::cheap(Arc::clone(&rng)).unwrap()),
            sign_ins: Buckets::new(Rate::per_minute(600), 100, Arc::clone(&clock) as _),
            rng: Arc::clone(&rng),
            notifier: Notifier::default(),
            hooks: platform::hooks::Hooks::default(),
        });
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
        let input = rules::CreateEvent {
            service_types: vec!["pager".into()],
            reserved_prefixes: vec!["112".into()],
            ..event("camp")
        };
        let event = rules::create_event(&services, &admin, input).await.unwrap().id;
        let owner = AccountId::new(&*rng, NOW);
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

    async fn extension(&self, slot: i32, number: &'static str, parameters: Value) -> ExtensionId {
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

    async fn number(&self, number: &'static str, state: &'static str) {
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

    async fn range(&self, first: &str, last: &str) -> Result<platform::ids::NumberRangeId, Error> {
        let input = rules::CreateNumberRange {
            event: "camp".into(),
            first: first.into(),
            last: last.into(),
            label: "Open".into(),
            privileged: false,
            service_types: Vec::new(),
        };
        rules::create_range(&self.services, &self.admin, input).await.map(|changed| changed.id)
    }

    async fn update(&self, input: rules::UpdateServiceType) -> rules::Update {
        rules::update_service_type(&self.services, &self.admin, input, Vec::new()).await
    }

    async fn stored(&self, id: ExtensionId) -> (Value, i32) {
        let conn = &mut *self.services.store.read().await.unwrap();
        let row: (JsonValue, i32) = query!(conn, |c| extensions::table
            .find(id)
            .select((extensions::parameters, extensions::version))
            .first(c)
            .await)
        .unwrap();
        (row.0.0, row.1)
    }

    async fn schema_version(&self) -> i32 {
        let conn = &mut *self.services.store.read().await.unwrap();
        queries::service_type_by_slug(conn, "pager").await.unwrap().unwrap().schema_version
    }

    async fn head(&self) -> i64 {
        let conn = &mut *self.services.store.read().await.unwrap();
        let feed = feed_log::feed_of(conn, FeedRef { event: self.event, service_type: self.pager }).await.unwrap();
        feed.map_or(0, |feed| feed.head)
    }

    async fn unique_values(&self) -> Vec<String> {
        let conn = &mut *self.services.store.read().await.unwrap();
        query!(conn, |c| extension_unique_values::table
            .select(extension_unique_values::value)
            .order(extension_unique_values::value)
            .load(c)
            .await)
        .unwrap()
    }
}

#[tokio::test]
async fn a_schema_that_breaks_extensions_changes_nothing_and_names_them() {
    let camp = Camp::build().await;
    let broken = camp.extension(1, "2001", json!({ "ric": 8 })).await;
    camp.extension(2, "2002", json!({ "ric": 16, "baud": 1200 })).await;
    for dry_run in [true, false] {
        let update = camp
            .update(rules::UpdateServiceType { dry_run, ..new_schema(|schema| schema["required"] = json!(["baud"])) })
            .await;
        assert_eq!(update.breakage.count, 1, "dry run: {dry_run}, {:?}", update.result);
        let named = &update.breakage.named[0];
        assert_eq!((named.extension, named.pointer.as_str(), named.keyword.as_str()), (broken, "/baud", "required"));
        let refused = problem(update.result);
        assert!(matches!(refused.kind, UserErrorKind::SchemaViolation { .. }));
        assert_eq!(refused.path, ["parameterSchema"]);
        assert_eq!((camp.schema_version().await, camp.head().await), (1, 0));
    }
}

#[tokio::test]
async fn defaults_mend_and_the_feed_is_told_of_what_changed() {
    let camp = Camp::build().await;
    let mended = camp.extension(1, "2001", json!({ "ric": 8 })).await;
    let same = camp.extension(2, "2002", json!({ "ric": 16, "baud": 1200 })).await;
    let input = || rules::UpdateServiceType {
        defaults: Some(json!({ "baud": 512 })),
        ..new_schema(|schema| schema["required"] = json!(["baud"]))
    };
    camp.update(rules::UpdateServiceType { dry_run: true, ..input() }).await.result.unwrap();
    assert_eq!(
        (camp.stored(mended).await, camp.schema_version().await, camp.head().await),
        ((json!({ "ric": 8 }), 1), 1, 0)
    );
    camp.update(input()).await.result.unwrap();
    assert_eq!(camp.stored(mended).await, (json!({ "ric": 8, "baud": 512 }), 2));
    assert_eq!(camp.stored(same).await, (json!({ "ric": 16, "baud": 1200 }), 1));
    assert_eq!((camp.schema_version().await, camp.head().await), (2, 1));
    assert_eq!(camp.unique_values().await, ["16", "8"]);
    let stale = camp.update(rules::UpdateServiceType { expected_schema_version: Some(1), ..nothing() }).await.result;
    assert_eq!(problem(stale).kind, UserErrorKind::StaleVersion { current: 2 });
}

#[tokio::test]
async fn a_parameter_becomes_a_secret_and_another_unique() {
    let camp = Camp::build().await;
    let one = camp.extension(1, "2001", json!({ "baud": 512 })).await;
    let two = camp.extension(2, "2002", json!({ "baud": 512 })).await;
    let unique = camp.update(new_schema(|schema| schema["properties"]["baud"]["x-unique"] = json!("EVENT"))).await;
    assert_eq!((unique.breakage.count, unique.breakage.named[0].keyword.as_str()), (1, "x-unique"));
    assert!([one, two].contains(&unique.breakage.named[0].extension));
    assert!(unique.result.is_err() && camp.unique_values().await.is_empty());
    camp.update(new_schema(|schema| schema["properties"]["baud"]["x-secret"] = json!(true))).await.result.unwrap();
    assert_eq!(camp.stored(one).await, (json!({}), 2));
}

#[tokio::test]
async fn new_settings_are_told_to_the_feed_and_null_clears_limits_only() {
    let camp = Camp::build().await;
    camp.extension(1, "2001", json!({})).await;
    camp.update(rules::UpdateServiceType {
        settings: Patch::Given(json!({ "gateway": "a" })),
        quota: Patch::Null,
        ..nothing()
    })
    .await
    .result
    .unwrap();
    assert_eq!((camp.head().await, camp.schema_version().await), (1, 1));
    camp.update(rules::UpdateServiceType { description: Patch::Given("Beeps.".into()), ..nothing() })
        .await
        .result
        .unwrap();
    assert_eq!(camp.head().await, 1);
    let refused = problem(camp.update(rules::UpdateServiceType { name: Patch::Null, ..nothing() }).await.result);
    assert_eq!((refused.kind, refused.path), (UserErrorKind::Invalid, vec!["name".to_owned()]));
    let row =
        queries::service_type_by_slug(&mut camp.services.store.read().await.unwrap(), "pager").await.unwrap().unwrap();
    assert_eq!(row.quota, None);
}

#[tokio::test]
async fn an_event_copies_another_with_its_reservations() {
    let camp = Camp::build().await;
    camp.range("2000", "2999").await.unwrap();
    camp.number("2342", "RESERVED").await;
    camp.number("2343", "IN_SERVICE").await;
    let input = rules::CreateEvent { copy_from: Some("camp".into()), hold_seconds: 60, ..event("camp-2") };
    let copy = rules::create_event(&camp.services, &camp.admin, input).await.unwrap().id;
    let conn = &mut *camp.services.store.read().await.unwrap();
    let row = queries::event_by_id(conn, copy).await.unwrap().unwrap();
    assert_eq!((row.reserved(), row.hold_seconds), (vec!["112".to_owned()], 60));
    assert!(queries::event_offers(conn, copy, camp.pager).await.unwrap());
    let [range] = <[_; 1]>::try_from(queries::ranges_of_event(conn, copy).await.unwrap()).unwrap();
    let copied: Vec<(String, String, Option<AccountId>)> = query!(&mut *conn, |c| numbers::table
        .filter(numbers::event_id.eq(copy))
        .select((numbers::number, numbers::state, numbers::account_id))
        .load(c)
        .await)
    .unwrap();
    assert_eq!(copied, [("2342".to_owned(), "RESERVED".to_owned(), Some(camp.owner))]);
    assert_eq!(rules::count_free(conn, &row, &range).await.unwrap(), 999);
}

#[tokio::test]
async fn ranges_and_prefixes_stay_clear_of_numbers_that_are_somebodys() {
    let camp = Camp::build().await;
    camp.number("31", "IN_SERVICE").await;
    camp.number("40000", "HELD").await;
    assert_eq!(problem(camp.range("3000", "3999").await).kind, UserErrorKind::Conflict);
    assert_eq!(problem(camp.range("4000", "4999").await).kind, UserErrorKind::Conflict);
    let range = camp.range("1000", "1199").await.unwrap();
    {
        let conn = &mut *camp.services.store.read().await.unwrap();
        let (event, row) = (
            queries::event_by_id(conn, camp.event).await.unwrap().unwrap(),
            queries::range_by_id(conn, range).await.unwrap().unwrap(),
        );
        // 1120 to 1129 begin with 112.
        assert_eq!(rules::count_free(conn, &event, &row).await.unwrap(), 190);
    }
    camp.number("1001", "IN_SERVICE").await;
    assert_eq!(
        problem(rules::delete_range(&camp.services, &camp.admin, range.global()).await).kind,
        UserErrorKind::Conflict
    );
    let update = |prefixes: &[&str]| rules::UpdateEvent {
        slug: "camp".into(),
        name: Patch::LeftOut,
        starts_at: Patch::LeftOut,
        ends_at: Patch::LeftOut,
        time_zone: Patch::LeftOut,
        phase: Patch::LeftOut,
        hold_seconds: Patch::LeftOut,
        reserved_prefixes: Patch::Given(prefixes.iter().map(|&prefix| prefix.to_owned()).collect()),
        service_types: Patch::LeftOut,
    };
    for prefix in ["3", "311", "100"] {
        let refused = problem(rules::update_event(&camp.services, &camp.admin, update(&["112", prefix])).await);
        assert_eq!(
            (refused.kind, refused.path),
            (UserErrorKind::Conflict, vec!["reservedPrefixes".to_owned()]),
            "{prefix}"
        );
    }
    rules::update_event(&camp.services, &camp.admin, update(&["112", "999"])).await.unwrap();
}

#[tokio::test]
async fn a_permission_that_goes_leaves_its_holders_and_their_feed_knows() {
    let camp = Camp::build().await;
    let holder = camp.extension(1, "2001", json!({})).await;
    let input = rules::CreateCallPermission {
        slug: "external".into(),
        name: "External".into(),
        description: String::new(),
        highlights_in_directory: false,
    };
    let id: CallPermissionId = rules::create_permission(&camp.services, &camp.admin, input).await.unwrap().id;
    camp.services
        .store
        .write(move |conn| {
            Box::pin(async move {
                query!(conn, |c| diesel::insert_into(extension_permissions::table)
                    .values((
                        extension_permissions::extension_id.eq(holder),
                        extension_permissions::permission_id.eq(id)
                    ))
                    .execute(c)
                    .await)?;
                Ok(())
            })
        })
        .await
        .unwrap();
    rules::delete_permission(&camp.services, &camp.admin, id.global()).await.unwrap();
    assert_eq!((camp.head().await, camp.stored(holder).await.1), (1, 2));
    assert_eq!(
        problem(rules::delete_permission(&camp.services, &camp.admin, id.global()).await).kind,
        UserErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_template_is_replaced_under_its_name() {
    let camp = Camp::build().await;
    let save = |source: &str| templates::rules::SaveTemplate {
        service_type: "pager".into(),
        name: "list.txt".into(),
        content_type: "text/plain".into(),
        format: TemplateFormat::Text,
        source: source.into(),
    };
    let first =
        templates::rules::save_template(&camp.services, &camp.admin, save("{{ extensions[0].number }}")).await.unwrap();
    assert_eq!(first.sample.as_deref(), Some("2342"));
    let again = templates::rules::save_template(&camp.services, &camp.admin, save("x")).await.unwrap();
    assert_eq!(again.id, first.id);
    let refused = problem(templates::rules::save_template(&camp.services, &camp.admin, save("{{ nothing }}")).await);
    assert_eq!(refused.path, ["source"]);
    let all = templates::templates_of(&mut camp.services.store.read().await.unwrap(), camp.pager).await.unwrap();
    assert_eq!(all.iter().map(|template| template.source.as_str()).collect::<Vec<_>>(), ["x"]);
    templates::rules::delete_template(&camp.services, &camp.admin, first.id.global()).await.unwrap();
}
