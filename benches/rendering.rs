//! The shipped template of Kamailio over many extensions, beside MiniJinja's own loop that writes the same text.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value};
use serde_json::json;
use service_types::schema::{DigestSet, Parameters};
use templates::{
    ExtensionVariables, Limits, SHIPPED, Surroundings, TypeVariables, of_feed, render,
};

use super::measure::{alternate, show};
use super::table::Table;

const RECORDS: u32 = 10_000;

/// The row of rendering.
pub async fn measure(table: &mut Table) {
    let work = "10,000 records through the template of Kamailio";
    if !table.wants(work) {
        return;
    }
    let template = SHIPPED.iter().find(|template| template.name == "kamailio.sql").unwrap();
    let settings = json!({ "realm": "camp.example" });
    let service_type = TypeVariables { slug: "sip", name: "SIP", settings: &settings };
    let around = Surroundings { event: "camp", service_type, head: "head", generated_at: "2026-11-21T10:00:00Z" };
    let context = of_feed(&around, Value::from((0..RECORDS).map(extension).collect::<Vec<_>>()));

    // The same text without an escaper: the quotes that it writes stand in the template.
    let bare = template.source.replace("{{ ", "'{{ ").replace(" }}", " }}'");
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap());
    let bare = environment.template_from_str(&bare).unwrap();

    let ours = || render(template.format, template.source, context.clone(), Limits::WHOLE_FEED).unwrap();
    let beside = || bare.render(context.clone()).unwrap();
    assert!(ours() == beside(), "both sides must write the same text");
    let repeat = async |units, side: &dyn Fn() -> String| {
        for _ in 0..units {
            std::hint::black_box(side());
        }
    };
    let found =
        alternate(5, async |units| repeat(units, &ours).await, async |units| repeat(units, &beside).await).await;
    let beside = format!("MiniJinja's own loop {}", show(found.beside.cpu));
    table.tell(work, (found.cpu_ratio, " × CPU"), show(found.ours.cpu), beside);
}

fn extension(n: u32) -> Value {
    let nothing = Parameters::new();
    let digest = |length| format!("{n:0length$x}");
    let digests = DigestSet { ha1: digest(32), ha1b: digest(32), ha1_sha256: digest(64) };
    let shown = ExtensionVariables {
        id: format!("Extension:{n:032x}"),
        slot: 1,
        number: &n.to_string(),
        previous_numbers: &[],
        label: "Tent",
        ascii_label: "Tent",
        parameters: &nothing,
        secrets: Some(&nothing),
        digests: Some(&BTreeMap::from([("password".to_owned(), digests)])),
        permissions: &[],
        fallback_number: None,
        active: true,
        members: None,
        owner_username: "arthur",
    };
    shown.to_value()
}
