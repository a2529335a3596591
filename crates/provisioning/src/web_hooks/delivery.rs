//! What is posted, and what its answer says.

use std::io::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use platform::error::InternalError;
use platform::ids::ConsumerId;
use crate::acknowledge::ReportedError;
use crate::cursor::Cursor;
use crate::json;
use crate::model::{ChangesPage, ResetReason};

/// Who is called about which feed.
#[derive(Clone, Debug)]
pub struct Addressee {
    pub consumer: ConsumerId,
    pub name: String,
    pub event: String,
    pub service_type: String,
}

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// These changes.
    Page(Arc<ChangesPage>),
    /// The changes cannot be told: the system takes a snapshot before it answers, and goes on from this cursor.
    Begin(ResetReason, Cursor),
    /// The event is archived: the copy is kept, and nothing more is told.
    Closed,
}

impl News {
    /// Up to where an answer of 2xx acknowledges.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Page(page) => Some(page.cursor),
            Self::Begin(_, cursor) => Some(*cursor),
            Self::Closed => None,
        }
    }
}

/// The JSON text that is posted: what `GET /feed/…/changes` answers, with the consumer, the feed, and the delivery's id beside. A
/// reset has the cursor that the answer acknowledges. Changes have the cursor after which they are told: the position is kept
/// here, so a database that was restored cannot find out by itself that it is behind the called system. That one can.
///
/// The id is the same when the same is told again, and another when anything is different: whoever has seen it may answer at
/// once.
///
/// # Errors
/// When the JSON of an entry cannot be written.
pub fn body(addressee: &Addressee, since: Option<&str>, news: &News) -> Result<Vec<u8>, InternalError> {
    let mut out = vec![b'{'];
    match news {
        News::Page(page) => {
            json::page_members(page, &mut out)?;
            write!(out, ",\"since\":\"{}\"", since.unwrap_or_default())?;
        }
        News::Begin(reason, cursor) => {
            write!(out, "\"reset\":\"{}\",\"cursor\":\"{}\"", reason.as_str(), cursor.encode())?;
        }
        News::Closed => write!(out, "\"reset\":\"{}\"", ResetReason::Closed.as_str())?,
    }
    let delivery = Sha256::new()
        .chain_update(addressee.consumer.0.as_bytes())
        .chain_update(since.unwrap_or_default())
        .chain_update(&out)
        .finalize();
    for (field, text) in [
        ("consumer", addressee.name.as_str()),
        ("event", &addressee.event),
        ("serviceType", &addressee.service_type),
        ("delivery", &hex::encode(&delivery[..16])),
    ] {
        write!(out, ",\"{field}\":")?;
        serde_json::to_writer(&mut out, text).map_err(InternalError::new)?;
    }
    out.push(b'}');
    Ok(out)
}

/// What the called system says about its copy. Everything in it may be left out.
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    digest: Option<String>,
    #[serde(default)]
    errors: Vec<AnswerError>,
    #[serde(default)]
    resolved: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerError {
    extension_id: String,
    code: String,
    #[serde(default)]
    message: String,
}

impl Answer {
    /// Reads the body of an answer of 2xx; one that is no JSON object says nothing.
    pub fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    /// Its digest, its errors and what is over, for an acknowledgement.
    pub fn into_parts(self) -> (Option<String>, Vec<ReportedError>, Vec<String>) {
        let error = |error: AnswerError| ReportedError {
            extension: error.extension_id,
            code: error.code,
            message: error.message,
        };
        (self.digest, self.errors.into_iter().map(error).collect(), self.resolved)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_same_news_has_the_same_id() {
        let addressee = Addressee {
            consumer: ConsumerId(Uuid::nil()),
            name: "sip \"1\"".to_owned(),
            event: "camp".to_owned(),
            service_type: "sip".to_owned(),
        };
        let cursor = Cursor::at_head(Uuid::nil(), Uuid::nil(), 7, [1; 8]);
        let page = |has_more| News::Page(Arc::new(ChangesPage { changes: Vec::new(), cursor, has_more }));
        let read = |since: &str, news: &News| -> Value {
            serde_json::from_slice(&body(&addressee, Some(since), news).unwrap()).unwrap()
        };
        let one = read("a", &page(false));
        assert_eq!(
            (&one["consumer"], &one["event"], &one["hasMore"]),
            (&"sip \"1\"".into(), &"camp".into(), &false.into())
        );
        assert_eq!(one["since"], "a");
        assert_eq!(one, read("a", &page(false)));
        assert_ne!(one["delivery"], read("b", &page(false))["delivery"]);
        assert_ne!(one["delivery"], read("a", &page(true))["delivery"]);
        let reset = read("a", &News::Begin(ResetReason::Bulk, cursor));
        assert_eq!((&reset["reset"], &reset["cursor"]), (&"BULK".into(), &cursor.encode().into()));
        assert_eq!(read("a", &News::Closed)["reset"], "CLOSED");
    }

    #[test]
    fn an_answer_may_say_nothing() {
        for text in ["", "ok", "[]", "{}", "{\"errors\":7}"] {
            let (digest, errors, resolved) = Answer::read(text.as_bytes()).into_parts();
            assert!(digest.is_none() && errors.is_empty() && resolved.is_empty(), "{text}");
        }
        let text = br#"{"digest":"ab","errors":[{"extensionId":"Extension:1","code":"FULL"}]}"#;
        let (digest, errors, _) = Answer::read(text).into_parts();
        assert_eq!((digest.as_deref(), errors[0].code.as_str()), (Some("ab"), "FULL"));
    }
}
