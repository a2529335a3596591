//! Operations on extensions and groups of the demo event.

use serde_json::{Value, json};

use super::{Actor, Response};

/// The fields of an extension that the tests compare.
const EXTENSION: &str = "extension { id number label version fallbackNumber parameters owner { username } } \
                         generated preview { number parameters }";

impl Actor {
    /// Registers a public extension with this number for the caller.
    pub async fn registers(&self, service_type: &str, number: &str) -> Response {
        self.registers_with(json!({ "serviceType": service_type, "number": number, "visibility": "PUBLIC" })).await
    }

    /// Registers an extension for the caller, by default a SIP extension with the label `Test`.
    pub async fn registers_with(&self, input: Value) -> Response {
        self.mutate("registerExtension", with_defaults(input), EXTENSION).await
    }

    /// Assigns an extension to an account.
    pub async fn assigns(&self, service_type: &str, number: &str, owner: &str, parameters: Value) -> Response {
        let input = json!({ "serviceType": service_type, "number": number, "owner": owner, "parameters": parameters });
        self.assigns_with(input).await
    }

    /// Assigns an extension, by default a SIP extension with the label `Test`.
    pub async fn assigns_with(&self, input: Value) -> Response {
        self.mutate("assignExtension", with_defaults(input), EXTENSION).await
    }

    pub async fn updates(&self, id: &str, mut changes: Value) -> Response {
        changes["id"] = json!(id);
        self.mutate("updateExtension", changes, EXTENSION).await
    }

    pub async fn relabels(&self, id: &str, label: &str) -> Response {
        self.updates(id, json!({ "label": label })).await
    }

    /// Sets where calls go when the extension does not answer, or clears it.
    pub async fn sets_fallback(&self, id: &str, number: Option<&str>) -> Response {
        self.updates(id, json!({ "fallbackNumber": number })).await
    }

    pub async fn renumbers(&self, id: &str, number: &str) -> Response {
        self.renumbers_with(None, json!({ "id": id, "number": number })).await
    }

    pub async fn renumbers_with(&self, idempotency_key: Option<&str>, input: Value) -> Response {
        self.mutate_with_key(idempotency_key, "renumberExtension", input, EXTENSION).await
    }

    pub async fn swaps(&self, first: &str, second: &str) -> Response {
        self.swaps_with_key(None, first, second).await
    }

    pub async fn swaps_with_key(&self, idempotency_key: Option<&str>, first: &str, second: &str) -> Response {
        let input = json!({ "first": first, "second": second });
        self.mutate_with_key(idempotency_key, "swapNumbers", input, "first { id number } second { id number }").await
    }

    pub async fn transfers(&self, id: &str, owner: &str) -> Response {
        self.transfers_with(None, json!({ "id": id, "owner": owner })).await
    }

    pub async fn transfers_with(&self, idempotency_key: Option<&str>, input: Value) -> Response {
        self.mutate_with_key(idempotency_key, "transferExtension", input, EXTENSION).await
    }

    pub async fn rotates_password(&self, id: &str) -> Response {
        self.mutate("rotateSecret", json!({ "id": id, "parameter": "password" }), "generated").await
    }

    pub async fn deletes(&self, id: &str) -> Response {
        self.mutate("deleteExtension", json!({ "id": id }), "deletedId heldUntil").await
    }

    /// The extension with this number as the caller sees it; null where it does not.
    pub async fn extension(&self, number: &str) -> Value {
        let query = "query($number: PhoneNumber!) { extension(event: \"demo\", number: $number) { \
                     id number label version visibility fallbackNumber active parameters \
                     owner { username } serviceType { slug } restrictions { source } permissions { slug } \
                     members { number delaySeconds paused membership } memberOf { id groupNumber membership } } }";
        self.query_with(query, json!({ "number": number })).await.ok()
    }

    /// The secrets of the extension with this number that the caller may see.
    pub async fn credentials(&self, number: &str) -> Value {
        let query = "query($number: PhoneNumber!) { extension(event: \"demo\", number: $number) { credentials } }";
        self.query_with(query, json!({ "number": number })).await.ok()["credentials"].clone()
    }

    /// Invites the extension with this number into a group.
    pub async fn invites(&self, group: &str, number: &str) -> Response {
        self.mutate("inviteToGroup", json!({ "group": group, "number": number }), "member { id membership }").await
    }

    pub async fn accepts(&self, membership: &str) -> Response {
        self.mutate("acceptGroupInvitation", json!({ "id": membership }), "member { id membership }").await
    }

    pub async fn pauses_membership(&self, membership: &str, paused: bool) -> Response {
        self.mutate("updateGroupMember", json!({ "id": membership, "paused": paused }), "member { paused }").await
    }
}

fn with_defaults(input: Value) -> Value {
    let mut complete = json!({ "event": "demo", "serviceType": "sip", "label": "Test" });
    complete.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    complete
}
