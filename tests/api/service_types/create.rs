//! `createServiceType`.

use serde_json::json;

use crate::support::TestApp;

pub async fn a_new_service_type_has_typed_parameters_at_once(app: TestApp) {
    let admin = app.admin().await;
    admin.creates_service_type("telex", json!({ "speed": { "type": "integer", "minimum": 50 } })).await.ok();
    let input = json!({ "event": "demo", "serviceType": "telex", "number": "7777", "owner": "user", "label": "T",
                        "typed": { "telex": { "speed": 75 } } });
    let selection = "extension { typedParameters { __typename ... on TelexParameters { speed } } }";
    let assigned = admin.mutate("assignExtension", input, selection).await.ok();
    let typed = &assigned["extension"]["typedParameters"];
    assert_eq!(typed, &json!({ "__typename": "TelexParameters", "speed": 75 }));
    let remote = json!({ "slug": "telex2", "name": "Telex",
                         "parameterSchema": { "$ref": "https://example.org/schema.json" } });
    assert_eq!(admin.mutate("createServiceType", remote, "serviceType { slug }").await.code(), "INVALID");
}
