//! Links that give a telephone its configuration.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::support::{Actor, ApiClient, Response, Scope, TestApp, string};

async fn create_softphone_link(actor: &Actor, extension: &str, template: &str) -> Response {
    let input = json!({ "extension": extension, "template": template });
    actor.mutate("createSoftphoneLink", input, "link { id template mac expiresAt usedAt } url qrCode").await
}

async fn create_desk_phone_link(actor: &Actor, extension: &str, template: &str, mac: Option<&str>) -> Response {
    let input = json!({ "extension": extension, "template": template, "mac": mac });
    actor.mutate("createDeskPhoneLink", input, "link { id mac expiresAt } url").await
}

async fn revoke(actor: &Actor, link: &str) -> Response {
    actor.mutate("revokeDeviceLink", json!({ "id": link }), "accepted").await
}

/// Assigns a desk phone to `user`, whose password only operators may see.
async fn assign_desk_phone(operator: &Actor) -> Response {
    operator
        .assigns_with(json!({ "serviceType": "deskphone", "number": "1100", "owner": "user",
        "label": "Bob \"B\" <x>", "parameters": { "mac": "00:15:65:12:34:56" } }))
        .await
}

/// The path of a link's URL.
fn path(link: &Response) -> String {
    let url = string(&link["url"]);
    url[url.find("/device/").unwrap()..].to_owned()
}

async fn status(client: &ApiClient, path: &str) -> u16 {
    client.get(path).send().await.unwrap().status().as_u16()
}

async fn text(client: &ApiClient, path: &str) -> String {
    client.get(path).send().await.unwrap().text().await.unwrap()
}

pub async fn a_softphone_link_works_once(app: TestApp) {
    let (user, guest) = (app.user().await, app.guest());
    let registered = user.registers("sip", "2342").await;
    let password = string(&registered["generated"]["password"]).to_owned();
    let link = create_softphone_link(&user, &registered.id(), "linphone.xml").await;
    assert_eq!((link.code(), &link["link"]["template"]), ("none", &json!("linphone.xml")));
    let (path, qr_code) = (path(&link), string(&link["qrCode"]));
    assert!(qr_code.starts_with("<svg ") && roxmltree::Document::parse(qr_code).is_ok());
    assert!(!path.contains(&password) && !path.contains("2342"), "{path}");
    let head = guest.head(&path).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::METHOD_NOT_ALLOWED, "a HEAD request must not use up the link");
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let request = guest.get(&path);
            tokio::spawn(async move {
                let response = request.send().await.unwrap();
                (response.status().as_u16(), response.text().await.unwrap())
            })
        })
        .collect();
    let mut documents = Vec::new();
    for request in requests {
        match request.await.unwrap() {
            (200, body) => documents.push(body),
            (status, body) => assert_eq!(status, 404, "{body}"),
        }
    }
    assert_eq!(documents.len(), 1, "one of eight concurrent requests gets the document");
    let document = roxmltree::Document::parse(&documents[0]).unwrap();
    let entry = |name: &str| {
        let node = document.descendants().find(|node| node.attribute("name") == Some(name));
        node.and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    assert_eq!((entry("username"), entry("domain")), ("2342".to_owned(), "demo.example".to_owned()));
    let key = app.admin().await.creates_key(&[Scope::ReadDigests], &["sip"]).await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot { entries { number digests } } } }";
    let feed = key.query(query).await.ok();
    let entries = feed["snapshot"]["entries"].as_array().unwrap();
    let in_feed = entries.iter().find(|entry| entry["number"] == "2342").unwrap();
    assert_eq!(json!(entry("ha1")), in_feed["digests"]["password"]["ha1"]);
    assert!(!documents[0].contains(&password));
    let query = "{ extension(event: \"demo\", number: \"2342\") { deviceLinks { usedAt } } }";
    let extension = user.query(query).await.ok();
    assert!(extension["deviceLinks"][0]["usedAt"].is_string(), "{extension}");
}

