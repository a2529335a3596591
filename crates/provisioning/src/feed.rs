//! Reading a feed: a snapshot by pages, the changes since a cursor, the digest. Each answer is one read transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::consumers;
use super::content::{self, Reading};
use super::content_queries;
use super::cursor::{Cursor, SnapshotCursor};
use super::keys;
use super::model::{Change, ChangesPage, FeedAnswer, Place, ResetReason, SnapshotPage};
use super::queries;
use platform::access::{Actor, ApiKeyScope, FeedScope, Role, feed_scope};
use platform::error::{AuthError, Error, InternalError};
use platform::feed_log::digest::Sum;
use platform::feed_log::{self, Entry, Feed, FeedRef};
use platform::ids::ApiKeyId;
use platform::services::Services;
use platform::store::Conn;

/// Somebody's right to read one feed.
#[derive(Clone)]
pub struct Reader {
    pub(super) services: Services,
    pub(super) scope: FeedScope,
    pub(super) actor: Actor,
}

/// What a page's transaction knows of the feed before it reads entries.
pub(super) struct Opened {
    pub place: Place,
    pub feed: Feed,
    pub tag: [u8; 8],
}

impl Opened {
    /// The cursor of a copy that holds the instant of this transaction.
    pub const fn head(&self) -> Cursor {
        Cursor::at_head(self.feed.id.0, self.feed.epoch.0, self.feed.head, self.tag)
    }
}

/// Opens the feed of an event and a service type for whoever asks; `None` for an event or a type that is not there.
///
/// # Errors
/// [`AuthError`] for people who are no operators, and for a key outside its limits.
pub async fn open(
    services: &Services,
    actor: &Actor,
    event: &str,
    service_type: &str,
) -> Result<Option<Reader>, Error> {
    demand_reader(actor)?;
    let mut conn = services.store.read().await?;
    let Some((event, service_type)) = content_queries::ids_by_slug(&mut conn, event, service_type).await? else {
        return Ok(None);
    };
    let scope = feed_scope(actor, event, service_type)?;
    Ok(Some(Reader { services: services.clone(), scope, actor: actor.clone() }))
}

/// Whether somebody may read any feed at all: whether it is there is told to nobody else.
///
/// # Errors
/// [`AuthError`] for people who are no operators, and for a key that reads no feeds.
pub(super) fn demand_reader(actor: &Actor) -> Result<(), AuthError> {
    match actor {
        Actor::Key(key) if key.has(ApiKeyScope::ReadConfig) => Ok(()),
        actor => actor.demand(Role::Operator),
    }
}

/// The right of `actor` to read a feed that is known already.
///
/// # Errors
/// [`AuthError`] for people who are no operators, and for a key outside its limits.
pub fn reader(services: &Services, actor: Actor, feed: FeedRef) -> Result<Reader, Error> {
    let scope = feed_scope(&actor, feed.event, feed.service_type)?;
    Ok(Reader { services: services.clone(), scope, actor })
}

impl Reader {
    /// The right with which the feed is read.
    pub const fn scope(&self) -> FeedScope {
        self.scope
    }

    pub(super) fn key(&self) -> Option<ApiKeyId> {
        self.actor.key().map(|key| key.id)
    }

    pub(super) fn reference(&self) -> FeedRef {
        FeedRef { event: self.scope.event(), service_type: self.scope.service_type() }
    }

    /// The feed's row. A feed that nothing was ever in gets one with revision 0, so that its head is the same when it is asked again.
    ///
    /// # Errors
    /// When the database refuses.
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

    /// One page of all that is there, by id behind `after`; `None` when the event is archived. `after` is what an earlier page gave.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for an `after` that is another feed's, or whose first page is too long ago: begin again.
    pub async fn snapshot(&self, first: usize, after: Option<SnapshotCursor>) -> Result<Option<SnapshotPage>, Error> {
        self.read(move |conn, reader, opened| Box::pin(snapshot_page(conn, reader, opened, first, after))).await
    }

    /// What has changed after `since`, at least `first` entries if there are, and whole transactions only.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn changes(&self, since: Cursor, first: usize) -> Result<FeedAnswer, Error> {
        self.read(move |conn, reader, opened| Box::pin(changes_page(conn, reader, opened, since, first))).await
    }

    /// The head with nothing before it: where to begin without a past.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn head(&self) -> Result<FeedAnswer, Error> {
        let page = |opened: &Opened| ChangesPage { changes: Vec::new(), cursor: opened.head(), has_more: false };
        self.read(move |_, _, opened| {
            Box::pin(async move {
                Ok(if opened.place.archived {
                    FeedAnswer::Reset(ResetReason::Closed)
                } else {
                    FeedAnswer::Page(Arc::new(page(opened)))
                })
            })
        })
        .await
    }

    /// The sum over all entries, 64 hex digits.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn digest(&self) -> Result<String, Error> {
        let feed = self.feed().await?;
        let sum = Sum::from_bytes(&feed.digest).ok_or_else(|| InternalError::new("a feed's digest is not 32 bytes"))?;
        Ok(sum.to_hex())
    }

    /// Runs `work` in a read transaction over the opened feed.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'r> FnOnce(&'r mut Conn, &'r Self, &'r Opened) -> BoxFuture<'r, Result<T, Error>> + Send + 'static,
    {
        let feed = self.feed().await?;
        consumers::seen(self, feed.id).await;
        let reader = self.clone();
        self.services
            .store
            .snapshot(move |conn| {
                Box::pin(async move {
                    let opened = reader.opened(conn).await?;
                    work(conn, &reader, &opened).await
                })
            })
            .await
    }

    async fn opened(&self, conn: &mut Conn) -> Result<Opened, Error> {
        let place = content_queries::place(conn, self.scope.event(), self.scope.service_type()).await?;
        let feed =
            feed_log::feed_of(conn, self.reference()).await?.ok_or_else(|| InternalError::new("a feed vanished"))?;
        let tag = queries::tag(conn, feed.id, feed.head).await?.and_then(|tag| tag.try_into().ok());
        let tag = tag.ok_or_else(|| InternalError::new("a feed's head has no tag"))?;
        Ok(Opened { place, feed, tag })
    }

    pub(super) fn reading<'a>(&'a self, opened: &'a Opened) -> Reading<'a> {
        Reading { scope: self.scope, place: &opened.place, schema: &opened.place.schema, sealer: &self.services.sealer }
    }
}

