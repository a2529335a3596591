//! The feed through GraphQL: what is spliced is what ordinary resolvers would give.

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Value as Answer};
use serde_json::{Value, json};

use super::house::{House, NOW};
use platform::access::ApiKeyScope;
use platform::ids::{ExtensionId, NumberId, RestrictionId};
use crate::graphql::provisioning::{
    FeedChange, FeedExtension, ProvisioningMutation, ProvisioningQuery, ProvisioningSubscription,
};
use crate::model::{ChangesPage, SnapshotPage};
use platform::query;
use ::restrictions::{NewRestriction, RestrictionSource, Target};
use platform::store::schema::restrictions;

const FIELDS: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions effects \
     members { number active } ownerUsername visibility version updatedAt again: number";

/// The same lists by ordinary resolvers.
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

/// The answer as the edge writes it: binary values are JSON text.
fn written(answer: Answer) -> Value {
    match answer {
        Answer::Binary(text) => serde_json::from_slice(&text).unwrap(),
        Answer::Object(fields) => fields.into_iter().map(|(name, value)| (name.to_string(), written(value))).collect(),
        Answer::List(items) => items.into_iter().map(written).collect(),
        other => other.into_json().unwrap(),
    }
}

async fn ask(house: &House, query: &str) -> Value {
    let schema = Schema::build(ProvisioningQuery, ProvisioningMutation, ProvisioningSubscription).finish();
    let caller = house.caller(house.actor(&[ApiKeyScope::ReadSecrets, ApiKeyScope::ReadDigests]));
    let response = schema.execute(Request::new(query).data(house.services.clone()).data(caller)).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    written(response.data)["provisioning"].take()
}

async fn restrict(house: &House, target: Target) {
    let new = NewRestriction::new(
        RestrictionId::new(&*house.services.rng, NOW),
        target,
        RestrictionSource::Ban,
        "noise",
        NOW,
        None,
    );
    house
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

async fn populated() -> (House, ExtensionId) {
    let house = House::build().await;
    let first = house.add(1, "2001", json!({ "mac": "aa:bb:cc:dd:ee:01", "imsi": "\"<\u{e9}>" })).await;
    let second = house.add(2, "2002", json!({})).await;
    house.rekey(first, "2003", json!({})).await;
    house.remove(second).await;
    (house, first)
}

#[tokio::test]
async fn spliced_lists_are_the_ordinary_ones() {
    let (house, first) = populated().await;
    restrict(&house, first.into()).await;
    // A number of no row here restricts nothing.
    restrict(&house, NumberId(uuid::Uuid::nil()).into()).await;
    let start = crate::cursor::Cursor { base: 0, position: 1, ..house.head().await };
    let known = house.reader().await.changes(start, 50).await.unwrap();
    assert!(
        matches!(known, crate::model::FeedAnswer::Reset(_)),
        "a made-up position has not the right tag"
    );
    let fresh = House::build().await;
    let (from, id) = (fresh.head().await, fresh.add(1, "2001", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await);
    let gone = fresh.add(2, "2002", json!({})).await;
    fresh.rekey(id, "2003", json!({})).await;
    fresh.remove(gone).await;
    let changes = "__typename ... on FeedUpsert { extension { ...E } previous { number parameters __typename } } ... on FeedRemoval { id slot keys { number } }";
    let fragment = format!("fragment E on FeedExtension {{ {FIELDS} }}");
    let query = format!(
        "{{ provisioning(event: \"camp\", serviceType: \"sip\") {{ snapshot {{ entries {{ ...E __typename }} head totalCount }} \
         changes(since: \"{}\") {{ __typename ... on FeedPage {{ changes {{ {changes} }} cursor hasMore }} }} digest consumers {{ name }} }} }} {fragment}",
        from.encode()
    );
    let answer = ask(&fresh, &query).await;
    let reader = fresh.reader().await;
    let ordinary = Ordinary {
        snapshot: reader.snapshot(50, None).await.unwrap().unwrap(),
        changes: fresh.changes(from, 50).await,
    };
    let schema = Schema::build(ordinary, EmptyMutation, EmptySubscription).finish();
    let response =
        schema.execute(format!("{{ entries {{ ...E __typename }} changes {{ {changes} }} }} {fragment}")).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let expected = written(response.data);
    assert_eq!(answer["snapshot"]["entries"], expected["entries"]);
    assert_eq!(answer["changes"]["changes"], expected["changes"]);
    assert_eq!(answer["changes"]["changes"][0]["previous"][0]["number"], "2001");
    assert_eq!(answer["snapshot"]["totalCount"], 1);
}

#[tokio::test]
async fn a_list_selected_twice_is_merged() {
    let (house, first) = populated().await;
    restrict(&house, first.into()).await;
    let query = "{ provisioning(event: \"camp\", serviceType: \"sip\") { snapshot { entries { number ...A } ...B } } } \
         fragment A on FeedExtension { slot } fragment B on FeedSnapshot { entries { active restrictions } }";
    let answer = ask(&house, query).await;
    assert_eq!(
        answer["snapshot"]["entries"],
        json!([{ "number": "2003", "slot": 1, "active": false, "restrictions": ["BAN"] }])
    );
}
