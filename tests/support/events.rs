//! Operations on events and service types.

use serde_json::{Value, json};

use super::{Actor, Response};

impl Actor {
    /// Moves the demo event to a phase.
    pub async fn sets_phase(&self, phase: &str) -> Response {
        self.mutate("updateEvent", json!({ "slug": "demo", "phase": phase }), "event { slug }").await
    }

    /// Creates an open event.
    pub async fn creates_event(&self, slug: &str, more: Value) -> Response {
        let mut input = json!({ "slug": slug, "name": slug, "phase": "OPEN" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.mutate("createEvent", input, "event { slug }").await
    }

    /// Creates a service type with these parameters.
    pub async fn creates_service_type(&self, slug: &str, properties: Value) -> Response {
        let schema = json!({ "type": "object", "properties": properties });
        let input = json!({ "slug": slug, "name": slug, "parameterSchema": schema });
        self.mutate("createServiceType", input, "serviceType { slug }").await
    }

    pub async fn updates_service_type(&self, slug: &str, mut changes: Value) -> Response {
        changes["slug"] = json!(slug);
        self.mutate("updateServiceType", changes, "serviceType { slug }").await
    }
}
