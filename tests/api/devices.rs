//! Links under which telephones find their configuration.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, error_code};

const SOFTPHONE: &str = "mutation($e: ID!, $t: String!) { createSoftphoneLink(input: {extension: $e, template: $t}) \
    { link { id template mac expiresAt usedAt } url qrCode errors { code path message } } }";
const DESK_PHONE: &str = "mutation($e: ID!, $t: String!, $m: String) { createDeskPhoneLink(input: {extension: $e, template: $t, mac: $m}) \
    { link { id mac expiresAt } url errors { code path message } } }";

async fn softphone(person: &Actor, extension: &Value, template: &str) -> Value {
    let answer = person.execute(SOFTPHONE, json!({ "e": extension, "t": template })).await;
    answer["data"]["createSoftphoneLink"].clone()
}

/// The path of an address that the server gave.
fn path(url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no address"));
    url[url.find("/device/").unwrap()..].to_owned()
}

async fn status(person: &Actor, path: &str) -> u16 {
    person.get(path).send().await.unwrap().status().as_u16()
}

pub async fn a_softphone_fetches_its_configuration_once(app: TestApp) {
    let (user, guest) = (app.sign_in("user", "numberwang").await, app.guest());
    let made = user.registers("sip", "2342").await;
    let (extension, password) = (&made["extension"]["id"], made["generated"]["password"].as_str().unwrap());
    let link = softphone(&user, extension, "linphone.xml").await;
    assert_eq!((link["errors"].clone(), &link["link"]["template"]), (json!([]), &json!("linphone.xml")));
    let (url, picture) = (path(&link["url"]), link["qrCode"].as_str().unwrap());
    assert!(picture.starts_with("<svg ") && roxmltree::Document::parse(picture).is_ok());
    assert!(!url.contains(password) && !url.contains("2342"), "{url}");
    let head = guest.head(&url).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::METHOD_NOT_ALLOWED, "a look must not use the link up");
    let fetched: Vec<_> = (0..8)
        .map(|_| {
            let request = guest.get(&url);
            tokio::spawn(async move {
                let response = request.send().await.unwrap();
                (response.status().as_u16(), response.text().await.unwrap())
            })
        })
        .collect();
    let mut documents = Vec::new();
    for one in fetched {
        match one.await.unwrap() {
            (200, body) => documents.push(body),
            (status, body) => assert_eq!(status, 404, "{body}"),
        }
    }
    assert_eq!(documents.len(), 1, "one of eight that asked at once");
    let document = roxmltree::Document::parse(&documents[0]).unwrap();
    let entry = |name: &str| {
        let found = document.descendants().find(|node| node.attribute("name") == Some(name));
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    assert_eq!((entry("username"), entry("domain")), ("2342".to_owned(), "demo.example".to_owned()));
    let admin = app.sign_in("admin", "numberwang").await;
    let key = super::feed::key(&admin, "READ_DIGESTS").await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot { entries { number digests } } } }";
    let snapshot = key.execute(query, json!({})).await["data"]["provisioning"]["snapshot"]["entries"].clone();
    let mine = snapshot.as_array().unwrap().iter().find(|entry| entry["number"] == "2342").unwrap();
    assert_eq!(json!(entry("ha1")), mine["digests"]["password"]["ha1"]);
    assert!(!documents[0].contains(password));
    let shown = user
        .execute(
            "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { deviceLinks { usedAt } } }",
            json!({ "n": "2342" }),
        )
        .await;
    assert!(shown["data"]["extension"]["deviceLinks"][0]["usedAt"].is_string(), "{shown}");
}

