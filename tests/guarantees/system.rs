//! A telephone system, whichever way it reads: it takes everything, reads on, and its copy must be what holds.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::agent::Agent;
use super::called::{self, Called};
use super::copy::{Copy, Rows};
use super::ground::{Desk, ServicesInner};
use super::reading::{Stream, take};
use super::ways::Way;

/// How many entries a page has where the system may choose.
const PAGE: usize = 500;
/// How long it may take until a copy is in step, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a poll waits while nothing else is said, in seconds.
const WAIT: f64 = 0.02;

enum Line {
    Pages(Copy),
    Subscription(Copy, Stream),
    LongPoll(Copy),
    WebHook(Called),
    Agent(Agent),
}

/// A telephone system of one way of reading.
pub struct System {
    pub desk: Desk,
    /// How many entries it asks for at a time, where it may.
    pub page: usize,
    line: Line,
}

impl System {
    /// Gets a name and a key. It has read nothing yet.
    pub async fn connect(ground: &ServicesInner, scopes: &str, event: &str, service_type: &str) -> Self {
        let desk = ground.consumer(scopes, event, service_type).await;
        let line = match ground.way {
            Way::Pages => Line::Pages(Copy::default()),
            Way::Subscription => Line::Subscription(Copy::default(), Stream::default()),
            Way::LongPoll => Line::LongPoll(Copy::default()),
            Way::WebHook => Line::WebHook(Called::listens(&desk, Copy::default()).await),
            Way::Agent => Line::Agent(Agent::installed(&desk).await),
        };
        Self { desk, page: PAGE, line }
    }

    /// Takes everything that is there, and says so.
    pub async fn begins(&mut self) {
        match &mut self.line {
            Line::Pages(copy) | Line::Subscription(copy, _) => {
                let (entries, head) = self.desk.snapshot(self.page).await;
                copy.replace(entries, &head);
            }
            Line::LongPoll(copy) => {
                let (entries, head) = self.desk.whole().await;
                copy.replace(entries, &head);
            }
            Line::WebHook(called) => {
                let began = Instant::now();
                while self.desk.ground.seen(&self.desk.consumer).await["acknowledged"].is_null() {
                    assert!(began.elapsed() < PATIENCE, "nobody called");
                    called.reads(&self.desk).await;
                }
            }
            Line::Agent(agent) => agent.reads().await,
        }
        if !matches!(self.line, Line::WebHook(_)) {
            self.acknowledges().await;
        }
        self.told();
        self.resets();
    }

    /// One reading: takes what there is, and need not come to the end while others write.
    pub async fn reads(&mut self) {
        let desk = &self.desk;
        match &mut self.line {
            Line::Pages(copy) => loop {
                let page = desk.changes(&copy.cursor, self.page).await;
                if !take(copy, &page) {
                    return;
                }
            },
            Line::LongPoll(copy) => loop {
                let page = desk.poll(&copy.cursor, self.page, WAIT).await;
                if !take(copy, &page) {
                    return;
                }
            },
            Line::Subscription(copy, stream) => stream.reads(desk, copy).await,
            Line::WebHook(called) => called.reads(desk).await,
            Line::Agent(agent) => agent.reads().await,
        }
    }

    /// Says how far it has come and what it could not apply, where nothing else says it.
    pub async fn acknowledges(&self) {
        match &self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => {
                let (digest, errors) = copy.report();
                self.desk.acknowledges(&copy.cursor, digest, errors).await;
            }
            // Its answer has said it; the server writes it down a little later.
            Line::WebHook(_) => {
                let began = Instant::now();
                while self.desk.ground.seen(&self.desk.consumer).await["acknowledged"] != self.cursor().as_str() {
                    assert!(began.elapsed() < PATIENCE, "{} was not heard", self.feed());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Line::Agent(_) => {}
        }
    }

    /// What it holds, by number.
    pub fn rows(&self) -> Rows {
        match &self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => copy.rows.clone(),
            Line::WebHook(called) => called.copy().rows,
            Line::Agent(agent) => agent.rows(),
        }
    }

