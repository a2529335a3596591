//! The open connections: how many there are, and which of them wait for a request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use platform::access::rates::RateAddress;
use tokio::sync::Notify;

/// Counts the open connections, and closes one that waits for a request where a new one finds no place.
pub struct OpenConnections {
    total: usize,
    per_address: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: usize,
    by_address: HashMap<RateAddress, usize>,
    /// The connections that wait for a request, in the order in which they began to wait.
    waiting: BTreeMap<u64, Arc<Activity>>,
    next_position: u64,
}

/// What one connection does.
pub(super) struct Activity {
    connections: Arc<OpenConnections>,
    address: Option<RateAddress>,
    /// Changed under the lock of the state only.
    phase: Mutex<Phase>,
    evicted: Notify,
}

/// The phase of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for a request, with its key in [`State::waiting`].
    Waiting(u64),
    /// Has a request that is not answered, or was chosen to be closed.
    Busy,
    /// Was upgraded or closed: it has no more requests.
    Left,
}

/// The place of one connection, until it is dropped with the connection's stream.
pub(super) struct Slot(Arc<Activity>);

/// Marks a connection as busy with a request until the response is sent.
pub(super) struct Busy(Arc<Activity>);

impl OpenConnections {
    /// A counter with these limits.
    pub(super) fn new(total: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { total, per_address, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, for an address if its connections are counted. `None` where none is free, and no connection waits
    /// that could be closed.
    pub(super) fn open(self: &Arc<Self>, address: Option<RateAddress>) -> Option<Slot> {
        let mut state = self.state();
        let of_address = address.and_then(|address| state.by_address.get(&address)).copied().unwrap_or(0);
        if of_address >= self.per_address {
            state.evict(address)?;
        } else if state.open >= self.total {
            state.evict(None)?;
        }
        state.open += 1;
        if let Some(address) = address {
            *state.by_address.entry(address).or_default() += 1;
        }
        let (connections, phase) = (Arc::clone(self), Mutex::new(Phase::Busy));
        let activity = Arc::new(Activity { connections, address, phase, evicted: Notify::new() });
        state.begin_waiting(&activity);
        Some(Slot(activity))
    }
}

impl State {
    /// Closes the connection that has waited longest, of this address or of all.
    fn evict(&mut self, address: Option<RateAddress>) -> Option<()> {
        let is_of_address = |activity: &Activity| address.is_none() || activity.address == address;
        let (position, _) = self.waiting.iter().find(|(_, activity)| is_of_address(activity))?;
        let position = *position;
        let activity = self.waiting.remove(&position)?;
        *activity.phase() = Phase::Busy;
        activity.evicted.notify_one();
        Some(())
    }

    fn begin_waiting(&mut self, activity: &Arc<Activity>) {
        let mut phase = activity.phase();
        if *phase == Phase::Busy {
            *phase = Phase::Waiting(self.next_position);
            self.waiting.insert(self.next_position, Arc::clone(activity));
            self.next_position += 1;
        }
    }

    fn end_waiting(&mut self, activity: &Activity, next: Phase) {
        let mut phase = activity.phase();
        if let Phase::Waiting(position) = *phase {
            self.waiting.remove(&position);
        }
        if *phase != Phase::Left {
            *phase = next;
        }
    }
}

impl Activity {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the connection as busy.
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.connections.state().end_waiting(self, Phase::Busy);
        Busy(Arc::clone(self))
    }

    /// Marks the connection as one that has no more requests.
    pub fn leave(&self) {
        self.connections.state().end_waiting(self, Phase::Left);
    }

    /// Completes when the connection must give its place to another.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Slot {
    /// What the connection does.
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.connections.state().begin_waiting(&self.0);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let activity = &self.0;
        let mut state = activity.connections.state();
        state.end_waiting(activity, Phase::Left);
        state.open -= 1;
        if let Some(address) = activity.address
            && let Some(open) = state.by_address.get_mut(&address)
        {
            *open -= 1;
            if *open == 0 {
                state.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt as _;

    use super::*;

    fn address(last: u8) -> Option<RateAddress> {
        Some(RateAddress::from(IpAddr::from([192, 0, 2, last])))
    }

    fn is_evicted(slot: &Slot) -> bool {
        slot.activity().evicted().now_or_never().is_some()
    }

    #[test]
    fn the_connection_that_waited_longest_gives_its_place() {
        let open = OpenConnections::new(3, 3);
        let slots: Vec<_> = (0..3).map(|last| open.open(address(last)).unwrap()).collect();
        let busy = slots[0].activity().begin();
        let fourth = open.open(address(9)).unwrap();
        assert!(!is_evicted(&slots[0]) && is_evicted(&slots[1]) && !is_evicted(&slots[2]));
        let _others = (slots[2].activity().begin(), fourth.activity().begin());
        assert!(open.open(address(9)).is_none(), "every connection is busy");
        drop(busy);
        assert!(open.open(address(9)).is_some());
        assert!(is_evicted(&slots[0]));
    }

    #[test]
    fn an_address_takes_the_places_of_its_own_connections_only() {
        let open = OpenConnections::new(10, 2);
        let other = open.open(address(1)).unwrap();
        let first = open.open(address(2)).unwrap();
        let _second = open.open(address(2)).unwrap();
        let _third = open.open(address(2)).unwrap();
        assert!(is_evicted(&first) && !is_evicted(&other));
        let uncounted: Vec<_> = (0..5).map(|_| open.open(None).unwrap()).collect();
        drop((uncounted, first));
        assert_eq!(open.state().by_address.get(&address(2).unwrap()), Some(&2));
    }

    #[test]
    fn nothing_stays_of_closed_connections() {
        let open = OpenConnections::new(3, 3);
        for _ in 0..5 {
            let slot = open.open(address(1)).unwrap();
            let activity = slot.activity();
            drop(activity.begin());
            assert_eq!(open.state().waiting.len(), 1);
            let busy = activity.begin();
            drop((slot, activity));
            drop(busy);
        }
        let state = open.state();
        assert_eq!((state.open, state.by_address.len(), state.waiting.len()), (0, 0, 0));
    }
}
