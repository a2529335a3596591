//! The notifier: rings after a commit, and may be lost. What it announces is always read from the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::ids::{AccountId, ApiKeyId, EventId, FeedId, SessionId};

/// The channel of `pg_notify` on which the instances of an installation ring for each other.
pub const CHANNEL: &str = "switchboard";

/// How many rings a listener may be behind before it has to look at everything anew.
const BACKLOG: usize = 4096;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Notification {
    /// A feed has a new revision, or its event was opened or archived.
    Feed(FeedId),
    /// A telephone system was named, changed or forgotten, or has said how far it has come.
    Consumers,
    /// What the directory of an event lists has changed.
    Directory(EventId),
    /// An admin changed events, ranges, service types, permissions or templates.
    Catalogue,
    /// A session has ended.
    SessionEnded(SessionId),
    /// All sessions of an account have ended.
    AccountEnded(AccountId),
    /// A key was revoked.
    KeyRevoked(ApiKeyId),
    /// There is work for the jobs.
    Jobs,
}

/// Where rings are heard within this process.
#[derive(Clone)]
pub struct Notifier {
    rings: broadcast::Sender<Notification>,
    /// How often the catalogue's bell has rung: whoever holds a copy compares, and needs no listener.
    catalogue: Arc<AtomicU64>,
    /// The same of the bell that says that keys were revoked.
    keys: Arc<AtomicU64>,
    /// The same of each feed's bell.
    feeds: Arc<Mutex<HashMap<FeedId, u64>>>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            rings: broadcast::channel(BACKLOG).0,
            catalogue: Arc::default(),
            keys: Arc::default(),
            feeds: Arc::default(),
        }
    }
}

impl Notifier {
    /// Rings for everyone in this process; nobody listening is fine.
    pub fn notify(&self, ring: Notification) {
        // Counted before anyone hears it: whoever has heard a ring finds a count that has it.
        match ring {
            Notification::Catalogue => drop(self.catalogue.fetch_add(1, Ordering::SeqCst)),
            Notification::KeyRevoked(_) => drop(self.keys.fetch_add(1, Ordering::SeqCst)),
            Notification::Feed(feed) => {
                *self.feeds.lock().unwrap_or_else(PoisonError::into_inner).entry(feed).or_default() += 1
            }
            _ => {}
        }
        drop(self.rings.send(ring));
    }

    /// Hears every ring from now on.
    pub fn listen(&self) -> broadcast::Receiver<Notification> {
        self.rings.subscribe()
    }

    /// How often the catalogue's bell has rung in this process.
    pub fn catalogue_generation(&self) -> u64 {
        self.catalogue.load(Ordering::SeqCst)
    }

    /// How often keys were revoked, as far as it rang in this process.
    pub fn keys_generation(&self) -> u64 {
        self.keys.load(Ordering::SeqCst)
    }

    /// How often a feed's bell has rung in this process. A reading that begins at this count sees every commit that was rung for
    /// until now.
    pub fn feed_generation(&self, feed: FeedId) -> u64 {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).get(&feed).copied().unwrap_or_default()
    }
}
