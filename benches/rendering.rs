//! The shipped Kamailio template with many extensions. The baseline is MiniJinja without escaping that writes the same
//! text.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value};
use serde_json::json;
use service_types::schema::{DigestSet, Parameters};
use templates::{ExtensionVariables, Limits, RenderContext, SHIPPED_TEMPLATES, TypeVariables, feed_context, render};

use super::measure::compare;
use super::table::Table;

const RECORDS: u32 = 10_000;

/// Measures the row of rendering.
pub async fn measure(table: &mut Table) {
    let name = "10,000 records with the Kamailio template";
    if !table.includes(name) {
        return;
    }
    let template = SHIPPED_TEMPLATES.iter().find(|template| template.name == "kamailio.sql").unwrap();
    let settings = json!({ "realm": "camp.example" });
    let service_type = TypeVariables { slug: "sip", name: "SIP", settings: &settings };
    let render_context =
        RenderContext { event: "camp", service_type, head: "head", generated_at: "2026-11-21T10:00:00Z" };
    let context = feed_context(&render_context, Value::from((0..RECORDS).map(extension).collect::<Vec<_>>()));

    // The escaper of SQL writes quotes around each value; here the template has them.
    let unescaped = template.source.replace("{{ ", "'{{ ").replace(" }}", " }}'");
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap());
    let unescaped = environment.template_from_str(&unescaped).unwrap();

    let subject = || render(template.format, template.source, context.clone(), Limits::FEED).unwrap();
    let baseline = || unescaped.render(context.clone()).unwrap();
    assert!(subject() == baseline(), "both sides must produce the same text");
    let repeat = async |units, side: &dyn Fn() -> String| {
        for _ in 0..units {
            std::hint::black_box(side());
        }
    };
    let comparison =
        compare(5, async |units| repeat(units, &subject).await, async |units| repeat(units, &baseline).await).await;
    table.report(name, comparison.cpu_measurement("MiniJinja"));
}

fn extension(index: u32) -> Value {
    let empty = Parameters::new();
    let digest = |length| format!("{index:0length$x}");
    let digests = DigestSet { ha1: digest(32), ha1b: digest(32), ha1_sha256: digest(64) };
    let variables = ExtensionVariables {
        id: format!("Extension:{index:032x}"),
        slot: 1,
        number: &index.to_string(),
        previous_numbers: &[],
        label: "Tent",
        ascii_label: "Tent",
        parameters: &empty,
        secrets: Some(&empty),
        digests: Some(&BTreeMap::from([("password".to_owned(), digests)])),
        permissions: &[],
        fallback_number: None,
        active: true,
        members: None,
        owner_username: "arthur",
    };
    variables.to_value()
}
