//! The number of open WebSockets. axum's graceful shutdown does not wait for upgraded connections.

use tokio::sync::watch;

/// Counts the open WebSockets of the program.
#[derive(Debug, Default)]
pub struct OpenSockets(watch::Sender<()>);

/// Counts one open socket until it is dropped.
#[derive(Debug)]
pub struct OpenSocket {
    _counted: watch::Receiver<()>,
}

impl OpenSockets {
    /// Counts one more socket.
    pub fn open(&self) -> OpenSocket {
        OpenSocket { _counted: self.0.subscribe() }
    }

    /// Completes when no socket is open.
    pub async fn all_closed(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_wait_ends_with_the_last_socket() {
        let sockets = OpenSockets::default();
        assert!(sockets.all_closed().now_or_never().is_some());
        let (one, other) = (sockets.open(), sockets.open());
        drop(one);
        assert!(sockets.all_closed().now_or_never().is_none());
        drop(other);
        assert!(sockets.all_closed().now_or_never().is_some());
    }
}