async fn snapshot_page(
    conn: &mut Conn,
    reader: &Reader,
    opened: &Opened,
    first: usize,
    after: Option<SnapshotCursor>,
) -> Result<Option<SnapshotPage>, Error> {
    if opened.place.archived {
        return Ok(None);
    }
    let head = match after {
        None => opened.head(),
        Some(after) => {
            let head = after.head_cursor();
            if known(conn, &opened.feed, &head).await?.is_err() {
                return Err(Error::BadRequest(
                    "`after` is not, or no longer, a cursor of this feed's snapshot: begin again.".to_owned(),
                ));
            }
            head
        }
    };
    let last = after.map_or_else(uuid::Uuid::nil, |after| after.last);
    let limit = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = queries::present_after(conn, opened.feed.id, last, limit).await?;
    let has_next = entries.len() > first;
    entries.truncate(first);
    let entries = content::load(conn, &reader.reading(opened), &entries).await?;
    Ok(Some(SnapshotPage { entries, head, has_next, total: opened.feed.entry_count }))
}

async fn changes_page(
    conn: &mut Conn,
    reader: &Reader,
    opened: &Opened,
    since: Cursor,
    first: usize,
) -> Result<FeedAnswer, Error> {
    if let Err(reason) = tellable(conn, opened, &since).await? {
        return Ok(FeedAnswer::Reset(reason));
    }
    let (entries, has_more) = page_of_entries(conn, &opened.feed, since.position, first).await?;
    let cursor = match entries.last() {
        Some(last) if has_more => {
            let tag =
                <[u8; 8]>::try_from(last.tag.as_slice()).map_err(|_| InternalError::new("a tag is not 8 bytes"))?;
            Cursor { position: last.revision, tag, ..since }
        }
        None if has_more => since,
        _ => opened.head(),
    };
    let mut keys = keys::told(conn, &opened.place, &entries, since.base).await?;
    let contents = content::load(conn, &reader.reading(opened), &entries).await?;
    let mut contents: std::collections::HashMap<_, _> =
        contents.into_iter().map(|content| (content.id, content)).collect();
    let changes = entries.iter().filter_map(|entry| {
        let keys = keys.remove(&entry.extension_id).unwrap_or_default();
        if entry.present {
            let content = contents.remove(&entry.extension_id)?;
            Some(Change::Upsert { content: Box::new(content), previous: keys })
        } else {
            Some(Change::Removal { id: entry.extension_id, slot: entry.slot, keys })
        }
    });
    Ok(FeedAnswer::Page(Arc::new(ChangesPage { changes: changes.collect(), cursor, has_more })))
}

/// The entries of one page: `first`, and the rest of the last one's transaction; and whether there is more.
async fn page_of_entries(
    conn: &mut Conn,
    feed: &Feed,
    position: i64,
    first: usize,
) -> Result<(Vec<Entry>, bool), Error> {
    let limit = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = queries::entries_after(conn, feed.id, position, limit).await?;
    if entries.len() <= first {
        return Ok((entries, false));
    }
    entries.truncate(first);
    let Some(last) = entries.last().map(|entry| (entry.revision, entry.extension_id)) else {
        return Ok((entries, true));
    };
    entries.extend(queries::rest_of_revision(conn, feed.id, last.0, last.1).await?);
    let has_more = !queries::entries_after(conn, feed.id, last.0, 1).await?.is_empty();
    Ok((entries, has_more))
}

/// Whether changes can be told from `since`.
async fn tellable(conn: &mut Conn, opened: &Opened, since: &Cursor) -> Result<Result<(), ResetReason>, Error> {
    if opened.place.archived {
        return Ok(Err(ResetReason::Closed));
    }
    if let Err(reason) = known(conn, &opened.feed, since).await? {
        return Ok(Err(reason));
    }
    if queries::bulk_after(conn, opened.feed.id, since.position).await? {
        return Ok(Err(ResetReason::Bulk));
    }
    Ok(Ok(()))
}

/// Whether the cursor was issued by this database in its present life, and all that it needs is still kept: tags above the
/// horizon, and the keys that were given up after the base.
pub(super) async fn known(conn: &mut Conn, feed: &Feed, cursor: &Cursor) -> Result<Result<(), ResetReason>, Error> {
    if cursor.feed != feed.id.0 || cursor.epoch != feed.epoch.0 || cursor.position > feed.head {
        return Ok(Err(ResetReason::Epoch));
    }
    if cursor.position <= feed.horizon || cursor.base < feed.horizon {
        return Ok(Err(ResetReason::Expired));
    }
    let tag = queries::tag(conn, feed.id, cursor.position).await?;
    Ok(if tag.as_deref() == Some(&cursor.tag) { Ok(()) } else { Err(ResetReason::Epoch) })
}
