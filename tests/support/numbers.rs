//! Operations on numbers of the demo event.

use serde_json::{Value, json};

use super::{Actor, Response, TestApp};

impl TestApp {
    /// Runs the background task that ends holds, reservations and ageing that are due.
    pub async fn expire_due_numbers(&self) {
        numbers::expire_due(&self.app.services).await.unwrap();
    }
}

impl Actor {
    /// Reserves a number for an account.
    pub async fn reserves(&self, number: &str, owner: &str) -> Response {
        self.reserves_with(json!({ "event": "demo", "number": number, "owner": owner })).await
    }

    pub async fn reserves_with(&self, input: Value) -> Response {
        let selection = "number { id number state until version account { username } event { slug } }";
        self.mutate("reserveNumber", input, selection).await
    }

    pub async fn releases_reservation(&self, number: &str) -> Response {
        self.mutate("releaseReservation", json!({ "event": "demo", "number": number }), "number { state }").await
    }

    pub async fn releases_hold(&self, number: &str) -> Response {
        self.mutate("releaseHold", json!({ "event": "demo", "number": number }), "number { state }").await
    }

    pub async fn bars(&self, number: &str) -> Response {
        let input = json!({ "event": "demo", "number": number, "reason": "noise" });
        self.mutate("barNumber", input, "number { id restrictions { id } }").await
    }

    pub async fn unbars(&self, number: &str) -> Response {
        self.mutate("unbarNumber", json!({ "event": "demo", "number": number }), "number { id }").await
    }

    /// A number as the caller sees it.
    pub async fn number(&self, number: &str) -> Value {
        let query = "query($number: PhoneNumber!) { number(event: \"demo\", number: $number) { state until version \
                     account { username } extension { number } history { nodes { to actor } } } }";
        self.query_with(query, json!({ "number": number })).await.ok()
    }
}
