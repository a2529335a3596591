//! Strategies of property tests.

use proptest::prelude::*;
use serde_json::Value;

/// Generates JSON that resembles schemas.
pub fn schema_like() -> impl Strategy<Value = Value> {
    let keyword = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "enum",
        "const",
        "default",
        "required",
        "pattern",
        "minLength",
        "maximum",
        "minimum",
        "allOf",
        "anyOf",
        "$ref",
        "$defs",
        "x-secret",
        "x-generate",
        "x-digest",
        "x-unique",
        "x-order",
        "kind",
        "length",
        "json",
        "a-b",
        "codec",
        "format",
        "x-status",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "object",
            "string",
            "integer",
            "array",
            "#/$defs/codec",
            "EVENT",
            "password",
            "^a+$",
            "mac"
        ])
        .prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(keyword.clone(), inner, 0..5).prop_map(|members| Value::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}
