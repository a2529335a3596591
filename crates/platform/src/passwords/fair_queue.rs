//! Queue of password hashes that serves its clients in turn.
//!
//! A client with many requests delays its own requests, not those of others. When the queue is full, a request of a
//! client with few waiting requests replaces one of the client with the most.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::access::rates::RateAddress;
use crate::error::InternalError;

/// The client of a hash: the address of the request. Commands and jobs, which have none, are one client.
pub type HashClient = Option<RateAddress>;

/// The error of a request that the queue does not hold.
const FULL: InternalError = InternalError::Overloaded("too many passwords to hash");

/// A queue for a fixed number of slots.
pub(super) struct FairQueue {
    state: Mutex<State>,
    /// Number of hashes that run at the same time.
    slots: usize,
    /// Number of requests that wait at most.
    capacity: usize,
}

#[derive(Default)]
struct State {
    running: usize,
    /// The waiting requests of each client, oldest first. No list is empty.
    waiting: HashMap<HashClient, VecDeque<oneshot::Sender<Slot>>>,
    /// The clients with waiting requests, in the order of their turns.
    turns: VecDeque<HashClient>,
}

/// A slot of the queue. Dropping it passes it to the next request.
pub(super) struct Slot(Option<Arc<FairQueue>>);

impl FairQueue {
    pub(super) fn new(slots: usize, capacity: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), slots, capacity })
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full and the client has as many waiting requests as any other,
    /// or when a request of another client takes the place.
    pub(super) async fn enter(self: &Arc<Self>, client: HashClient) -> Result<Slot, InternalError> {
        let receiver = {
            let mut state = self.lock();
            if state.running < self.slots {
                state.running += 1;
                return Ok(Slot(Some(Arc::clone(self))));
            }
            state.make_room(self.capacity, client)?;
            state.push(client)
        };
        receiver.await.map_err(|_| FULL)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, client: HashClient) -> oneshot::Receiver<Slot> {
        let (sender, receiver) = oneshot::channel();
        let requests = self.waiting.entry(client).or_default();
        if requests.is_empty() {
            self.turns.push_back(client);
        }
        requests.push_back(sender);
        receiver
    }

    /// Removes and returns the next request. Without one, the slot is free.
    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        while let Some(client) = self.turns.pop_front() {
            let Some(requests) = self.waiting.get_mut(&client) else { continue };
            let request = requests.pop_front();
            if requests.is_empty() {
                self.waiting.remove(&client);
            } else {
                self.turns.push_back(client);
            }
            if request.is_some() {
                return request;
            }
        }
        self.running -= 1;
        None
    }

    fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    fn make_room(&mut self, capacity: usize, client: HashClient) -> Result<(), InternalError> {
        if self.len() < capacity {
            return Ok(());
        }
        // Requests whose connection ended.
        self.waiting.values_mut().for_each(|requests| requests.retain(|request| !request.is_closed()));
        self.remove_idle_clients();
        if self.len() < capacity {
            return Ok(());
        }
        let own = self.waiting.get(&client).map_or(0, VecDeque::len);
        let busiest = self.waiting.values_mut().max_by_key(|requests| requests.len());
        let Some(requests) = busiest.filter(|requests| requests.len() > own + 1) else { return Err(FULL) };
        requests.pop_back();
        Ok(())
    }

    fn remove_idle_clients(&mut self) {
        self.waiting.retain(|_, requests| !requests.is_empty());
        let waiting = &self.waiting;
        self.turns.retain(|client| waiting.contains_key(client));
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        loop {
            let Some(request) = queue.lock().next() else { return };
            match request.send(Self(Some(Arc::clone(&queue)))) {
                Ok(()) => return,
                // The connection of the request ended: the slot goes to the one after it.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(last: u8) -> HashClient {
        Some(RateAddress::from(IpAddr::from([192, 0, 2, last])))
    }

    /// Enters a request that records its name when it runs.
    fn enter(queue: &Arc<FairQueue>, of: u8, served: &Arc<Mutex<Vec<u8>>>) -> tokio::task::JoinHandle<bool> {
        let (queue, served) = (Arc::clone(queue), Arc::clone(served));
        tokio::spawn(async move {
            let Ok(_slot) = queue.enter(client(of)).await else { return false };
            served.lock().unwrap().push(of);
            true
        })
    }

    #[tokio::test]
    async fn clients_are_served_in_turn() {
        let (queue, served) = (FairQueue::new(1, 100), Arc::default());
        let running = queue.enter(client(9)).await.unwrap();
        let mut tasks = Vec::new();
        for of in [1, 1, 1, 1, 2, 3] {
            tasks.push(enter(&queue, of, &served));
            tokio::task::yield_now().await;
        }
        drop(running);
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert_eq!(*served.lock().unwrap(), [1, 2, 3, 1, 1, 1]);
        assert_eq!(queue.lock().running, 0);
    }

    #[tokio::test]
    async fn a_busy_client_cannot_fill_the_queue() {
        let (queue, served) = (FairQueue::new(1, 4), Arc::default());
        let running = queue.enter(client(9)).await.unwrap();
        let mut busy = Vec::new();
        for _ in 0..6 {
            busy.push(enter(&queue, 1, &served));
            tokio::task::yield_now().await;
        }
        let other = enter(&queue, 2, &served);
        tokio::task::yield_now().await;
        drop(running);
        assert!(other.await.unwrap());
        let mut granted = 0;
        for task in busy {
            granted += usize::from(task.await.unwrap());
        }
        assert_eq!(granted, 3);
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_leaves_its_place() {
        let (queue, served) = (FairQueue::new(1, 2), Arc::default());
        let running = queue.enter(client(9)).await.unwrap();
        for of in [1, 2] {
            let given_up = enter(&queue, of, &served);
            tokio::task::yield_now().await;
            given_up.abort();
            assert!(given_up.await.unwrap_err().is_cancelled());
        }
        let other = enter(&queue, 3, &served);
        tokio::task::yield_now().await;
        drop(running);
        assert!(other.await.unwrap());
        let state = queue.lock();
        assert_eq!((state.running, state.len()), (0, 0));
    }
}
