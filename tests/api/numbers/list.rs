//! `numbers`.

use serde_json::{Value, json};

use crate::support::{Actor, Response, TestApp, string};

async fn list(actor: &Actor, filter: Value) -> Response {
    let query = "query($from: PhoneNumber, $to: PhoneNumber, $state: NumberState, $account: String, $first: Int, \
                 $after: String) { numbers(event: \"demo\", from: $from, to: $to, state: $state, account: $account, \
                 first: $first, after: $after) { totalCount nodes { number } pageInfo { hasNextPage endCursor } } }";
    actor.query_with(query, filter).await
}

fn numbers(list: &Value) -> Vec<String> {
    let nodes = list["nodes"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    nodes.map(|node| string(&node["number"]).to_owned()).collect()
}

pub async fn operators_list_the_numbers_that_have_a_history(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    for number in ["2344", "2342", "2343"] {
        operator.reserves(number, "user").await.ok();
    }
    operator.reserves("2345", "operator").await.ok();
    user.registers("sip", "2342").await.ok();
    let listed = async |filter: Value| numbers(&list(&operator, filter).await.ok());
    assert_eq!(listed(json!({ "state": "RESERVED" })).await, ["2343", "2344", "2345"]);
    assert_eq!(listed(json!({ "account": "User" })).await, ["2342", "2343", "2344"]);
    assert_eq!(listed(json!({ "from": "2343", "to": "2344" })).await, ["2343", "2344"]);
    assert_eq!(listed(json!({ "account": "nobody" })).await, Vec::<String>::new());
    let first = list(&operator, json!({ "state": "RESERVED", "first": 2 })).await.ok();
    assert_eq!((numbers(&first).len(), &first["totalCount"]), (2, &json!(3)));
    let cursor = &first["pageInfo"]["endCursor"];
    assert_eq!(listed(json!({ "state": "RESERVED", "first": 2, "after": cursor })).await, ["2345"]);
    assert_eq!(list(&user, json!({})).await.rejection(), "FORBIDDEN");
    assert_eq!(list(&app.guest(), json!({})).await.rejection(), "UNAUTHENTICATED");
}
