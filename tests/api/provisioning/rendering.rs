//! `/render`: a feed rendered by a template.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use templates::document_structure;
use templates::{SHIPPED_TEMPLATES, TemplateFormat};

use crate::support::{Actor, ApiClient, Response, Scope, TestApp};

/// A label with the special characters of every format.
const HOSTILE_LABEL: &str = "Bob \"B\" <x>; [evil] type='endpoint' ${evil}";

/// A response to a request for a rendered file.
struct Document {
    status: u16,
    content_type: String,
    body: String,
}

async fn document(client: &ApiClient, path: &str) -> Document {
    let response = client.get(path).send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    Document { status, content_type, body: response.text().await.unwrap() }
}

async fn save_template(admin: &Actor, name: &str, content_type: &str, format: &str, source: &str) -> Response {
    let input =
        json!({ "serviceType": "sip", "name": name, "contentType": content_type, "format": format, "source": source });
    admin.mutate("saveTemplate", input, "sample").await
}

pub async fn every_shipped_template_of_a_feed_renders(app: TestApp) {
    let admin = app.admin().await;
    admin.assigns_with(json!({ "number": "2342", "owner": "user", "label": HOSTILE_LABEL })).await.ok();
    let is_for_one_device = |source: &str| source.contains("device.") || source.contains("extension.");
    let mut rendered = 0;
    for shipped in SHIPPED_TEMPLATES.iter().filter(|shipped| !is_for_one_device(shipped.source)) {
        let key = admin.creates_key(&[Scope::ReadSecrets, Scope::ReadDigests], &[shipped.service_type]).await;
        let path = format!("/render/demo/{}/{}", shipped.service_type, shipped.name);
        let Document { status, content_type, body } = document(&key, &path).await;
        assert_eq!((status, content_type.as_str()), (200, shipped.content_type), "{path}: {body}");
        assert!(document_structure(shipped.format, &body).is_ok_and(|outline| !outline.is_empty()), "{path}: {body}");
        if shipped.service_type == "sip" {
            assert!(body.contains("2342"), "{path}: {body}");
        }
        rendered += 1;
    }
    assert_eq!(rendered, 7);
}

pub async fn an_unchanged_file_is_answered_with_304(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let key = admin.creates_key(&[Scope::ReadDigests], &["sip"]).await;
    let path = "/render/demo/sip/kamailio.sql";
    let first = key.get(path).send().await.unwrap();
    let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
    let revalidate = |etag: &str| key.get(path).header(IF_NONE_MATCH, etag).send();
    let unchanged = revalidate(&etag).await.unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.headers()[ETAG].to_str().unwrap()), (304, etag.as_str()));
    let head = key.head(path).send().await.unwrap();
    assert_eq!((&head.headers()[ETAG], head.headers().get(CONTENT_LENGTH)), (&first.headers()[ETAG], None));
    user.registers("sip", "2342").await.ok();
    let changed = revalidate(&etag).await.unwrap();
    assert_eq!(changed.status(), 200);
    let etag = changed.headers()[ETAG].to_str().unwrap().to_owned();
    assert!(changed.text().await.unwrap().contains("('2342', 'demo.example', '', '"));
    save_template(&admin, "kamailio.sql", "application/sql", "SQL", "SELECT 1;\n").await.ok();
    let replaced = revalidate(&etag).await.unwrap();
    assert_eq!(replaced.text().await.unwrap(), "SELECT 1;\n");
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") \
                 { rendered(template: \"kamailio.sql\") { contentType body } } }";
    let in_graphql = key.query(query).await.ok()["rendered"].clone();
    let over_http = document(&key, path).await;
    assert_eq!(in_graphql, json!({ "contentType": "application/sql", "body": over_http.body }));
}

pub async fn a_template_that_needs_secrets_fails_without_them(app: TestApp) {
    let admin = app.admin().await;
    let source = "{% for x in extensions %}{{ x.number }} {{ x.secrets.password }}\n{% endfor %}";
    save_template(&admin, "clear", "text/plain", "TEXT", source).await.ok();
    let key = async |scope: Scope| admin.creates_key(&[scope], &["sip"]).await.actor;
    let with_secrets = key(Scope::ReadSecrets).await;
    let clear = document(&with_secrets, "/render/demo/sip/clear").await;
    assert!(clear.status == 200 && clear.body.lines().any(|line| line.starts_with("5000 ")), "{}", clear.body);
    for reader in [key(Scope::ReadDigests).await, app.operator().await] {
        let refused = document(&reader, "/render/demo/sip/clear").await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("undefined"), "{}", refused.body);
    }
    // Without digests these templates would render a configuration without any account.
    for name in ["kamailio.sql", "pjsip.conf", "freeswitch.xml"] {
        for reader in [key(Scope::ReadConfig).await, key(Scope::ReadSecrets).await] {
            let refused = document(&reader, &format!("/render/demo/sip/{name}")).await;
            assert!(refused.status == 400 && refused.body.contains("READ_DIGESTS"), "{name}: {}", refused.body);
        }
    }
    let refused = document(&with_secrets, "/render/demo/sip/linphone.xml").await;
    assert!(refused.status == 400 && refused.body.contains("one telephone"), "{}", refused.body);
    let query =
        "{ provisioning(event: \"demo\", serviceType: \"sip\") { rendered(template: \"linphone.xml\") { body } } }";
    let refused = with_secrets.execute(query, json!({})).await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("one telephone"), "{refused}");
    assert!(SHIPPED_TEMPLATES.iter().any(|shipped| shipped.format == TemplateFormat::Sql));
}

pub async fn an_invalid_template_is_refused_with_its_fault(app: TestApp) {
    let admin = app.admin().await;
    for (source, fault) in [
        ("{% for x in extensions %}", "line"),
        ("{% include 'x' %}", "fails"),
        ("{{ extensions[0].codek }}", "undefined"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "steps"),
        ("{{ extensions[0].label|safe }}", "safe"),
    ] {
        let refused = save_template(&admin, "clear", "text/plain", "TEXT", source).await;
        assert_eq!(refused["errors"][0]["path"], json!(["source"]), "{source}: {refused}");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains(fault), "{source}: {refused}");
        assert_eq!(refused["sample"], Value::Null);
    }
}
