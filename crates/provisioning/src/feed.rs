//! Reading a feed: snapshot pages, changes since a cursor, and the digest. Each page is one read transaction.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::consumers;
use super::context_queries;
use super::cursor::{Cursor, SnapshotCursor};
use super::model::{Change, ChangesPage, ChangesResponse, FeedContext, ResetReason, SnapshotPage};
use super::previous_keys;
use super::queries;
use super::source::ContentReader;
use platform::access::{Actor, ApiKeyScope, FeedScope, Role, feed_scope};
use platform::error::{AuthError, Error, InternalError};
use platform::feed_log::digest::FeedDigest;
use platform::feed_log::{self, Entry, Feed, FeedRef};
use platform::ids::ApiKeyId;
use platform::services::Services;
use platform::store::Conn;

/// A caller's permission to read one feed.
#[derive(Clone)]
pub struct FeedReader {
    pub(super) services: Services,
    pub(super) scope: FeedScope,
    pub(super) actor: Actor,
}

/// A feed in a read transaction, before its entries are read.
pub(super) struct OpenFeed {
    pub context: FeedContext,
    pub feed: Feed,
    /// The tag of the head.
    pub tag: [u8; 8],
}

impl OpenFeed {
    /// The cursor of a copy that holds the instant of this transaction.
    pub const fn head(&self) -> Cursor {
        Cursor::at_head(self.feed.id.0, self.feed.epoch.0, self.feed.head, self.tag)
    }
}

/// Opens the feed of an event and a service type, named by their slugs; `None` when either does not exist, or when the
/// event is a draft of which the caller may not know.
///
/// # Errors
/// [`AuthError`] for a person below operator and for a key without the feed in its scope.
pub async fn open(
    services: &Services,
    actor: &Actor,
    event: &str,
    service_type: &str,
) -> Result<Option<FeedReader>, Error> {
    require_feed_access(actor)?;
    let mut conn = services.store.read().await?;
    let feed = context_queries::feed_by_slugs(&mut conn, event, service_type).await?;
    let feed = feed.and_then(|feed| feed.visible_to(actor));
    feed.map(|feed| reader(services, actor.clone(), feed)).transpose()
}

/// Requires that an actor may read feeds at all. It is checked before the feed is looked up, so that other callers do
/// not learn whether a feed exists.
///
/// # Errors
/// [`AuthError`] for a person below operator and for a key without READ_CONFIG.
pub(super) fn require_feed_access(actor: &Actor) -> Result<(), AuthError> {
    match actor {
        Actor::Key(key) if key.has(ApiKeyScope::ReadConfig) => Ok(()),
        actor => actor.demand(Role::Operator),
    }
}

/// The permission of `actor` to read a feed whose ids are known.
///
/// # Errors
/// [`AuthError`] for a person below operator and for a key without the feed in its scope.
pub fn reader(services: &Services, actor: Actor, feed: FeedRef) -> Result<FeedReader, Error> {
    let scope = feed_scope(&actor, feed.event, feed.service_type)?;
    Ok(FeedReader { services: services.clone(), scope, actor })
}

impl FeedReader {
    /// The scope that the permission covers.
    pub const fn scope(&self) -> FeedScope {
        self.scope
    }

    pub(super) fn key(&self) -> Option<ApiKeyId> {
        self.actor.key().map(|key| key.id)
    }

    pub(super) fn reference(&self) -> FeedRef {
        FeedRef { event: self.scope.event(), service_type: self.scope.service_type() }
    }

    /// The row of the feed. A feed that was never used gets a row with revision 0, so that a second read returns the
    /// same head.
    ///
    /// # Errors
    /// A database error.
    pub async fn feed(&self) -> Result<Feed, Error> {
        let reference = self.reference();
        let found = feed_log::feed_of(&mut *self.services.store.read().await?, reference).await?;
        if let Some(feed) = found {
            return Ok(feed);
        }
        let (rng, now) = (Arc::clone(&self.services.rng), self.services.now());
        self.services
            .store
            .write(move |conn| Box::pin(async move { feed_log::ensure_feed(conn, reference, &*rng, now).await }))
            .await
    }

