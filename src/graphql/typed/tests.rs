use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Value as Answer, Variables};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use platform::clock::SeededRng;
use service_types::schema::{ParameterSchema, Source};
use service_types::typing::ServiceTypeSource;

/// What each field answers is given as the request's data.
struct Query;

#[Object]
impl Query {
    async fn typed_parameters(&self, ctx: &async_graphql::Context<'_>) -> Option<TypedParameters> {
        ctx.data_opt::<TypedParameters>().cloned()
    }

    /// The slug and the parameters as they were decoded, or the problem's path.
    async fn decode(&self, ctx: &async_graphql::Context<'_>, typed: Option<ServiceParametersInput>) -> Value {
        let catalogue = ctx.data_unchecked::<Arc<TypeCatalogue>>();
        match typed.map(|typed| typed.decode(catalogue)) {
            Some(Ok((slug, parameters))) => json!([slug, parameters]),
            Some(Err(problem)) => json!({ "path": problem.path }),
            None => Value::Null,
        }
    }
}

type TestSchema = Schema<Query, EmptyMutation, EmptySubscription>;

fn build(catalogue: TypeCatalogue) -> TestSchema {
    let catalogue = Arc::new(catalogue);
    with_catalogue(&catalogue, || {
        Schema::build(Query, EmptyMutation, EmptySubscription).data(Arc::clone(&catalogue)).finish()
    })
}

