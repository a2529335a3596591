use async_graphql::Variables;
use proptest::prelude::*;
use serde_json::json;

use super::{Charge, DocumentCache, DocumentError, PreparedDocument, SCAN_COST, Tier, TypeTable, measure};

const SDL: &str = r#"
scalar FeedCursor
enum Role { GUEST ADMIN }
input Point { x: Int! y: Int = 3 }
input Choice @oneOf { a: Int b: String }
interface Node { id: ID! }
type Account implements Node { id: ID! name: String! friends: [Account!]! tags: [String!]! extensions(first: Int, after: String): Connection! }
type Connection { edges: [Edge!]! nodes: [Account!]! totalCount: Int! }
type Edge { cursor: String! node: Account! }
type FeedSnapshot { entries: [Account!]! }
type FeedReset { reason: String! }
type FeedPage { changes: [Account!]! }
union FeedEvent = FeedPage | FeedReset
type ProvisioningFeed { snapshot(first: Int): FeedSnapshot changes(first: Int): FeedEvent! }
type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  viewer: Account
  accounts(first: Int, role: Role, at: Point, choice: Choice, search: String): Connection!
  availableNumbers(first: Int): [String!]!
  provisioning: ProvisioningFeed
}
type Mutation { signIn(login: String): Account other: Account }
type Subscription { tick: Int! changes: FeedEvent! }
schema { query: Query mutation: Mutation subscription: Subscription }
"#;

fn types() -> TypeTable {
    TypeTable::from_sdl(SDL).unwrap()
}

fn charge_with(text: &str, variables: serde_json::Value, tier: Tier) -> Result<Charge, DocumentError> {
    let types = types();
    let document = PreparedDocument::new(text, &types)?;
    let operation = document.operation(None)?;
    measure(&document, operation, &Variables::from_json(variables), &types, tier)
}

fn cost(text: &str) -> u64 {
    charge_with(text, json!({}), Tier::Key).unwrap().cost
}

fn limit(text: &str) -> (&'static str, u64) {
    match charge_with(text, json!({}), Tier::Guest) {
        Err(DocumentError::TooComplex(limit)) => (limit.name, limit.measured),
        other => panic!("{other:?}"),
    }
}

fn is_input(outcome: Result<Charge, DocumentError>) -> bool {
    matches!(outcome, Err(DocumentError::Input { .. }))
}

#[test]
fn lists_multiply_what_is_selected_on_them() {
    assert_eq!(cost("{ viewer { id name } }"), 3);
    assert_eq!(cost("{ viewer { friends { id name } tags } }"), 1 + 1 + 10 * 2 + 1);
    // 1 for the connection, 1 for `nodes`, 50 times two fields.
    assert_eq!(cost("{ accounts { nodes { id name } totalCount } }"), 1 + 1 + 100 + 1 + SCAN_COST);
    assert_eq!(cost("{ accounts(first: 3) { edges { node { id } } } }"), 1 + 1 + 3 * 2);
    assert_eq!(cost("{ nodes(ids: [1, 2, 3]) { id __typename } }"), 1 + 3);
    assert_eq!(cost("{ availableNumbers(first: 200) }"), 201 + SCAN_COST);
    assert_eq!(cost("{ accounts(first: 2) { ...C } } fragment C on Connection { nodes { id } }"), 1 + 1 + 2);
    assert_eq!(
        cost("{ accounts(first: 2) { nodes { extensions(first: 4) { nodes { id } } } } }"),
        1 + 1 + 2 * (1 + 1 + 4)
    );
    assert_eq!(cost("{ viewer { id @skip(if: true) name @include(if: true) } }"), 2);
}

#[test]
fn the_cost_depends_on_variables() {
    let text = "query($n: Int = 7, $no: Boolean = false, $ids: [ID!] = []) { accounts(first: $n) { nodes { id } } viewer @include(if: $no) { id } nodes(ids: $ids) { id } }";
    assert_eq!(charge_with(text, json!({}), Tier::Guest).unwrap().cost, 2 + 7 + 1);
    assert_eq!(
        charge_with(text, json!({"n": 9, "no": true, "ids": ["1", "2"]}), Tier::Guest).unwrap().cost,
        2 + 9 + 2 + 3
    );
    assert_eq!(charge_with(text, json!({"n": null}), Tier::Guest).unwrap().cost, 2 + 50 + 1);
    assert!(is_input(charge_with(text, json!({"n": 101}), Tier::User)));
    assert!(charge_with(text, json!({"n": 1000}), Tier::Key).is_ok());
    assert!(is_input(charge_with(text, json!({"n": 1001}), Tier::Key)));
    assert!(is_input(charge_with(text, json!({"n": -1}), Tier::Key)));
    assert!(is_input(charge_with(text, json!({"n": "x"}), Tier::Key)));
    assert!(charge_with("{ availableNumbers(first: 1000) }", json!({}), Tier::Guest).is_ok());
}

