//! A telephone system that reads a feed over one transport, and whose replica is compared with a snapshot.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::agent_process::AgentProcess;
use super::feed_client::{Subscription, apply_page};
use super::fixture::{Consumer, Fixture};
use super::replica::{Replica, Rows};
use super::transport::Transport;
use super::web_hook::{self, WebHookEndpoint};

/// The page size where the reader may choose it.
const PAGE_SIZE: usize = 500;
/// The limit for reaching the head, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a poll waits in [`Reader::read_available`], in seconds.
const SHORT_WAIT: f64 = 0.02;
/// How long a poll waits in [`Reader::wait_for_number`], in seconds.
const LONG_WAIT: f64 = 20.0;

/// The replica of a reader, and what its transport needs.
enum Client {
    Pages(Replica),
    Subscription(Replica, Subscription),
    LongPoll(Replica),
    WebHook(WebHookEndpoint),
    Agent(AgentProcess),
}

/// A telephone system that reads a feed over one transport.
pub struct Reader {
    pub consumer: Consumer,
    /// How many entries the reader requests per page, where it may choose.
    pub page_size: usize,
    client: Client,
}

impl Reader {
    /// Creates a consumer with a key. Nothing has been read yet.
    pub async fn connect(fixture: &Fixture, scopes: &str, event: &str, service_type: &str) -> Self {
        let consumer = fixture.consumer(scopes, event, service_type).await;
        let client = match fixture.transport {
            Transport::Pages => Client::Pages(Replica::default()),
            Transport::Subscription => Client::Subscription(Replica::default(), Subscription::default()),
            Transport::LongPoll => Client::LongPoll(Replica::default()),
            Transport::WebHook => Client::WebHook(WebHookEndpoint::start(&consumer, Replica::default()).await),
            Transport::Agent => Client::Agent(AgentProcess::install(&consumer).await),
        };
        Self { consumer, page_size: PAGE_SIZE, client }
    }

    /// Reads the full feed and acknowledges it.
    pub async fn bootstrap(&mut self) {
        match &mut self.client {
            Client::Pages(replica) | Client::Subscription(replica, _) => {
                replica.replace(self.consumer.snapshot(self.page_size).await);
            }
            Client::LongPoll(replica) => replica.replace(self.consumer.full_feed().await),
            Client::WebHook(endpoint) => {
                let start = Instant::now();
                while self.consumer.status().await["acknowledged"].is_null() {
                    assert!(start.elapsed() < TIMEOUT, "no delivery arrived");
                    endpoint.read_available(&self.consumer).await;
                }
            }
            Client::Agent(agent) => agent.read_available().await,
        }
        if !matches!(self.client, Client::WebHook(_)) {
            self.acknowledge().await;
        }
        self.take_received();
        self.take_resets();
    }

    /// Reads what is available. While others write, the replica need not reach the head.
    pub async fn read_available(&mut self) {
        let consumer = &self.consumer;
        match &mut self.client {
            Client::Pages(replica) => loop {
                let page = consumer.changes(&replica.cursor, self.page_size).await;
                if !apply_page(replica, &page) {
                    return;
                }
            },
            Client::LongPoll(replica) => loop {
                let page = consumer.poll(&replica.cursor, self.page_size, SHORT_WAIT).await;
                if !apply_page(replica, &page) {
                    return;
                }
            },
            Client::Subscription(replica, subscription) => subscription.read_available(consumer, replica).await,
            Client::WebHook(endpoint) => endpoint.read_available(consumer).await,
            Client::Agent(agent) => agent.read_available().await,
        }
    }