fn compiled(schema: &Value) -> ParameterSchema {
    ParameterSchema::compile(schema).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn source<'a>(slug: &'a str, schema: &'a ParameterSchema) -> ServiceTypeSource<'a> {
    ServiceTypeSource { slug, name: "A name", description: "A kind of service.", schema }
}

fn catalogue(types: &[(&str, Value)]) -> TypeCatalogue {
    let mut catalogue = TypeCatalogue::new(["Query"]);
    for (slug, schema) in types {
        catalogue.add(source(slug, &compiled(schema))).unwrap_or_else(|problem| panic!("{problem:?}"));
    }
    catalogue
}

fn sip() -> Value {
    json!({ "type": "object", "$defs": { "port": { "type": "integer", "minimum": 1, "maximum": 65535, "description": "A port." } }, "properties": {
        "password": { "type": "string", "x-secret": true, "x-order": 1 },
        "codec": { "enum": ["opus", "PCMA"], "description": "Preferred \"\"\"codec\"\"\"", "x-order": 2 },
        "clock_rate": { "enum": ["PCMA/8000", "PCMU/8000"] },
        "baud": { "enum": [512, 1200] }, "mixed": { "enum": [1, "x"] },
        "big": { "type": "integer", "maximum": 5_000_000_000_i64 }, "gain": { "type": "number" }, "nat": { "type": ["boolean", "null"] },
        "port": { "$ref": "#/$defs/port" },
        "codecs": { "type": "array", "items": { "enum": ["opus", "PCMA"] } },
        "lines": { "type": "array", "items": { "type": "object", "properties": { "key": { "type": "integer" }, "Label-2": {} } } },
        "nested": { "type": "object", "deprecated": true, "properties": { "deep": { "type": "object", "properties": { "word": { "type": "string" } } } } },
        "open": { "type": "object" }, "anything": {}, "json": { "type": "string" }, "__hidden": {}, "a-b": {} } })
}

async fn run(schema: &TestSchema, query: &str, shown: Value) -> Value {
    let request = Request::new(query).data(TypedParameters { slug: "sip".to_owned(), json: shown });
    let response = schema.execute(request).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response.data.into_json().unwrap()
}

async fn decoded(schema: &TestSchema, input: &str, variables: Value) -> Value {
    let declared = variables
        .as_object()
        .map(|map| map.keys().map(|name| format!("${name}: ServiceParametersInput")).collect::<Vec<_>>().join(" "));
    let head = declared.filter(|list| !list.is_empty()).map(|list| format!("query({list})")).unwrap_or_default();
    let request =
        Request::new(format!("{head} {{ decode(typed: {input}) }}")).variables(Variables::from_json(variables));
    let response = schema.execute(request).await;
    if !response.errors.is_empty() {
        return json!({ "refused": response.errors[0].message });
    }
    response.data.into_json().unwrap()["decode"].clone()
}

#[tokio::test]
async fn the_types_are_in_the_sdl() {
    let sdl = build(catalogue(&[
        ("sip", sip()),
        ("desk-phone", json!({ "type": "object", "properties": { "mac": { "type": "string" } } })),
    ]))
    .sdl();
    for line in [
        "interface ServiceParameters {",
        "type SipParameters implements ServiceParameters {",
        "\tcodec: SipParametersCodec\n",
        "\tclock_rate: String\n",
        "\tbaud: Int\n",
        "\tmixed: JSON\n",
        "\tbig: Float\n",
        "\tgain: Float\n",
        "\tnat: Boolean\n",
        "\tport: Int\n",
        "\tcodecs: [SipParametersCodecs!]\n",
        "\tlines: [SipParametersLines!]\n",
        "\tnested: SipParametersNested @deprecated\n",
        "\topen: JSON\n",
        "type SipParametersNestedDeep {",
        "input SipParametersNestedDeepInput {",
        "enum SipParametersCodec {\n\topus\n\tPCMA\n}",
        "input ServiceParametersInput @oneOf {\n\tjson: JSON\n",
        "\tdesk_phone: DeskPhoneParametersInput\n",
        "\tsip: SipParametersInput\n",
        "Preferred '''codec'''",
    ] {
        assert!(sdl.contains(line), "{line:?} is not in\n{sdl}");
    }
    for absent in ["__hidden", "a-b", "Label", "json: String"] {
        assert!(!sdl.contains(absent), "{absent} is in\n{sdl}");
    }
    assert_eq!(sdl.matches("\tpassword: String").count(), 1, "a secret is in the input alone\n{sdl}");
    async_graphql::parser::parse_schema(&sdl).unwrap();
}

#[tokio::test]
async fn without_service_types_the_schema_is_whole() {
    let schema = build(TypeCatalogue::default());
    let sdl = schema.sdl();
    assert!(sdl.contains("input ServiceParametersInput @oneOf {\n\tjson: JSON\n}"), "{sdl}");
    assert!(sdl.contains("interface ServiceParameters {"), "{sdl}");
    async_graphql::parser::parse_schema(&sdl).unwrap();
    let query = r#"{ typedParameters { json __typename } __type(name: "ServiceParameters") { possibleTypes { name } fields { name } } }"#;
    let response = schema.execute(query).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    assert_eq!(
        response.data.into_json().unwrap(),
        json!({ "typedParameters": null, "__type": { "possibleTypes": [], "fields": [{ "name": "json" }] } })
    );
    assert_eq!(
        decoded(&schema, "{ json: { a: null, b: [FOO] } }", json!({})).await,
        json!([null, { "a": null, "b": ["FOO"] }])
    );
}

#[tokio::test]
async fn introspection_is_the_manual() {
    let schema = build(catalogue(&[("sip", sip())]));
    let query = r#"{ interface: __type(name: "ServiceParameters") { kind possibleTypes { name } }
        input: __type(name: "ServiceParametersInput") { kind isOneOf inputFields { name description type { kind name } } }
        codec: __type(name: "SipParametersCodec") { kind description enumValues { name } }
        sip: __type(name: "SipParameters") { description interfaces { name } fields(includeDeprecated: true) { name description type { kind } } } }"#;
    let answer = run(&schema, query, json!({})).await;
    assert_eq!(answer["interface"], json!({ "kind": "INTERFACE", "possibleTypes": [{ "name": "SipParameters" }] }));
    assert_eq!(answer["input"]["isOneOf"], true);
    assert_eq!(
        answer["input"]["inputFields"][1],
        json!({ "name": "sip", "description": "A name", "type": { "kind": "INPUT_OBJECT", "name": "SipParametersInput" } })
    );
    assert_eq!(answer["codec"]["enumValues"], json!([{ "name": "opus" }, { "name": "PCMA" }]));
    assert_eq!(answer["sip"]["description"], "A kind of service.");
    assert_eq!(answer["sip"]["interfaces"], json!([{ "name": "ServiceParameters" }]));
    let fields = answer["sip"]["fields"].as_array().unwrap();
    assert_eq!((&fields[0]["name"], &fields[1]["name"]), (&json!("json"), &json!("codec")));
    assert!(fields.iter().skip(1).all(|field| field["type"]["kind"] != "NON_NULL"));
    assert!(fields.iter().any(|field| field["name"] == "port" && field["description"] == "A port."));
}

