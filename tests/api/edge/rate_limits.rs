//! Rates. Requests of this machine itself are exempt, so the requests of these tests come through a proxy.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use platform::access::rates::RateAddress;
use platform::access::{Actor, Caller};
use reqwest::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, RETRY_AFTER, SET_COOKIE, VARY};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use switchboard::graphql::limits::{Charge, Tier};

use crate::support::TestApp;

/// A query without cost.
const TYPENAME: &str = "{ __typename }";
/// A query with cost.
const COSTLY: &str = "{ serviceTypes { slug } }";

/// Sends a query from this address through the proxy.
async fn execute(app: &TestApp, address: &str, query: &str) -> Response {
    let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("X-Forwarded-For", address);
    request.json(&json!({ "query": query })).send().await.unwrap()
}

/// Takes requests of a guest at this address from the buckets, without sending them.
fn take_requests(app: &TestApp, address: &str, requests: usize, charge: Charge) {
    let address = Some(RateAddress::from(address.parse::<IpAddr>().unwrap()));
    let system = Arc::unwrap_or_clone(Caller::system("test"));
    let guest = Caller { actor: Actor::Guest, address, is_rated: true, ..system };
    for _ in 0..requests {
        app.app.rates.take(&guest, charge).unwrap();
    }
}

async fn fail_to_sign_in(app: &TestApp, address: &str) -> Value {
    // A login of its own each time: failed sign-ins of one login are delayed.
    let login = address.replace([':', '.', ',', ' '], "-");
    let query = format!(
        "mutation {{ signIn(input: {{login: \"{login}\", password: \"wrong\"}}) {{ \
         errors {{ code ... on RateLimited {{ retryAfterSeconds }} }} }} }}"
    );
    let body: Value = execute(app, address, &query).await.json().await.unwrap();
    body["data"]["signIn"]["errors"][0].clone()
}

pub async fn an_ipv6_network_shares_one_sign_in_limit(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    for last in 1..=20 {
        let refused = fail_to_sign_in(&app, &format!("2001:db8:1:2::{last:x}")).await;
        assert_ne!(refused["code"], "RATE_LIMITED", "guess {last}: {refused}");
    }
    let refused = fail_to_sign_in(&app, "2001:db8:1:2:ffff::1").await;
    assert_eq!((&refused["code"], &refused["retryAfterSeconds"]), (&json!("RATE_LIMITED"), &json!(3)), "{refused}");
    // Addresses left of the one that the proxy wrote are not trusted.
    let refused = fail_to_sign_in(&app, "192.0.2.9, 2001:db8:1:2::1").await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    for other in ["2001:db8:1:3::1", "192.0.2.1"] {
        assert_ne!(fail_to_sign_in(&app, other).await["code"], "RATE_LIMITED", "{other}");
    }
    app.clock.advance(Duration::from_secs(3));
    assert_ne!(fail_to_sign_in(&app, "2001:db8:1:2::1").await["code"], "RATE_LIMITED");
}