    /// One page of all present entries, ordered by id and starting after `after`; `None` when the event is archived.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for an `after` of another feed, or one whose first page is older than the retention.
    pub async fn snapshot(&self, first: usize, after: Option<SnapshotCursor>) -> Result<Option<SnapshotPage>, Error> {
        self.read(move |conn, reader, open| Box::pin(snapshot_page(conn, reader, open, first, after))).await
    }

    /// The changes after `since`: at least `first` entries if there are as many, and whole transactions only.
    ///
    /// # Errors
    /// A database error.
    pub async fn changes(&self, since: Cursor, first: usize) -> Result<ChangesResponse, Error> {
        self.read(move |conn, reader, open| Box::pin(changes_page(conn, reader, open, since, first))).await
    }

    /// An empty page at the head: the start for a consumer that needs no earlier changes.
    ///
    /// # Errors
    /// A database error.
    pub async fn head(&self) -> Result<ChangesResponse, Error> {
        self.read(move |_, _, open| {
            Box::pin(async move {
                Ok(if open.context.archived {
                    ChangesResponse::Reset(ResetReason::Closed)
                } else {
                    let page = ChangesPage { changes: Vec::new(), cursor: open.head(), has_more: false };
                    ChangesResponse::Page(Arc::new(page))
                })
            })
        })
        .await
    }

    /// The digest over all entries: 64 hexadecimal digits.
    ///
    /// # Errors
    /// A database error, or a stored digest that is not 32 bytes long.
    pub async fn digest(&self) -> Result<String, Error> {
        let feed = self.feed().await?;
        let digest = FeedDigest::from_bytes(&feed.digest);
        Ok(digest.ok_or_else(|| InternalError::new("a feed's digest is not 32 bytes"))?.to_hex())
    }

    /// Runs `work` in a read transaction on the opened feed.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'r> FnOnce(&'r mut Conn, &'r Self, &'r OpenFeed) -> BoxFuture<'r, Result<T, Error>> + Send + 'static,
    {
        let feed = self.feed().await?;
        consumers::record_contact(self, feed.id).await;
        let reader = self.clone();
        self.services
            .store
            .snapshot(move |conn| {
                Box::pin(async move {
                    let open = reader.open_in(conn).await?;
                    work(conn, &reader, &open).await
                })
            })
            .await
    }

    async fn open_in(&self, conn: &mut Conn) -> Result<OpenFeed, Error> {
        let context = context_queries::feed_context(conn, self.reference()).await?;
        let feed =
            feed_log::feed_of(conn, self.reference()).await?.ok_or_else(|| InternalError::new("a feed vanished"))?;
        let tag = queries::head_tag(conn, &feed).await?;
        Ok(OpenFeed { context, feed, tag })
    }

    pub(super) fn content_reader<'a>(&'a self, open: &'a OpenFeed) -> ContentReader<'a> {
        ContentReader::new(self.scope, &open.context, &self.services)
    }
}

async fn snapshot_page(
    conn: &mut Conn,
    reader: &FeedReader,
    open: &OpenFeed,
    first: usize,
    after: Option<SnapshotCursor>,
) -> Result<Option<SnapshotPage>, Error> {
    if open.context.archived {
        return Ok(None);
    }
    let head = match after {
        None => open.head(),
        Some(after) => {
            let head = after.head_cursor();
            if cursor_reset(conn, &open.feed, &head).await?.is_some() {
                return Err(Error::BadRequest(
                    "`after` is not, or no longer, a cursor of this feed's snapshot: begin again.".to_owned(),
                ));
            }
            head
        }
    };
    let last = after.map_or_else(uuid::Uuid::nil, |after| after.last);
    let limit = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = queries::present_after(conn, open.feed.id, last, limit).await?;
    let has_next = entries.len() > first;
    entries.truncate(first);
    let entries = reader.content_reader(open).load(conn, &entries).await?;
    Ok(Some(SnapshotPage { entries, head, has_next, total: open.feed.entry_count }))
}

