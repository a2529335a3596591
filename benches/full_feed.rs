//! The full feed over HTTP. The baseline of a complete response is a hand-written SELECT, streamed as the same bytes;
//! the baseline of an unchanged feed (304) is an empty handler.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use futures_util::StreamExt as _;
use switchboard::http::router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::feed_pages::{Entry, FIRST_ID, select};
use super::fixture::{Fixture, on_postgres};
use super::http_client::{Client, Response};
use super::measure::{compare, median, on_one_core};
use super::process::{IDLE, Server};
use super::table::{Figure, Measurement, Table};

const PATH: &str = "/feed/camp/handset";
/// How many entries the baseline selects at a time.
const BATCH: u16 = 1000;
/// How many bytes a chunk of the baseline has.
const CHUNK: usize = 64 * 1024;
/// The most that an unchanged feed may cost, as a multiple of an empty handler.
const UNCHANGED_LIMIT: f64 = 2.5;

/// Measures the rows of the full feed.
pub async fn measure(fixture: &Fixture, table: &mut Table) {
    let name = "full feed of 100,000, NDJSON";
    if table.includes(name) {
        complete(fixture, table, name).await;
    }
    process(fixture, table);
    let name = "full feed unchanged";
    if table.includes(name) {
        on_one_core(async || unchanged(fixture, table, name).await);
    }
    let name = "full feed unchanged, PostgreSQL";
    if table.includes(name) {
        let measure = async |fixture: &Fixture| on_one_core(async || unchanged(fixture, table, name).await);
        on_postgres(name, measure).await;
    }
}

async fn complete(fixture: &Fixture, table: &mut Table, name: &str) {
    assert_same_bytes(fixture).await;
    let subject = async |units| {
        for _ in 0..units {
            drain(request(fixture).await).await;
        }
    };
    let baseline = async |units| {
        for _ in 0..units {
            drain(select_all(fixture)).await;
        }
    };
    let comparison = compare(2, subject, baseline).await;
    table.at_most(name, 1.5, comparison.cpu_measurement("SELECT and serde_json, streamed"));
}

/// Reads a body to its end, and discards it.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        std::hint::black_box(chunk.unwrap());
    }
}

