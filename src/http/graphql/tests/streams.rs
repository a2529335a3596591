use std::time::Duration;

use super::{Server, Settings, soon};

const STREAM: &str = "text/event-stream";

async fn text(request: reqwest::RequestBuilder) -> String {
    let response = request.header("accept", STREAM).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, STREAM));
    soon(response.text()).await.unwrap()
}

#[tokio::test]
async fn events_come_one_by_one_and_end_with_complete() {
    let server = Server::start().await;
    let told = text(server.asks("subscription { tick(times: 2) }")).await;
    let next =
        |number: u8| format!("event: next\ndata: {{\"data\":{{\"tick\":{number}}},\"extensions\":{{\"cost\":1}}}}\n\n");
    assert_eq!(told, format!(":\n\n{}{}event: complete\ndata: \n\n", next(1), next(2)));
    assert_eq!(text(server.gets("subscription { tick(times: 2) }")).await, told);
}

#[tokio::test]
async fn a_query_is_a_stream_of_one_and_a_refused_document_is_told_in_it() {
    let server = Server::start().await;
    assert!(text(server.asks("{ hello }")).await.contains("\"hello you\""));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { refused }", "FORBIDDEN"),
    ] {
        let told = text(server.asks(query)).await;
        assert!(told.starts_with(":\n\nevent: next\ndata: {\"errors\":[") && told.contains(code), "{told}");
        assert!(told.ends_with("event: complete\ndata: \n\n"));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_program() {
    let server = Server::start().await;
    let open = |token: &str| server.asks("subscription { tick }").header("authorization", format!("Bearer {token}"));
    let (told, ()) = tokio::join!(text(open("user")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.program.0.revoked.send_replace(true);
    });
    assert!(told.contains("FORBIDDEN") && told.ends_with("event: complete\ndata: \n\n"));
    server.program.0.revoked.send_replace(false);
    let (told, ()) = tokio::join!(text(open("key")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.program.0.shutdown.send_replace(true);
    });
    assert!(told.contains("\"tick\":1") && !told.contains("complete"));
}

#[tokio::test]
async fn an_idle_stream_shows_signs_of_life() {
    let server = Server::with(Settings {
        keep_alive: Duration::from_millis(20),
        people_timeout: Duration::from_millis(200),
        ..Settings::new()
    })
    .await;
    let told = text(server.asks("{ slow }")).await;
    assert!(told.starts_with(":\n\n:\n\n:\n\n") && told.contains("UNAVAILABLE"), "{told}");
}
