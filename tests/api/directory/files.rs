//! The directory as files: phonebooks for telephones, contacts, CSV and JSON.

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use serde_json::json;

use crate::support::{ApiClient, Scope, TestApp};

/// The files and their media types.
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

async fn status(client: &ApiClient, name: &str) -> u16 {
    client.get(&format!("/directory/{name}")).send().await.unwrap().status().as_u16()
}

async fn file(client: &ApiClient, name: &str) -> String {
    let response = client.get(&format!("/directory/{name}")).send().await.unwrap();
    assert_eq!(response.status(), 200, "{name}");
    response.text().await.unwrap()
}

pub async fn every_phonebook_lists_what_the_caller_may_see(app: TestApp) {
    let (guest, user, operator) = (app.guest(), app.user().await, app.operator().await);
    user.registers("sip", "2342").await.ok();
    for (name, content_type) in FILES {
        let path = format!("/directory/{name}");
        let response = guest.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{name}");
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=60");
        assert_eq!(response.headers()[VARY], "accept-encoding, authorization, cookie");
        let etag = response.headers()[ETAG].clone();
        let body = response.text().await.unwrap();
        assert!(body.contains("2342") && body.contains("Zebra Lounge"), "{name}: {body}");
        assert!(!body.contains("Site Team") && !body.contains("Power Team") && !body.contains("Night Watch"), "{name}");
        let unchanged = guest.get(&path).header(IF_NONE_MATCH, etag).send().await.unwrap();
        assert_eq!(unchanged.status(), 304, "{name}");
        assert_eq!(unchanged.headers()[CACHE_CONTROL], "public, max-age=60");
        let private = user.get(&path).send().await.unwrap();
        assert_eq!(private.headers()[CACHE_CONTROL], "private, no-cache");
        assert_eq!(private.headers()[VARY], "accept-encoding, authorization, cookie");
        let of_user = file(&user, name).await;
        assert!(of_user.contains("Site Team") && !of_user.contains("Power Team"), "{name}");
        let of_operator = file(&operator, name).await;
        assert!(of_operator.contains("Power Team") && !of_operator.contains("Night Watch"), "{name}");
    }
    for name in ["nowhere.vcf", "demo.exe", "demo", "demo.xml", "demo/other.xml", "demo.cisco.xml?page=9"] {
        assert_eq!(status(&guest, name).await, 404, "{name}");
    }
    assert_eq!(status(&guest, "demo.cisco.xml?page=x").await, 400);
    assert_eq!(status(&app.with_token("swb_none"), "demo.vcf").await, 401);
}

pub async fn a_contact_keeps_its_uid_and_a_cisco_directory_has_pages(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let id = user.registers("sip", "2342").await.id();
    let uid = format!("UID:urn:uuid:{}", uuid::Uuid::parse_str(id.strip_prefix("Extension:").unwrap()).unwrap());
    assert!(file(&app.guest(), "demo.vcf").await.contains(&uid));
    user.relabels(&id, "Elsewhere").await.ok();
    let cards = file(&app.guest(), "demo.vcf").await;
    assert!(cards.contains(&format!("{uid}\r\nFN:Elsewhere\r\n")), "{cards}");
    for number in 3000..3040 {
        let input = json!({ "number": number.to_string(), "owner": "user", "visibility": "PUBLIC" });
        admin.assigns_with(input).await.ok();
    }
    let first = file(&app.guest(), "demo.cisco.xml").await;
    let document = roxmltree::Document::parse(&first).unwrap();
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("DirectoryEntry")).count(), 32);
    let next = document.descendants().find(|node| node.text().is_some_and(|text| text.ends_with("?page=2"))).unwrap();
    let next = next.text().unwrap();
    let second = file(&app.guest(), &next[next.find("demo.cisco").unwrap()..]).await;
    assert!(second.contains("5000"), "{second}");
    let key = admin.creates_key(&[Scope::ReadDirectory], &["sip"]).await;
    assert!(
        file(&key, "demo.yealink.xml").await.contains("Power Team"),
        "a key with READ_DIRECTORY sees every listed extension"
    );
}
