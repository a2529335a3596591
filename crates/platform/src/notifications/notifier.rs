//! The broadcast channel of this process that carries notifications after a commit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::ids::{AccountId, ApiKeyId, EventId, FeedId, SessionId};

/// The PostgreSQL channel (`NOTIFY`) on which the instances of an installation notify each other.
pub const CHANNEL: &str = "switchboard";

/// The number of notifications that a slow listener may fall behind before it misses some.
const BACKLOG: usize = 4096;

/// A hint that something may have changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Notification {
    /// A feed has a new revision, or its event was opened or archived.
    Feed(FeedId),
    /// A feed consumer was created, changed or deleted, or has acknowledged a position.
    Consumers,
    /// The directory of an event lists something else.
    Directory(EventId),
    /// An admin changed events, ranges, service types, permissions or templates.
    Catalogue,
    /// A session has ended.
    SessionEnded(SessionId),
    /// All sessions of an account have ended.
    AccountEnded(AccountId),
    /// An API key was revoked.
    KeyRevoked(ApiKeyId),
    /// A job was enqueued.
    Jobs,
}

/// Sends notifications to the listeners of this process and counts them.
///
/// The count of a kind is its *generation*. A cache that remembers the generation at which it read the database finds
/// out that its copy may be stale without listening.
#[derive(Clone)]
pub struct Notifier {
    sender: broadcast::Sender<Notification>,
    catalogue_generation: Arc<AtomicU64>,
    keys_generation: Arc<AtomicU64>,
    feed_generations: Arc<Mutex<HashMap<FeedId, u64>>>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            catalogue_generation: Arc::default(),
            keys_generation: Arc::default(),
            feed_generations: Arc::default(),
        }
    }
}

impl Notifier {
    /// Increments the generation and sends the notification to every listener of this process. No listener is needed.
    pub fn notify(&self, notification: Notification) {
        // The generation is incremented before sending, so a receiver always sees the new value.
        match notification {
            Notification::Catalogue => drop(self.catalogue_generation.fetch_add(1, Ordering::SeqCst)),
            Notification::KeyRevoked(_) => drop(self.keys_generation.fetch_add(1, Ordering::SeqCst)),
            Notification::Feed(feed) => {
                *self.feed_generations.lock().unwrap_or_else(PoisonError::into_inner).entry(feed).or_default() += 1
            }
            _ => {}
        }
        drop(self.sender.send(notification));
    }

    /// Subscribes to every notification from now on.
    pub fn listen(&self) -> broadcast::Receiver<Notification> {
        self.sender.subscribe()
    }

    /// The number of [`Notification::Catalogue`] that this process has sent.
    pub fn catalogue_generation(&self) -> u64 {
        self.catalogue_generation.load(Ordering::SeqCst)
    }

    /// The number of [`Notification::KeyRevoked`] that this process has sent, for any key.
    pub fn keys_generation(&self) -> u64 {
        self.keys_generation.load(Ordering::SeqCst)
    }

    /// The number of [`Notification::Feed`] that this process has sent for one feed. A read that starts at this
    /// generation sees every commit that was notified before.
    pub fn feed_generation(&self, feed: FeedId) -> u64 {
        self.feed_generations.lock().unwrap_or_else(PoisonError::into_inner).get(&feed).copied().unwrap_or_default()
    }
}
