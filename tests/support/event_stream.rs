//! The events of a subscription.

use std::time::Duration;

use serde_json::Value;

/// How long the next event may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The events of a subscription over HTTP (graphql-sse, distinct connections mode).
pub struct EventStream {
    response: reqwest::Response,
    unread: String,
}

impl EventStream {
    pub const fn new(response: reqwest::Response) -> Self {
        Self { response, unread: String::new() }
    }

    /// The next event. A response that is not a stream is returned whole.
    ///
    /// # Panics
    ///
    /// When there is none within ten seconds.
    pub async fn next(&mut self) -> Value {
        tokio::time::timeout(EVENT_TIMEOUT, self.read()).await.expect("no event within ten seconds")
    }

    /// The next event, if there is one within this time.
    pub async fn next_within(&mut self, timeout: Duration) -> Option<Value> {
        tokio::time::timeout(timeout, self.read()).await.ok()
    }

    async fn read(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:")).map(|data| data.trim().to_owned());
                let is_next = event.lines().any(|line| line == "event: next" || line == "event:next");
                self.unread = rest.to_owned();
                if let Some(data) = data.filter(|_| is_next) {
                    return serde_json::from_str(&data).unwrap();
                }
                continue;
            }
            match self.response.chunk().await.unwrap() {
                Some(chunk) => self.unread += &String::from_utf8(chunk.to_vec()).unwrap().replace("\r\n", "\n"),
                None => {
                    let body = std::mem::take(&mut self.unread);
                    return serde_json::from_str(&body).unwrap_or_else(|_| panic!("the stream ended: {body:?}"));
                }
            }
        }
    }
}
