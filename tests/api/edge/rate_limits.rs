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
    assert_eq!(execute(&app, "127.0.0.1", TYPENAME).await.status(), StatusCode::OK);
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