    /// Acknowledges the position and the errors, where the transport does not do so itself.
    pub async fn acknowledge(&self) {
        match &self.client {
            Client::Pages(replica) | Client::LongPoll(replica) | Client::Subscription(replica, _) => {
                let report = replica.report();
                self.consumer.acknowledge(&replica.cursor, report.digest, report.errors).await;
            }
            // The answer to a delivery acknowledges it; the server stores that after the response.
            Client::WebHook(_) => {
                let start = Instant::now();
                while self.consumer.status().await["acknowledged"] != self.cursor().as_str() {
                    assert!(start.elapsed() < TIMEOUT, "the acknowledgement of {} was not stored", self.feed());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Client::Agent(_) => {}
        }
    }

    /// Changes the replica, unless the agent keeps it in its own database.
    fn with_replica<T>(&mut self, change: impl FnOnce(&mut Replica) -> T) -> Option<T> {
        match &mut self.client {
            Client::Pages(replica) | Client::LongPoll(replica) | Client::Subscription(replica, _) => {
                Some(change(replica))
            }
            Client::WebHook(endpoint) => Some(endpoint.with_replica(change)),
            Client::Agent(_) => None,
        }
    }

    /// The replica's rows, by number.
    pub fn rows(&self) -> Rows {
        match &self.client {
            Client::Pages(replica) | Client::LongPoll(replica) | Client::Subscription(replica, _) => {
                replica.rows.clone()
            }
            Client::WebHook(endpoint) => endpoint.replica().rows,
            Client::Agent(agent) => agent.rows(),
        }
    }

    /// The replica's row of a number.
    pub fn row(&self, number: &str) -> Value {
        self.rows().remove(number).unwrap_or_else(|| panic!("{number} is not in the replica"))
    }

    /// The cursor of the replica.
    pub fn cursor(&self) -> String {
        match &self.client {
            Client::Pages(replica) | Client::LongPoll(replica) | Client::Subscription(replica, _) => {
                replica.cursor.clone()
            }
            Client::WebHook(endpoint) => endpoint.replica().cursor,
            Client::Agent(agent) => agent.cursor(),
        }
    }

    fn take_received(&mut self) -> Vec<Value> {
        match &self.client {
            Client::Agent(agent) => agent.take_received(),
            _ => self.with_replica(|replica| std::mem::take(&mut replica.received)).unwrap_or_default(),
        }
    }

    fn take_resets(&mut self) -> Vec<String> {
        match &mut self.client {
            Client::Agent(agent) => agent.take_resets(),
            _ => self.with_replica(|replica| std::mem::take(&mut replica.resets)).unwrap_or_default(),
        }
    }

    /// Reads to the head, asserts that the replica equals a snapshot, and returns the changes received.
    pub async fn catch_up(&mut self) -> Vec<Value> {
        self.catch_up_except(&[]).await
    }

    /// As [`Self::catch_up`], except for numbers whose records the reader rejects.
    pub async fn catch_up_except(&mut self, rejected: &[&str]) -> Vec<Value> {
        let (mut expected, head) = self.consumer.current().await;
        expected.retain(|number, _| !rejected.contains(&number.as_str()));
        let start = Instant::now();
        loop {
            self.read_available().await;
            let resets = self.take_resets();
            assert_eq!(resets, Vec::<String>::new(), "a reset");
            if self.cursor() == head {
                break;
            }
            if start.elapsed() >= TIMEOUT {
                let status = self.consumer.status().await;
                panic!("{} does not reach the head {head}: {status}", self.feed());
            }
        }
        assert_eq!(self.rows(), expected, "the replica of {} differs from the feed", self.feed());
        self.take_received()
    }

    /// As [`Self::catch_up`], and at least one change must arrive.
    pub async fn expect_changes(&mut self, cause: &str) -> Vec<Value> {
        let changes = self.catch_up().await;
        assert!(!changes.is_empty(), "{} received no change after: {cause}", self.feed());
        changes
    }

    /// As [`Self::catch_up`], then disconnects, so that all later changes arrive together with the next read.
    pub async fn catch_up_then_disconnect(&mut self) -> Vec<Value> {
        let changes = self.catch_up().await;
        self.disconnect_subscription();
        changes
    }

    fn feed(&self) -> String {
        let (event, service_type) = (&self.consumer.event, &self.consumer.service_type);
        format!("{event}/{service_type} over {}", self.consumer.fixture.transport.name())
    }

    fn disconnect_subscription(&mut self) {
        if let Client::Subscription(_, subscription) = &mut self.client {
            subscription.disconnect();
        }
    }

    /// Reads until a reset arrives, and returns its reason. A web hook endpoint and the agent request a snapshot at
    /// once.
    pub async fn expect_reset(&mut self) -> String {
        let start = Instant::now();
        loop {
            self.read_available().await;
            if let Some(reason) = self.take_resets().pop() {
                self.disconnect_subscription();
                return reason;
            }
            assert!(start.elapsed() < TIMEOUT, "{} received no reset", self.feed());
        }
    }

    /// Reads the full feed after a reset, where the transport has not done so itself.
    pub async fn bootstrap_after_reset(&mut self) {
        if matches!(self.client, Client::Pages(_) | Client::LongPoll(_) | Client::Subscription(..)) {
            self.bootstrap().await;
        }
        self.take_received();
    }

    /// Another reader with the same replica and cursor, which stays idle until its first read.
    pub async fn fork(&self) -> Self {
        let mut consumer = self.consumer.clone();
        let client = match &self.client {
            Client::Pages(replica) => Client::Pages(replica.clone()),
            Client::LongPoll(replica) => Client::LongPoll(replica.clone()),
            Client::Subscription(replica, _) => Client::Subscription(replica.clone(), Subscription::default()),
            Client::WebHook(endpoint) => {
                let (event, service_type) = (&consumer.event, &consumer.service_type);
                consumer = consumer.fixture.consumer(&consumer.scopes, event, service_type).await;
                Client::WebHook(endpoint.fork(&consumer).await)
            }
            Client::Agent(agent) => Client::Agent(agent.fork()),
        };
        Self { consumer, page_size: self.page_size, client }
    }

    /// Receives the changes after `cursor` again, and applies them again.
    pub async fn replay_from(&mut self, cursor: &str) {
        self.disconnect_subscription();
        self.with_replica(|replica| cursor.clone_into(&mut replica.cursor));
        match &self.client {
            // A position may move back: a telephone system that was restored acknowledges an older cursor.
            Client::WebHook(_) => self.consumer.acknowledge(cursor, Value::Null, Value::Array(Vec::new())).await,
            Client::Agent(agent) => agent.rewind_to(cursor),
            Client::Pages(_) | Client::LongPoll(_) | Client::Subscription(..) => {}
        }
        self.expect_changes("a replay").await;
    }

    /// Pauses deliveries to the reader, or resumes them. A reader that polls pauses by not reading.
    pub async fn set_paused(&mut self, paused: bool) {
        match &mut self.client {
            Client::WebHook(_) => web_hook::pause(&self.consumer, paused).await,
            Client::Subscription(_, subscription) => subscription.disconnect(),
            Client::Pages(_) | Client::LongPoll(_) | Client::Agent(_) => {}
        }
    }

    /// Rejects the record of a number from now on.
    pub fn reject(&mut self, number: &str) {
        if let Client::Agent(agent) = &self.client {
            agent.reject(number);
        }
        self.with_replica(|replica| replica.rejected.insert(number.to_owned()));
    }

    /// Reads from a restored database from now on, with the same replica and cursor.
    pub async fn switch_to(&mut self, fixture: &Fixture) {
        self.consumer.feed.key = fixture.app.with_token(self.consumer.key.token().unwrap()).client;
        self.consumer.fixture = fixture.clone();
        match &mut self.client {
            Client::Pages(_) | Client::LongPoll(_) => {}
            Client::Subscription(_, subscription) => subscription.disconnect(),
            Client::WebHook(endpoint) => endpoint.switch_to(&self.consumer),
            Client::Agent(agent) => agent.switch_to(&self.consumer).await,
        }
    }

    /// Replaces the cursor, for transports whose reader passes one.
    pub fn set_cursor(&mut self, cursor: &str) {
        assert!(!matches!(self.client, Client::WebHook(_) | Client::Agent(_)), "this transport passes no cursor");
        self.with_replica(|replica| cursor.clone_into(&mut replica.cursor));
    }

    /// The state that an agent stores beside the telephone system's rows.
    pub fn stored_state(&self) -> String {
        if let Client::Agent(agent) = &self.client { agent.stored_state() } else { String::new() }
    }

    /// Starts to follow the feed, where the transport needs a process for that.
    pub fn follow(&mut self) {
        if let Client::Agent(agent) = &mut self.client {
            agent.follow();
        }
    }

    /// Drops the connection, or kills the process.
    pub fn disconnect(&mut self) {
        match &mut self.client {
            Client::Subscription(_, subscription) => subscription.disconnect(),
            Client::Agent(agent) => agent.kill(),
            Client::Pages(_) | Client::LongPoll(_) | Client::WebHook(_) => {}
        }
    }

    /// Waits until the replica has this number; does not request changes again while the transport waits for the
    /// server.
    pub async fn wait_for_number(&mut self, number: &str) {
        let start = Instant::now();
        while !self.rows().contains_key(number) {
            assert!(start.elapsed() < TIMEOUT, "{} does not receive {number}", self.feed());
            match &mut self.client {
                Client::LongPoll(replica) => {
                    let page = self.consumer.poll(&replica.cursor, self.page_size, LONG_WAIT).await;
                    apply_page(replica, &page);
                }
                Client::Subscription(replica, subscription) => subscription.read_event(&self.consumer, replica).await,
                Client::Pages(_) | Client::WebHook(_) | Client::Agent(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}
