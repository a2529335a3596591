//! Acknowledgements, errors and write-back.

use serde_json::json;

use extensions::rules::write_back;
use platform::access::ApiKeyScope;
use platform::access::Caller;
use platform::error::Error;
use provisioning::acknowledge::{Acknowledgement, DIGEST_MISMATCH, ReportedError, acknowledge};
use provisioning::consumers::{self, ConsumerPatch, NewConsumer};
use provisioning::cursor::Cursor;
use provisioning::model::{Consumer, ProvisioningState};
use provisioning::statuses_of;
use test_support::{Fixture, summary};

async fn consumer(fixture: &Fixture) -> Consumer {
    let new = NewConsumer {
        name: "sip-1".into(),
        event: "camp".into(),
        service_type: "sip".into(),
        api_key: fixture.key.global(),
    };
    let created = consumers::create(&fixture.services, &Caller::system("test"), new).await.unwrap();
    consumers::by_id(&fixture.services, created.id).await.unwrap().unwrap()
}

async fn acknowledge_as_consumer(
    fixture: &Fixture,
    cursor: Cursor,
    digest: Option<&str>,
    errors: Vec<ReportedError>,
) -> Result<(), Error> {
    let caller = fixture.caller(fixture.actor(&[ApiKeyScope::ReadConfig]));
    let input = Acknowledgement {
        event: "camp".into(),
        service_type: "sip".into(),
        consumer: "sip-1".into(),
        cursor: cursor.encode(),
        digest: digest.map(Into::into),
        errors,
        resolved: Vec::new(),
    };
    acknowledge(&fixture.services, &caller, input).await.map(drop)
}

#[tokio::test]
async fn a_consumer_catches_up_fails_and_recovers() {
    let fixture = Fixture::build().await;
    let consumer = consumer(&fixture).await;
    let id = fixture.add(1, "2001", json!({})).await;
    let state = async || statuses_of(&fixture.services, id).await.unwrap().remove(0);
    let now = async || consumers::by_id(&fixture.services, consumer.id).await.unwrap().unwrap();
    assert_eq!(state().await.state, ProvisioningState::Pending);
    fixture.clock.advance(std::time::Duration::from_secs(30));
    let lag = consumers::lag(&fixture.services, &now().await).await.unwrap();
    assert_eq!((lag.records, lag.seconds), (1, 30));
    let failed = ReportedError { entity: id.global(), code: "X".into(), message: "full".into() };
    acknowledge_as_consumer(&fixture, fixture.head().await, None, vec![failed]).await.unwrap();
    assert_eq!((state().await.state, state().await.message.as_deref()), (ProvisioningState::Failed, Some("full")));
    assert_eq!(consumers::lag(&fixture.services, &now().await).await.unwrap().records, 0);
    acknowledge_as_consumer(&fixture, fixture.head().await, None, Vec::new()).await.unwrap();
    assert_eq!(state().await.state, ProvisioningState::Failed);
    fixture.touch(id).await;
    assert_eq!(state().await.state, ProvisioningState::Pending);
    let digest = fixture.reader().await.digest().await.unwrap();
    acknowledge_as_consumer(&fixture, fixture.head().await, Some(&digest), Vec::new()).await.unwrap();
    assert_eq!(state().await.state, ProvisioningState::Applied);
    assert!(consumers::errors(&fixture.services, &now().await).await.unwrap().is_empty());
    acknowledge_as_consumer(&fixture, fixture.head().await, Some(&"0".repeat(64)), Vec::new()).await.unwrap();
    assert_eq!(consumers::errors(&fixture.services, &now().await).await.unwrap()[0].error.code, DIGEST_MISMATCH);
    acknowledge_as_consumer(&fixture, fixture.head().await, Some(&digest), Vec::new()).await.unwrap();
    assert!(consumers::errors(&fixture.services, &now().await).await.unwrap().is_empty());
}

#[tokio::test]
async fn foreign_cursors_and_unknown_consumers_are_refused() {
    let fixture = Fixture::build().await;
    let consumer = consumer(&fixture).await;
    fixture.add(1, "2001", json!({})).await;
    let head = fixture.head().await;
    for wrong in
        [Cursor { tag: [0; 8], ..head }, Cursor { position: 7, ..head }, Cursor { feed: uuid::Uuid::nil(), ..head }]
    {
        let Err(Error::User(problems)) = acknowledge_as_consumer(&fixture, wrong, None, Vec::new()).await else {
            panic!("{wrong:?} was accepted")
        };
        assert_eq!(problems[0].path, ["cursor"]);
    }
    let rename = ConsumerPatch { id: consumer.id.global(), name: Some("other".into()), paused: Some(true) };
    consumers::update(&fixture.services, &Caller::system("test"), rename).await.unwrap();
    let Err(Error::User(problems)) = acknowledge_as_consumer(&fixture, head, None, Vec::new()).await else {
        panic!("an unknown name was accepted")
    };
    assert_eq!(problems[0].path, ["consumer"]);
    consumers::delete(&fixture.services, &Caller::system("test"), consumer.id.global()).await.unwrap();
    assert!(consumers::by_id(&fixture.services, consumer.id).await.unwrap().is_none());
}

#[tokio::test]
async fn written_back_parameters_appear_in_the_feed_and_status_parameters_do_not() {
    let fixture = Fixture::build().await;
    let id = fixture.add(1, "2001", json!({})).await;
    let seen = fixture.head().await;
    let caller = fixture.caller(fixture.actor(&[ApiKeyScope::WriteBack]));
    let write = async |patch| write_back(&fixture.services, &caller, &id.global(), patch).await;
    write(json!({ "last_registered": "today" })).await.unwrap();
    assert_eq!(fixture.head().await, seen);
    write(json!({ "imsi": "26201" })).await.unwrap();
    assert_eq!(summary(&fixture.changes(seen, 50).await), ["+2001[]"]);
    assert!(matches!(write(json!({ "mac": "aa:bb:cc:dd:ee:01" })).await, Err(Error::User(_))));
}