#[test]
fn fields_that_read_more_than_they_return_cost_more() {
    assert_eq!(cost("{ accounts(first: 1, search: \"a\") { nodes { id } } }"), 2 + 1 + SCAN_COST);
    assert_eq!(cost("{ accounts(first: 1, search: null) { nodes { id } } }"), 2 + 1);
    let text = "query($search: String) { accounts(first: 1, search: $search) { nodes { id } totalCount } }";
    for (variables, scans) in [(json!({}), 1), (json!({ "search": null }), 1), (json!({ "search": "a" }), 2)] {
        assert_eq!(charge_with(text, variables, Tier::Guest).unwrap().cost, 2 + 1 + 1 + scans * SCAN_COST);
    }
    // A guest's request has few of them, however small the rest is.
    let totals: String = (0..17).map(|n| format!("a{n}: accounts(first: 0) {{ totalCount }} ")).collect();
    assert_eq!(limit(&format!("{{ {totals} }}")).0, "cost");
}

#[test]
fn feeds_are_counted_in_rows() {
    let text = "{ provisioning { snapshot(first: 5000) { entries { id friends { id } } } } }";
    assert_eq!(charge_with(text, json!({}), Tier::Key), Ok(Charge { cost: 6, feed_rows: 5000 }));
    assert!(is_input(charge_with(text, json!({}), Tier::User)));
    let twice = "{ a: provisioning { snapshot(first: 900) { entries { id } } } b: provisioning { changes(first: 900) { __typename } } }";
    assert_eq!(limit(twice), ("feedRows", 1800));
    assert_eq!(charge_with("subscription { changes { __typename } }", json!({}), Tier::Key).unwrap().feed_rows, 50);
}

#[test]
fn each_limit_reports_its_name_and_the_measured_value() {
    assert_eq!(limit(&format!("{{ {} }}", "id ".repeat(2000))), ("tokens", 2002));
    assert_eq!(limit(&"{a".repeat(100)), ("nesting", 100));
    let deep = |levels: usize| format!("{{ viewer {}{{ id }}{} }}", "{ friends ".repeat(levels), "}".repeat(levels));
    assert_eq!(limit(&deep(9)), ("depth", 11));
    assert_eq!(limit(&deep(8)).0, "cost");
    assert_eq!(limit(&format!("{{ viewer {{ {} }} }}", "a: id ".repeat(31))), ("aliases", 31));
    assert_eq!(limit(&format!("{{ {} }}", "viewer { id } ".repeat(21))), ("rootFields", 21));
    assert_eq!(limit(&format!("{{ viewer {{ {} }} }}", "id @skip(if: false) ".repeat(51))), ("directives", 51));
    assert_eq!(limit("mutation { a: signIn { id } b: signIn { id } }"), ("signIn", 2));
    assert_eq!(
        limit("mutation { signIn { id } ...F } fragment F on Mutation { resetPassword }"),
        ("passwordFields", 2)
    );
    assert_eq!(limit("{ accounts(first: 100) { nodes { extensions(first: 100) { nodes { id } } } } }").0, "cost");
    assert_eq!(
        limit("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }").0,
        "introspection"
    );
}

#[test]
fn fragments_are_measured_once() {
    let mut doubling = String::from("{ viewer { ...F0 } }");
    for level in 0..100 {
        doubling += &format!(" fragment F{level} on Account {{ ...F{} ...F{} }}", level + 1, level + 1);
    }
    doubling += " fragment F100 on Account { id }";
    assert_eq!(limit(&doubling).0, "selections");
    let cycle = "{ viewer { ...A } } fragment A on Account { friends { ...B } } fragment B on Account { ...A }";
    assert!(matches!(charge_with(cycle, json!({}), Tier::Guest), Err(DocumentError::Invalid { .. })));
    let alone = "{ viewer { id } } fragment A on Account { ...A }";
    assert!(matches!(charge_with(alone, json!({}), Tier::Guest), Err(DocumentError::Invalid { .. })));
    let twice = "{ viewer { id @skip(if: true) @skip(if: true) } }";
    assert!(matches!(charge_with(twice, json!({}), Tier::Guest), Err(DocumentError::Invalid { .. })));
    let deep = "{ viewer { ...A } } fragment A on Account { friends { friends { friends { friends { ...B } } } } } fragment B on Account { friends { friends { friends { friends { friends { id } } } } } }";
    assert_eq!(limit(deep).0, "depth");
}

#[test]
fn the_usual_introspection_passes() {
    let text = include_str!("introspection.graphql");
    let cost = charge_with(text, json!({}), Tier::Guest).unwrap().cost;
    assert!(cost < 500, "{cost}");
}

