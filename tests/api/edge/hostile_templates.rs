//! Templates and instructions that would use up stack, memory or time.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Actor, Response, TestApp};

/// How long an operation with a hostile template may take in a debug build.
const LIMIT: Duration = Duration::from_secs(20);

async fn save_template(admin: &Actor, format: &str, source: &str) -> Response {
    let input = json!({ "serviceType": "sip", "name": "hostile.txt", "contentType": "text/plain", "format": format,
                        "source": source });
    admin.mutate("saveTemplate", input, "sample").await
}

fn hostile_sources() -> Vec<String> {
    let doubling = |step: &str| {
        format!(
            "{{% set ns = namespace(x='0123456789') %}}{{% for i in range(40) %}}{step}{{% endfor %}}{{{{ ns.x|length }}}}"
        )
    };
    vec![
        format!("{{{{ {}1 }}}}", "-".repeat(20_000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(30_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(10_000)),
        doubling("{% set ns.x = ns.x ~ ns.x %}"),
        doubling("{% set ns.x = ns.x + ns.x %}"),
        doubling("{% set ns.x = [ns.x, ns.x]|join %}"),
        doubling("{% set ns.x = [ns.x, ns.x] %}"),
        doubling("{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}"),
        "{{ 'x' * 100000000 }}".to_owned(),
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in range(99999) %}some text of the document{% endfor %}".to_owned(),
    ]
}

pub async fn a_hostile_template_is_refused_and_the_server_goes_on(app: TestApp) {
    let admin = app.admin().await;
    for source in hostile_sources() {
        let began = Instant::now();
        for format in ["TEXT", "JSON"] {
            let refused = save_template(&admin, format, &source).await;
            assert_eq!(refused.refusal(), "INVALID at source", "{}", &source[..40]);
        }
        let refused = admin.updates_service_type("sip", json!({ "instructions": source })).await;
        let code = refused.refusal();
        assert_eq!(code, "INVALID at instructions", "{}", &source[..40]);
        assert!(began.elapsed() < LIMIT, "{:?}: {}", began.elapsed(), &source[..40]);
    }
    app.user().await.registers("sip", "2342").await.ok();
}

pub async fn instructions_are_tried_when_they_are_saved(app: TestApp) {
    let admin = app.admin().await;
    let save = async |text: &str| admin.updates_service_type("sip", json!({ "instructions": text })).await;
    for (text, reason) in [
        ("Hello\n\n{{ nope }}", "in line 3"),
        ("{{ parameters.codek }}", "in line 1"),
        ("{% if service_type.settings.nope %}x{% endif %}", "in line 1"),
        ("one\n{% for %}", "in line 2"),
        ("{{ number|missing }}", "in line 1"),
    ] {
        let refused = save(text).await;
        assert_eq!(refused.refusal(), "INVALID at instructions", "{text}");
        let message = refused["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{text}: {message}");
    }
    save("Dial {{ number }} with {{ parameters.codec }} at {{ service_type.settings.registrar }}.").await.ok();
    let user = app.user().await;
    user.registers("sip", "2342").await.ok();
    let query = "{ extension(event: \"demo\", number: \"2342\") { instructions } }";
    let shown = user.query(query).await.ok();
    assert_eq!(shown["instructions"], "Dial 2342 with PCMA at sip.demo.example.", "{shown}");
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let input =
        json!({ "slug": "fresh", "name": "Fresh", "parameterSchema": schema, "instructions": "{{ parameters.b }}" });
    assert_eq!(admin.mutate("createServiceType", input.clone(), "").await.refusal(), "INVALID at instructions");
    let mut input = input;
    input["instructions"] = json!("{{ parameters.a }}");
    admin.mutate("createServiceType", input, "").await.ok();
    // Only an admin causes the work.
    let user_input = json!({ "slug": "sip", "instructions": "{{ nope }}" });
    assert_eq!(user.mutate("updateServiceType", user_input, "").await.rejection(), "FORBIDDEN");
}
