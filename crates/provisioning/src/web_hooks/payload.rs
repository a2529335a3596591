//! The body of a delivery and its response.

use std::io::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::acknowledge::{Acknowledgement, ReportedError};
use crate::cursor::Cursor;
use crate::json;
use crate::model::{ChangesPage, ResetReason};
use platform::error::InternalError;
use platform::ids::ConsumerId;

/// The consumer and the feed of a delivery.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub consumer: ConsumerId,
    /// The name of the consumer.
    pub name: String,
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
}

/// The content of a delivery.
#[derive(Debug)]
pub enum Payload {
    /// A page of changes.
    Page(Arc<ChangesPage>),
    /// The feed cannot give changes: the consumer takes a snapshot before it responds, and continues from this cursor.
    Reset { reason: ResetReason, cursor: Cursor },
    /// The event is archived: the consumer keeps its copy and receives no further deliveries.
    Closed,
}

impl Payload {
    /// The cursor that a 2xx response acknowledges.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Page(page) => Some(page.cursor),
            Self::Reset { cursor, .. } => Some(*cursor),
            Self::Closed => None,
        }
    }
}

/// The JSON text of a delivery: the body of `GET /feed/…/changes` with the consumer, the feed and the delivery's id
/// added. A reset has the cursor that the response acknowledges. A page has the cursor `since` before its changes: the
/// position is stored on this server, so a database restored from a backup cannot detect that it is behind the
/// consumer, but the consumer can.
///
/// The id is equal for equal deliveries and differs when anything differs, so a consumer can respond at once to a
/// repeated id.
///
/// # Errors
/// For an entry that cannot be encoded.
pub fn body(endpoint: &Endpoint, since: Option<&str>, payload: &Payload) -> Result<Vec<u8>, InternalError> {
    let mut out = vec![b'{'];
    match payload {
        Payload::Page(page) => {
            json::write_page_members(page, &mut out)?;
            write!(out, ",\"since\":\"{}\"", since.unwrap_or_default())?;
        }
        Payload::Reset { reason, cursor } => {
            write!(out, "\"reset\":\"{}\",\"cursor\":\"{}\"", reason.as_str(), cursor.encode())?;
        }
        Payload::Closed => write!(out, "\"reset\":\"{}\"", ResetReason::Closed.as_str())?,
    }
    let delivery = Sha256::new()
        .chain_update(endpoint.consumer.0.as_bytes())
        .chain_update(since.unwrap_or_default())
        .chain_update(&out)
        .finalize();
    for (field, text) in [
        ("consumer", endpoint.name.as_str()),
        ("event", &endpoint.event),
        ("serviceType", &endpoint.service_type),
        ("delivery", &hex::encode(&delivery[..16])),
    ] {
        write!(out, ",\"{field}\":")?;
        serde_json::to_writer(&mut out, text).map_err(InternalError::new)?;
    }
    out.push(b'}');
    Ok(out)
}

/// The consumer's report about its copy in a 2xx response. Every field is optional.
#[derive(Debug, Default, Deserialize)]
pub struct DeliveryResponse {
    digest: Option<String>,
    #[serde(default)]
    errors: Vec<ResponseError>,
    #[serde(default)]
    resolved: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseError {
    extension_id: String,
    code: String,
    #[serde(default)]
    message: String,
}

impl DeliveryResponse {
    /// Parses the body of a 2xx response. A body that is no JSON object of this form reports nothing.
    pub fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The acknowledgement of a position with this report.
    pub fn into_acknowledgement(self, position: Acknowledgement) -> Acknowledgement {
        let error = |error: ResponseError| ReportedError {
            entity: error.extension_id,
            code: error.code,
            message: error.message,
        };
        let errors = self.errors.into_iter().map(error).collect();
        Acknowledgement { digest: self.digest, errors, resolved: self.resolved, ..position }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn equal_deliveries_have_equal_ids() {
        let endpoint = Endpoint {
            consumer: ConsumerId(Uuid::nil()),
            name: "sip \"1\"".to_owned(),
            event: "camp".to_owned(),
            service_type: "sip".to_owned(),
        };
        let cursor = Cursor::at_head(Uuid::nil(), Uuid::nil(), 7, [1; 8]);
        let page = |has_more| Payload::Page(Arc::new(ChangesPage { changes: Vec::new(), cursor, has_more }));
        let body_of = |since: &str, payload: &Payload| -> Value {
            serde_json::from_slice(&body(&endpoint, Some(since), payload).unwrap()).unwrap()
        };
        let one = body_of("a", &page(false));
        assert_eq!(
            (&one["consumer"], &one["event"], &one["hasMore"]),
            (&"sip \"1\"".into(), &"camp".into(), &false.into())
        );
        assert_eq!(one["since"], "a");
        assert_eq!(one, body_of("a", &page(false)));
        assert_ne!(one["delivery"], body_of("b", &page(false))["delivery"]);
        assert_ne!(one["delivery"], body_of("a", &page(true))["delivery"]);
        let reset = body_of("a", &Payload::Reset { reason: ResetReason::Bulk, cursor });
        assert_eq!((&reset["reset"], &reset["cursor"]), (&"BULK".into(), &cursor.encode().into()));
        assert_eq!(body_of("a", &Payload::Closed)["reset"], "CLOSED");
    }

    #[test]
    fn a_response_may_report_nothing() {
        let position = Acknowledgement {
            event: String::new(),
            service_type: String::new(),
            consumer: String::new(),
            cursor: String::new(),
            digest: None,
            errors: Vec::new(),
            resolved: Vec::new(),
        };
        let parse = |body: &[u8]| DeliveryResponse::parse(body).into_acknowledgement(position.clone());
        for text in ["", "ok", "[]", "{}", "{\"errors\":7}"] {
            let report = parse(text.as_bytes());
            assert!(report.digest.is_none() && report.errors.is_empty() && report.resolved.is_empty(), "{text}");
        }
        let report = parse(br#"{"digest":"ab","errors":[{"extensionId":"Extension:1","code":"FULL"}]}"#);
        assert_eq!((report.digest.as_deref(), report.errors[0].code.as_str()), (Some("ab"), "FULL"));
    }
}