#[tokio::test]
async fn a_selection_is_answered_from_json() {
    let schema = build(catalogue(&[("sip", sip()), ("group", json!({ "type": "object" }))]));
    let stored = json!({ "codec": "opus", "codecs": ["PCMA"], "baud": 1200, "big": 4_999_999_999_i64, "port": 5060, "anything": { "x": [1] },
        "lines": [{ "key": 1, "Label-2": "x" }, { "key": 2 }], "nested": { "deep": { "word": "w" } }, "json": "mine", "a-b": 1 });
    let query = "query($yes: Boolean!) { typedParameters { __typename json ...All ... on GroupParameters { never: json }
            ... on ServiceParameters { again: json } ... { kind: __typename } ... on SipParameters @skip(if: $yes) { gone: codec } } }
        fragment All on SipParameters { first: codec codecs baud big port gain nat anything lines { key __typename }
            nested { deep { word } } ... on SipParameters { nested { deep { alias: word } } } }";
    let request = Request::new(query).variables(Variables::from_json(json!({ "yes": true })));
    let response = schema.execute(request.data(TypedParameters { slug: "sip".to_owned(), json: stored.clone() })).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    assert_eq!(
        response.data.into_json().unwrap()["typedParameters"],
        json!({ "__typename": "SipParameters", "json": stored, "first": "opus", "codecs": ["PCMA"], "baud": 1200, "big": 4_999_999_999_i64, "port": 5060,
            "gain": null, "nat": null, "anything": { "x": [1] },
            "lines": [{ "key": 1, "__typename": "SipParametersLines" }, { "key": 2, "__typename": "SipParametersLines" }],
            "nested": { "deep": { "word": "w", "alias": "w" } }, "again": stored, "kind": "SipParameters" })
    );
}

#[tokio::test]
async fn what_does_not_fit_its_type_is_null() {
    let schema = build(catalogue(&[("sip", sip())]));
    let stored = json!({ "codec": "removed", "codecs": ["opus", "removed"], "port": 5_000_000_000_i64, "baud": 1200.0, "nat": "yes", "lines": [1], "nested": [] });
    let query = "{ typedParameters { ... on SipParameters { codec codecs port baud nat lines { key } nested { deep { word } } } } }";
    let answer = run(&schema, query, stored).await;
    assert_eq!(
        answer["typedParameters"],
        json!({ "codec": null, "codecs": null, "port": null, "baud": 1200, "nat": null, "lines": null, "nested": null })
    );
    let unknown = schema
        .execute(
            Request::new("{ typedParameters { json } }")
                .data(TypedParameters { slug: "gone".to_owned(), json: json!({}) }),
        )
        .await;
    assert_eq!(unknown.data.into_json().unwrap(), json!({ "typedParameters": null }));
}

#[tokio::test]
async fn an_extension_does_not_change_what_is_answered() {
    let catalogue = Arc::new(catalogue(&[("sip", sip())]));
    let schema = with_catalogue(&catalogue, || {
        let builder = Schema::build(Query, EmptyMutation, EmptySubscription).data(Arc::clone(&catalogue));
        builder.extension(async_graphql::extensions::Analyzer).limit_depth(10).limit_complexity(100).finish()
    });
    let answer =
        run(&schema, "{ typedParameters { ... on SipParameters { codec } } }", json!({ "codec": "opus" })).await;
    assert_eq!(answer["typedParameters"]["codec"], "opus");
}

#[tokio::test]
async fn unknown_fields_fail_validation() {
    let schema = build(catalogue(&[("sip", sip())]));
    for query in [
        "{ typedParameters { codec } }",
        "{ typedParameters { ... on SipParameters { password } } }",
        "{ typedParameters { ... on SipParameters { baudrate } } }",
        "{ typedParameters { ... on PagerParameters { ric } } }",
        "{ decode(typed: { pager: { ric: 1 } }) }",
        "{ decode(typed: { sip: { typo: 1 } }) }",
        "{ decode(typed: { sip: { codec: OPUS } }) }",
        "{ decode(typed: { sip: { port: \"5060\" } }) }",
    ] {
        assert_eq!(schema.execute(query).await.errors.len(), 1, "{query}");
    }
}

