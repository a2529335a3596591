//! Which WebSockets are open: an upgraded connection is no request any more, so the server does not wait for it by itself.

use tokio::sync::watch;

/// Counts the open sockets of a program.
#[derive(Debug, Default)]
pub struct OpenSockets(watch::Sender<()>);

/// A socket that is open as long as this is kept.
#[derive(Debug)]
pub struct OpenSocket {
    _counted: watch::Receiver<()>,
}

impl OpenSockets {
    /// Counts one more.
    pub fn open(&self) -> OpenSocket {
        OpenSocket { _counted: self.0.subscribe() }
    }

    /// Completes when none is open: at once if there is none.
    pub async fn all_closed(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_last_to_close_ends_the_wait() {
        let sockets = OpenSockets::default();
        assert!(sockets.all_closed().now_or_never().is_some());
        let (one, other) = (sockets.open(), sockets.open());
        drop(one);
        assert!(sockets.all_closed().now_or_never().is_none());
        drop(other);
        assert!(sockets.all_closed().now_or_never().is_some());
    }
}