async fn changes_page(
    conn: &mut Conn,
    reader: &FeedReader,
    open: &OpenFeed,
    since: Cursor,
    first: usize,
) -> Result<ChangesResponse, Error> {
    if let Some(reason) = changes_reset(conn, open, &since).await? {
        return Ok(ChangesResponse::Reset(reason));
    }
    let EntriesPage { entries, has_more } = entries_page(conn, &open.feed, since.position, first).await?;
    let cursor = match entries.last() {
        Some(last) if has_more => {
            let tag =
                <[u8; 8]>::try_from(last.tag.as_slice()).map_err(|_| InternalError::new("a tag is not 8 bytes"))?;
            Cursor { position: last.revision, tag, ..since }
        }
        None if has_more => since,
        _ => open.head(),
    };
    let content_reader = reader.content_reader(open);
    let mut keys = previous_keys::load(conn, &content_reader, &entries, since.base).await?;
    let contents = content_reader.load(conn, &entries).await?;
    let mut contents: HashMap<_, _> = contents.into_iter().map(|content| (content.entity.id, content)).collect();
    let changes = entries.iter().filter_map(|entry| {
        let keys = keys.remove(&entry.entity_id).unwrap_or_default();
        if entry.present {
            let content = contents.remove(&entry.entity_id)?;
            Some(Change::Upsert { content: Box::new(content), previous: keys })
        } else {
            Some(Change::Removal { entity: entry.entity(), slot: entry.slot, keys })
        }
    });
    Ok(ChangesResponse::Page(Arc::new(ChangesPage { changes: changes.collect(), cursor, has_more })))
}

/// The entries of one page of changes.
struct EntriesPage {
    entries: Vec<Entry>,
    has_more: bool,
}

/// Reads `first` entries after a position, and the remaining entries of the last one's revision.
async fn entries_page(conn: &mut Conn, feed: &Feed, position: i64, first: usize) -> Result<EntriesPage, Error> {
    let limit = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = queries::entries_after(conn, feed.id, position, limit).await?;
    if entries.len() <= first {
        return Ok(EntriesPage { entries, has_more: false });
    }
    entries.truncate(first);
    let Some((revision, entity)) = entries.last().map(|entry| (entry.revision, entry.entity_id)) else {
        return Ok(EntriesPage { entries, has_more: true });
    };
    entries.extend(queries::rest_of_revision(conn, feed.id, revision, entity).await?);
    let has_more = !queries::entries_after(conn, feed.id, revision, 1).await?.is_empty();
    Ok(EntriesPage { entries, has_more })
}

/// The reason why the feed cannot give changes from `since`; `None` when it can.
async fn changes_reset(conn: &mut Conn, open: &OpenFeed, since: &Cursor) -> Result<Option<ResetReason>, Error> {
    if open.context.archived {
        return Ok(Some(ResetReason::Closed));
    }
    if let Some(reason) = cursor_reset(conn, &open.feed, since).await? {
        return Ok(Some(reason));
    }
    let is_bulk = queries::has_bulk_after(conn, open.feed.id, since.position).await?;
    Ok(is_bulk.then_some(ResetReason::Bulk))
}

/// The reason why a cursor is not usable. A usable cursor was issued by this database in its present epoch, and the
/// feed still has what it needs: the tag of its position, and the keys that were given up after its base.
pub(super) async fn cursor_reset(conn: &mut Conn, feed: &Feed, cursor: &Cursor) -> Result<Option<ResetReason>, Error> {
    if cursor.feed != feed.id.0 || cursor.epoch != feed.epoch.0 || cursor.position > feed.head {
        return Ok(Some(ResetReason::Epoch));
    }
    if cursor.position <= feed.horizon || cursor.base < feed.horizon {
        return Ok(Some(ResetReason::Expired));
    }
    let tag = queries::tag(conn, feed.id, cursor.position).await?;
    Ok((tag.as_deref() != Some(&cursor.tag)).then_some(ResetReason::Epoch))
}
