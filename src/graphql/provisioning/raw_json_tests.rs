//! The feed in GraphQL: raw JSON lists equal those of ordinary resolvers.

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Value as GraphQlValue};
use serde_json::{Value, json};

use super::{FeedChange, FeedExtension, ProvisioningMutation, ProvisioningQuery, ProvisioningSubscription};
use ::restrictions::{NewRestriction, RestrictionSource, Target};
use platform::access::ApiKeyScope;
use platform::ids::{ExtensionId, NumberId, RestrictionId};
use platform::query;
use platform::store::schema::restrictions;
use provisioning::model::{ChangesPage, SnapshotPage};
use test_support::{Fixture, NOW};

const FIELDS: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active \
     restrictions effects members { number active } ownerUsername visibility version updatedAt again: number";

/// A query root with ordinary resolvers for the same lists.
struct Ordinary {
    snapshot: SnapshotPage,
    changes: Arc<ChangesPage>,
}

#[Object]
impl Ordinary {
    async fn entries(&self) -> Vec<FeedExtension> {
        self.snapshot.entries.iter().map(|content| content.try_into().unwrap()).collect()
    }

    async fn changes(&self) -> Vec<FeedChange> {
        self.changes.changes.iter().map(|change| change.try_into().unwrap()).collect()
    }
}

/// The response as the HTTP edge writes it: binary values are JSON text.
fn to_json(value: GraphQlValue) -> Value {
    match value {
        GraphQlValue::Binary(text) => serde_json::from_slice(&text).unwrap(),
        GraphQlValue::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name.to_string(), to_json(field))).collect()
        }
        GraphQlValue::List(items) => items.into_iter().map(to_json).collect(),
        other => other.into_json().unwrap(),
    }
}

async fn query(fixture: &Fixture, document: &str) -> Value {
    let schema = Schema::build(ProvisioningQuery, ProvisioningMutation, ProvisioningSubscription).finish();
    let caller = fixture.caller(fixture.actor(&[ApiKeyScope::ReadSecrets, ApiKeyScope::ReadDigests]));
    let response = schema.execute(Request::new(document).data(fixture.services.clone()).data(caller)).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    to_json(response.data)["provisioning"].take()
}

async fn restrict(fixture: &Fixture, target: Target) {
    let new = NewRestriction::new(
        RestrictionId::new(&*fixture.services.rng, NOW),
        target,
        RestrictionSource::Ban,
        "noise",
        NOW,
        None,
    );
    fixture
        .write(move |conn| {
            Box::pin(async move {
                query!(conn, |c| diesel_async::RunQueryDsl::execute(
                    diesel::insert_into(restrictions::table).values(&new),
                    c
                )
                .await)
                .unwrap();
            })
        })
        .await;
}

async fn populated_fixture() -> (Fixture, ExtensionId) {
    let fixture = Fixture::build().await;
    let first = fixture.add(1, "2001", json!({ "mac": "aa:bb:cc:dd:ee:01", "imsi": "\"<\u{e9}>" })).await;
    let second = fixture.add(2, "2002", json!({})).await;
    fixture.rekey(first, "2003", json!({})).await;
    fixture.remove(second).await;
    (fixture, first)
}

#[tokio::test]
async fn raw_json_lists_equal_ordinary_ones() {
    let (fixture, first) = populated_fixture().await;
    restrict(&fixture, first.into()).await;
    // A restriction of a number that is not in this database has no effect.
    restrict(&fixture, NumberId(uuid::Uuid::nil()).into()).await;
    let start = provisioning::cursor::Cursor { base: 0, position: 1, ..fixture.head().await };
    let response = fixture.reader().await.changes(start, 50).await.unwrap();
    assert!(
        matches!(response, provisioning::model::ChangesResponse::Reset(_)),
        "a forged position does not have the right tag"
    );
    let fresh = Fixture::build().await;
    let (from, id) = (fresh.head().await, fresh.add(1, "2001", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await);
    let deleted = fresh.add(2, "2002", json!({})).await;
    fresh.rekey(id, "2003", json!({})).await;
    fresh.remove(deleted).await;
    let changes = "__typename ... on FeedUpsert { extension { ...E } previous { number parameters __typename } } \
         ... on FeedRemoval { id slot keys { number } }";
    let fragment = format!("fragment E on FeedExtension {{ {FIELDS} }}");
    let document = format!(
        "{{ provisioning(event: \"camp\", serviceType: \"sip\") {{ \
         snapshot {{ entries {{ ...E __typename }} head totalCount }} \
         changes(since: \"{}\") {{ __typename ... on FeedPage {{ changes {{ {changes} }} cursor hasMore }} }} \
         digest consumers {{ name }} }} }} {fragment}",
        from.encode()
    );
    let answer = query(&fresh, &document).await;
    let reader = fresh.reader().await;
    let ordinary = Ordinary {
        snapshot: reader.snapshot(50, None).await.unwrap().unwrap(),
        changes: fresh.changes(from, 50).await,
    };
    let schema = Schema::build(ordinary, EmptyMutation, EmptySubscription).finish();
    let response =
        schema.execute(format!("{{ entries {{ ...E __typename }} changes {{ {changes} }} }} {fragment}")).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let expected = to_json(response.data);
    assert_eq!(answer["snapshot"]["entries"], expected["entries"]);
    assert_eq!(answer["changes"]["changes"], expected["changes"]);
    assert_eq!(answer["changes"]["changes"][0]["previous"][0]["number"], "2001");
    assert_eq!(answer["snapshot"]["totalCount"], 1);
}

#[tokio::test]
async fn a_list_selected_twice_is_merged() {
    let (fixture, first) = populated_fixture().await;
    restrict(&fixture, first.into()).await;
    let document = "{ provisioning(event: \"camp\", serviceType: \"sip\") { \
         snapshot { entries { number ...A } ...B } } } \
         fragment A on FeedExtension { slot } fragment B on FeedSnapshot { entries { active restrictions } }";
    let answer = query(&fixture, document).await;
    assert_eq!(
        answer["snapshot"]["entries"],
        json!([{ "number": "2003", "slot": 1, "active": false, "restrictions": ["BAN"] }])
    );
}
