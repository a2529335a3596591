//! Rate limits. Requests from the loopback address are not limited, so these requests come through a trusted proxy.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::TestApp;

/// The cheapest query.
const TYPENAME: &str = "{ __typename }";

/// Sends a query from this client address.
async fn execute(app: &TestApp, address: &str, query: &str) -> Response {
    execute_with_cookie(app, address, "", query).await
}

/// Sends a query from a browser at this client address with a cookie.
async fn execute_with_cookie(app: &TestApp, address: &str, cookie: &str, query: &str) -> Response {
    let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("X-Forwarded-For", address);
    request.header("Cookie", cookie).json(&json!({ "query": query })).send().await.unwrap()
}

/// Signs in with a wrong password from this client address, and returns the error.
async fn fail_to_sign_in(app: &TestApp, address: &str) -> Value {
    // A login for each address, because each login has a limit of its own.
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
    // Addresses left of the one that the proxy added are claims of the client and are ignored.
    let refused = fail_to_sign_in(&app, "192.0.2.9, 2001:db8:1:2::1").await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    for other in ["2001:db8:1:3::1", "192.0.2.1"] {
        assert_ne!(fail_to_sign_in(&app, other).await["code"], "RATE_LIMITED", "{other}");
    }
    app.clock.advance(Duration::from_secs(3));
    assert_ne!(fail_to_sign_in(&app, "2001:db8:1:2::1").await["code"], "RATE_LIMITED");
}

pub async fn a_guest_is_limited_with_a_retry_time(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    for _ in 0..600 {
        assert_eq!(execute(&app, "192.0.2.1", TYPENAME).await.status(), StatusCode::OK);
    }
    let refused = execute(&app, "192.0.2.1", TYPENAME).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(execute(&app, "192.0.2.2", TYPENAME).await.status(), StatusCode::OK);
    // Files count against the same limit.
    let file = reqwest::Client::new().get(format!("{}/directory/demo.json", app.url));
    let refused = file.header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

/// The cookies that a page sets for a browser at this address that sends `cookie`.
async fn guest_cookies(app: &TestApp, address: &str, cookie: &str) -> Vec<String> {
    let page = reqwest::Client::new().get(&app.url).header("X-Forwarded-For", address).header("Cookie", cookie);
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let cookies = page.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    let cookies: Vec<String> = cookies.collect();
    let caching = page.headers()["cache-control"].to_str().unwrap();
    assert_eq!((caching, &page.headers()["vary"]), ("private, no-cache", &"accept-encoding".parse().unwrap()));
    cookies
}

pub async fn browsers_behind_one_address_have_separate_limits(app: TestApp) {
    let proxied = app.behind_trusted_proxy().await;
    let (camp, elsewhere) = ("192.0.2.1", "192.0.2.2");
    let status =
        async |address: &str, cookie: &str| execute_with_cookie(&proxied, address, cookie, TYPENAME).await.status();
    let cookies = guest_cookies(&proxied, camp, "").await;
    let (cookie, attributes) = cookies[0].split_once("; ").unwrap();
    assert_eq!((cookies.len(), attributes), (1, "Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookies:?}");
    assert!(cookie.starts_with("__Host-switchboard-browser="), "{cookie}");
    // A browser that sends its cookie gets no new one.
    assert_eq!(guest_cookies(&proxied, camp, cookie).await, Vec::<String>::new());
    for _ in 0..600 {
        assert_eq!(status(camp, "").await, StatusCode::OK);
    }
    assert_eq!(status(camp, "").await, StatusCode::TOO_MANY_REQUESTS);
    // A new browser gets a cookie though the address has used up its limit.
    let other = guest_cookies(&proxied, camp, "").await[0].split_once(';').unwrap().0.to_owned();
    for _ in 0..600 {
        assert_eq!(status(camp, cookie).await, StatusCode::OK);
    }
    assert_eq!(status(camp, cookie).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(elsewhere, cookie).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(camp, &format!("a=b; {other}")).await, StatusCode::OK);
    // A forged cookie counts as none.
    let end = other.len() - 1;
    let altered = format!("{}{}", &other[..end], if other.ends_with('A') { 'Q' } else { 'A' });
    for forged in [altered.as_str(), "__Host-switchboard-browser=AAAA", "__Host-switchboard-browser=%", &other[..end]] {
        assert_eq!(status(camp, forged).await, StatusCode::TOO_MANY_REQUESTS, "{forged}");
    }
    // Requests from the loopback address are not limited and get no cookie.
    assert_eq!(guest_cookies(&app, camp, "").await, Vec::<String>::new());
}