    /// What it holds of a number.
    pub fn row(&self, number: &str) -> Value {
        self.rows().remove(number).unwrap_or_else(|| panic!("{number} is not in the copy"))
    }

    /// Where it stands.
    pub fn cursor(&self) -> String {
        match &self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => copy.cursor.clone(),
            Line::WebHook(called) => called.copy().cursor,
            Line::Agent(agent) => agent.cursor(),
        }
    }

    fn told(&mut self) -> Vec<Value> {
        match &mut self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => std::mem::take(&mut copy.told),
            Line::WebHook(called) => called.with_copy(|copy| std::mem::take(&mut copy.told)),
            Line::Agent(agent) => agent.told(),
        }
    }

    fn resets(&mut self) -> Vec<String> {
        match &mut self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => std::mem::take(&mut copy.resets),
            Line::WebHook(called) => called.with_copy(|copy| std::mem::take(&mut copy.resets)),
            Line::Agent(agent) => agent.resets(),
        }
    }

    /// Reads on to the head, and demands that its copy is then what a snapshot shows. Gives the changes that it was told.
    pub async fn is_in_step(&mut self) -> Vec<Value> {
        self.is_in_step_but(&[]).await
    }

    /// The same, but for numbers that it cannot apply.
    pub async fn is_in_step_but(&mut self, refused: &[&str]) -> Vec<Value> {
        let (mut truth, head) = self.desk.now().await;
        truth.retain(|number, _| !refused.contains(&number.as_str()));
        let began = Instant::now();
        loop {
            self.reads().await;
            let resets = self.resets();
            assert_eq!(resets, Vec::<String>::new(), "a reset");
            if self.cursor() == head {
                break;
            }
            if began.elapsed() >= PATIENCE {
                let seen = self.desk.ground.seen(&self.desk.consumer).await;
                panic!("{} does not come to the head {head}: {seen}", self.feed());
            }
        }
        assert_eq!(self.rows(), truth, "the copy of {} is not what holds", self.feed());
        self.told()
    }

    /// As [`Self::is_in_step`], and something must have been told.
    pub async fn is_told(&mut self, what: &str) -> Vec<Value> {
        let changes = self.is_in_step().await;
        assert!(!changes.is_empty(), "{} is not told: {what}", self.feed());
        changes
    }

    /// The same, and from now on it hears nothing until it reads again: what happens meanwhile is told at once.
    pub async fn is_told_at_once(&mut self) -> Vec<Value> {
        let changes = self.is_in_step().await;
        if let Line::Subscription(_, stream) = &mut self.line {
            stream.breaks();
        }
        changes
    }

    fn feed(&self) -> String {
        format!("{}/{} by {}", self.desk.event, self.desk.service_type, self.desk.ground.way.name())
    }

    /// Why its cursor is refused. A system that is called and the agent take a snapshot at once.
    pub async fn is_reset(&mut self) -> String {
        let began = Instant::now();
        loop {
            self.reads().await;
            if let Some(reason) = self.resets().pop() {
                if let Line::Subscription(_, stream) = &mut self.line {
                    stream.breaks();
                }
                return reason;
            }
            assert!(began.elapsed() < PATIENCE, "{} is not reset", self.feed());
        }
    }

    /// After a reset: takes everything anew, where that was not done at once.
    pub async fn begins_again(&mut self) {
        if matches!(self.line, Line::Pages(_) | Line::LongPoll(_) | Line::Subscription(..)) {
            self.begins().await;
        }
        self.told();
    }

    /// Another system with the same copy at the same place, which sleeps until it is asked to read.
    pub async fn sleeper(&self) -> Self {
        let mut desk = self.desk.clone();
        let line = match &self.line {
            Line::Pages(copy) => Line::Pages(copy.clone()),
            Line::LongPoll(copy) => Line::LongPoll(copy.clone()),
            Line::Subscription(copy, _) => Line::Subscription(copy.clone(), Stream::default()),
            Line::WebHook(called) => {
                desk = desk.ground.consumer(&self.desk.scopes, &desk.event, &desk.service_type).await;
                Line::WebHook(called.sleeper(&desk).await)
            }
            Line::Agent(agent) => Line::Agent(agent.sleeper()),
        };
        Self { desk, page: self.page, line }
    }

    /// Is told once more what it was told after `cursor`, and applies it once more.
    pub async fn hears_again(&mut self, cursor: &str) {
        match &mut self.line {
            Line::Pages(copy) | Line::LongPoll(copy) => cursor.clone_into(&mut copy.cursor),
            Line::Subscription(copy, stream) => {
                stream.breaks();
                cursor.clone_into(&mut copy.cursor);
            }
            // A position may move back: the system was restored, and says so.
            Line::WebHook(called) => {
                called.with_copy(|copy| cursor.clone_into(&mut copy.cursor));
                self.desk.acknowledges(cursor, Value::Null, Value::Array(Vec::new())).await;
            }
            Line::Agent(agent) => agent.goes_back_to(cursor),
        }
        assert_ne!(self.is_told("the same once more").await.len(), 0);
    }

    /// Is not called and hears nothing any more, or does again. Who asks sleeps as long as it does not.
    pub async fn sleeps(&mut self, asleep: bool) {
        match &mut self.line {
            Line::WebHook(_) => called::pause(&self.desk, asleep).await,
            Line::Subscription(_, stream) => stream.breaks(),
            Line::Pages(_) | Line::LongPoll(_) | Line::Agent(_) => {}
        }
    }

    /// Cannot apply the record of a number.
    pub fn refuses(&mut self, number: &str) {
        let refuse = |copy: &mut Copy| {
            copy.refused.insert(number.to_owned());
        };
        match &mut self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => refuse(copy),
            Line::WebHook(called) => called.with_copy(refuse),
            Line::Agent(agent) => agent.refuses(number),
        }
    }

    /// Reads from a restored database from now on, with the copy and the cursor that it has.
    pub async fn moves(&mut self, ground: &ServicesInner) {
        self.desk.feed.key = ground.app.with_token(self.desk.key.token().unwrap()).client;
        self.desk.ground = ground.clone();
        match &mut self.line {
            Line::Pages(_) | Line::LongPoll(_) => {}
            Line::Subscription(_, stream) => stream.breaks(),
            Line::WebHook(called) => called.moves(&self.desk),
            Line::Agent(agent) => agent.moves(&self.desk).await,
        }
    }

    /// Takes another feed's cursor for its own, where it has one.
    pub fn takes_cursor(&mut self, cursor: &str) {
        match &mut self.line {
            Line::Pages(copy) | Line::LongPoll(copy) | Line::Subscription(copy, _) => {
                cursor.clone_into(&mut copy.cursor)
            }
            Line::WebHook(_) | Line::Agent(_) => panic!("nobody hands a cursor over"),
        }
    }

    /// What an agent remembers itself, beside what its telephone system holds.
    pub fn remembers(&self) -> String {
        if let Line::Agent(agent) = &self.line { agent.remembers() } else { String::new() }
    }

    /// Begins to stay, where that takes more than to go on reading.
    pub fn stays(&mut self) {
        if let Line::Agent(agent) = &mut self.line {
            agent.stays();
        }
    }

    /// The connection breaks, or the process is killed.
    pub fn breaks(&mut self) {
        match &mut self.line {
            Line::Subscription(_, stream) => stream.breaks(),
            Line::Agent(agent) => agent.breaks(),
            Line::Pages(_) | Line::LongPoll(_) | Line::WebHook(_) => {}
        }
    }

    /// Stays until it has this number; it does nothing but wait for what is told.
    pub async fn hears_of(&mut self, number: &str) {
        let began = Instant::now();
        while !self.rows().contains_key(number) {
            assert!(began.elapsed() < PATIENCE, "{} never hears of {number}", self.feed());
            match &mut self.line {
                Line::LongPoll(copy) => {
                    let page = self.desk.poll(&copy.cursor, self.page, 20.0).await;
                    take(copy, &page);
                }
                Line::Subscription(copy, stream) => stream.read(&self.desk, copy, None).await,
                Line::Pages(_) | Line::WebHook(_) | Line::Agent(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}
