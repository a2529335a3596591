//! How often somebody may ask. What comes from this machine itself is not counted, so all of these come through a proxy.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::TestApp;

/// The cheapest question.
const ALIVE: &str = "{ __typename }";

/// What the proxy answers whoever is at this address.
async fn ask(app: &TestApp, address: &str, query: &str) -> Response {
    ask_with(app, address, "", query).await
}

/// The same for a browser that sends `cookie`.
async fn ask_with(app: &TestApp, address: &str, cookie: &str, query: &str) -> Response {
    let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("X-Forwarded-For", address);
    request.header("Cookie", cookie).json(&json!({ "query": query })).send().await.unwrap()
}

async fn sign_in(app: &TestApp, address: &str) -> Value {
    // Somebody else each time: guesses at one login get slower by themselves.
    let login = address.replace([':', '.', ',', ' '], "-");
    let query = format!(
        "mutation {{ signIn(input: {{login: \"{login}\", password: \"wrong\"}}) {{ \
         errors {{ code ... on RateLimited {{ retryAfterSeconds }} }} }} }}"
    );
    let answer: Value = ask(app, address, &query).await.json().await.unwrap();
    answer["data"]["signIn"]["errors"][0].clone()
}

pub async fn a_network_signs_in_as_one_address_does(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    for last in 1..=20 {
        let refused = sign_in(&app, &format!("2001:db8:1:2::{last:x}")).await;
        assert_ne!(refused["code"], "RATE_LIMITED", "guess {last}: {refused}");
    }
    let refused = sign_in(&app, "2001:db8:1:2:ffff::1").await;
    assert_eq!((&refused["code"], &refused["retryAfterSeconds"]), (&json!("RATE_LIMITED"), &json!(3)), "{refused}");
    // What a client claims to have come from stands further left, and is not believed.
    let refused = sign_in(&app, "192.0.2.9, 2001:db8:1:2::1").await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    for other in ["2001:db8:1:3::1", "192.0.2.1"] {
        assert_ne!(sign_in(&app, other).await["code"], "RATE_LIMITED", "{other}");
    }
    app.clock.advance(Duration::from_secs(3));
    assert_ne!(sign_in(&app, "2001:db8:1:2::1").await["code"], "RATE_LIMITED");
}

pub async fn a_guest_asks_so_often_and_is_told_when_again(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    for _ in 0..600 {
        assert_eq!(ask(&app, "192.0.2.1", ALIVE).await.status(), StatusCode::OK);
    }
    let refused = ask(&app, "192.0.2.1", ALIVE).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(ask(&app, "192.0.2.2", ALIVE).await.status(), StatusCode::OK);
    // Files are asked for out of the same bucket.
    let file = reqwest::Client::new().get(format!("{}/directory/demo.json", app.url));
    let refused = file.header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

/// The cookies with which a page greets a browser at this address that sends `cookie`.
async fn greeted(app: &TestApp, address: &str, cookie: &str) -> Vec<String> {
    let page = reqwest::Client::new().get(&app.url).header("X-Forwarded-For", address).header("Cookie", cookie);
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let given = page.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    let given: Vec<String> = given.collect();
    let caching = page.headers()["cache-control"].to_str().unwrap();
    assert_eq!((caching, &page.headers()["vary"]), ("private, no-cache", &"accept-encoding".parse().unwrap()));
    given
}

pub async fn browsers_behind_one_address_do_not_stand_in_each_others_way(app: TestApp) {
    let proxied = app.behind_trusted_proxy().await;
    let (camp, elsewhere) = ("192.0.2.1", "192.0.2.2");
    let status = async |address: &str, cookie: &str| ask_with(&proxied, address, cookie, ALIVE).await.status();
    let given = greeted(&proxied, camp, "").await;
    let (cookie, attributes) = given[0].split_once("; ").unwrap();
    assert_eq!((given.len(), attributes), (1, "Path=/; HttpOnly; SameSite=Lax; Secure"), "{given:?}");
    assert!(cookie.starts_with("__Host-switchboard-browser="), "{cookie}");
    // Who is known is not greeted again.
    assert_eq!(greeted(&proxied, camp, cookie).await, Vec::<String>::new());
    for _ in 0..600 {
        assert_eq!(status(camp, "").await, StatusCode::OK);
    }
    assert_eq!(status(camp, "").await, StatusCode::TOO_MANY_REQUESTS);
    // Who comes later is greeted all the same.
    let other = greeted(&proxied, camp, "").await[0].split_once(';').unwrap().0.to_owned();
    for _ in 0..600 {
        assert_eq!(status(camp, cookie).await, StatusCode::OK);
    }
    assert_eq!(status(camp, cookie).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(elsewhere, cookie).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(camp, &format!("a=b; {other}")).await, StatusCode::OK);
    // One that was made up counts for nothing.
    let end = other.len() - 1;
    let altered = format!("{}{}", &other[..end], if other.ends_with('A') { 'Q' } else { 'A' });
    for made_up in [altered.as_str(), "__Host-switchboard-browser=AAAA", "__Host-switchboard-browser=%", &other[..end]]
    {
        assert_eq!(status(camp, made_up).await, StatusCode::TOO_MANY_REQUESTS, "{made_up}");
    }
    // From this machine itself no rate holds, and no cookie is given.
    assert_eq!(greeted(&app, camp, "").await, Vec::<String>::new());
}
