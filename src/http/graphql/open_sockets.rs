//! The open WebSockets and subscriptions: how many each caller has, and when the last socket is closed.
//!
//! The graceful shutdown of connections does not wait for upgraded ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use platform::access::rates::RateAddress;
use platform::access::{Actor, Caller};
use platform::ids::{AccountId, ApiKeyId};
use tokio::sync::watch;

/// The caller for whom sockets and subscriptions are counted. They hold memory, and a subscription holds work at each
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// All guests at one address.
    Address(Option<RateAddress>),
    /// A person.
    Account(AccountId),
    /// An API key.
    Key(ApiKeyId),
}

/// How many sockets and subscriptions one holder may have.
#[derive(Clone, Copy, Debug)]
struct HolderLimits {
    sockets: usize,
    subscriptions: usize,
}

impl Holder {
    /// The holder for a caller; `None` for one that is exempt from rates.
    pub fn of(caller: &Caller) -> Option<Self> {
        if !caller.is_rated {
            return None;
        }
        match &caller.actor {
            Actor::Guest => Some(Self::Address(caller.address)),
            Actor::Person(person) => Some(Self::Account(person.id)),
            Actor::Key(key) => Some(Self::Key(key.id)),
            Actor::System(_) => None,
        }
    }

    /// Many guests can be behind one address; a person has a few browser tabs, a key the processes of one system.
    const fn limits(self) -> HolderLimits {
        match self {
            Self::Address(_) => HolderLimits { sockets: 300, subscriptions: 600 },
            Self::Account(_) => HolderLimits { sockets: 50, subscriptions: 200 },
            Self::Key(_) => HolderLimits { sockets: 500, subscriptions: 2_000 },
        }
    }
}

/// Counts the open WebSockets and subscriptions of the program.
#[derive(Debug, Default)]
pub struct OpenSockets {
    any: watch::Sender<()>,
    held: Arc<Mutex<HashMap<Held, usize>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Held {
    Socket(Holder),
    Subscription(Holder),
}

/// Counts one socket or subscription of a holder until it is dropped.
#[derive(Debug)]
pub struct Place {
    held: Arc<Mutex<HashMap<Held, usize>>>,
    what: Option<Held>,
}

/// Counts one open socket until it is dropped.
#[derive(Debug)]
pub struct OpenSocket {
    _any: watch::Receiver<()>,
    place: Place,
}

impl OpenSockets {
    /// Counts one more socket; `None` when its holder has too many.
    pub fn open(&self, holder: Option<Holder>) -> Option<OpenSocket> {
        let place = self.take(holder.map(Held::Socket))?;
        Some(OpenSocket { _any: self.any.subscribe(), place })
    }

    /// Counts one more subscription; `None` when its holder has too many.
    pub fn subscribe(&self, holder: Option<Holder>) -> Option<Place> {
        self.take(holder.map(Held::Subscription))
    }

    /// Counts an open socket for another holder, who has authenticated. Returns whether that one may have it.
    pub fn assign(&self, socket: &mut OpenSocket, holder: Option<Holder>) -> bool {
        let what = holder.map(Held::Socket);
        if socket.place.what == what {
            return true;
        }
        match self.take(what) {
            Some(place) => {
                socket.place = place;
                true
            }
            None => false,
        }
    }

    fn take(&self, what: Option<Held>) -> Option<Place> {
        if let Some(what) = what {
            let mut held = lock(&self.held);
            let count = held.entry(what).or_default();
            if *count >= what.maximum() {
                return None;
            }
            *count += 1;
        }
        Some(Place { held: Arc::clone(&self.held), what })
    }

    /// Completes when no socket is open.
    pub async fn all_closed(&self) {
        self.any.closed().await;
    }
}

impl Held {
    const fn maximum(self) -> usize {
        match self {
            Self::Socket(holder) => holder.limits().sockets,
            Self::Subscription(holder) => holder.limits().subscriptions,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(what) = self.what else { return };
        let mut held = lock(&self.held);
        if let Some(count) = held.get_mut(&what) {
            *count -= 1;
            if *count == 0 {
                held.remove(&what);
            }
        }
    }
}

fn lock(held: &Mutex<HashMap<Held, usize>>) -> MutexGuard<'_, HashMap<Held, usize>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_wait_ends_with_the_last_socket() {
        let sockets = OpenSockets::default();
        assert!(sockets.all_closed().now_or_never().is_some());
        let (one, other) = (sockets.open(None).unwrap(), sockets.open(None).unwrap());
        drop(one);
        assert!(sockets.all_closed().now_or_never().is_none());
        drop(other);
        assert!(sockets.all_closed().now_or_never().is_some());
    }

    #[test]
    fn each_holder_has_places_of_its_own() {
        let sockets = OpenSockets::default();
        let guest = |last| Some(Holder::Address(Some(RateAddress::from(IpAddr::from([192, 0, 2, last])))));
        let person = Some(Holder::Account(AccountId(Uuid::from_u128(1))));
        let mut open: Vec<_> = std::iter::from_fn(|| sockets.open(guest(1))).take(1_000).collect();
        assert_eq!(open.len(), 300);
        let mut other = sockets.open(guest(2)).unwrap();
        assert!(sockets.assign(&mut open[0], person), "a person has another bucket than the guests at the address");
        assert!(sockets.open(guest(1)).is_some());
        let persons: Vec<_> = std::iter::from_fn(|| sockets.open(person)).take(1_000).collect();
        assert_eq!(persons.len(), 49);
        assert!(!sockets.assign(&mut other, person));
        let subscriptions: Vec<_> = std::iter::from_fn(|| sockets.subscribe(person)).take(1_000).collect();
        assert_eq!(subscriptions.len(), 200);
        drop((open, other, persons, subscriptions));
        assert!(lock(&sockets.held).is_empty());
    }
}
