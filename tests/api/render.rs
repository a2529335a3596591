//! Templates applied to a feed.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use switchboard::service_types::templates::outline;
use switchboard::service_types::{TemplateFormat, templates::SHIPPED};

use super::feed::key_of;
use crate::support::{Actor, TestApp};

const HOSTILE: &str = "Bob \"B\" <x>; [evil] type='endpoint' ${evil}";

async fn document(key: &Actor, path: &str) -> (u16, String, String) {
    let response = key.get(path).send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    (status, content_type, response.text().await.unwrap())
}

pub async fn every_shipped_template_of_a_feed_renders(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let register = "mutation($l: String!) { assignExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2342\", owner: \"user\", label: $l}) { errors { message } } }";
    let done = admin.execute(register, json!({ "l": HOSTILE })).await;
    assert_eq!(done["data"]["assignExtension"]["errors"], json!([]), "{done}");
    let mut seen = 0;
    for shipped in
        SHIPPED.iter().filter(|shipped| !shipped.source.contains("device.") && !shipped.source.contains("extension."))
    {
        let key = key_of(&admin, &["READ_SECRETS", "READ_DIGESTS"], shipped.service_type).await;
        let path = format!("/render/demo/{}/{}", shipped.service_type, shipped.name);
        let (status, content_type, body) = document(&key, &path).await;
        assert_eq!((status, content_type.as_str()), (200, shipped.content_type), "{path}: {body}");
        assert!(outline(shipped.format, &body).is_ok_and(|outline| !outline.is_empty()), "{path}: {body}");
        if shipped.service_type == "sip" {
            assert!(body.contains("2342"), "{path}: {body}");
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}

pub async fn a_rendered_file_that_is_known_is_not_sent_again(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let digests = key_of(&admin, &["READ_DIGESTS"], "sip").await;
    let path = "/render/demo/sip/kamailio.sql";
    let first = digests.get(path).send().await.unwrap();
    let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
    let (known, path) = (|tag: String| digests.get(path).header(IF_NONE_MATCH, tag).send(), path);
    let again = known(tag.clone()).await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()[ETAG].to_str().unwrap()), (304, tag.as_str()));
    let head = digests.head(path).send().await.unwrap();
    assert_eq!((&head.headers()[ETAG], head.headers().get(CONTENT_LENGTH)), (&first.headers()[ETAG], None));
    user.registers("sip", "2342").await;
    let changed = known(tag.clone()).await.unwrap();
    assert_eq!(changed.status(), 200);
    let tag = changed.headers()[ETAG].to_str().unwrap().to_owned();
    assert!(changed.text().await.unwrap().contains("('2342', 'demo.example', '', '"));
    let save = "mutation { saveTemplate(input: {serviceType: \"sip\", name: \"kamailio.sql\", contentType: \"application/sql\", format: SQL, source: \"SELECT 1;\\n\"}) { errors { message } } }";
    assert_eq!(admin.execute(save, json!({})).await["data"]["saveTemplate"]["errors"], json!([]));
    let replaced = known(tag).await.unwrap();
    assert_eq!(replaced.text().await.unwrap(), "SELECT 1;\n");
    let graphql = "{ provisioning(event: \"demo\", serviceType: \"sip\") { rendered(template: \"kamailio.sql\") { contentType body } } }";
    let same = digests.execute(graphql, json!({})).await["data"]["provisioning"]["rendered"].clone();
    assert_eq!(same, json!({ "contentType": "application/sql", "body": document(&digests, path).await.2 }));
}

pub async fn a_template_that_needs_secrets_fails_without_them(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let save = "mutation($s: String!) { saveTemplate(input: {serviceType: \"sip\", name: \"clear\", contentType: \"text/plain\", format: TEXT, source: $s}) { errors { message path } sample } }";
    let source = "{% for x in extensions %}{{ x.number }} {{ x.secrets.password }}\n{% endfor %}";
    let saved = admin.execute(save, json!({ "s": source })).await;
    assert_eq!(saved["data"]["saveTemplate"]["errors"], json!([]), "{saved}");
    let secrets = key_of(&admin, &["READ_SECRETS"], "sip").await;
    let (status, _, body) = document(&secrets, "/render/demo/sip/clear").await;
    assert!(status == 200 && body.lines().any(|line| line.starts_with("5000 ")), "{body}");
    for poor in [key_of(&admin, &["READ_DIGESTS"], "sip").await, app.sign_in("operator", "numberwang").await] {
        let (status, _, body) = document(&poor, "/render/demo/sip/clear").await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("undefined"), "{body}");
    }
    // Those who may see no digests must not get a configuration without anybody in it.
    for name in ["kamailio.sql", "pjsip.conf", "freeswitch.xml"] {
        for poor in [key_of(&admin, &["READ_CONFIG"], "sip").await, key_of(&admin, &["READ_SECRETS"], "sip").await] {
            let (status, _, body) = document(&poor, &format!("/render/demo/sip/{name}")).await;
            assert!(status == 400 && body.contains("READ_DIGESTS"), "{name}: {body}");
        }
    }
    let (status, _, body) = document(&secrets, "/render/demo/sip/linphone.xml").await;
    assert!(status == 400 && body.contains("one telephone"), "{body}");
    let rendered =
        "{ provisioning(event: \"demo\", serviceType: \"sip\") { rendered(template: \"linphone.xml\") { body } } }";
    let refused = secrets.execute(rendered, json!({})).await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("one telephone"), "{refused}");
    for (source, why) in [
        ("{% for x in extensions %}", "line"),
        ("{% include 'x' %}", "fails"),
        ("{{ extensions[0].codek }}", "undefined"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "steps"),
        ("{{ extensions[0].label|safe }}", "safe"),
    ] {
        let refused = admin.execute(save, json!({ "s": source })).await["data"]["saveTemplate"].clone();
        assert_eq!(refused["errors"][0]["path"], json!(["source"]), "{source}: {refused}");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains(why), "{source}: {refused}");
        assert_eq!(refused["sample"], Value::Null);
    }
    assert!(SHIPPED.iter().any(|shipped| shipped.format == TemplateFormat::Sql));
}
