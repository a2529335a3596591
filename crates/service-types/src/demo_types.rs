//! Tests that the demo's service types in `demo/` are valid.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use platform::clock::SeededRng;
use serde_json::{Map, Value, json};

use super::demo::DEMO_TYPES;
use super::schema::{DigestContext, Editor, GenerationContext, ParameterSchema, Viewer};

fn load(slug: &str) -> (Value, ParameterSchema) {
    let text = DEMO_TYPES.iter().find(|(name, _)| *name == slug).unwrap().1;
    let file: Value = serde_json::from_str(text).unwrap();
    let schema =
        ParameterSchema::compile(&file["parameterSchema"]).unwrap_or_else(|problems| panic!("{slug}: {problems:#?}"));
    (file, schema)
}

#[test]
fn all_compile_and_their_samples_are_valid() {
    for (slug, _) in DEMO_TYPES {
        let (file, schema) = load(slug);
        assert_eq!(file["slug"], slug);
        assert_eq!(schema.check_settings(&file["settings"]), []);
        let rng = SeededRng::new(1);
        let sample = schema.sample(&GenerationContext { number: "2342", username: "ada", rng: &rng });
        assert_eq!(schema.validate(&Value::Object(sample)), [], "{slug}");
    }
}

#[test]
fn at_most_one_parameter_is_required() {
    let rng = SeededRng::new(1);
    let context = GenerationContext { number: "2342", username: "ada", rng: &rng };
    for (slug, needs) in [
        ("sip", None),
        ("dect", None),
        ("cellular", None),
        ("group", None),
        ("pots", Some("line_port")),
        ("pager", Some("ric")),
        ("deskphone", Some("mac")),
    ] {
        let (_, schema) = load(slug);
        let mut values = Map::new();
        schema.complete(&mut values, &context);
        let problems = schema.validate(&Value::Object(values));
        let paths: Vec<_> = problems.iter().map(|problem| problem.path[1].as_str()).collect();
        assert_eq!(paths, needs.into_iter().collect::<Vec<_>>(), "{slug}");
    }
}

#[test]
fn instructions_render_over_public_parameters() {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (slug, _) in DEMO_TYPES {
        let (file, schema) = load(slug);
        let rng = SeededRng::new(1);
        let sample = schema.sample(&GenerationContext { number: "2342", username: "ada", rng: &rng });
        let shown = schema.visible(&schema.split(sample).public, Viewer::Owner);
        let service_type = context! { slug, settings => Serde(&file["settings"]) };
        let variables = context! { number => "2342", label => "Ada", parameters => Serde(&shown), service_type };
        let text = environment
            .render_str(file["instructions"].as_str().unwrap(), variables)
            .unwrap_or_else(|error| panic!("{slug}: {error:#}"));
        assert!(text.contains("2342"), "{slug}: {text}");
    }
}

#[test]
fn operators_alone_read_sim_secrets_and_write_ports() {
    let (_, cellular) = load("cellular");
    let secrets = json!({ "ki": "0".repeat(32), "opc": "1".repeat(32) }).as_object().unwrap().clone();
    assert!(cellular.visible(&secrets, Viewer::Owner).is_empty());
    assert_eq!(cellular.visible(&secrets, Viewer::Operator), secrets);
    let (_, pots) = load("pots");
    let patch = json!({ "line_port": "A1" }).as_object().unwrap().clone();
    assert_eq!(pots.forbidden_writes(&patch, &Map::new(), Editor::Owner).len(), 1);
    assert_eq!(pots.forbidden_writes(&patch, &Map::new(), Editor::Operator), []);
}

#[test]
fn a_sip_password_has_digests() {
    let (file, sip) = load("sip");
    let rng = SeededRng::new(1);
    let mut values = Map::new();
    let completed = sip.complete(&mut values, &GenerationContext { number: "2342", username: "ada", rng: &rng });
    let context = DigestContext { number: "2342", username: "ada", slot: 1, settings: &file["settings"] };
    let digests = sip.digests(&completed.secrets, &context).unwrap();
    assert_eq!(digests["password"].ha1.len(), 32);
    assert_eq!(digests["password"].ha1_sha256.len(), 64);
}
