//! The public schema: a committed file, so that a review shows each change of the API, and a contract that it keeps.

mod promises;

use libtest_mimic::{Failed, Trial};

use promises::Promises;

/// The part of the schema that clients may rely on.
const CONTRACT: &str = include_str!("core.graphql");

/// The tests of the schema.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("contract::the_committed_schema_is_the_printed_one", the_committed_schema_is_the_printed_one),
        Trial::test("contract::the_schema_keeps_every_promise", the_schema_keeps_every_promise),
        Trial::test("contract::a_broken_promise_is_detected", a_broken_promise_is_detected),
    ]
}

fn the_committed_schema_is_the_printed_one() -> Result<(), Failed> {
    let printed = switchboard::app::core_schema().sdl();
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql"))?;
    if printed == committed {
        Ok(())
    } else {
        Err("schema.graphql is not what the code prints: `cargo run -- schema > schema.graphql`".into())
    }
}

fn the_schema_keeps_every_promise() -> Result<(), Failed> {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql"))?;
    let broken = Promises::of(CONTRACT).broken_by(&committed);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(format!("the schema breaks the contract:\n{}", broken.join("\n")).into())
    }
}

/// Tests the comparison: each of these schemas breaks one promise of a small contract.
fn a_broken_promise_is_detected() -> Result<(), Failed> {
    let contract = "interface Node { id: ID! } type Query { a(x: Int, y: Boolean! = true): A! } \
                    type A implements Node { id: ID! b: [B!] } enum B { C D } \
                    union U = A input I { f: Int! g: Int = 1 }";
    if !Promises::of(contract).broken_by(contract).is_empty() {
        return Err("a schema breaks its own promises".into());
    }
    let extended =
        contract.replace("x: Int", "x: Int, z: Int").replace("C D", "C D E").replace("f: Int!", "f: Int! h: Int! = 2");
    if !Promises::of(contract).broken_by(&extended).is_empty() {
        return Err("an addition is reported as a broken promise".into());
    }
    let changes = [
        ("): A!", "): A"),
        ("x: Int", "x: Int!"),
        ("x: Int, ", ""),
        ("x: Int", "x: Int, z: Int!"),
        ("= true", "= false"),
        ("Boolean! = true", "Boolean!"),
        ("type A implements Node {", "type A {"),
        ("b: [B!]", "b: [B]"),
        ("b: [B!]", ""),
        ("C D", "C"),
        ("union U = A", "union U = Query"),
        ("union U", "union V"),
        ("f: Int!", "f: Int"),
        ("f: Int!", "f: Int! h: Int!"),
        ("g: Int = 1", "g: Int = 2"),
        ("input I", "type I2 { id: ID! } input J"),
    ];
    for (from, to) in changes {
        let schema = contract.replace(from, to);
        if schema == contract || Promises::of(contract).broken_by(&schema).is_empty() {
            return Err(format!("`{from}` became `{to}`, and no broken promise was reported").into());
        }
    }
    Ok(())
}
