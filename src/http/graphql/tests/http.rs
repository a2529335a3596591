use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::{Server, Settings, seen};

const TYPED: &str = "application/graphql-response+json";

#[tokio::test]
async fn a_query_is_answered_with_its_cost_and_the_usual_headers() {
    let server = Server::start().await;
    let seen = seen(server.asks("{ hello(name: \"é\\n\") }")).await;
    assert_eq!(seen.body, json!({"data": {"hello": "hello é\n"}, "extensions": {"cost": 1}}));
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(seen.header("cache-control"), "no-store");
    assert_eq!(seen.header("x-content-type-options"), "nosniff");
    assert_eq!(seen.header("referrer-policy"), "no-referrer");
    let id: uuid::Uuid = seen.header("x-request-id").parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
}

#[tokio::test]
async fn the_request_id_is_the_same_everywhere() {
    let server = Server::start().await;
    let told = seen(server.asks("{ requestId }")).await;
    assert_eq!(told.body["data"]["requestId"], told.header("x-request-id"));
    for query in ["{", "{ nope }", "{ forbidden }", "{ broken }"] {
        let failed = seen(server.asks(query)).await;
        assert_eq!(failed.body["errors"][0]["extensions"]["requestId"], failed.header("x-request-id"), "{query}");
    }
}

#[tokio::test]
async fn failures_of_the_document_have_codes_and_statuses() {
    let server = Server::start().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a: hello a: viewer }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) { names(first: $n) }", "BAD_USER_INPUT"),
        ("{ names(first: 101) }", "BAD_USER_INPUT"),
        ("{ names(first: -1) }", "BAD_USER_INPUT"),
        ("mutation { a: signIn b: signIn }", "QUERY_TOO_COMPLEX"),
    ] {
        let plain = seen(server.asks(query)).await;
        assert_eq!(plain.outcome(), (200, code), "{query}");
        let typed = seen(server.asks(query).header("accept", TYPED)).await;
        assert_eq!(typed.outcome(), (400, code), "{query}");
        assert_eq!(typed.header("content-type"), format!("{TYPED}; charset=utf-8"));
        assert_eq!(typed.body.get("data"), None, "{query}");
    }
    let subscription = seen(server.asks("subscription { tick }")).await;
    assert_eq!(subscription.outcome(), (406, "BAD_USER_INPUT"));
    let limit = seen(server.asks(&format!("{{ {} }}", "viewer ".repeat(21)))).await;
    assert_eq!(limit.body["errors"][0]["extensions"]["limit"], "rootFields");
    assert_eq!(limit.body["errors"][0]["extensions"]["measured"], 21);
}

#[tokio::test]
async fn failures_of_resolvers_show_what_they_may() {
    let server = Server::start().await;
    let forbidden = seen(server.asks("{ forbidden }")).await;
    assert_eq!(forbidden.outcome(), (200, "FORBIDDEN"));
    assert_eq!(forbidden.body["errors"][0]["path"], json!(["forbidden"]));
    for query in ["{ broken }", "{ panics }"] {
        let broken = seen(server.asks(query)).await;
        assert_eq!(broken.code(), "INTERNAL");
        assert!(!broken.body.to_string().contains("secret"), "{query}");
    }
    let instant = "query($when: Instant!) { at(when: $when) }";
    for _ in 0..2 {
        let wrong = seen(server.post(json!({"query": instant, "variables": {"when": "x"}}).to_string())).await;
        assert_eq!(wrong.code(), "BAD_USER_INPUT");
        let right = seen(server.post(json!({"query": instant, "variables": {"when": "2026"}}).to_string())).await;
        assert_eq!(right.body["data"]["at"], "2026");
    }
}

#[tokio::test]
async fn requests_that_break_the_rules_of_http_are_refused() {
    let server = Server::start().await;
    let bad = (400, "BAD_USER_INPUT");
    for body in [
        "",
        "{",
        "[]",
        "[{\"query\":\"{hello}\"}]",
        "7",
        "{\"query\":1}",
        "{}",
        "{\"query\":\"{hello}\",\"variables\":[]}",
    ] {
        assert_eq!(seen(server.post(body)).await.outcome(), bad, "{body}");
    }
    assert_eq!(seen(server.post(&b"{\"query\":\"\xff\"}"[..])).await.outcome(), bad);
    let plain = server.client.post(server.url()).header("content-type", "text/plain").body("{\"query\":\"{hello}\"}");
    assert_eq!(seen(plain).await.outcome(), (415, "BAD_USER_INPUT"));
    assert_eq!(seen(server.asks("{ hello }").header("accept", "text/html")).await.outcome(), (406, "BAD_USER_INPUT"));
    let large = json!({"query": "{ hello }", "x": "y".repeat(300 * 1024)}).to_string();
    assert_eq!(seen(server.post(large)).await.outcome(), (413, "PAYLOAD_TOO_LARGE"));
    let put = seen(server.client.put(server.url())).await;
    assert_eq!((put.status, put.header("allow")), (405, "GET, POST"));
}

#[tokio::test]
async fn get_is_for_queries() {
    let server = Server::start().await;
    let asked = server.gets_with(&[
        ("query", "query Q($n: String) { hello(name: $n) }"),
        ("variables", "{\"n\":\"x\"}"),
        ("operationName", "Q"),
    ]);
    assert_eq!(seen(asked).await.body["data"]["hello"], "hello x");
    let mutation = seen(server.gets("mutation { signIn }")).await;
    assert_eq!((mutation.status, mutation.header("allow")), (405, "POST"));
    assert_eq!(seen(server.gets("mutation { signIn }").header("accept", "text/event-stream")).await.status, 405);
    assert_eq!(seen(server.gets("subscription { tick }")).await.status, 406);
    assert_eq!(seen(server.client.get(server.url())).await.status, 400);
}

