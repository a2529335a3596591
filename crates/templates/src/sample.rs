//! Checks a template with a sample when it is saved.
//!
//! The sample has one extension with the parameters that the service type's schema describes and with generated
//! secrets. It is rendered once with plain values and then with hostile ones, as far as the schema allows them. The
//! structure of the document must be the same each time.

use minijinja::Value as Variable;
use serde_json::Value;

use super::TemplateFormat;
use super::structure::document_structure;
use super::variables::{
    DeviceVariables, ExtensionVariables, MemberVariables, RenderContext, TypeVariables, device_context,
};
use super::{Limits, TemplateError};
use platform::clock::{Rng, Timestamp};
use platform::error::{Error, UserError};
use service_types::schema::{DigestContext, GenerationContext, ParameterSchema, Parameters};
use service_types::{ServiceBehaviour, ServiceType};

/// The maximum size of the returned sample, in bytes.
const MAX_SAMPLE_BYTES: usize = 64 * 1024;

const NUMBER: &str = "2342";
const USERNAME: &str = "sample";
const SLOT: i32 = 1;
const LABEL: &str = "Front Desk";
const DEVICE: DeviceVariables<'_> =
    DeviceVariables { mac: "00:15:65:12:34:56", address: "https://switchboard.example/device/sample/" };

/// Labels and parameter values that must not change the structure of a document. They are also tried without line
/// breaks and spaces, if the schema does not allow those.
const HOSTILE: [&str; 10] = [
    "Bob \"B\" <x>;\n[evil]\ntype='endpoint', \\",
    "[evil] type=endpoint",
    "#exec evil.sh",
    "'); DROP TABLE subscriber; --",
    "\\'); DROP TABLE subscriber; #",
    "--><evil a=\"1\">]]></evil>",
    "\"},{\"evil\":1,\"x\":\"",
    "{{ 7*7 }}{% for x in y %}",
    "a,b;c:d=e|f&g`h$(i)",
    "Zo\u{eb} \u{672c} \\",
];