pub async fn guests_at_one_address_share_3000_requests_a_minute(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let status = async |address: &str| execute(&app, address, TYPENAME).await.status();
    take_requests(&app, "192.0.2.1", 2_990, Charge::default());
    for _ in 0..10 {
        assert_eq!(status("192.0.2.1").await, StatusCode::OK);
    }
    let refused = execute(&app, "192.0.2.1", TYPENAME).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{body}");
    assert_eq!(status("192.0.2.2").await, StatusCode::OK);
    // Files count in the same bucket.
    let file = reqwest::Client::new().get(format!("{}/directory/demo.json", app.url));
    let refused = file.header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    // An IPv6 network of 64 bits is one client.
    take_requests(&app, "2001:db8:1:2::1", 2_999, Charge::default());
    assert_eq!(status("2001:db8:1:2::2").await, StatusCode::OK);
    assert_eq!(status("2001:db8:1:2:ffff::3").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status("2001:db8:1:3::1").await, StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(status("192.0.2.1").await, StatusCode::OK);
}

pub async fn cost_is_limited_beside_requests(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let costliest = Charge { cost: Tier::Guest.cost(), feed_rows: 0 };
    take_requests(&app, "192.0.2.1", 200, costliest);
    let refused = execute(&app, "192.0.2.1", COSTLY).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    assert_eq!(execute(&app, "192.0.2.1", TYPENAME).await.status(), StatusCode::OK);
    assert_eq!(execute(&app, "192.0.2.2", COSTLY).await.status(), StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(execute(&app, "192.0.2.1", COSTLY).await.status(), StatusCode::OK);
}

pub async fn requests_of_this_machine_are_exempt_without_a_proxy(app: TestApp) {
    take_requests(&app, "127.0.0.1", 3_000, Charge::default());
    let direct = || reqwest::Client::new().post(format!("{}/graphql", app.url)).json(&json!({ "query": TYPENAME }));
    assert_eq!(direct().send().await.unwrap().status(), StatusCode::OK);
    // A proxy that no setting names forwards for others: its clients share the bucket of its address.
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"] {
        let refused = direct().header(header, "198.51.100.1").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{header}");
    }
}

pub async fn what_is_refused_early_is_taken_from_the_bucket_of_the_address(app: TestApp) {
    let token = app.user().await.client.token().unwrap().to_owned();
    let app = app.behind_trusted_proxy().await;
    let http = reqwest::Client::new();
    let graphql = || http.post(format!("{}/graphql", app.url)).header("Content-Type", "application/json");
    let query = json!({ "query": TYPENAME }).to_string();
    let feed = || http.get(format!("{}/feed/demo/sip", app.url));
    let requests = [
        ("a malformed body", graphql().body("{"), 400),
        ("another media type", http.post(format!("{}/graphql", app.url)).body(query.clone()), 415),
        ("another method", http.put(format!("{}/graphql", app.url)), 405),
        ("an unacceptable response", graphql().header("Accept", "text/html").body(query.clone()), 406),
        ("a document that is none", graphql().body("{\"query\":\"{\"}"), 200),
        ("an unknown token", graphql().bearer_auth("A".repeat(43)).body(query.clone()), 401),
        ("an unknown key", graphql().bearer_auth("swb_AAAAAAAAAAAA_AAAAAAAAAAAA").body(query.clone()), 401),
        ("a malformed authorization", graphql().header("Authorization", "Digest x").body(query.clone()), 401),
        ("a feed with an unknown key", feed().basic_auth("pbx", Some("swb_none")), 401),
        ("a feed without a key", feed(), 401),
        ("a directory", http.get(format!("{}/directory/nowhere.json", app.url)), 404),
        ("a device link", http.get(format!("{}/device/none", app.url)), 404),
        ("a check of readiness", http.get(format!("{}/readyz", app.url)), 200),
        ("metrics", http.get(format!("{}/metrics", app.url)), 403),
    ];
    for (index, (what, request, status)) in requests.into_iter().enumerate() {
        let address = format!("192.0.2.{index}");
        take_requests(&app, &address, 2_999, Charge::default());
        let request = request.header("X-Forwarded-For", &address);
        let last = request.try_clone().unwrap().send().await.unwrap();
        assert_eq!(last.status().as_u16(), status, "{what}");
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{what}");
        // The holder of a session that was valid lately has a bucket of its own.
        let owner = |address: &str| graphql().bearer_auth(&token).header("X-Forwarded-For", address);
        let accepted = owner("203.0.113.1").body(query.clone()).send().await.unwrap();
        assert_eq!(accepted.status(), StatusCode::OK, "{what}");
        let accepted = owner(&address).body(query.clone()).send().await.unwrap();
        assert_eq!(accepted.status(), StatusCode::OK, "{what}");
    }
}

pub async fn a_valid_token_gives_back_what_its_address_paid(app: TestApp) {
    let (one, other) = (app.user().await, app.user().await);
    let app = app.behind_trusted_proxy().await;
    take_requests(&app, "192.0.2.1", 2_999, Charge::default());
    for actor in [one, other] {
        let request =
            reqwest::Client::new().post(format!("{}/graphql", app.url)).header("X-Forwarded-For", "192.0.2.1");
        let request = request.bearer_auth(actor.client.token().unwrap()).json(&json!({ "query": TYPENAME }));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(execute(&app, "192.0.2.1", TYPENAME).await.status(), StatusCode::OK);
    assert_eq!(execute(&app, "192.0.2.1", TYPENAME).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

pub async fn rows_of_directory_files_are_limited_for_guests(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    take_requests(&app, "192.0.2.1", 1, Charge { cost: 0, feed_rows: 1_000_000 });
    let file = |etag: &str| {
        let request =
            reqwest::Client::new().get(format!("{}/directory/demo.json", app.url)).header(IF_NONE_MATCH, etag);
        request.header("X-Forwarded-For", "192.0.2.1")
    };
    let refused = file("\"none\"").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    app.clock.advance(Duration::from_secs(1));
    let read = file("\"none\"").send().await.unwrap();
    assert_eq!(read.status(), StatusCode::OK);
    // What the client has already costs no rows.
    let etag = read.headers()[ETAG].to_str().unwrap().to_owned();
    take_requests(&app, "192.0.2.1", 1, Charge { cost: 0, feed_rows: 16_000 });
    assert_eq!(file(&etag).send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
}

pub async fn pages_set_no_cookie_and_are_cacheable(app: TestApp) {
    let proxied = app.behind_trusted_proxy().await;
    for app in [&app, &proxied] {
        let get = || reqwest::Client::new().get(&app.url).header("X-Forwarded-For", "192.0.2.1");
        let page = get().send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert!(!page.headers().contains_key(SET_COOKIE));
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(page.headers()[VARY], "accept-encoding");
        let again = get().header(IF_NONE_MATCH, &page.headers()[ETAG]).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
