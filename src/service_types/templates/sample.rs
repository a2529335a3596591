//! A template tried on a feed that nobody has: what does not compile, or stumbles over the sample, is refused when it is saved.
//!
//! The sample has one extension as the service type's schema describes it, with made-up secrets. Values are written as they
//! are, except in XML and JSON; the escaping of the other formats belongs to whoever renders real feeds.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Value, json};

use super::model::TemplateFormat;
use crate::clock::{Rng, Timestamp};
use crate::problem::{Fault, Problem, Stop};
use crate::service_types::ServiceType;
use crate::service_types::schema::{DigestContext, DigestSet, ParameterSchema, Source};

/// How many steps a template may take over the sample.
const FUEL: u64 = 1_000_000;
/// The longest sample that is answered, in bytes.
const MAX_SAMPLE_BYTES: usize = 64 * 1024;

const NUMBER: &str = "2342";
const USERNAME: &str = "sample";
const SLOT: i32 = 1;

/// The template applied to the sample.
///
/// # Errors
/// INVALID at `source`, with the line, when it does not compile or fails on the sample.
pub fn render(
    service_type: &ServiceType,
    schema: &ParameterSchema,
    format: TemplateFormat,
    source: &str,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<String, Stop> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(Fault::internal)?);
    environment.set_auto_escape_callback(move |_| match format {
        TemplateFormat::Xml => AutoEscape::Html,
        TemplateFormat::Json => AutoEscape::Custom("json".into()),
        _ => AutoEscape::None,
    });
    environment.set_formatter(|out, state, value| match state.auto_escape() {
        AutoEscape::Custom(_) if value.is_undefined() => Err(ErrorKind::UndefinedError.into()),
        AutoEscape::Custom(_) if !value.is_safe() => {
            let text = serde_json::to_string(value)
                .map_err(|_| Error::new(ErrorKind::InvalidOperation, "a value is no JSON"))?;
            out.write_str(&text).map_err(Error::from)
        }
        AutoEscape::Custom(_) => out.write_str(&value.to_string()).map_err(Error::from),
        _ => minijinja::escape_formatter(out, state, value),
    });
    let context = context(service_type, schema, rng, now);
    let mut rendered = environment.render_str(source, Serde(context)).map_err(|error| refusal(&error))?;
    let mut end = rendered.len().min(MAX_SAMPLE_BYTES);
    while !rendered.is_char_boundary(end) {
        end -= 1;
    }
    rendered.truncate(end);
    Ok(rendered)
}

fn context(service_type: &ServiceType, schema: &ParameterSchema, rng: &dyn Rng, now: Timestamp) -> Value {
    let source = Source { number: NUMBER, username: USERNAME, rng };
    let parts = schema.split(schema.sample(&source));
    let settings = &service_type.settings.0;
    let digests =
        schema.digests(&parts.secrets, &DigestContext { number: NUMBER, username: USERNAME, slot: SLOT, settings });
    let members = (service_type.behaviour == crate::service_types::ServiceBehaviour::CallGroup)
        .then(|| json!([{ "number": "2343", "delay_seconds": 0, "paused": false, "active": true }]));
    json!({
        "event": "sample",
        "service_type": { "slug": service_type.slug, "name": service_type.name, "settings": settings },
        "mode": "snapshot",
        "head": "sample",
        "generated_at": now.to_string(),
        "extensions": [{
            "id": "Extension:00000000000000000000000000000001",
            "slot": SLOT,
            "number": NUMBER,
            "previous_numbers": [],
            "label": "Bob \"B\" <x>",
            "ascii_label": "Bob \"B\" <x>",
            "parameters": parts.public,
            "secrets": parts.secrets,
            "digests": digests.map(digests_shown).unwrap_or_default(),
            "permissions": [],
            "fallback_number": null,
            "active": true,
            "members": members,
            "owner_username": USERNAME,
        }],
        "removed": [],
    })
}

fn digests_shown(digests: BTreeMap<String, DigestSet>) -> serde_json::Map<String, Value> {
    let shown = |set: DigestSet| json!({ "ha1": set.ha1, "ha1b": set.ha1b, "ha1_sha256": set.ha1_sha256 });
    digests.into_iter().map(|(name, set)| (name, shown(set))).collect()
}

fn refusal(error: &Error) -> Stop {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    Problem::invalid("source", format!("The template fails{place}: {}{detail}.", error.kind())).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;
    use crate::ids::ServiceTypeId;
    use crate::service_types::ServiceBehaviour;
    use crate::store::types::JsonValue;

    fn try_out(format: TemplateFormat, source: &str) -> Result<String, String> {
        let schema = json!({
            "type": "object",
            "properties": {
                "password": {
                    "type": "string", "x-secret": true, "x-generate": { "kind": "password", "length": 12 },
                    "x-digest": { "username": "{number}", "realm": "{settings.realm}" },
                },
                "codec": { "type": "string", "default": "opus" },
            },
        });
        let compiled = ParameterSchema::compile(&schema).unwrap();
        let service_type = ServiceType {
            id: ServiceTypeId(uuid::Uuid::from_u128(1)),
            slug: "sip".into(),
            name: "SIP".into(),
            description: String::new(),
            instructions: String::new(),
            parameter_schema: JsonValue(schema),
            schema_version: 1,
            behaviour: ServiceBehaviour::Endpoint,
            privileged: false,
            group_capable: false,
            quota: None,
            member_limit: None,
            retired: false,
            settings: JsonValue(json!({ "realm": "camp.example" })),
            created_at: Timestamp(0),
        };
        match render(&service_type, &compiled, format, source, &SeededRng::new(1), Timestamp(0)) {
            Ok(sample) => Ok(sample),
            Err(Stop::Problems(problems)) => Err(problems[0].message.clone()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sample_has_what_a_feed_has() {
        let source = "{% for x in extensions %}{{ x.number }} {{ x.parameters.codec }} {{ x.digests.password.ha1|length }} {{ service_type.settings.realm }}\n{% endfor %}";
        assert_eq!(try_out(TemplateFormat::Text, source).unwrap(), "2342 opus 32 camp.example\n");
    }

    #[test]
    fn values_are_data_in_xml_and_json() {
        assert_eq!(try_out(TemplateFormat::Xml, "{{ extensions[0].label }}").unwrap(), "Bob &quot;B&quot; &lt;x&gt;");
        assert_eq!(try_out(TemplateFormat::Json, "{{ extensions[0].label }}").unwrap(), r#""Bob \"B\" <x>""#);
    }

    #[test]
    fn what_fails_is_told_with_its_line() {
        assert_eq!(
            try_out(TemplateFormat::Text, "\n{% for %}").unwrap_err().get(..30),
            Some("The template fails in line 2: ")
        );
        assert!(
            try_out(TemplateFormat::Text, "{{ extensions[0].parameters.codek }}").unwrap_err().contains("undefined")
        );
        assert!(
            try_out(
                TemplateFormat::Text,
                "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}"
            )
            .is_err()
        );
        assert!(try_out(TemplateFormat::Text, "{% include 'x' %}").is_err());
    }
}
