//! Changes of a service type with extensions.

use ::service_types::{rules, service_type_by_slug};
use platform::error::UserErrorKind;
use platform::patch::Patch;
use serde_json::json;

use super::fixture::{Fixture, new_schema, no_changes, problem};

#[tokio::test]
async fn an_incompatible_schema_changes_nothing_and_lists_the_extensions() {
    let fixture = Fixture::build().await;
    let broken = fixture.extension(1, "2001", json!({ "ric": 8 })).await;
    fixture.extension(2, "2002", json!({ "ric": 16, "baud": 1200 })).await;
    for dry_run in [true, false] {
        let update = fixture
            .update(rules::UpdateServiceType { dry_run, ..new_schema(|schema| schema["required"] = json!(["baud"])) })
            .await;
        assert_eq!(update.incompatibilities.count, 1, "dry run: {dry_run}, {:?}", update.result);
        let named = &update.incompatibilities.listed[0];
        assert_eq!((named.extension, named.pointer.as_str(), named.keyword.as_str()), (broken, "/baud", "required"));
        let error = problem(update.result);
        assert!(matches!(error.kind, UserErrorKind::SchemaViolation { .. }));
        assert_eq!(error.path, ["parameterSchema"]);
        assert_eq!((fixture.schema_version().await, fixture.head().await), (1, 0));
    }
}

#[tokio::test]
async fn defaults_complete_parameters_and_the_feed_contains_the_changed_extensions() {
    let fixture = Fixture::build().await;
    let completed = fixture.extension(1, "2001", json!({ "ric": 8 })).await;
    let same = fixture.extension(2, "2002", json!({ "ric": 16, "baud": 1200 })).await;
    let input = || rules::UpdateServiceType {
        defaults: Some(json!({ "baud": 512 })),
        ..new_schema(|schema| schema["required"] = json!(["baud"]))
    };
    fixture.update(rules::UpdateServiceType { dry_run: true, ..input() }).await.result.unwrap();
    assert_eq!(
        (fixture.stored(completed).await, fixture.schema_version().await, fixture.head().await),
        ((json!({ "ric": 8 }), 1), 1, 0)
    );
    fixture.update(input()).await.result.unwrap();
    assert_eq!(fixture.stored(completed).await, (json!({ "ric": 8, "baud": 512 }), 2));
    assert_eq!(fixture.stored(same).await, (json!({ "ric": 16, "baud": 1200 }), 1));
    assert_eq!((fixture.schema_version().await, fixture.head().await), (2, 1));
    assert_eq!(fixture.unique_values().await, ["16", "8"]);
    let stale =
        fixture.update(rules::UpdateServiceType { expected_schema_version: Some(1), ..no_changes() }).await.result;
    assert_eq!(problem(stale).kind, UserErrorKind::StaleVersion { current: 2 });
}

#[tokio::test]
async fn a_parameter_becomes_a_secret_and_another_unique() {
    let fixture = Fixture::build().await;
    let one = fixture.extension(1, "2001", json!({ "baud": 512 })).await;
    let two = fixture.extension(2, "2002", json!({ "baud": 512 })).await;
    let unique = fixture.update(new_schema(|schema| schema["properties"]["baud"]["x-unique"] = json!("EVENT"))).await;
    assert_eq!((unique.incompatibilities.count, unique.incompatibilities.listed[0].keyword.as_str()), (1, "x-unique"));
    assert!([one, two].contains(&unique.incompatibilities.listed[0].extension));
    assert!(unique.result.is_err() && fixture.unique_values().await.is_empty());
    fixture.update(new_schema(|schema| schema["properties"]["baud"]["x-secret"] = json!(true))).await.result.unwrap();
    assert_eq!(fixture.stored(one).await, (json!({}), 2));
}

#[tokio::test]
async fn new_settings_touch_the_feed_and_null_clears_limits_only() {
    let fixture = Fixture::build().await;
    fixture.extension(1, "2001", json!({})).await;
    fixture
        .update(rules::UpdateServiceType {
            settings: Patch::Value(json!({ "gateway": "a" })),
            quota: Patch::Null,
            ..no_changes()
        })
        .await
        .result
        .unwrap();
    assert_eq!((fixture.head().await, fixture.schema_version().await), (1, 1));
    fixture
        .update(rules::UpdateServiceType { description: Patch::Value("Beeps.".into()), ..no_changes() })
        .await
        .result
        .unwrap();
    assert_eq!(fixture.head().await, 1);
    let error = problem(fixture.update(rules::UpdateServiceType { name: Patch::Null, ..no_changes() }).await.result);
    assert_eq!((error.kind, error.path), (UserErrorKind::Invalid, vec!["name".to_owned()]));
    let row = service_type_by_slug(&mut fixture.services.store.read().await.unwrap(), "pager").await.unwrap().unwrap();
    assert_eq!(row.quota, None);
}