#[tokio::test]
async fn a_session_cookie_counts_on_our_own_pages_only() {
    let server = Server::start().await;
    let with_cookie = || server.asks("{ viewer }").header("cookie", "session=1");
    for foreign in [
        with_cookie(),
        with_cookie().header("origin", "https://evil.example"),
        with_cookie().header("origin", "null"),
        with_cookie().header("sec-fetch-site", "cross-site").header("origin", format!("http://{}", server.address)),
    ] {
        assert_eq!(seen(foreign).await.outcome(), (403, "FORBIDDEN"));
    }
    for own in [
        with_cookie().header("origin", format!("http://{}", server.address)),
        with_cookie().header("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(seen(own).await.body["data"]["viewer"], "user");
    }
    let other_cookie = server.asks("{ viewer }").header("cookie", "theme=dark");
    assert_eq!(seen(other_cookie).await.body["data"]["viewer"], "guest");
    let by_token = with_cookie().header("authorization", "Bearer key");
    assert_eq!(seen(by_token).await.body["data"]["viewer"], "key");
    assert_eq!(seen(server.gets("{ viewer }").header("cookie", "session=1")).await.body["data"]["viewer"], "user");
    let stream =
        server.gets("subscription { tick }").header("cookie", "session=1").header("accept", "text/event-stream");
    assert_eq!(seen(stream).await.outcome(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn credentials_that_do_not_hold_are_401() {
    let server = Server::start().await;
    for wrong in ["Bearer bad", "Basic eA==", "Bearer "] {
        let refused = seen(server.asks("{ viewer }").header("authorization", wrong)).await;
        assert_eq!(refused.outcome(), (401, "UNAUTHENTICATED"), "{wrong}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn rates_are_told_with_the_time_to_wait() {
    let server = Server::start().await;
    server.program.0.left.store(1, Ordering::SeqCst);
    assert_eq!(seen(server.asks("{")).await.code(), "GRAPHQL_PARSE_FAILED");
    for query in ["{", "{ hello }"] {
        let limited = seen(server.asks(query)).await;
        assert_eq!(limited.outcome(), (429, "RATE_LIMITED"));
        assert_eq!(limited.header("retry-after"), "7");
    }
}

#[tokio::test]
async fn an_operation_has_its_time() {
    let settings = Settings { people_timeout: Duration::from_millis(50), ..Settings::new() };
    let server = Server::with(settings).await;
    assert_eq!(seen(server.asks("{ slow }")).await.outcome(), (503, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_resolver_can_set_cookies() {
    let server = Server::start().await;
    let signed_in = seen(server.asks("mutation { signIn }")).await;
    assert_eq!(signed_in.body["data"]["signIn"], true);
    assert_eq!(signed_in.header("set-cookie"), "session=new; HttpOnly");
}

#[tokio::test]
async fn an_idempotency_key_is_bound_to_its_request() {
    let server = Server::start().await;
    let with = |query: &str, key: &str| server.asks(query).header("idempotency-key", key);
    let first = seen(with("mutation { key(n: 1) }", "k")).await.body["data"]["key"].clone();
    assert!(first.as_str().unwrap().starts_with("k "));
    assert_eq!(seen(with("mutation { key(n: 1) __typename }", "k")).await.status, 200);
    assert_eq!(seen(with("mutation { key(n: 1) }", "k")).await.body["data"]["key"], first);
    assert_ne!(seen(with("mutation { key(n: 2) }", "k")).await.body["data"]["key"], first);
    for (query, key) in [
        ("{ hello }", "k"),
        ("mutation { a: key b: key }", "k"),
        ("mutation { signIn }", "k"),
        ("mutation { key }", "a b"),
        ("mutation { key }", ""),
        ("mutation { key }", &"k".repeat(65)),
    ] {
        assert_eq!(seen(with(query, key)).await.outcome(), (400, "BAD_USER_INPUT"), "{query} {key}");
    }
}

#[tokio::test]
async fn the_usual_introspection_is_answered() {
    let server = Server::start().await;
    let query = include_str!("../../../graphql/limits/introspection.graphql");
    for _ in 0..2 {
        let told = seen(server.asks(query)).await;
        assert_eq!(told.body["data"]["__schema"]["queryType"]["name"], "Query", "{}", told.body);
    }
}

/// The parser and the validation descend once per bracket, on a worker's stack of 2 MiB.
#[tokio::test]
async fn the_deepest_documents_that_pass_do_not_exhaust_the_stack() {
    let server = Server::start().await;
    let lists = format!("{{ hello(name: {}{}) }}", "[".repeat(46), "]".repeat(46));
    let objects = format!("{{ hello(name: {}1{}) }}", "{a: ".repeat(46), "}".repeat(46));
    let fragments = format!("{{ {} hello {} }}", "... on Query { ".repeat(46), "}".repeat(46));
    let chain: String = (0..240).map(|level| format!("fragment F{level} on Query {{ ...F{} }} ", level + 1)).collect();
    let chain = format!("{{ ...F0 }} {chain} fragment F240 on Query {{ hello }}");
    for query in [lists, objects, fragments, chain] {
        assert_eq!(seen(server.asks(&query)).await.code(), "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
    for bracket in ["{a", "[", "{a(b:[{c:"] {
        assert_eq!(seen(server.asks(&bracket.repeat(20_000))).await.code(), "QUERY_TOO_COMPLEX");
    }
}
