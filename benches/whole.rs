//! The whole feed over HTTP: beside one SELECT by hand, streamed to the same bytes; and when it has not changed, beside handlers
//! that do nothing.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use futures_util::StreamExt as _;
use platform::ids::ExtensionId;
use switchboard::http::router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::client::{Answer, Client};
use super::feed::{Shown, select};
use super::house::{House, on_postgres};
use super::measure::{alternate, median, on_one_core, show};
use super::process::{IDLE, Server};
use super::table::Table;

const PATH: &str = "/feed/camp/handset";
/// How many entries the SELECT by hand takes at a time, and how many bytes it hands on.
const BATCH: u16 = 1000;
const PIECE: usize = 64 * 1024;

/// The rows of the whole feed.
pub async fn measure(house: &House, table: &mut Table) {
    let work = "whole feed of 100,000, NDJSON";
    if table.wants(work) {
        copied(house, table, work).await;
    }
    process(house, table);
    let work = "whole feed unchanged";
    if table.wants(work) {
        on_one_core(async || unchanged(house, table, work).await);
    }
    let work = "whole feed unchanged, PostgreSQL";
    if table.wants(work) {
        let measured = async |house: &House| on_one_core(async || unchanged(house, table, work).await);
        on_postgres(work, measured).await;
    }
}

async fn copied(house: &House, table: &mut Table, work: &str) {
    the_bytes_are_the_same(house).await;
    let ours = async |units| {
        for _ in 0..units {
            over(requested(house).await).await;
        }
    };
    let beside = async |units| {
        for _ in 0..units {
            over(by_hand(house)).await;
        }
    };
    let found = alternate(2, ours, beside).await;
    let beside = format!("SELECT and serde_json, streamed {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), 1.5, show(found.ours.cpu), beside);
}

/// Reads a body to its end and keeps nothing.
async fn over(body: Body) {
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        std::hint::black_box(piece.unwrap());
    }
}

/// The feed as the program answers it.
async fn requested(house: &House) -> Body {
    let request = Request::get(PATH).header("Authorization", format!("Bearer {}", house.token));
    // Nobody is at the other end whose address would exempt him from rates: a minute's rows are enough for a few.
    let loopback = axum::extract::ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
    let request = request.extension(loopback).body(Body::empty()).unwrap();
    let response = router(std::sync::Arc::clone(&house.app)).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

/// The same entries from one read transaction, written while they are read.
fn by_hand(house: &House) -> Body {
    let (pieces, written) = mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
    let (store, feed) = (house.app.services.store.clone(), house.feed);
    tokio::spawn(async move {
        let copying = store.snapshot(move |conn| {
            Box::pin(async move {
                let (mut after, mut out) = (ExtensionId(uuid::Uuid::nil()), Vec::new());
                loop {
                    let rows = select(conn, feed, after, BATCH).await?;
                    let Some(last) = rows.last() else { break };
                    after = last.id;
                    for row in rows {
                        serde_json::to_writer(&mut out, &Shown::from(row)).unwrap();
                        out.push(b'\n');
                        if out.len() >= PIECE {
                            pieces.send(Ok(std::mem::take(&mut out).into())).unwrap();
                        }
                    }
                }
                pieces.send(Ok(out.into())).unwrap();
                Ok(())
            })
        });
        copying.await.unwrap();
    });
    Body::from_stream(tokio_stream::wrappers::UnboundedReceiverStream::new(written))
}

async fn the_bytes_are_the_same(house: &House) {
    let all = async |body| axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (ours, beside) = (all(requested(house).await).await, all(by_hand(house)).await);
    let newline = |byte: &u8| *byte == b'\n';
    // The first line tells the head, the last that it is the last.
    let first = ours.iter().position(newline).unwrap() + 1;
    let last = ours[..ours.len() - 1].iter().rposition(newline).unwrap() + 1;
    assert!(ours[first..last] == beside[..], "both sides must write the same bytes");
}

/// What the program itself needs, as a process with a client on its own socket.
fn process(house: &House, table: &mut Table) {
    let (memory_row, first_row) = ("whole feed of 100,000, memory", "whole feed of 100,000, first byte");
    if !table.wants(memory_row) && !table.wants(first_row) {
        return;
    }
    let (mut more, mut first) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let server = Server::start(house);
        std::thread::sleep(IDLE);
        let idle = server.megabytes("VmRSS");
        let mut client = Client::connect(server.address).unwrap();
        for _ in 0..3 {
            let answer = asked(&mut client, PATH, &house.token, "none");
            assert!(answer.status == 200 && answer.body_bytes > 400 * u64::from(house.size));
            first.push(answer.first_byte.as_secs_f64() * 1e3);
        }
        more.push(server.megabytes("VmHWM") - idle);
    }
    let rows = format!("{} extensions in the database", house.size);
    let (ours, longest) = ("the most of three in turn".to_owned(), first.iter().copied().fold(0.0, f64::max));
    table.at_most(memory_row, (median(more), " MB more"), 64.0, ours, rows.clone());
    table.at_most(first_row, (median(first), " ms"), 50.0, format!("at most {longest:.1} ms"), rows);
}

fn asked(client: &mut Client, path: &str, token: &str, etag: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    client.get(path, &[("Authorization", &authorization), ("If-None-Match", etag)]).unwrap()
}

/// Beside a server that does nothing for a request, and beside what this one does for any.
async fn unchanged(house: &House, table: &mut Table, work: &str) {
    let ours = serve(router(std::sync::Arc::clone(&house.app))).await;
    let bare = serve(Router::new().route(PATH, get(async || ()))).await;
    let etag = ask((ours, PATH), &house.token, "none", 200, 1).await;
    let feed = async |units| drop(ask((ours, PATH), &house.token, &etag, 304, units).await);
    let bare = async |units| drop(ask((bare, PATH), &house.token, &etag, 200, units).await);
    let found = alternate(10_000, feed, bare).await;
    let beside = format!("an empty handler {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), 1.5, show(found.ours.cpu), beside);
    let alive = async |units| drop(ask((ours, "/healthz"), &house.token, &etag, 200, units).await);
    let found = alternate(10_000, feed, alive).await;
    let beside = format!("/healthz {}", show(found.beside.cpu));
    table.tell(&format!("{work}, beside /healthz"), (found.cpu_ratio, " × CPU"), show(found.ours.cpu), beside);
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// Asks one time after another over one connection, and gives the last answer's ETag.
async fn ask((address, path): (SocketAddr, &'static str), token: &str, etag: &str, status: u16, times: u32) -> String {
    let (token, etag) = (token.to_owned(), etag.to_owned());
    let asking = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(address).unwrap();
        let mut found = String::new();
        for _ in 0..times {
            let answer = asked(&mut client, path, &token, &etag);
            assert_eq!(answer.status, status);
            found = answer.etag;
        }
        found
    });
    asking.await.unwrap()
}