pub async fn a_softphone_link_ends_and_is_for_its_owner(app: TestApp) {
    let (user, operator, guest) =
        (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await, app.guest());
    let extension = user.registers("sip", "2342").await["extension"]["id"].clone();
    let late = path(&softphone(&user, &extension, "linphone.xml").await["url"]);
    app.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(status(&guest, &late).await, 404);
    let first = path(&softphone(&user, &extension, "linphone.xml").await["url"]);
    let second = softphone(&user, &extension, "linphone.xml").await;
    assert_eq!(status(&guest, &first).await, 404, "a new link ends the one before");
    let revoke = "mutation($i: ID!) { revokeDeviceLink(input: {id: $i}) { accepted errors { code path } } }";
    let stranger = operator.registers("sip", "2343").await["extension"]["id"].clone();
    let foreign = softphone(&operator, &stranger, "linphone.xml").await;
    let refused = user.execute(revoke, json!({ "i": foreign["link"]["id"] })).await;
    assert_eq!(error_code(&refused["data"]["revokeDeviceLink"]), "NOT_FOUND");
    assert_eq!(
        user.execute(revoke, json!({ "i": second["link"]["id"] })).await["data"]["revokeDeviceLink"]["accepted"],
        true
    );
    assert_eq!(status(&guest, &path(&second["url"])).await, 404);
    assert_eq!(status(&guest, "/device/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").await, 404);
    assert_eq!(error_code(&softphone(&user, &stranger, "linphone.xml").await), "NOT_FOUND");
    let none = softphone(&user, &extension, "nothing").await;
    assert_eq!((error_code(&none), &none["errors"][0]["path"]), ("NOT_FOUND", &json!(["template"])));
    let unfit = softphone(&user, &extension, "kamailio.sql").await;
    assert_eq!(
        (error_code(&unfit), &unfit["errors"][0]["path"]),
        ("INVALID", &json!(["template"])),
        "a feed's template"
    );
    let names = user.execute("{ serviceTypes { slug deviceTemplates } }", json!({})).await;
    let names = names["data"]["serviceTypes"].as_array().unwrap().iter().find(|kind| kind["slug"] == "sip").unwrap();
    assert_eq!(names["deviceTemplates"], json!(["linphone.xml"]));
    app.clock.advance(std::time::Duration::from_secs(901));
    assert_eq!(error_code(&softphone(&user, &extension, "linphone.xml").await), "REAUTHENTICATION_REQUIRED");
    let unsigned = guest.execute(SOFTPHONE, json!({ "e": extension, "t": "linphone.xml" })).await;
    assert_eq!(unsigned["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

pub async fn a_desk_phone_finds_its_configuration_by_its_address(app: TestApp) {
    let (operator, user, guest) =
        (app.sign_in("operator", "numberwang").await, app.sign_in("user", "numberwang").await, app.guest());
    let assign = "mutation { assignExtension(input: {event: \"demo\", serviceType: \"deskphone\", number: \"1100\", owner: \"user\", label: \"Bob \\\"B\\\" <x>\", \
                  parameters: {mac: \"00:15:65:12:34:56\"}}) { extension { id } generated errors { message } } }";
    let made = operator.execute(assign, json!({})).await["data"]["assignExtension"].clone();
    assert_eq!(made["errors"], json!([]), "{made}");
    let extension = &made["extension"]["id"];
    let link = |template: &'static str| {
        let (operator, extension) = (operator.clone(), extension.clone());
        async move {
            operator.execute(DESK_PHONE, json!({ "e": extension, "t": template })).await["data"]["createDeskPhoneLink"]
                .clone()
        }
    };
    let refused = user.execute(DESK_PHONE, json!({ "e": extension, "t": "yealink.cfg" })).await;
    let refused = &refused["data"]["createDeskPhoneLink"];
    assert_eq!(
        (error_code(refused), &refused["url"]),
        ("INVALID", &Value::Null),
        "its password is for operators: {refused}"
    );
    let yealink = link("yealink.cfg").await;
    assert_eq!((&yealink["link"]["mac"], &yealink["link"]["expiresAt"]), (&json!("00:15:65:12:34:56"), &Value::Null));
    let url = path(&yealink["url"]);
    for file in ["", "/001565123456.cfg", "/001565123456.CFG"] {
        let response = guest.get(&format!("{url}{file}")).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
            (200, &"text/plain; charset=utf-8".parse().unwrap())
        );
        let (tag, body) = (response.headers()[ETAG].clone(), response.text().await.unwrap());
        assert!(body.contains("account.1.display_name = Bob \"B\" <x>\n"), "{body}");
        assert!(body.contains(&format!("account.1.password = {}\n", made["generated"]["password"].as_str().unwrap())));
        assert!(body.contains(&format!("static.auto_provision.server.url = {}\n", yealink["url"].as_str().unwrap())));
        let known = guest.get(&url).header(IF_NONE_MATCH, tag).send().await.unwrap();
        assert_eq!(known.status(), 304);
    }
    for file in ["/y000000000065.cfg", "/001565123456.boot", "/001565123457.cfg"] {
        assert_eq!(status(&guest, &format!("{url}{file}")).await, 404, "{file}");
    }
    assert_eq!(status(&guest, url.rsplit_once('/').unwrap().0).await, 404, "not without the address");
    let snom = link("snom.xml").await;
    assert_eq!(status(&guest, &url).await, 404, "a new link ends the telephone's earlier one");
    let before = guest.get(&path(&snom["url"])).send().await.unwrap().text().await.unwrap();
    operator
        .execute(
            "mutation($i: ID!) { rotateSecret(input: {id: $i, parameter: \"password\"}) { errors { code } } }",
            json!({ "i": extension }),
        )
        .await;
    let after = guest.get(&path(&snom["url"])).send().await.unwrap().text().await.unwrap();
    assert_ne!(before, after, "a rotated secret is in the next document");
    operator
        .execute("mutation { banAccount(input: {username: \"user\", reason: \"x\"}) { errors { code } } }", json!({}))
        .await;
    assert_eq!(status(&guest, &path(&snom["url"])).await, 404, "who may not sign in reads no secret by a link");
    operator.execute("mutation { unbanAccount(input: {username: \"user\"}) { errors { code } } }", json!({})).await;
    assert_eq!(status(&guest, &path(&snom["url"])).await, 200);
    operator
        .execute(
            "mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }",
            json!({ "i": extension }),
        )
        .await;
    assert_eq!(status(&guest, &path(&snom["url"])).await, 404, "a link ends with its extension");
}

pub async fn an_owner_gets_no_secret_that_is_not_shown_to_him(app: TestApp) {
    let (operator, user) = (app.sign_in("operator", "numberwang").await, app.sign_in("user", "numberwang").await);
    let assign = "mutation { assignExtension(input: {event: \"demo\", serviceType: \"deskphone\", number: \"1100\", owner: \"user\", label: \"Desk\", \
                  parameters: {mac: \"00:15:65:12:34:56\"}}) { extension { id } errors { message } } }";
    let extension = operator.execute(assign, json!({})).await["data"]["assignExtension"]["extension"]["id"].clone();
    for template in ["yealink.cfg", "snom.xml"] {
        let refused = softphone(&user, &extension, template).await;
        assert_eq!(
            (error_code(&refused), &refused["errors"][0]["path"]),
            ("INVALID", &json!(["template"])),
            "{refused}"
        );
        assert_eq!(refused["url"], Value::Null);
    }
    assert_eq!(softphone(&operator, &extension, "yealink.cfg").await["errors"], json!([]));
}

pub async fn an_owner_gives_a_desk_phone_its_address(app: TestApp) {
    let (operator, user, guest) =
        (app.sign_in("operator", "numberwang").await, app.sign_in("user", "numberwang").await, app.guest());
    let made = user.registers("sip", "2342").await;
    let (extension, password) = (&made["extension"]["id"], made["generated"]["password"].as_str().unwrap());
    let ask = |person: &Actor, extension: &Value, mac: Option<&str>| {
        let variables = json!({ "e": extension, "t": "linphone.xml", "m": mac });
        let person = person.clone();
        async move { person.execute(DESK_PHONE, variables).await["data"]["createDeskPhoneLink"].clone() }
    };
    let mut before: Option<String> = None;
    for mac in ["00:15:65:12:34:ab", "00-15-65-12-34-AB", "0015.6512.34ab", "0015651234AB", " 00 15 65 12 34 AB "] {
        let link = ask(&user, extension, Some(mac)).await;
        assert_eq!((&link["errors"], &link["link"]["mac"]), (&json!([]), &json!("00:15:65:12:34:ab")), "{mac}");
        let url = path(&link["url"]);
        assert!(!url.contains(password) && !url.contains("2342"), "{url}");
        let body = guest.get(&format!("{url}.xml")).send().await.unwrap().text().await.unwrap();
        assert!(body.contains("2342") && !body.contains(password), "{body}");
        if let Some(before) = before.replace(url) {
            assert_eq!(status(&guest, &before).await, 404, "one link a telephone");
        }
    }
    let another = ask(&user, extension, Some("00:15:65:12:34:cd")).await;
    assert_eq!(status(&guest, before.as_deref().unwrap()).await, 200, "another telephone has another link");
    for (mac, expected) in [(Some("00:15:65"), "INVALID"), (Some("Güldenstern!"), "INVALID"), (None, "REQUIRED")] {
        let refused = ask(&user, extension, mac).await;
        assert_eq!((error_code(&refused), &refused["errors"][0]["path"]), (expected, &json!(["mac"])), "{mac:?}");
    }
    let theirs = operator.registers("sip", "2343").await["extension"]["id"].clone();
    assert_eq!(error_code(&ask(&user, &theirs, Some("00:15:65:12:34:56")).await), "NOT_FOUND");
    let revoke = "mutation($i: ID!) { revokeDeviceLink(input: {id: $i}) { accepted errors { code } } }";
    user.execute_ok(revoke, json!({ "i": another["link"]["id"] })).await;
    assert_eq!(status(&guest, &path(&another["url"])).await, 404);
    let variables = json!({ "e": extension, "t": "linphone.xml", "m": "00:15:65:12:34:56" });
    let unsigned = guest.execute(DESK_PHONE, variables).await;
    assert_eq!(unsigned["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.clock.advance(std::time::Duration::from_secs(901));
    assert_eq!(error_code(&ask(&user, extension, Some("00:15:65:12:34:56")).await), "REAUTHENTICATION_REQUIRED");
}