#[tokio::test]
async fn exactly_one_field_is_given() {
    let schema = build(catalogue(&[("sip", sip())]));
    for input in ["{}", "{ sip: {}, json: {} }", "{ sip: null }", "{ json: null }"] {
        assert!(decoded(&schema, input, json!({})).await["refused"].is_string(), "{input}");
    }
    for variable in [
        json!({}),
        json!({ "sip": {}, "json": {} }),
        json!({ "sip": null }),
        json!({ "bogus": 1 }),
        json!({ "sip": { "bogus": 1 } }),
    ] {
        assert!(decoded(&schema, "$t", json!({ "t": variable })).await["refused"].is_string(), "{variable}");
    }
    // Validation passes over an argument with a variable that was left out; decoding does not.
    let query = "query($s: String) { a: decode(typed: { sip: { clock_rate: $s, typo: 1 } }) b: decode(typed: { sip: { clock_rate: $s } }) }";
    let response = schema.execute(query).await;
    assert_eq!(
        response.data.into_json().unwrap(),
        json!({ "a": { "path": ["typed", "sip", "typo"] }, "b": ["sip", {}] }),
        "{:?}",
        response.errors
    );
    let response = schema.execute("query($j: JSON) { decode(typed: { json: $j }) }").await;
    assert_eq!(response.errors.len(), 1);
}

#[tokio::test]
async fn input_becomes_a_merge_patch() {
    let schema = build(catalogue(&[
        ("sip", sip()),
        ("desk-phone", json!({ "type": "object", "properties": { "mac": { "type": "string" } } })),
        ("group", json!({ "type": "object" })),
    ]));
    let input = "{ sip: { codec: opus, codecs: PCMA, password: \"x\", nat: null, big: 5000000000, gain: 1, lines: [{ key: 1 }], nested: { deep: null }, anything: { a: FOO } } }";
    let expected = json!(["sip", { "codec": "opus", "codecs": ["PCMA"], "password": "x", "nat": null, "big": 5_000_000_000_i64, "gain": 1,
        "lines": [{ "key": 1 }], "nested": { "deep": null }, "anything": { "a": "FOO" } }]);
    assert_eq!(decoded(&schema, input, json!({})).await, expected);
    let variable = json!({ "sip": { "codec": "opus", "big": 5.0 } });
    assert_eq!(decoded(&schema, "$t", json!({ "t": variable })).await, json!(["sip", { "codec": "opus", "big": 5 }]));
    assert_eq!(
        decoded(&schema, "{ desk_phone: { mac: \"m\" } }", json!({})).await,
        json!(["desk-phone", { "mac": "m" }])
    );
    assert_eq!(decoded(&schema, "{ group: {} }", json!({})).await, json!(["group", {}]));
    assert_eq!(decoded(&schema, "null", json!({})).await, json!(null));
}

#[test]
fn slugs_whose_names_clash_are_refused() {
    let empty = compiled(&json!({ "type": "object" }));
    let nested = compiled(
        &json!({ "type": "object", "properties": { "parameters": { "type": "object", "properties": { "x": { "type": "string" } } } } }),
    );
    let add = |slugs: &[&str], schema: &ParameterSchema| {
        TypeCatalogue::try_new(slugs.iter().map(|slug| source(slug, schema)), ["Account", "SignInParameters"])
    };
    for slug in ["", "1x", "Sip", "desk_phone", "-x", "json", "é", "service", "sign-in", &"a".repeat(33)] {
        assert_eq!(add(&[slug], &empty).err().map(|problem| problem.path), Some(vec!["slug".to_owned()]), "{slug}");
    }
    for slugs in [["a-1", "a1"], ["desk-phone", "desk--phone"], ["sip", "sip"]] {
        assert!(add(&slugs, &empty).is_err(), "{slugs:?}");
    }
    assert!(add(&["sip", "sip-parameters"], &nested).is_err());
    assert!(add(&["sip", "desk-phone", "deskphone", &"a".repeat(32)], &empty).is_ok());
}

#[test]
fn properties_whose_names_meet_get_types_of_their_own() {
    let schema = json!({ "type": "object", "properties": { "a_b": { "enum": ["x"] }, "aB": { "enum": ["y"] },
        "input": { "type": "object", "properties": { "z": { "type": "string" } } } } });
    let sdl = build(catalogue(&[("sip", schema)])).sdl();
    assert!(sdl.contains("enum SipParametersAB {") && sdl.contains("enum SipParametersAB2 {"), "{sdl}");
    assert!(
        sdl.contains("\tinput: SipParametersInput2\n") && sdl.contains("input: SipParametersInput2Input\n"),
        "{sdl}"
    );
    async_graphql::parser::parse_schema(&sdl).unwrap();
}

