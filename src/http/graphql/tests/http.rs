use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Server, Settings, send};
use crate::graphql::limits::Charge;
use platform::access::Caller;
use platform::access::rates::RateAddress;

const TYPED: &str = "application/graphql-response+json";

#[tokio::test]
async fn a_query_is_answered_with_its_cost_and_the_usual_headers() {
    let server = Server::start().await;
    let response = send(server.post_query("{ hello(name: \"é\\n\") }")).await;
    assert_eq!(response.body, json!({"data": {"hello": "hello é\n"}, "extensions": {"cost": 1}}));
    assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
    assert_eq!(response.header("referrer-policy"), "no-referrer");
    let id: uuid::Uuid = response.header("x-request-id").parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
}

#[tokio::test]
async fn the_request_id_is_the_same_in_header_resolver_and_errors() {
    let server = Server::start().await;
    let response = send(server.post_query("{ requestId }")).await;
    assert_eq!(response.body["data"]["requestId"], response.header("x-request-id"));
    for query in ["{", "{ nope }", "{ forbidden }", "{ broken }"] {
        let failed = send(server.post_query(query)).await;
        assert_eq!(failed.body["errors"][0]["extensions"]["requestId"], failed.header("x-request-id"), "{query}");
    }
}

#[tokio::test]
async fn document_errors_have_codes_and_statuses() {
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
        let plain = send(server.post_query(query)).await;
        assert_eq!(plain.outcome(), (200, code), "{query}");
        let typed = send(server.post_query(query).header("accept", TYPED)).await;
        assert_eq!(typed.outcome(), (400, code), "{query}");
        assert_eq!(typed.header("content-type"), format!("{TYPED}; charset=utf-8"));
        assert_eq!(typed.body.get("data"), None, "{query}");
    }
    let subscription = send(server.post_query("subscription { tick }")).await;
    assert_eq!(subscription.outcome(), (406, "BAD_USER_INPUT"));
    let limit = send(server.post_query(&format!("{{ {} }}", "viewer ".repeat(21)))).await;
    assert_eq!(limit.body["errors"][0]["extensions"]["limit"], "rootFields");
    assert_eq!(limit.body["errors"][0]["extensions"]["measured"], 21);
}

#[tokio::test]
async fn internal_errors_of_resolvers_are_masked() {
    let server = Server::start().await;
    let forbidden = send(server.post_query("{ forbidden }")).await;
    assert_eq!(forbidden.outcome(), (200, "FORBIDDEN"));
    assert_eq!(forbidden.body["errors"][0]["path"], json!(["forbidden"]));
    for query in ["{ broken }", "{ panics }"] {
        let broken = send(server.post_query(query)).await;
        assert_eq!(broken.code(), "INTERNAL");
        assert!(!broken.body.to_string().contains("secret"), "{query}");
    }
    let instant = "query($when: Instant!) { at(when: $when) }";
    for _ in 0..2 {
        let wrong = send(server.post(json!({"query": instant, "variables": {"when": "x"}}).to_string())).await;
        assert_eq!(wrong.code(), "BAD_USER_INPUT");
        let right = send(server.post(json!({"query": instant, "variables": {"when": "2026"}}).to_string())).await;
        assert_eq!(right.body["data"]["at"], "2026");
    }
}

#[tokio::test]
async fn malformed_http_requests_are_refused() {
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
        assert_eq!(send(server.post(body)).await.outcome(), bad, "{body}");
    }
    assert_eq!(send(server.post(&b"{\"query\":\"\xff\"}"[..])).await.outcome(), bad);
    let plain = server.client.post(server.url()).header("content-type", "text/plain").body("{\"query\":\"{hello}\"}");
    assert_eq!(send(plain).await.outcome(), (415, "BAD_USER_INPUT"));
    assert_eq!(
        send(server.post_query("{ hello }").header("accept", "text/html")).await.outcome(),
        (406, "BAD_USER_INPUT")
    );
    let large = json!({"query": "{ hello }", "x": "y".repeat(300 * 1024)}).to_string();
    assert_eq!(send(server.post(large)).await.outcome(), (413, "PAYLOAD_TOO_LARGE"));
    let put = send(server.client.put(server.url())).await;
    assert_eq!((put.status, put.header("allow")), (405, "GET, POST"));
}

#[tokio::test]
async fn get_is_for_queries() {
    let server = Server::start().await;
    let request = server.get(&[
        ("query", "query Q($n: String) { hello(name: $n) }"),
        ("variables", "{\"n\":\"x\"}"),
        ("operationName", "Q"),
    ]);
    assert_eq!(send(request).await.body["data"]["hello"], "hello x");
    let mutation = send(server.get_query("mutation { signIn }")).await;
    assert_eq!((mutation.status, mutation.header("allow")), (405, "POST"));
    assert_eq!(send(server.get_query("mutation { signIn }").header("accept", "text/event-stream")).await.status, 405);
    assert_eq!(send(server.get_query("subscription { tick }")).await.status, 406);
    assert_eq!(send(server.client.get(server.url())).await.status, 400);
}

