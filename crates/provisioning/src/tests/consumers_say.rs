//! Acknowledgements, errors and what is written back.

use serde_json::json;

use super::house::{House, told};
use platform::access::ApiKeyScope;
use platform::access::Caller;
use platform::error::Error;
use extensions::rules::write_back;
use crate::acknowledge::{Acknowledgement, DIGEST_MISMATCH, ReportedError, acknowledge};
use crate::consumers::{self, ConsumerPatch, NewConsumer};
use crate::cursor::Cursor;
use crate::model::{Consumer, ProvisioningState};
use crate::statuses_of;

async fn consumer(house: &House) -> Consumer {
    let new = NewConsumer {
        name: "sip-1".into(),
        event: "camp".into(),
        service_type: "sip".into(),
        api_key: house.key.global(),
    };
    let done = consumers::create(&house.services, &Caller::system("test"), new).await.unwrap();
    consumers::by_id(&house.services, done.id).await.unwrap().unwrap()
}

async fn say(house: &House, cursor: Cursor, digest: Option<&str>, errors: Vec<ReportedError>) -> Result<(), Error> {
    let caller = house.caller(house.actor(&[ApiKeyScope::ReadConfig]));
    let said = Acknowledgement {
        event: "camp".into(),
        service_type: "sip".into(),
        consumer: "sip-1".into(),
        cursor: cursor.encode(),
        digest: digest.map(Into::into),
        errors,
        resolved: Vec::new(),
    };
    acknowledge(&house.services, &caller, said).await.map(drop)
}

#[tokio::test]
async fn a_consumer_catches_up_fails_and_recovers() {
    let house = House::build().await;
    let consumer = consumer(&house).await;
    let id = house.add(1, "2001", json!({})).await;
    let state = async || statuses_of(&house.services, id).await.unwrap().remove(0);
    let now = async || consumers::by_id(&house.services, consumer.id).await.unwrap().unwrap();
    assert_eq!(state().await.state, ProvisioningState::Pending);
    house.clock.advance(std::time::Duration::from_secs(30));
    let lag = consumers::lag(&house.services, &now().await).await.unwrap();
    assert_eq!((lag.records, lag.seconds), (1, 30));
    let failed = ReportedError { extension: id.global(), code: "X".into(), message: "full".into() };
    say(&house, house.head().await, None, vec![failed]).await.unwrap();
    assert_eq!((state().await.state, state().await.message.as_deref()), (ProvisioningState::Failed, Some("full")));
    assert_eq!(consumers::lag(&house.services, &now().await).await.unwrap().records, 0);
    say(&house, house.head().await, None, Vec::new()).await.unwrap();
    assert_eq!(state().await.state, ProvisioningState::Failed);
    house.touch(id).await;
    assert_eq!(state().await.state, ProvisioningState::Pending);
    let digest = house.reader().await.digest().await.unwrap();
    say(&house, house.head().await, Some(&digest), Vec::new()).await.unwrap();
    assert_eq!(state().await.state, ProvisioningState::Applied);
    assert!(consumers::errors(&house.services, &now().await).await.unwrap().is_empty());
    say(&house, house.head().await, Some(&"0".repeat(64)), Vec::new()).await.unwrap();
    assert_eq!(consumers::errors(&house.services, &now().await).await.unwrap()[0].0.code, DIGEST_MISMATCH);
    say(&house, house.head().await, Some(&digest), Vec::new()).await.unwrap();
    assert!(consumers::errors(&house.services, &now().await).await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_speaks_for_another_and_no_cursor_is_made_up() {
    let house = House::build().await;
    let consumer = consumer(&house).await;
    house.add(1, "2001", json!({})).await;
    let head = house.head().await;
    for wrong in
        [Cursor { tag: [0; 8], ..head }, Cursor { position: 7, ..head }, Cursor { feed: uuid::Uuid::nil(), ..head }]
    {
        let Err(Error::User(problems)) = say(&house, wrong, None, Vec::new()).await else {
            panic!("{wrong:?} was taken")
        };
        assert_eq!(problems[0].path, ["cursor"]);
    }
    let rename = ConsumerPatch { id: consumer.id.global(), name: Some("other".into()), paused: Some(true) };
    consumers::update(&house.services, &Caller::system("test"), rename).await.unwrap();
    let Err(Error::User(problems)) = say(&house, head, None, Vec::new()).await else {
        panic!("a name that is not there was taken")
    };
    assert_eq!(problems[0].path, ["consumer"]);
    consumers::delete(&house.services, &Caller::system("test"), consumer.id.global()).await.unwrap();
    assert!(consumers::by_id(&house.services, consumer.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_written_back_is_told_and_what_is_reported_is_not() {
    let house = House::build().await;
    let id = house.add(1, "2001", json!({})).await;
    let seen = house.head().await;
    let caller = house.caller(house.actor(&[ApiKeyScope::WriteBack]));
    let write = async |patch| write_back(&house.services, &caller, &id.global(), patch).await;
    write(json!({ "last_registered": "today" })).await.unwrap();
    assert_eq!(house.head().await, seen);
    write(json!({ "imsi": "26201" })).await.unwrap();
    assert_eq!(told(&house.changes(seen, 50).await), ["+2001[]"]);
    assert!(matches!(write(json!({ "mac": "aa:bb:cc:dd:ee:01" })).await, Err(Error::User(_))));
}
