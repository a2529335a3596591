//! The export of a whole feed as newline-delimited JSON of one instant. It is written while it is read, so its memory
//! use does not grow with the feed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::cursor::Cursor;
use super::feed::{FeedReader, OpenFeed};
use super::json::SnapshotLines;
use super::queries;
use platform::error::{Error, InternalError};
use platform::store::Conn;

/// The number of entries read by one statement.
const BATCH: i64 = 500;
/// The number of bytes buffered before they are passed to the sink.
const CHUNK_BYTES: usize = 64 * 1024;
/// The capacity of the buffer: a chunk and the entry that exceeds it.
const BUFFER_BYTES: usize = CHUNK_BYTES + 4096;

/// The version of a document made of a feed.
#[derive(Clone, Debug)]
pub struct FeedVersion {
    /// The value of the header `ETag`, weak because the same content may be encoded differently (RFC 9110, section
    /// 8.8.3).
    pub etag: String,
    /// The number of entries.
    pub count: i64,
    /// The cursor of the instant.
    pub head: Cursor,
}

/// The destination of a snapshot export.
pub trait SnapshotSink: Send + 'static {
    /// Called once, before the first write.
    fn begin(&mut self, version: FeedVersion);

    /// Takes the next bytes.
    ///
    /// # Errors
    /// An I/O error, such as a closed connection or a full disk. It ends the export.
    fn write(&mut self, bytes: Vec<u8>) -> std::io::Result<()>;

    /// Called once, after the last write of a complete export.
    fn finish(&mut self);
}

impl OpenFeed {
    /// The version of what this reader sees of this instant. It differs when the feed, the reader's scope, or the parts
    /// of the event and the service type that every entry shows differ. `dependencies` is what else the document
    /// depends on.
    pub(super) fn version(&self, reader: &FeedReader, dependencies: &Value) -> FeedVersion {
        let scope = reader.scope();
        let (context, head) = (&self.context, self.head());
        let facts = serde_json::json!([
            head.encode(),
            [scope.secrets(), scope.digests(), scope.is_key()],
            [&context.event_slug, &context.service_type_slug, &context.service_type_name],
            context.schema_version,
            context.settings,
            dependencies,
        ]);
        let hash = Sha256::digest(facts.to_string());
        FeedVersion { etag: format!("W/\"{}\"", hex::encode(&hash[..16])), count: self.feed.entry_count, head }
    }
}

impl FeedReader {
    /// The current version of the whole feed; `None` when the event is archived.
    ///
    /// # Errors
    /// A database error.
    pub async fn version(&self) -> Result<Option<FeedVersion>, Error> {
        self.read(|_, reader, open| {
            Box::pin(async move { Ok((!open.context.archived).then(|| open.version(reader, &Value::Null))) })
        })
        .await
    }

    /// Writes the whole feed from one read transaction: a line with head and count, a line for each entry by id, and a
    /// line that marks the end. Returns false, without writing, when the event is archived.
    ///
    /// # Errors
    /// A database error, or an I/O error of the sink.
    pub async fn export_snapshot(&self, sink: impl SnapshotSink) -> Result<bool, Error> {
        self.read(move |conn, reader, open| {
            Box::pin(async move {
                if open.context.archived {
                    return Ok(false);
                }
                write_snapshot(conn, reader, open, sink).await?;
                Ok(true)
            })
        })
        .await
    }
}

async fn write_snapshot(
    conn: &mut Conn,
    reader: &FeedReader,
    open: &OpenFeed,
    mut sink: impl SnapshotSink,
) -> Result<(), Error> {
    let version = open.version(reader, &Value::Null);
    let (lines, content_reader, head) = (SnapshotLines::default(), reader.content_reader(open), version.head);
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    lines.begin(&head, version.count, &mut buffer)?;
    sink.begin(version);
    flush(&mut sink, &mut buffer)?;
    let (mut after, mut written) = (uuid::Uuid::nil(), 0_i64);
    loop {
        let entries = queries::present_after(conn, open.feed.id, after, BATCH).await?;
        let Some(last) = entries.last() else { break };
        after = last.entity_id.0;
        for content in content_reader.load(conn, &entries).await? {
            lines.entry(&content, &mut buffer)?;
            written += 1;
            if buffer.len() >= CHUNK_BYTES {
                flush(&mut sink, &mut buffer)?;
            }
        }
        if i64::try_from(entries.len()).unwrap_or(BATCH) < BATCH {
            break;
        }
    }
    if written != open.feed.entry_count {
        tracing::error!(written, count = open.feed.entry_count, "a feed's entry count differs from its entries");
    }
    lines.end(&head, &mut buffer)?;
    flush(&mut sink, &mut buffer)?;
    sink.finish();
    Ok(())
}

/// Passes the buffered bytes to the sink and empties the buffer.
fn flush(sink: &mut impl SnapshotSink, buffer: &mut Vec<u8>) -> Result<(), InternalError> {
    let next = Vec::with_capacity(BUFFER_BYTES);
    Ok(sink.write(std::mem::replace(buffer, next))?)
}