#[tokio::test]
async fn a_session_cookie_is_accepted_from_own_pages_only() {
    let server = Server::start().await;
    let cookie = server.cookie(&server.session("user").await);
    let key = server.key().await;
    let with_cookie = || server.post_query("{ viewer }").header("cookie", &cookie);
    for foreign in [
        with_cookie(),
        with_cookie().header("origin", "https://evil.example"),
        with_cookie().header("origin", "null"),
        with_cookie().header("sec-fetch-site", "cross-site").header("origin", format!("http://{}", server.address)),
    ] {
        assert_eq!(send(foreign).await.outcome(), (403, "FORBIDDEN"));
    }
    for own in [
        with_cookie().header("origin", format!("http://{}", server.address)),
        with_cookie().header("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(send(own).await.body["data"]["viewer"], "user");
    }
    let other_cookie = server.post_query("{ viewer }").header("cookie", "theme=dark");
    assert_eq!(send(other_cookie).await.body["data"]["viewer"], "guest");
    let by_token = with_cookie().header("authorization", format!("Bearer {key}"));
    assert_eq!(send(by_token).await.body["data"]["viewer"], "key");
    // A query can leave traces, and a link of another site sends the cookie too.
    let get = || server.get_query("{ viewer }").header("cookie", &cookie);
    assert_eq!(send(get()).await.outcome(), (403, "FORBIDDEN"));
    assert_eq!(send(get().header("sec-fetch-site", "same-origin")).await.body["data"]["viewer"], "user");
    let stream =
        server.get_query("subscription { tick }").header("cookie", &cookie).header("accept", "text/event-stream");
    assert_eq!(send(stream).await.outcome(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn invalid_credentials_are_401() {
    let server = Server::start().await;
    for wrong in ["Bearer bad", "Basic eA==", "Bearer "] {
        let refused = send(server.post_query("{ viewer }").header("authorization", wrong)).await;
        assert_eq!(refused.outcome(), (401, "UNAUTHENTICATED"), "{wrong}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
}

fn guest() -> Caller {
    Caller { actor: platform::access::Actor::Guest, ..Arc::unwrap_or_clone(Caller::system("test")) }
}

#[tokio::test]
async fn a_request_over_the_rate_has_retry_after() {
    let server = Server::behind_a_proxy().await;
    let address = Some(RateAddress::from(server.address.ip()));
    let guest = Caller { address, is_rated: true, ..guest() };
    for _ in 1..3_000 {
        server.app.rates.take(&guest, Charge::default()).unwrap();
    }
    assert_eq!(send(server.post_query("{")).await.code(), "GRAPHQL_PARSE_FAILED");
    for query in ["{", "{ hello }"] {
        let limited = send(server.post_query(query)).await;
        assert_eq!(limited.outcome(), (429, "RATE_LIMITED"));
        assert_eq!(limited.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn an_operation_has_a_timeout() {
    let settings = Settings { user_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Server::with(settings).await;
    assert_eq!(send(server.post_query("{ slow }")).await.outcome(), (503, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_resolver_can_set_cookies() {
    let server = Server::start().await;
    let signed_in = send(server.post_query("mutation { signIn }")).await;
    assert_eq!(signed_in.body["data"]["signIn"], true);
    assert_eq!(signed_in.header("set-cookie"), "session=new; HttpOnly");
}

#[tokio::test]
async fn an_idempotency_key_is_bound_to_its_request() {
    let server = Server::start().await;
    let with = |query: &str, key: &str| server.post_query(query).header("idempotency-key", key);
    let first = send(with("mutation { key(n: 1) }", "k")).await.body["data"]["key"].clone();
    assert!(first.as_str().unwrap().starts_with("k "));
    assert_eq!(send(with("mutation { key(n: 1) __typename }", "k")).await.status, 200);
    assert_eq!(send(with("mutation { key(n: 1) }", "k")).await.body["data"]["key"], first);
    assert_ne!(send(with("mutation { key(n: 2) }", "k")).await.body["data"]["key"], first);
    for (query, key) in [
        ("{ hello }", "k"),
        ("mutation { a: key b: key }", "k"),
        ("mutation { signIn }", "k"),
        ("mutation { key }", "a b"),
        ("mutation { key }", ""),
        ("mutation { key }", &"k".repeat(65)),
    ] {
        assert_eq!(send(with(query, key)).await.outcome(), (400, "BAD_USER_INPUT"), "{query} {key}");
    }
}

#[tokio::test]
async fn the_usual_introspection_is_answered() {
    let server = Server::start().await;
    let query = include_str!("../../../graphql/limits/introspection.graphql");
    for _ in 0..2 {
        let response = send(server.post_query(query)).await;
        assert_eq!(response.body["data"]["__schema"]["queryType"]["name"], "Query", "{}", response.body);
    }
}

/// The parser and the validation recurse once per bracket, on the stack of a worker (2 MiB).
#[tokio::test]
async fn the_deepest_documents_that_pass_do_not_exhaust_the_stack() {
    let server = Server::start().await;
    let lists = format!("{{ hello(name: {}{}) }}", "[".repeat(46), "]".repeat(46));
    let objects = format!("{{ hello(name: {}1{}) }}", "{a: ".repeat(46), "}".repeat(46));
    let fragments = format!("{{ {} hello {} }}", "... on Query { ".repeat(46), "}".repeat(46));
    let chain: String = (0..240).map(|level| format!("fragment F{level} on Query {{ ...F{} }} ", level + 1)).collect();
    let chain = format!("{{ ...F0 }} {chain} fragment F240 on Query {{ hello }}");
    for query in [lists, objects, fragments, chain] {
        assert_eq!(send(server.post_query(&query)).await.code(), "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
    for bracket in ["{a", "[", "{a(b:[{c:"] {
        assert_eq!(send(server.post_query(&bracket.repeat(20_000))).await.code(), "QUERY_TOO_COMPLEX");
    }
}