pub async fn a_softphone_link_expires_and_is_only_for_the_owner(app: TestApp) {
    let (user, operator, guest) = (app.user().await, app.operator().await, app.guest());
    let extension = user.registers("sip", "2342").await.id();
    let expired = path(&create_softphone_link(&user, &extension, "linphone.xml").await);
    for (header, value) in [("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Moz", "prefetch")] {
        let prefetched = guest.get(&expired).header(header, value).send().await.unwrap();
        assert_eq!(prefetched.status().as_u16(), 503, "{header}");
    }
    app.clock.advance(Duration::from_secs(601));
    assert_eq!(status(&guest, &expired).await, 404);
    let opened = path(&create_softphone_link(&user, &extension, "linphone.xml").await);
    assert_eq!(guest.get(&opened).header("Sec-Purpose", "prefetch").send().await.unwrap().status().as_u16(), 503);
    assert_eq!(status(&guest, &opened).await, 200);
    let first = path(&create_softphone_link(&user, &extension, "linphone.xml").await);
    let second = create_softphone_link(&user, &extension, "linphone.xml").await;
    assert_eq!(status(&guest, &first).await, 404, "a new link replaces the previous one");
    let of_operator = operator.registers("sip", "2343").await.id();
    let foreign = create_softphone_link(&operator, &of_operator, "linphone.xml").await;
    assert_eq!(revoke(&user, &foreign.id()).await.code(), "NOT_FOUND");
    assert_eq!(revoke(&user, &second.id()).await.ok()["accepted"], true);
    assert_eq!(status(&guest, &path(&second)).await, 404);
    assert_eq!(status(&guest, "/device/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").await, 404);
    assert_eq!(create_softphone_link(&user, &of_operator, "linphone.xml").await.code(), "NOT_FOUND");
    let unknown_template = create_softphone_link(&user, &extension, "nothing").await;
    assert_eq!(unknown_template.refusal(), "NOT_FOUND at template");
    let feed_template = create_softphone_link(&user, &extension, "kamailio.sql").await;
    assert_eq!(feed_template.refusal(), "INVALID at template");
    let service_types = user.query("{ serviceTypes { slug deviceTemplates } }").await.ok();
    let sip = service_types.as_array().unwrap().iter().find(|service_type| service_type["slug"] == "sip").unwrap();
    assert_eq!(sip["deviceTemplates"], json!(["linphone.xml"]));
    app.clock.advance(Duration::from_secs(901));
    let late = create_softphone_link(&user, &extension, "linphone.xml").await;
    assert_eq!(late.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(create_softphone_link(&guest, &extension, "linphone.xml").await.rejection(), "UNAUTHENTICATED");
}

pub async fn a_desk_phone_finds_its_configuration_by_its_mac_address(app: TestApp) {
    let (operator, user, guest) = (app.operator().await, app.user().await, app.guest());
    let assigned = assign_desk_phone(&operator).await;
    let extension = assigned.id();
    let password = string(&assigned["generated"]["password"]);
    let refused = create_desk_phone_link(&user, &extension, "yealink.cfg", None).await;
    assert_eq!(
        (refused.code(), &refused["url"]),
        ("INVALID", &Value::Null),
        "the password is for operators: {refused}"
    );
    let yealink = create_desk_phone_link(&operator, &extension, "yealink.cfg", None).await;
    let link = &yealink["link"];
    assert_eq!((&link["mac"], &link["expiresAt"]), (&json!("00:15:65:12:34:56"), &Value::Null));
    let yealink_path = path(&yealink);
    for file in ["", "/001565123456.cfg", "/001565123456.CFG"] {
        let response = guest.get(&format!("{yealink_path}{file}")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        let (etag, body) = (response.headers()[ETAG].clone(), response.text().await.unwrap());
        assert!(body.contains("account.1.display_name = Bob \"B\" <x>\n"), "{body}");
        assert!(body.contains(&format!("account.1.password = {password}\n")));
        assert!(body.contains(&format!("static.auto_provision.server.url = {}\n", string(&yealink["url"]))));
        let unchanged = guest.get(&yealink_path).header(IF_NONE_MATCH, etag).send().await.unwrap();
        assert_eq!(unchanged.status(), 304);
    }
    for file in ["/y000000000065.cfg", "/001565123456.boot", "/001565123457.cfg"] {
        assert_eq!(status(&guest, &format!("{yealink_path}{file}")).await, 404, "{file}");
    }
    assert_eq!(status(&guest, yealink_path.rsplit_once('/').unwrap().0).await, 404, "a path without the MAC address");
    let snom = path(&create_desk_phone_link(&operator, &extension, "snom.xml", None).await);
    assert_eq!(status(&guest, &yealink_path).await, 404, "a new link replaces the telephone's previous one");
    let before = text(&guest, &snom).await;
    operator.rotates_password(&extension).await.ok();
    assert_ne!(text(&guest, &snom).await, before, "the document has the rotated secret");
    operator.bans("user").await.ok();
    assert_eq!(status(&guest, &snom).await, 404, "a banned owner's link is inactive");
    operator.unbans("user").await.ok();
    assert_eq!(status(&guest, &snom).await, 200);
    operator.deletes(&extension).await.ok();
    assert_eq!(status(&guest, &snom).await, 404, "the link outlived its extension");
}

pub async fn an_owner_gets_no_link_to_secrets_that_only_operators_see(app: TestApp) {
    let (operator, user) = (app.operator().await, app.user().await);
    let extension = assign_desk_phone(&operator).await.id();
    for template in ["yealink.cfg", "snom.xml"] {
        let refused = create_softphone_link(&user, &extension, template).await;
        assert_eq!(refused.refusal(), "INVALID at template");
        assert_eq!(refused["url"], Value::Null);
    }
    create_softphone_link(&operator, &extension, "yealink.cfg").await.ok();
}

pub async fn an_owner_links_a_desk_phone_by_its_mac_address(app: TestApp) {
    let (operator, user, guest) = (app.operator().await, app.user().await, app.guest());
    let registered = user.registers("sip", "2342").await;
    let (extension, password) = (registered.id(), string(&registered["generated"]["password"]));
    let create = async |actor: &Actor, extension: &str, mac: Option<&str>| {
        create_desk_phone_link(actor, extension, "linphone.xml", mac).await
    };
    let mut previous: Option<String> = None;
    for mac in ["00:15:65:12:34:ab", "00-15-65-12-34-AB", "0015.6512.34ab", "0015651234AB", " 00 15 65 12 34 AB "] {
        let link = create(&user, &extension, Some(mac)).await;
        assert_eq!((link.code(), &link["link"]["mac"]), ("none", &json!("00:15:65:12:34:ab")), "{mac}");
        let path = path(&link);
        assert!(!path.contains(password) && !path.contains("2342"), "{path}");
        let body = text(&guest, &format!("{path}.xml")).await;
        assert!(body.contains("2342") && !body.contains(password), "{body}");
        if let Some(previous) = previous.replace(path) {
            assert_eq!(status(&guest, &previous).await, 404, "a telephone has one link");
        }
    }
    let of_other_phone = create(&user, &extension, Some("00:15:65:12:34:cd")).await;
    assert_eq!(status(&guest, previous.as_deref().unwrap()).await, 200, "each telephone has its own link");
    for (mac, code) in [(Some("00:15:65"), "INVALID"), (Some("Güldenstern!"), "INVALID"), (None, "REQUIRED")] {
        assert_eq!(create(&user, &extension, mac).await.refusal(), format!("{code} at mac"), "{mac:?}");
    }
    let of_operator = operator.registers("sip", "2343").await.id();
    let mac = Some("00:15:65:12:34:56");
    assert_eq!(create(&user, &of_operator, mac).await.code(), "NOT_FOUND");
    revoke(&user, &of_other_phone.id()).await.ok();
    assert_eq!(status(&guest, &path(&of_other_phone)).await, 404);
    assert_eq!(create(&guest, &extension, mac).await.rejection(), "UNAUTHENTICATED");
    app.clock.advance(Duration::from_secs(901));
    assert_eq!(create(&user, &extension, mac).await.code(), "REAUTHENTICATION_REQUIRED");
}

pub async fn a_desk_phone_link_follows_the_rights_of_its_creator(app: TestApp) {
    let (admin, operator, guest) = (app.admin().await, app.operator().await, app.guest());
    let assigned = assign_desk_phone(&operator).await;
    let password = string(&assigned["generated"]["password"]).to_owned();
    let link = path(&create_desk_phone_link(&operator, &assigned.id(), "yealink.cfg", None).await);
    let shows_password = async || text(&guest, &link).await.contains(&password);
    assert!(shows_password().await);
    admin.sets_role("operator", "USER").await.ok();
    assert!(!shows_password().await, "a demoted operator's link shows what operators see");
    admin.sets_role("operator", "OPERATOR").await.ok();
    assert!(shows_password().await, "the role is read at each fetch");
    admin.bans("operator").await.ok();
    assert!(!shows_password().await, "a banned operator's link shows what operators see");
}
