//! Sources of feed content: each kind of entity has one, registered as a hook.
//!
//! The feed log knows of an entity only its kind, its id and its keys. Reading an entry asks the source of its kind for
//! the content, in the same read transaction, so an entry never holds a copy that could become outdated.

use std::collections::{HashMap, HashSet};

use futures_util::future::BoxFuture;
use platform::access::FeedScope;
use platform::error::Error;
use platform::feed_log::{EntityKind, Entry, FeedRef};
use platform::hooks::Hooks;
use platform::ids::EntityId;
use platform::secrets::Sealer;
use platform::services::Services;
use platform::store::Conn;

use crate::model::{EntryContent, FeedContext};

/// Supplies the content of the entities of one kind.
pub trait FeedSource: Send + Sync {
    /// The kind of the entities.
    fn kind(&self) -> EntityKind;

    /// The content of these present entries, in their order, in a constant number of statements. An entity that does
    /// not exist is left out.
    ///
    /// # Errors
    /// A database error, or a sealing key that is missing.
    fn contents<'t>(
        &'t self,
        conn: &'t mut Conn,
        reader: &'t ContentReader<'t>,
        entries: &'t [&'t Entry],
    ) -> BoxFuture<'t, Result<Vec<EntryContent>, Error>>;

    /// The entities of the feed that hold these numbers and these values of unique parameters now.
    ///
    /// # Errors
    /// A database error.
    fn key_holders<'t>(
        &'t self,
        conn: &'t mut Conn,
        feed: FeedRef,
        numbers: &'t [&'t str],
        values: &'t [&'t str],
    ) -> BoxFuture<'t, Result<KeyHolders, Error>>;
}

/// The present holders of keys.
#[derive(Default)]
pub struct KeyHolders {
    pub numbers: HashMap<String, EntityId>,
    /// By parameter and value.
    pub values: HashMap<(String, String), EntityId>,
}

/// Reads content with a scope: the feed, what the scope shows, and the keys that open secrets.
pub struct ContentReader<'a> {
    pub scope: FeedScope,
    pub context: &'a FeedContext,
    pub sealer: &'a Sealer,
    pub hooks: &'a Hooks,
}

impl<'a> ContentReader<'a> {
    /// A reader of one feed with the scope of its caller.
    pub fn new(scope: FeedScope, context: &'a FeedContext, services: &'a Services) -> Self {
        Self { scope, context, sealer: &services.sealer, hooks: &services.hooks }
    }

    /// The content of the present entries, in their order. An entry without its entity is logged and left out, so that
    /// one bad record does not block the others.
    ///
    /// # Errors
    /// A database error, or a sealing key that is missing.
    pub async fn load(&self, conn: &mut Conn, entries: &[Entry]) -> Result<Vec<EntryContent>, Error> {
        let present: Vec<&Entry> = entries.iter().filter(|entry| entry.present).collect();
        let (mut contents, mut sources) = (Vec::with_capacity(present.len()), 0);
        for source in self.hooks.all::<dyn FeedSource>() {
            let kind = source.kind();
            let of_kind: Vec<&Entry> = present.iter().copied().filter(|entry| entry.entity_kind == kind).collect();
            if !of_kind.is_empty() {
                contents.extend(source.contents(conn, self, &of_kind).await?);
                sources += 1;
            }
        }
        let order: HashMap<EntityId, usize> = match sources {
            // One source keeps the order itself.
            1 if contents.len() == present.len() => return Ok(contents),
            _ => present.iter().enumerate().map(|(index, entry)| (entry.entity_id, index)).collect(),
        };
        contents.sort_by_key(|content| order.get(&content.entity.id).copied());
        log_missing(&present, &contents);
        Ok(contents)
    }
}

/// Logs the entries whose entity does not exist or has a kind without a source.
fn log_missing(present: &[&Entry], contents: &[EntryContent]) {
    let found: HashSet<EntityId> = contents.iter().map(|content| content.entity.id).collect();
    for entry in present.iter().filter(|entry| !found.contains(&entry.entity_id)) {
        tracing::error!(entity = %entry.entity().global(), "an entry of a feed has no entity; the feed leaves it out");
    }
}

impl KeyHolders {
    /// The holders among the entities of all sources.
    ///
    /// # Errors
    /// A database error.
    pub async fn load(
        conn: &mut Conn,
        hooks: &Hooks,
        feed: FeedRef,
        numbers: &[&str],
        values: &[&str],
    ) -> Result<Self, Error> {
        let mut all = Self::default();
        for source in hooks.all::<dyn FeedSource>() {
            let Self { numbers, values } = source.key_holders(conn, feed, numbers, values).await?;
            all.numbers.extend(numbers);
            all.values.extend(values);
        }
        Ok(all)
    }
}
