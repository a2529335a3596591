use proptest::prelude::*;
use serde_json::{Value, json};

use super::arbitrary::schema_like;
use super::*;
use platform::clock::SeededRng;
use platform::error::UserErrorKind;

fn compiled(schema: Value) -> ParameterSchema {
    ParameterSchema::compile(&schema).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The JSON Pointer and the message of the first error.
fn rejected(schema: Value) -> (String, String) {
    let problem = ParameterSchema::compile(&schema).err().unwrap_or_else(|| panic!("accepted: {schema}")).remove(0);
    assert_eq!(problem.path[0], "parameterSchema");
    (subschemas::pointer(&problem.path[1..]), problem.message)
}

fn property(schema: Value) -> Value {
    json!({ "type": "object", "properties": { "p": schema } })
}

fn map(value: Value) -> Parameters {
    value.as_object().unwrap().clone()
}

const RNG: fn() -> SeededRng = || SeededRng::new(1);

#[test]
fn the_root_is_an_object_of_draft_2020_12() {
    assert_eq!(rejected(json!([])).0, "");
    assert_eq!(rejected(json!({})).0, "/type");
    assert_eq!(rejected(json!({ "type": "array" })).0, "/type");
    assert_eq!(
        rejected(json!({ "type": "object", "$schema": "http://json-schema.org/draft-07/schema#" })).0,
        "/$schema"
    );
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    compiled(json!({ "type": "object", "$schema": dialect, "$id": "https://example.org/x" }));
}

#[test]
fn meta_schema_errors_have_a_pointer() {
    assert_eq!(rejected(property(json!({ "type": "strnig" }))).0, "/properties/p/type");
    assert_eq!(rejected(property(json!({ "minLength": -1 }))).0, "/properties/p/minLength");
    assert_eq!(rejected(json!({ "type": "object", "properties": [] })).0, "/properties");
}

#[test]
fn references_are_local_and_not_recursive() {
    for reference in
        ["https://example.org/schema", "other.json", "#", "#/properties/p", "#anchor", "file:///etc/passwd"]
    {
        assert_eq!(rejected(property(json!({ "$ref": reference }))).0, "/properties/p/$ref", "{reference}");
    }
    assert_eq!(rejected(property(json!({ "$ref": "#/$defs/absent" }))).0, "/properties/p/$ref");
    let (place, message) = rejected(json!({ "type": "object",
            "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "items": { "$ref": "#/$defs/a" } } } }));
    assert_eq!(place, "/$defs/b/items/$ref");
    assert!(message.contains("recursion"), "{message}");
    assert_eq!(rejected(property(json!({ "$dynamicRef": "#x" }))).0, "/properties/p/$dynamicRef");
    let schema = compiled(json!({ "type": "object", "$defs": { "port": { "type": "integer", "maximum": 65535 } },
        "properties": { "p": { "$ref": "#/$defs/port", "x-order": 1 } } }));
    assert_eq!(schema.validate(&json!({ "p": 70000 }))[0].path, ["parameters", "p"]);
}

#[test]
fn exponential_schemas_are_rejected_quickly() {
    let mut deep = json!({});
    for _ in 0..20 {
        deep = json!({ "allOf": [deep] });
    }
    assert!(rejected(property(deep)).1.contains("deep"));
    let doubled: serde_json::Map<_, _> = (0..14)
        .map(|index| {
            let next = json!({ "$ref": format!("#/$defs/d{}", index + 1) });
            (format!("d{index}"), json!({ "anyOf": [next, next] }))
        })
        .chain([("d14".to_owned(), json!({}))])
        .collect();
    let (_, message) =
        rejected(json!({ "type": "object", "$defs": doubled, "properties": { "p": { "$ref": "#/$defs/d0" } } }));
    assert!(message.contains("references are followed") || message.contains("definitions"), "{message}");
    assert!(rejected(property(json!({ "enum": (0..2000).collect::<Vec<_>>() }))).1.contains("enum"));
    assert!(rejected(property(json!({ "description": "x".repeat(70_000) }))).1.contains("65536"));
    let wide = property(json!({ "anyOf": vec![json!({ "type": "string" }); 65] }));
    assert_eq!(rejected(wide).0, "/properties/p/anyOf");
    let mut choices = json!({ "type": "integer" });
    for _ in 0..13 {
        choices = json!({ "anyOf": [choices, { "type": "string" }] });
    }
    let schema = compiled(property(choices));
    assert!(!schema.is_valid(&json!({ "p": [] })));
}

#[test]
fn validation_is_bounded() {
    let branches: Vec<_> = (0..64).map(|n| json!({ "const": n.to_string() })).collect();
    let schema = compiled(property(json!({ "items": { "anyOf": branches } })));
    let started = std::time::Instant::now();
    assert_eq!(schema.validate(&json!({ "p": vec![1; 900] })).len(), MAX_VIOLATIONS);
    assert_eq!(schema.validate(&json!({ "p": vec![1; 14_000] })).len(), 1);
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
}

#[test]
fn patterns_run_in_linear_time() {
    for pattern in ["(?=x)", r"(a)\1", "(", "((a{1000}){1000}){1000}"] {
        assert_eq!(rejected(property(json!({ "pattern": pattern }))).0, "/properties/p/pattern", "{pattern}");
    }
    assert_eq!(
        rejected(property(json!({ "patternProperties": { "(?!x)": {} } }))).0,
        "/properties/p/patternProperties/(?!x)"
    );
    let schema = compiled(property(json!({ "type": "string", "pattern": "^(a+)+$" })));
    assert!(!schema.is_valid(&json!({ "p": format!("{}!", "a".repeat(20_000)) })));
}

#[test]
fn unknown_and_mistyped_annotations_are_rejected() {
    for (annotation, value, place) in [
        ("x-secert", json!(true), "/properties/p/x-secert"),
        ("x-secret", json!(false), "/properties/p/x-secret"),
        ("x-editable-by", json!("owner"), "/properties/p/x-editable-by"),
        ("x-visible-to", json!("ADMIN"), "/properties/p/x-visible-to"),
        ("x-unique", json!("WORLD"), "/properties/p/x-unique"),
        ("x-order", json!("1"), "/properties/p/x-order"),
        ("x-help", json!(1), "/properties/p/x-help"),
        ("x-generate", json!("password"), "/properties/p/x-generate"),
        ("x-generate", json!({ "kind": "uuid" }), "/properties/p/x-generate/kind"),
        ("x-generate", json!({ "kind": "digits", "length": 0 }), "/properties/p/x-generate/length"),
        ("x-generate", json!({ "kind": "digits", "bytes": 4 }), "/properties/p/x-generate/bytes"),
        ("x-digest", json!({ "username": "{number}", "realm": "demo" }), "/properties/p/x-digest"),
    ] {
        let mut schema = json!({ "type": "string" });
        schema[annotation] = value;
        assert_eq!(rejected(property(schema)).0, place);
    }
    let digest = |username: &str, realm: &str| {
        property(json!({ "type": "string", "x-secret": true, "x-digest": { "username": username, "realm": realm } }))
    };
    assert_eq!(rejected(digest("{nubmer}", "x")).0, "/properties/p/x-digest/username");
    assert_eq!(rejected(digest("{number}", "{settings.}")).0, "/properties/p/x-digest/realm");
    assert_eq!(rejected(digest("{number", "x")).0, "/properties/p/x-digest/username");
    assert_eq!(rejected(digest("a:b", "x")).0, "/properties/p/x-digest/username");
    compiled(digest("{number}", "{settings.realm}"));
    // An `x-` inside a default is data, not an annotation.
    compiled(property(json!({ "type": "object", "default": { "x-any": 1 } })));
}

#[test]
fn annotations_are_allowed_on_parameters_only() {
    assert_eq!(rejected(json!({ "type": "object", "x-help": "x" })).0, "/x-help");
    let nested = |annotation: Value| property(json!({ "type": "object", "properties": { "inner": annotation } }));
    assert_eq!(rejected(nested(json!({ "x-secret": true }))).0, "/properties/p/properties/inner/x-secret");
    compiled(nested(json!({ "x-order": 1, "x-help": "fine" })));
    assert_eq!(rejected(nested(json!({ "x-order": "1" }))).0, "/properties/p/properties/inner/x-order");
    assert_eq!(rejected(json!({ "type": "object", "$defs": { "d": { "x-secret": true } } })).0, "/$defs/d/x-secret");
}

#[test]
fn contradictory_annotations_are_rejected() {
    let place = |schema: Value| rejected(property(schema)).0;
    assert_eq!(place(json!({ "x-generate": { "kind": "username" }, "default": "x" })), "/properties/p/default");
    assert_eq!(place(json!({ "x-secret": true, "default": "x" })), "/properties/p/default");
    assert_eq!(place(json!({ "x-status": true, "x-secret": true })), "/properties/p/x-status");
    assert_eq!(place(json!({ "x-status": true, "x-editable-by": "OWNER" })), "/properties/p/x-editable-by");
    assert_eq!(place(json!({ "type": "integer", "default": "x" })), "/properties/p/default");
    assert_eq!(
        place(json!({ "type": "string", "minLength": 30, "x-generate": { "kind": "password", "length": 20 } })),
        "/properties/p/x-generate"
    );
    assert_eq!(place(json!({ "type": "integer", "x-generate": { "kind": "number" } })), "/properties/p/x-generate");
    // The length of a number is not known when the schema is saved.
    compiled(property(json!({ "type": "string", "maxLength": 2, "x-generate": { "kind": "number" } })));
    let required =
        json!({ "type": "object", "required": ["p"], "properties": { "p": { "x-editable-by": "CONSUMER" } } });
    assert_eq!(rejected(required).0, "/properties/p/x-editable-by");
}

#[test]
fn violations_have_the_path_of_their_field_and_contain_no_value() {
    let schema =
        compiled(json!({ "type": "object", "additionalProperties": false, "required": ["mac"], "properties": {
        "mac": { "type": "string", "format": "mac" },
        "pin": { "type": "string", "x-secret": true, "minLength": 12, "pattern": "^[0-9]+$" },
        "lines": { "type": "array",
            "items": { "type": "object", "properties": { "a/b": { "enum": ["x", "y"] } } } } } }));
    let problems = schema.validate(&json!({ "pin": "hunter2", "typo": 1, "lines": [{ "a/b": "z" }] }));
    let mut reported: Vec<_> = problems
        .iter()
        .map(|problem| {
            assert!(!problem.message.contains("hunter2") && !problem.message.contains('z'), "{}", problem.message);
            let UserErrorKind::SchemaViolation { pointer, keyword } = &problem.kind else { panic!("{problem:?}") };
            (pointer.as_str(), keyword.as_str(), problem.path.join(" "))
        })
        .collect();
    reported.sort();
    assert_eq!(
        reported,
        [
            ("/lines/0/a~1b", "enum", "parameters lines 0 a/b".to_owned()),
            ("/mac", "required", "parameters mac".to_owned()),
            ("/pin", "minLength", "parameters pin".to_owned()),
            ("/pin", "pattern", "parameters pin".to_owned()),
            ("/typo", "additionalProperties", "parameters typo".to_owned()),
        ]
    );
    assert_eq!(schema.validate(&json!({ "mac": "00:15:65:aa:bb:cc" })), []);
    assert_eq!(schema.validate(&json!({ "mac": "0015:65aabbcc" })).len(), 1);
    let many: serde_json::Map<_, _> = (0..100).map(|n| (format!("k{n}"), json!(1))).collect();
    assert_eq!(schema.validate(&Value::Object(many)).len(), MAX_VIOLATIONS);
    assert_eq!(schema.validate(&json!({ "mac": "x".repeat(40_000) })).len(), 1);
}

#[test]
fn merge_patch_conforms_to_rfc_7396() {
    // The test cases of its appendix A.
    for (target, patch, result) in [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"b"}), json!(["c"]), json!(["c"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
    ] {
        let mut merged = target;
        merge_patch(&mut merged, &patch);
        assert_eq!(merged, result);
    }
}

#[test]
fn missing_values_are_generated_or_defaulted() {
    let schema = compiled(json!({ "type": "object", "properties": {
        "password": { "type": "string", "x-secret": true, "x-generate": { "kind": "password", "length": 20 } },
        "user": { "type": "string", "x-generate": { "kind": "username" } },
        "did": { "type": "string", "x-generate": { "kind": "number" } },
        "contacts": { "type": "integer", "default": 3 },
        "line": { "type": "object", "properties": { "speed": { "default": 2 } } } } }));
    let rng = RNG();
    let context = GenerationContext { number: "2342", username: "ada", rng: &rng };
    let mut values = map(json!({ "contacts": null, "line": {} }));
    let completed = schema.complete(&mut values, &context);
    assert_eq!(completed.filled, ["contacts", "did", "password", "user"]);
    assert_eq!(completed.secrets.keys().collect::<Vec<_>>(), ["password"]);
    assert_eq!(values["password"], completed.secrets["password"]);
    assert_eq!(
        (&values["user"], &values["did"], &values["contacts"], &values["line"]),
        (&json!("ada"), &json!("2342"), &json!(3), &json!({ "speed": 2 }))
    );
    let stored = schema.split(values.clone());
    assert_eq!(stored.secrets.len(), 1);
    assert_eq!(stored.merged(), values);
    let renumbered = GenerationContext { number: "2343", ..context };
    assert_eq!(schema.update_derived_parameters(&mut values, &context, &renumbered), ["did"]);
    let before = values["password"].clone();
    assert_ne!(schema.rotate_all(&mut values, &context)["password"], before);
    assert!(
        schema.rotatable("password").is_ok() && schema.rotatable("user").is_err() && schema.rotatable("x").is_err()
    );
    assert!(schema.generate_one("contacts", &context).is_err());
    assert!(schema.is_valid(&Value::Object(schema.sample(&context))));
}

#[test]
fn parameters_are_written_and_read_by_their_audience() {
    let schema = compiled(property(json!({ "type": "string" })));
    assert_eq!(schema.forbidden_writes(&map(json!({ "p": "x", "other": 1 })), &Parameters::new(), Editor::Owner), []);
    let schema = compiled(json!({ "type": "object", "properties": {
        "mine": {}, "fixed": { "readOnly": true },
        "port": { "x-editable-by": "OPERATOR" },
        "ki": { "x-secret": true, "x-editable-by": "OPERATOR", "x-visible-to": "OPERATOR" },
        "ipei": { "x-editable-by": "CONSUMER" }, "seen": { "x-status": true },
        "deep": { "x-visible-to": "CONSUMER" } } }));
    let all = map(json!({ "mine": 1, "fixed": 1, "port": 1, "ki": 1, "ipei": 1, "seen": 1, "deep": 1 }));
    let denied = |current: &Parameters, editor| {
        let problems = schema.forbidden_writes(&all, current, editor);
        problems.into_iter().map(|problem| problem.path[1].clone()).collect::<Vec<_>>()
    };
    let none = Parameters::new();
    assert_eq!(denied(&none, Editor::Owner), ["fixed", "ipei", "ki", "port", "seen"]);
    assert_eq!(denied(&none, Editor::Operator), ["ipei", "seen"]);
    assert_eq!(denied(&none, Editor::Consumer), ["deep", "fixed", "ki", "mine", "port"]);
    assert_eq!(denied(&none, Editor::Import), Vec::<String>::new());
    // An unchanged visible value is not a write. A hidden value is, so that it cannot be guessed.
    assert_eq!(denied(&all, Editor::Owner), ["ki"]);
    let seen = |viewer| schema.visible(&all, viewer).keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(seen(Viewer::Owner), "fixed ipei mine port seen");
    assert_eq!(seen(Viewer::Operator), "fixed ipei ki mine port seen");
    assert_eq!(seen(Viewer::Consumer), "deep fixed ipei ki mine port seen");
}

#[test]
fn unique_values_compare_without_case_and_separators() {
    let schema = compiled(json!({ "type": "object", "properties": {
        "mac": { "type": "string", "format": "mac", "x-unique": "EVENT" },
        "ric": { "type": "integer", "x-unique": "SERVICE_TYPE" },
        "code": { "type": "string", "x-secret": true, "x-unique": "EVENT" } } }));
    let values = map(json!({ "mac": "00:15:65:AA:bb:cc", "ric": 12, "code": "77" }));
    let keys: Vec<_> = schema
        .unique_values(&values)
        .into_iter()
        .map(|unique| (unique.parameter.name.clone(), unique.scope, unique.value))
        .collect();
    assert_eq!(keys[1], ("mac".to_owned(), UniqueScope::Event, "001565aabbcc".to_owned()));
    assert_eq!(keys[2], ("ric".to_owned(), UniqueScope::ServiceType, "12".to_owned()));
    assert_eq!(schema.feed_keys(&values), map(json!({ "mac": "00:15:65:AA:bb:cc", "ric": 12 })));
}

#[test]
fn digests_equal_the_examples_of_rfc_7616() {
    // RFC 7616, section 3.9.1, gives user, realm and password; HA1 is the intermediate value.
    let set = DigestSet::of("Mufasa", "http-auth@example.org", "Circle of Life");
    assert_eq!(set.ha1, "3d78807defe7de2157e2b0b6573a855f");
    assert_eq!(set.ha1_sha256, "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232");
    let schema = compiled(property(json!({ "type": "string", "x-secret": true,
            "x-digest": { "username": "{number}", "realm": "{settings.realm}" } })));
    let digest = |settings: &Value| {
        let context = DigestContext { number: "2342", username: "ada", slot: 1, settings };
        schema.digests(&map(json!({ "p": "secret" })), &context).map(|mut found| found.remove("p").unwrap())
    };
    let found = digest(&json!({ "realm": "demo.example" })).unwrap();
    assert_eq!(found, DigestSet::of("2342", "demo.example", "secret"));
    assert_eq!(digest(&json!({})), Err(DigestError::NoSetting("realm".to_owned())));
    assert_eq!(digest(&json!({ "realm": "a:b" })), Err(DigestError::Colon("realm")));
    assert_eq!(schema.check_settings(&json!({ "realm": "a:b" }))[0].path, ["settings", "realm"]);
    assert_eq!(schema.check_settings(&json!({ "realm": "ok" })), []);
}

#[test]
fn equal_schemas_are_recognised() {
    let text = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(same_schema(&text(r#"{"a":1,"b":[2]}"#), &text(r#"{"b":[2.0],"a":1}"#)));
    assert!(!same_schema(&json!({ "a": 1 }), &json!({ "a": 2 })));
    assert!(!same_schema(&json!({ "a": 9_007_199_254_740_993_i64 }), &json!({ "a": 9_007_199_254_740_992_i64 })));
    assert!(!same_schema(&json!({ "enum": [1, 2] }), &json!({ "enum": [2, 1] })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_schema_and_no_parameters_panic(schema in schema_like(), property in schema_like(), values in schema_like()) {
        let _ = ParameterSchema::compile(&schema);
        let whole = json!({ "type": "object", "properties": { "codec": property, "json": {} } });
        if let Ok(schema) = ParameterSchema::compile(&whole) {
            let rng = SeededRng::new(1);
            let context = GenerationContext { number: "1", username: "a", rng: &rng };
            let mut members = values.as_object().cloned().unwrap_or_default();
            schema.complete(&mut members, &context);
            schema.validate(&Value::Object(members));
            schema.validate(&values);
            schema.sample(&context);
        }
    }
}
