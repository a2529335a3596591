use std::time::Duration;

use super::{Server, Settings, in_time};

const STREAM: &str = "text/event-stream";

async fn text(request: reqwest::RequestBuilder) -> String {
    let response = request.header("accept", STREAM).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, STREAM));
    in_time(response.text()).await.unwrap()
}

#[tokio::test]
async fn events_come_one_by_one_and_end_with_complete() {
    let server = Server::start().await;
    let received = text(server.post_query("subscription { tick(times: 2) }")).await;
    let next =
        |number: u8| format!("event: next\ndata: {{\"data\":{{\"tick\":{number}}},\"extensions\":{{\"cost\":1}}}}\n\n");
    assert_eq!(received, format!(":\n\n{}{}event: complete\ndata: \n\n", next(1), next(2)));
    assert_eq!(text(server.get_query("subscription { tick(times: 2) }")).await, received);
}

#[tokio::test]
async fn a_query_is_a_stream_of_one_and_a_refused_document_is_an_event() {
    let server = Server::start().await;
    assert!(text(server.post_query("{ hello }")).await.contains("\"hello you\""));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { refused }", "FORBIDDEN"),
    ] {
        let received = text(server.post_query(query)).await;
        assert!(received.starts_with(":\n\nevent: next\ndata: {\"errors\":[") && received.contains(code), "{received}");
        assert!(received.ends_with("event: complete\ndata: \n\n"));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_program() {
    let server = Server::start().await;
    let open =
        |token: &str| server.post_query("subscription { tick }").header("authorization", format!("Bearer {token}"));
    let (session, key) = (server.session("user").await, server.key().await);
    let (received, ()) = tokio::join!(text(open(&session)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.revoke(&session).await;
    });
    assert!(received.contains("FORBIDDEN") && received.ends_with("event: complete\ndata: \n\n"));
    let (received, ()) = tokio::join!(text(open(&key)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.app.stopping.send_replace(true);
    });
    assert!(received.contains("\"tick\":1") && !received.contains("complete"));
}

#[tokio::test]
async fn an_idle_stream_shows_signs_of_life() {
    let server = Server::with(Settings {
        keep_alive: Duration::from_millis(20),
        user_timeout: Duration::from_millis(200),
        ..Settings::default()
    })
    .await;
    let received = text(server.post_query("{ slow }")).await;
    assert!(received.starts_with(":\n\n:\n\n:\n\n") && received.contains("UNAVAILABLE"), "{received}");
}