#[test]
fn variables_that_do_not_fit_are_reported_by_path() {
    let refused = |text: &str, variables| match charge_with(text, variables, Tier::User) {
        Err(DocumentError::Input { message }) => message,
        other => panic!("{other:?}"),
    };
    let text = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(refused(text, json!({})), "Variable `$id` of type `ID!` must be given.");
    assert_eq!(refused(text, json!({"id": null})), "Variable `$id` of type `ID!` must not be null.");
    assert_eq!(refused(text, json!({"id": [1]})), "Variable `$id` is not a `ID`.");
    let text = "query($at: Point, $role: Role, $choice: Choice, $ids: [ID!] = []) { accounts(at: $at, role: $role, choice: $choice) { totalCount } nodes(ids: $ids) { id } }";
    assert_eq!(refused(text, json!({"at": {"x": "1"}})), "Variable `$at.x` is not a `Int`.");
    assert_eq!(refused(text, json!({"at": {}})), "Variable `$at` lacks the field `x`.");
    assert_eq!(
        refused(text, json!({"at": {"x": 1, "z": 1}})),
        "Variable `$at` has a field `z`, which `Point` has not."
    );
    assert_eq!(refused(text, json!({"role": "KING"})), "Variable `$role` is not a value of `Role`.");
    assert_eq!(
        refused(text, json!({"choice": {"a": 1, "b": ""}})),
        "Variable `$choice` must have exactly one field, and that not null."
    );
    let number = "query($since: FeedCursor) { accounts(since: $since) { totalCount } }";
    assert_eq!(refused(number, json!({"since": 101})), "Variable `$since` is not a `FeedCursor`.");
    assert_eq!(refused(text, json!({"ids": ["1", null]})), "Variable `$ids[1]` of type `ID!` must not be null.");
    assert!(charge_with(text, json!({"at": {"x": 1}, "role": "ADMIN", "ids": "one"}), Tier::User).is_ok());
}

#[test]
fn operations_are_chosen_by_name() {
    let types = types();
    let prepared = PreparedDocument::new("query A { viewer { id } } mutation B { other { id } }", &types).unwrap();
    assert!(prepared.operation(None).is_err());
    assert!(prepared.operation(Some("C")).is_err());
    assert_eq!(prepared.operation(Some("B")).unwrap().root_fields, ["other"]);
    for text in [
        "subscription { tick changes { __typename } }",
        "subscription { __typename }",
        "subscription { ...S } fragment S on Subscription { tick }",
    ] {
        assert!(matches!(PreparedDocument::new(text, &types), Err(DocumentError::Invalid { .. })), "{text}");
    }
    assert!(PreparedDocument::new("subscription { ... on Subscription { tick } }", &types).is_ok());
}

#[test]
fn the_cache_is_bounded_and_keeps_used_documents() {
    let types = types();
    let cache = DocumentCache::default();
    let hot = cache.get("{ viewer { id } }", &types).unwrap();
    for number in 0..3000 {
        cache.get(&format!("{{ a{number}: viewer {{ id }} }}"), &types).unwrap();
        assert!(std::sync::Arc::ptr_eq(&hot, &cache.get("{ viewer { id } }", &types).unwrap()));
    }
    let (entries, bytes) = cache.size();
    assert!(entries <= 1000 && bytes <= 1 << 20);
    let before = cache.size();
    cache.get("mutation { signIn(login: \"secret\") { id } }", &types).unwrap();
    assert_eq!(cache.size(), before);
}

/// Pieces of random documents. Many combinations are valid GraphQL.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "{ viewer ",
        "{ id } ",
        "accounts(first: $n) ",
        "nodes ",
        "...A ",
        "...B ",
        "... on Account ",
        "fragment A on Account { ",
        "fragment B on Account { ...A ",
        "query($n: Int) ",
        "first: -1 ",
        "@skip(if: true) ",
        "a: ",
        "\"",
        "\"\"\"",
        "\\",
        "#",
        "\n",
        "__schema ",
        "__typename ",
        "subscription ",
        "mutation ",
        "signIn ",
        "é",
        "provisioning ",
        "1e9 ",
        "$n ",
    ])
}

proptest! {
    #[test]
    fn never_panics_on_pieces(pieces in prop::collection::vec(piece(), 0..60), n in any::<i64>()) {
        let _ = charge_with(&pieces.concat(), json!({"n": n}), Tier::Guest);
    }

    #[test]
    fn never_panics_on_text(text in any::<String>()) {
        let _ = charge_with(&text, json!({}), Tier::Key);
    }

    /// Valid documents: selections nested at random, fragments that may form cycles.
    #[test]
    fn never_panics_on_documents(sets in prop::collection::vec(selections(), 3)) {
        let text = format!("{{ {} }} fragment A on Account {{ {} }} fragment B on Connection {{ {} }}", sets[0], sets[1], sets[2]);
        let _ = charge_with(&text, json!({}), Tier::User);
    }
}

fn selections() -> impl Strategy<Value = String> {
    let leaf =
        prop::sample::select(vec!["id", "__typename", "...A", "...B", "x: name", "tags", "nope @include(if: false)"]);
    leaf.prop_map(str::to_owned).prop_recursive(12, 60, 4, |inner| {
        let head = prop::sample::select(vec![
            "viewer",
            "friends",
            "accounts(first: 3)",
            "nodes(ids: [1, 2])",
            "extensions",
            "... on Account",
            "provisioning",
            "snapshot(first: 9)",
            "__schema",
            "fields",
        ]);
        (head, prop::collection::vec(inner, 1..4)).prop_map(|(head, inner)| format!("{head} {{ {} }}", inner.join(" ")))
    })
}
