//! The directory as files.

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use serde_json::json;

use crate::support::{Person, TestApp};

const FILES: [(&str, &str); 8] = [
    ("demo.json", "application/json"),
    ("demo.csv", "text/csv; charset=utf-8; header=present"),
    ("demo.vcf", "text/vcard; charset=utf-8; version=4.0"),
    ("demo.yealink.xml", "text/xml; charset=utf-8"),
    ("demo.snom.xml", "text/xml; charset=utf-8"),
    ("demo.cisco.xml", "text/xml; charset=utf-8"),
    ("demo.grandstream.xml", "text/xml; charset=utf-8"),
    ("demo/phonebook.xml", "text/xml; charset=utf-8"),
];

async fn file(person: &Person, name: &str) -> (u16, String) {
    let response = person.get(&format!("/directory/{name}")).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub async fn every_phonebook_lists_what_the_sender_sees(app: TestApp) {
    let (guest, user, operator) =
        (app.guest(), app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    user.registers("sip", "2342").await;
    for (name, content_type) in FILES {
        let path = format!("/directory/{name}");
        let response = guest.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{name}");
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=60");
        assert_eq!(response.headers()[VARY], "authorization, cookie");
        let tag = response.headers()[ETAG].clone();
        let body = response.text().await.unwrap();
        assert!(body.contains("2342") && body.contains("Zebra Lounge"), "{name}: {body}");
        assert!(!body.contains("Site Team") && !body.contains("Power Team") && !body.contains("Night Watch"), "{name}");
        let unchanged = guest.get(&path).header(IF_NONE_MATCH, tag).send().await.unwrap();
        assert_eq!(unchanged.status(), 304, "{name}");
        assert_eq!(unchanged.headers()[CACHE_CONTROL], "public, max-age=60");
        let response = user.get(&path).send().await.unwrap();
        assert_eq!(response.headers()[CACHE_CONTROL], "private, no-cache");
        assert_eq!(response.headers()[VARY], "authorization, cookie");
        let members = file(&user, name).await.1;
        assert!(members.contains("Site Team") && !members.contains("Power Team"), "{name}");
        let staff = file(&operator, name).await.1;
        assert!(staff.contains("Power Team") && !staff.contains("Night Watch"), "{name}");
    }
    for name in ["nowhere.vcf", "demo.exe", "demo", "demo.xml", "demo/other.xml", "demo.cisco.xml?page=9"] {
        assert_eq!(file(&guest, name).await.0, 404, "{name}");
    }
    assert_eq!(file(&guest, "demo.cisco.xml?page=x").await.0, 400);
    assert_eq!(file(&app.holding("swb_none"), "demo.vcf").await.0, 401);
}

pub async fn a_contact_keeps_its_uid_and_cisco_turns_pages(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    let uid = format!("UID:urn:uuid:{}", uuid::Uuid::parse_str(&id.as_str().unwrap()["Extension:".len()..]).unwrap());
    assert!(file(&app.guest(), "demo.vcf").await.1.contains(&uid));
    user.ask(
        "mutation($i: ID!) { updateExtension(input: {id: $i, label: \"Elsewhere\"}) { errors { code } } }",
        json!({ "i": id }),
    )
    .await;
    let cards = file(&app.guest(), "demo.vcf").await.1;
    assert!(cards.contains(&format!("{uid}\r\nFN:Elsewhere\r\n")), "{cards}");
    for number in 3000..3040 {
        let assign = "mutation($n: PhoneNumber!) { assignExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, owner: \"user\", label: \"x\", visibility: PUBLIC}) { errors { message } } }";
        assert_eq!(
            admin.ask(assign, json!({ "n": number.to_string() })).await["data"]["assignExtension"]["errors"],
            json!([])
        );
    }
    let first = file(&app.guest(), "demo.cisco.xml").await.1;
    let document = roxmltree::Document::parse(&first).unwrap();
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("DirectoryEntry")).count(), 32);
    let next = document.descendants().find(|node| node.text().is_some_and(|text| text.ends_with("?page=2"))).unwrap();
    let next = next.text().unwrap();
    let second = file(&app.guest(), &next[next.find("demo.cisco").unwrap()..]).await;
    assert!(second.0 == 200 && second.1.contains("5000"), "{}", second.1);
    let key = super::feed::key_of(&admin, &["READ_DIRECTORY"], "sip").await;
    assert!(
        file(&key, "demo.yealink.xml").await.1.contains("Power Team"),
        "a key with READ_DIRECTORY sees all that is listed"
    );
}
