//! A whole feed as one document of one instant, written while it is read: memory does not grow with the feed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::content;
use super::cursor::Cursor;
use super::feed::{Opened, Reader};
use super::json::Lines;
use super::queries;
use platform::error::{Error, InternalError};

/// How many entries are read at once.
const BATCH: i64 = 500;
/// How many bytes are gathered before they are handed on.
const CHUNK_BYTES: usize = 64 * 1024;

/// By what a document that is made of a feed is recognised.
#[derive(Clone, Debug)]
pub struct FeedVersion {
    /// For the header `ETag`, a weak one (RFC 9110, section 8.8.3): the same content may be encoded differently.
    pub etag: String,
    /// How many entries the feed has.
    pub count: i64,
    /// The instant.
    pub head: Cursor,
}

/// Where a whole feed is written to.
pub trait Copying: Send + 'static {
    /// Called once, before anything is written.
    fn begin(&mut self, mark: FeedVersion);

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When nobody wants them any more, or there is no room for them: the copying ends.
    fn write(&mut self, bytes: Vec<u8>) -> std::io::Result<()>;

    /// Called once, when everything was written.
    fn finish(&mut self);
}

impl Opened {
    /// The mark of what this reader makes of this instant: it differs when the feed, the reader's scopes, or what the type and
    /// the event add to every entry is different. `more` is what else the document depends on.
    pub(super) fn mark(&self, reader: &Reader, more: &Value) -> FeedVersion {
        let scope = reader.scope();
        let (place, head) = (&self.place, self.head());
        let facts = serde_json::json!([
            head.encode(),
            [scope.secrets(), scope.digests(), scope.is_key()],
            [&place.event_slug, &place.service_type_slug, &place.service_type_name],
            place.schema_version,
            place.settings,
            more,
        ]);
        let hash = Sha256::digest(facts.to_string());
        FeedVersion { etag: format!("W/\"{}\"", hex::encode(&hash[..16])), count: self.feed.entry_count, head }
    }
}

impl Reader {
    /// The mark of the whole feed now; `None` when the event is archived.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark(&self) -> Result<Option<FeedVersion>, Error> {
        self.read(|_, reader, opened| {
            Box::pin(async move { Ok((!opened.place.archived).then(|| opened.mark(reader, &Value::Null))) })
        })
        .await
    }

    /// Writes the whole feed as newline-delimited JSON, from one read transaction: a line with head and count, a line for each
    /// entry by id, a line that says that it is complete. Tells whether there was anything to write: an archived event has no feed.
    ///
    /// # Errors
    /// When the database refuses, or `to` does.
    pub async fn copy(&self, mut to: impl Copying) -> Result<bool, Error> {
        self.read(move |conn, reader, opened| {
            Box::pin(async move {
                if opened.place.archived {
                    return Ok(false);
                }
                let mark = opened.mark(reader, &Value::Null);
                let (lines, reading, head) = (Lines::default(), reader.reading(opened), mark.head);
                let mut out = Vec::with_capacity(CHUNK_BYTES + 4096);
                lines.begin(&head, mark.count, &mut out)?;
                to.begin(mark);
                hand_on(&mut to, &mut out)?;
                let (mut after, mut written) = (uuid::Uuid::nil(), 0_i64);
                loop {
                    let entries = queries::present_after(conn, opened.feed.id, after, BATCH).await?;
                    let Some(last) = entries.last() else { break };
                    after = last.extension_id.0;
                    for content in content::load(conn, &reading, &entries).await? {
                        lines.entry(&content, &mut out)?;
                        written += 1;
                        if out.len() >= CHUNK_BYTES {
                            hand_on(&mut to, &mut out)?;
                        }
                    }
                    if i64::try_from(entries.len()).unwrap_or(BATCH) < BATCH {
                        break;
                    }
                }
                if written != opened.feed.entry_count {
                    tracing::error!(
                        written,
                        count = opened.feed.entry_count,
                        "a feed's count is not that of its entries"
                    );
                }
                lines.end(&head, &mut out)?;
                hand_on(&mut to, &mut out)?;
                to.finish();
                Ok(true)
            })
        })
        .await
    }
}

fn hand_on(to: &mut impl Copying, bytes: &mut Vec<u8>) -> Result<(), InternalError> {
    let next = Vec::with_capacity(CHUNK_BYTES + 4096);
    Ok(to.write(std::mem::replace(bytes, next))?)
}