/// Renders a template with the sample extension, and checks that hostile values do not change the structure of the
/// document.
///
/// # Errors
/// INVALID at `source`, with the line, when the template does not compile, fails, or does not escape a value.
pub fn render(
    service_type: &ServiceType,
    schema: &ParameterSchema,
    format: TemplateFormat,
    source: &str,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<String, Error> {
    let sample = schema.sample(&GenerationContext { number: NUMBER, username: USERNAME, rng });
    let render = |label: &str, values: &Parameters| -> Result<String, TemplateError> {
        crate::render(format, source, context(service_type, schema, label, values, now), Limits::SMALL)
    };
    let mut document = render(LABEL, &sample).map_err(|error| describe_failure(&error))?;
    let expected = document_structure(format, &document).map_err(|error| {
        invalid(format!(
            "The document that the template renders from the sample is not valid {}: {error}.",
            format.as_str()
        ))
    })?;
    for text in HOSTILE {
        let label = text.replace('\n', " ");
        let hostile =
            render(&label, &with_hostile_values(schema, &sample, text)).map_err(|error| describe_failure(&error))?;
        if document_structure(format, &hostile).as_ref() != Ok(&expected) {
            let message = "The template does not escape a value: a label or a parameter with special characters of the \
                           format, such as";
            return Err(invalid(format!("{message} {label:?}, changes the structure of the document.")));
        }
    }
    let mut end = document.len().min(MAX_SAMPLE_BYTES);
    while !document.is_char_boundary(end) {
        end -= 1;
    }
    document.truncate(end);
    Ok(document)
}

/// Replaces every text by the hostile text, in the first variant that the schema allows.
fn with_hostile_values(schema: &ParameterSchema, values: &Parameters, text: &str) -> Parameters {
    let one_line = text.replace('\n', " ");
    let one_word: String = text.chars().filter(char::is_ascii_graphic).collect();
    let long = format!("{one_word}{one_word}{one_word}");
    let mut hostile = values.clone();
    for name in values.keys() {
        if !hostile.get(name).is_some_and(Value::is_string) {
            continue;
        }
        for attempt in [text, &one_line, &one_word, &long] {
            let before = hostile.insert(name.clone(), Value::from(attempt));
            if schema.is_valid(&Value::Object(hostile.clone())) {
                break;
            }
            hostile.extend(before.map(|before| (name.clone(), before)));
        }
    }
    hostile
}

fn context(
    service_type: &ServiceType,
    schema: &ParameterSchema,
    label: &str,
    values: &Parameters,
    now: Timestamp,
) -> Variable {
    let parts = schema.split(values.clone());
    let settings = &service_type.settings.0;
    let digest = DigestContext { number: NUMBER, username: USERNAME, slot: SLOT, settings };
    let digests = schema.digests(&parts.secrets, &digest).unwrap_or_default();
    let member = MemberVariables { number: "2343", delay_seconds: 0, paused: false, active: true };
    let ascii_label: String = label.chars().filter(|character| matches!(character, ' '..='~')).collect();
    let extension = ExtensionVariables {
        id: "Extension:00000000000000000000000000000001".to_owned(),
        slot: SLOT,
        number: NUMBER,
        previous_numbers: &[],
        label,
        ascii_label: &ascii_label,
        parameters: &parts.public,
        secrets: Some(&parts.secrets),
        digests: Some(&digests),
        permissions: &[],
        fallback_number: None,
        active: true,
        members: (service_type.behaviour == ServiceBehaviour::CallGroup).then(|| vec![member]),
        owner_username: USERNAME,
    };
    let render_context = RenderContext {
        event: "sample",
        service_type: TypeVariables { slug: &service_type.slug, name: &service_type.name, settings },
        head: "sample",
        generated_at: &now.to_string(),
    };
    device_context(&render_context, extension.to_value(), &DEVICE)
}

fn describe_failure(error: &TemplateError) -> Error {
    let position = error.line.map(|line| format!(" in line {line}")).unwrap_or_default();
    invalid(format!("The template fails{position}: {}.", error.message))
}

fn invalid(message: String) -> Error {
    UserError::invalid("source", message).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use platform::clock::SeededRng;
    use platform::ids::ServiceTypeId;
    use platform::store::types::JsonValue;

    fn render_sample(format: TemplateFormat, source: &str) -> Result<String, String> {
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
            Err(Error::User(problems)) => Err(problems[0].message.clone()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_sample_has_the_variables_of_a_feed() {
        let source = "{% for x in extensions %}{{ x.number }} {{ x.parameters.codec }} \
                      {{ x.digests.password.ha1|length }} {{ service_type.settings.realm }}\n{% endfor %}";
        assert_eq!(render_sample(TemplateFormat::Text, source).unwrap(), "2342 opus 32 camp.example\n");
    }

    #[test]
    fn a_template_that_does_not_escape_is_rejected() {
        use TemplateFormat as F;
        for (format, good, bad) in [
            (F::Xml, "<a b='{{ extension.label }}'/>", "<a><{{ extension.label }}/></a>"),
            (F::Json, "[{{ extension.label }}]", "[\"{{ extension.label }}\"]"),
            (F::Ini, "[{{ extension.number }}]\nname = {{ extension.label }}\n", "[a]\n{{ extension.label }} = 1\n"),
            (
                F::Sql,
                "DELETE FROM t WHERE a = {{ extension.label }};",
                "DELETE FROM t WHERE a = '{{ extension.label }}';",
            ),
            (F::Csv, "{{ extension.number }},{{ extension.label }}\n", "2342,\"{{ extension.label }}\"\n"),
            (F::Ldif, "dn: uid=1\ncn:: {{ extension.label|base64 }}\n", "dn: uid=1\ncn: {{ extension.label }}\n"),
            (
                F::Vcard,
                "BEGIN:VCARD\nFN:{{ extension.label }}\nEND:VCARD\n",
                "BEGIN:VCARD\nNOTE;X={{ extension.label }}:x\n{{ extension.label }}:1\nEND:VCARD\n",
            ),
            (F::Text, "name={{ extension.label }}\n", "name={{ extension.label }}\u{1b}\n"),
        ] {
            assert!(render_sample(format, good).is_ok(), "{good}: {:?}", render_sample(format, good));
            assert!(render_sample(format, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_invalid_document_is_rejected() {
        let message = render_sample(TemplateFormat::Xml, "<a>{{ extension.label }}</b>").unwrap_err();
        assert!(
            message.starts_with("The document that the template renders from the sample is not valid XML: "),
            "{message}"
        );
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(
            render_sample(TemplateFormat::Text, "\n{% for %}").unwrap_err().get(..30),
            Some("The template fails in line 2: ")
        );
        assert!(
            render_sample(TemplateFormat::Text, "{{ extensions[0].parameters.codek }}")
                .unwrap_err()
                .contains("undefined")
        );
        assert!(
            render_sample(
                TemplateFormat::Text,
                "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}"
            )
            .is_err()
        );
        assert!(render_sample(TemplateFormat::Text, "{% include 'x' %}").is_err());
    }
}