#[tokio::test]
async fn schemas_are_swapped_while_they_serve() {
    let served = ArcSwap::from_pointee(build(catalogue(&[])));
    let query = "{ typedParameters { ... on SipParameters { codec } } }";
    assert_eq!(served.load().execute(query).await.errors.len(), 1);
    let before = served.load_full();
    served.store(Arc::new(build(catalogue(&[("sip", sip())]))));
    assert_eq!(run(&served.load_full(), query, json!({ "codec": "opus" })).await["typedParameters"]["codec"], "opus");
    assert_eq!(before.execute(query).await.errors.len(), 1);
}

#[test]
fn two_hundred_types_are_built_quickly() {
    let schema = compiled(&sip());
    let slugs: Vec<String> = (0..200).map(|n| format!("type-x{n}")).collect();
    let started = Instant::now();
    let catalogue = TypeCatalogue::try_new(slugs.iter().map(|slug| source(slug, &schema)), []).unwrap();
    let listed = started.elapsed();
    let built = build(catalogue);
    println!(
        "200 service types: catalogue {listed:?}, with the schema {:?}, SDL of {} bytes",
        started.elapsed(),
        built.sdl().len()
    );
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn a_catalogue_does_not_outlive_its_build() {
    let full = Arc::new(catalogue(&[("sip", sip())]));
    let _ = std::panic::catch_unwind(|| with_catalogue(&full, || panic!("while building")));
    assert_eq!(current().slugs().count(), 0);
}

fn given(value: &Value) -> Answer {
    Answer::from_json(value.clone()).unwrap()
}

/// Schemas of one parameter, each with values of which some are valid.
fn parameter() -> impl Strategy<Value = (Value, Value)> {
    let word = prop::sample::select(vec!["opus", "PCMA", "PCMA/8000", "true", "__x", "x1"]);
    let leaf = prop_oneof![
        prop::collection::btree_set(word.clone(), 1..4).prop_map(|set| json!({ "enum": set })),
        Just(json!({ "type": "string" })),
        Just(json!({ "type": "integer" })),
        Just(json!({ "type": "integer", "maximum": 9_000_000_000_i64 })),
        Just(json!({ "type": ["number", "null"] })),
        Just(json!({ "type": "boolean" })),
        Just(json!({})),
    ];
    let schema = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b_c", "d-e", "json", "__f"]), inner, 0..3)
                .prop_map(
                    |properties| json!({ "type": "object", "properties": properties, "additionalProperties": false })
                ),
        ]
    });
    let scalar = prop_oneof![
        word.prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b_c"]), inner, 0..3).prop_map(|map| json!(map)),
        ]
    });
    (schema, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_valid_travels_through_typed_input_unchanged((schema, value) in parameter()) {
        let schema = compiled(&json!({ "type": "object", "properties": { "p": schema, "made": { "type": "string", "x-generate": { "kind": "hex", "bytes": 4 } } } }));
        let rng = SeededRng::new(1);
        let mut values = json!({ "p": value }).as_object().cloned().unwrap();
        schema.complete(&mut values, &Source { number: "1", username: "a", rng: &rng });
        let values = Value::Object(values);
        if schema.is_valid(&values) {
            let catalogue = TypeCatalogue::try_new([source("sip", &schema)], []).unwrap();
            let input = <ServiceParametersInput as async_graphql::InputType>::parse(Some(given(&json!({ "sip": values })))).unwrap();
            let (slug, decoded) = input.decode(&catalogue).unwrap();
            prop_assert_eq!(slug.as_deref(), Some("sip"));
            prop_assert!(service_types::schema::same_schema(&decoded, &values), "{} {}", decoded, values);
        }
    }

    #[test]
    fn no_schema_makes_a_catalogue_that_cannot_be_built(property in service_types::schema::schema_like()) {
        let whole = json!({ "type": "object", "properties": { "codec": property, "a-b": true, "x": { "type": "string" } } });
        if let Ok(schema) = ParameterSchema::compile(&whole) {
            let sdl = build(TypeCatalogue::try_new([source("sip", &schema)], []).unwrap()).sdl();
            prop_assert!(async_graphql::parser::parse_schema(&sdl).is_ok(), "{}", sdl);
        }
    }
}
