//! The server: accepts connections, bounds their number and their times, and closes them at the shutdown.
//!
//! `axum::serve` is not used: it has no timer for headers and no limit of connections.

mod connections;
mod request;
mod timed_stream;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use connections::OpenConnections;

use crate::app::App;
use crate::http::address::counted_address;
use connections::{Activity, Slot};
use timed_stream::TimedStream;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The maximal number of open connections. Above it the connection that has waited longest for a request is closed
    /// in favour of a new one; a new one is closed where none waits.
    pub total: usize,
    /// The same for the connections of one address. Loopback and trusted proxies carry the connections of others, so it
    /// does not apply to them.
    pub per_address: usize,
    /// The time within which a connection must send the complete head of its next request.
    pub head_timeout: Duration,
    /// The time within which a client must read something of what is sent to it.
    pub write_timeout: Duration,
}

/// Descriptors that are not for connections: the database, files, calls of web hooks and mail.
const OTHER_DESCRIPTORS: usize = 128;
/// The maximal number of connections, whatever the process may open. An idle connection takes about 10 KiB.
const MAX_CONNECTIONS: usize = 8_192;
/// The maximal size of a request's head, and of what is read of its body at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long the server waits after a failure to accept, such as a lack of descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

impl ConnectionLimits {
    /// The limits that follow from the number of descriptors that the process may open. Raises it to what the system
    /// permits, up to twice the maximal number of connections.
    pub fn of_process() -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let wanted = (2 * MAX_CONNECTIONS) as u64;
        let limit = getrlimit(Resource::Nofile);
        let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let mut descriptors = limit.current.unwrap_or(wanted);
        if descriptors < raised
            && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }).is_ok()
        {
            descriptors = raised;
        }
        Self::of_descriptors(usize::try_from(descriptors).unwrap_or(usize::MAX))
    }

    fn of_descriptors(descriptors: usize) -> Self {
        let total = descriptors.saturating_sub(OTHER_DESCRIPTORS).max(descriptors / 2).clamp(16, MAX_CONNECTIONS);
        Self {
            total,
            per_address: total.div_ceil(2),
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// What the task of one connection needs.
struct Server {
    app: Arc<App>,
    router: Router,
    limits: ConnectionLimits,
    /// Whether browsers reach the server over HTTPS.
    is_https: bool,
    /// Has a receiver in each connection's task until the shutdown begins.
    shutdown: watch::Sender<bool>,
}

/// Serves the program on a listener until `shutdown` completes, then finishes the running requests. WebSockets are not
/// waited for.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let router = super::router(Arc::clone(&app)).with_state(());
    let is_https = app.serving.public_url().starts_with("https:");
    let server = Arc::new(Server { app, router, limits, is_https, shutdown: watch::Sender::new(false) });
    let open = OpenConnections::new(limits.total, limits.per_address);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => accept(&server, &open, stream, peer),
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    server.shutdown.send_replace(true);
    server.shutdown.closed().await;
}

/// Whether an error of `accept` concerns one connection, which its client has closed meanwhile.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn accept(server: &Arc<Server>, open: &Arc<OpenConnections>, stream: TcpStream, peer: SocketAddr) {
    let address = counted_address(peer.ip(), &server.app.serving.trusted_proxy);
    let Some(slot) = open.open(address) else {
        tracing::debug!("a connection was refused: too many are open");
        return;
    };
    // Responses are written at once; waiting for more would delay them.
    drop(stream.set_nodelay(true));
    let (server, closing) = (Arc::clone(server), server.shutdown.subscribe());
    let activity = slot.activity();
    tokio::spawn(async move { run(&server, stream, slot, &activity, peer, closing).await });
}

/// Serves one connection until its end or its upgrade.
async fn run(
    server: &Arc<Server>,
    stream: TcpStream,
    slot: Slot,
    activity: &Arc<Activity>,
    peer: SocketAddr,
    mut closing: watch::Receiver<bool>,
) {
    let limits = server.limits;
    let stream = TokioIo::new(TimedStream::new(stream, limits.write_timeout, slot));
    let service = service_fn(|request| request::respond(Arc::clone(server), Arc::clone(activity), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(stream, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut is_closing = false;
    loop {
        tokio::select! {
            outcome = &mut connection => {
                if let Err(error) = outcome {
                    tracing::debug!(%error, "a connection ended early");
                }
                break;
            }
            () = activity.evicted() => break,
            _ = closing.wait_for(|closing| *closing), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
    // An upgraded connection keeps its place.
    activity.leave();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_leave_descriptors_for_the_database() {
        for (descriptors, total) in [(64, 32), (256, 128), (1_024, 896), (1 << 20, MAX_CONNECTIONS)] {
            let limits = ConnectionLimits::of_descriptors(descriptors);
            assert_eq!((limits.total, limits.per_address), (total, total / 2), "{descriptors}");
        }
    }
}
