//! Events, ranges and permissions with the service types, numbers and extensions that they concern.

use ::events::rules::{
    CreateCallPermission, CreateEvent, UpdateEvent, create_permission, delete_permission, delete_range,
};
use ::service_types::{event_offers, rules};
use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use platform::error::UserErrorKind;
use platform::ids::{AccountId, CallPermissionId};
use platform::patch::Patch;
use platform::query;
use platform::store::schema::{extension_permissions, numbers};
use serde_json::json;

use super::fixture::{Fixture, event, problem};

#[tokio::test]
async fn an_event_copies_another_with_its_reservations() {
    let fixture = Fixture::build().await;
    fixture.range("2000", "2999").await.unwrap();
    fixture.number("2342", "RESERVED").await;
    fixture.number("2343", "IN_SERVICE").await;
    let input = CreateEvent { copy_from: Some("camp".into()), hold_seconds: 60, ..event("camp-2") };
    let copy = rules::create_event(&fixture.services, &fixture.admin, input, Vec::new()).await.unwrap().id;
    let conn = &mut *fixture.services.store.read().await.unwrap();
    let row = ::events::event_by_id(conn, copy).await.unwrap().unwrap();
    assert_eq!((row.reserved(), row.hold_seconds), (vec!["112".to_owned()], 60));
    assert!(event_offers(conn, copy, fixture.pager).await.unwrap());
    let [range] = <[_; 1]>::try_from(::events::ranges_of_event(conn, copy).await.unwrap()).unwrap();
    let copied: Vec<(String, String, Option<AccountId>)> = query!(&mut *conn, |c| numbers::table
        .filter(numbers::event_id.eq(copy))
        .select((numbers::number, numbers::state, numbers::account_id))
        .load(c)
        .await)
    .unwrap();
    assert_eq!(copied, [("2342".to_owned(), "RESERVED".to_owned(), Some(fixture.owner))]);
    assert_eq!(::numbers::count_free(conn, &row, &range).await.unwrap(), 999);
}

#[tokio::test]
async fn ranges_and_prefixes_do_not_cover_taken_numbers() {
    let fixture = Fixture::build().await;
    fixture.number("31", "IN_SERVICE").await;
    fixture.number("40000", "HELD").await;
    assert_eq!(problem(fixture.range("3000", "3999").await).kind, UserErrorKind::Conflict);
    assert_eq!(problem(fixture.range("4000", "4999").await).kind, UserErrorKind::Conflict);
    let range = fixture.range("1000", "1199").await.unwrap();
    {
        let conn = &mut *fixture.services.store.read().await.unwrap();
        let (event, row) = (
            ::events::event_by_id(conn, fixture.event).await.unwrap().unwrap(),
            ::events::range_by_id(conn, range).await.unwrap().unwrap(),
        );
        // 1120 to 1129 begin with 112.
        assert_eq!(::numbers::count_free(conn, &event, &row).await.unwrap(), 190);
    }
    fixture.number("1001", "IN_SERVICE").await;
    assert_eq!(
        problem(delete_range(&fixture.services, &fixture.admin, range.global()).await).kind,
        UserErrorKind::Conflict
    );
    let update = |prefixes: &[&str]| UpdateEvent {
        slug: "camp".into(),
        name: Patch::Undefined,
        starts_at: Patch::Undefined,
        ends_at: Patch::Undefined,
        time_zone: Patch::Undefined,
        phase: Patch::Undefined,
        hold_seconds: Patch::Undefined,
        reserved_prefixes: Patch::Value(prefixes.iter().map(|&prefix| prefix.to_owned()).collect()),
    };
    for prefix in ["3", "311", "100"] {
        let input = update(&["112", prefix]);
        let error = problem(rules::update_event(&fixture.services, &fixture.admin, input, Patch::Undefined).await);
        assert_eq!(
            (error.kind, error.path),
            (UserErrorKind::Conflict, vec!["reservedPrefixes".to_owned()]),
            "{prefix}"
        );
    }
    rules::update_event(&fixture.services, &fixture.admin, update(&["112", "999"]), Patch::Undefined).await.unwrap();
}

#[tokio::test]
async fn a_deleted_permission_is_revoked_and_the_feed_touched() {
    let fixture = Fixture::build().await;
    let holder = fixture.extension(1, "2001", json!({})).await;
    let input = CreateCallPermission {
        slug: "external".into(),
        name: "External".into(),
        description: String::new(),
        highlights_in_directory: false,
    };
    let id: CallPermissionId = create_permission(&fixture.services, &fixture.admin, input).await.unwrap().id;
    fixture
        .services
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
    delete_permission(&fixture.services, &fixture.admin, id.global()).await.unwrap();
    assert_eq!((fixture.head().await, fixture.stored(holder).await.1), (1, 2));
    assert_eq!(
        problem(delete_permission(&fixture.services, &fixture.admin, id.global()).await).kind,
        UserErrorKind::NotFound
    );
}