/// The response of the program's router.
async fn request(fixture: &Fixture) -> Body {
    let request = Request::get(PATH).header("Authorization", format!("Bearer {}", fixture.token));
    // The rate limits need a peer address; the rows that they allow per minute suffice for this bench.
    let peer = axum::extract::ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
    let request = request.extension(peer).body(Body::empty()).unwrap();
    let response = router(std::sync::Arc::clone(&fixture.app)).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

/// The same entries from one read transaction, serialised while they are read.
fn select_all(fixture: &Fixture) -> Body {
    let (sender, receiver) = mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
    let (store, feed) = (fixture.app.services.store.clone(), fixture.feed);
    tokio::spawn(async move {
        let selected = store.snapshot(move |conn| {
            Box::pin(async move {
                let (mut after, mut chunk) = (FIRST_ID, Vec::new());
                loop {
                    let rows = select(conn, feed, after, BATCH).await?;
                    let Some(last) = rows.last() else { break };
                    after = last.id;
                    for row in rows {
                        serde_json::to_writer(&mut chunk, &Entry::from(row)).unwrap();
                        chunk.push(b'\n');
                        if chunk.len() >= CHUNK {
                            sender.send(Ok(std::mem::take(&mut chunk).into())).unwrap();
                        }
                    }
                }
                sender.send(Ok(chunk.into())).unwrap();
                Ok(())
            })
        });
        selected.await.unwrap();
    });
    Body::from_stream(tokio_stream::wrappers::UnboundedReceiverStream::new(receiver))
}

async fn assert_same_bytes(fixture: &Fixture) {
    let collect = async |body| axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (subject, baseline) = (collect(request(fixture).await).await, collect(select_all(fixture)).await);
    let is_newline = |byte: &u8| *byte == b'\n';
    // The first line has the head, the last line the end marker; the entries are between them.
    let first = subject.iter().position(is_newline).unwrap() + 1;
    let last = subject[..subject.len() - 1].iter().rposition(is_newline).unwrap() + 1;
    assert!(subject[first..last] == baseline[..], "both sides must produce the same bytes");
}

/// Measures memory and the time to the first byte of the program as a process.
fn process(fixture: &Fixture, table: &mut Table) {
    let (memory_row, first_byte_row) = ("full feed of 100,000, memory", "full feed of 100,000, first byte");
    if !table.includes(memory_row) && !table.includes(first_byte_row) {
        return;
    }
    let (mut megabytes, mut milliseconds) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let server = Server::start(fixture);
        std::thread::sleep(IDLE);
        let idle = server.megabytes("VmRSS");
        let mut client = Client::connect(server.address).unwrap();
        for _ in 0..3 {
            let response = get_feed(&mut client, PATH, &fixture.token, "none");
            assert_eq!(response.status, 200);
            assert!(response.body_bytes > 400 * u64::from(fixture.size), "an incomplete body");
            milliseconds.push(response.first_byte.as_secs_f64() * 1e3);
        }
        megabytes.push(server.megabytes("VmHWM") - idle);
    }
    let longest = milliseconds.iter().copied().fold(0.0, f64::max);
    let measurement = |value, unit, subject| Measurement {
        figure: Figure { value, unit },
        subject,
        baseline: format!("{} extensions in the database", fixture.size),
    };
    let memory = measurement(median(megabytes), " MB more", "the maximum of three consecutive reads".to_owned());
    table.at_most(memory_row, 64.0, memory);
    let first_byte = measurement(median(milliseconds), " ms", format!("at most {longest:.1} ms"));
    table.at_most(first_byte_row, 50.0, first_byte);
}

fn get_feed(client: &mut Client, path: &str, token: &str, etag: &str) -> Response {
    let authorization = format!("Bearer {token}");
    client.get(path, &[("Authorization", &authorization), ("If-None-Match", etag)]).unwrap()
}

/// Compares an unchanged feed with an empty handler, and with `/healthz` of the same router.
async fn unchanged(fixture: &Fixture, table: &mut Table, name: &str) {
    let server = serve(router(std::sync::Arc::clone(&fixture.app))).await;
    let empty_server = serve(Router::new().route(PATH, get(async || ()))).await;
    let request = |address, path, status| ConditionalGet { address, path, status, token: fixture.token.clone() };
    let etag = request(server, PATH, 200).repeat("none", 1).await;
    let feed = async |units| drop(request(server, PATH, 304).repeat(&etag, units).await);
    let empty = async |units| drop(request(empty_server, PATH, 200).repeat(&etag, units).await);
    let comparison = compare(10_000, feed, empty).await;
    table.at_most(name, UNCHANGED_LIMIT, comparison.cpu_measurement("an empty handler"));
    let health = async |units| drop(request(server, "/healthz", 200).repeat(&etag, units).await);
    let comparison = compare(10_000, feed, health).await;
    table.report(&format!("{name}, vs. /healthz"), comparison.cpu_measurement("/healthz"));
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// A request with the expected status.
struct ConditionalGet {
    address: SocketAddr,
    path: &'static str,
    status: u16,
    token: String,
}

impl ConditionalGet {
    /// Sends the request `count` times over one connection with `If-None-Match`; returns the last response's ETag.
    async fn repeat(self, etag: &str, count: u32) -> String {
        let etag = etag.to_owned();
        let requests = tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(self.address).unwrap();
            let mut last_etag = String::new();
            for _ in 0..count {
                let response = get_feed(&mut client, self.path, &self.token, &etag);
                assert_eq!(response.status, self.status);
                last_etag = response.etag;
            }
            last_etag
        });
        requests.await.unwrap()
    }
}
