//! How often somebody may ask. What comes from this machine itself is not counted, so all of these come through a proxy.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::TestApp;

/// What the proxy answers whoever is at this address.
async fn ask(app: &TestApp, address: &str, query: &str) -> Response {
    let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("X-Forwarded-For", address);
    request.json(&json!({ "query": query })).send().await.unwrap()
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
    let app = app.behind_a_proxy().await;
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
    let app = app.behind_a_proxy().await;
    let alive = "{ __typename }";
    for _ in 0..600 {
        assert_eq!(ask(&app, "192.0.2.1", alive).await.status(), StatusCode::OK);
    }
    let refused = ask(&app, "192.0.2.1", alive).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(ask(&app, "192.0.2.2", alive).await.status(), StatusCode::OK);
    // Files are asked for out of the same bucket.
    let file = reqwest::Client::new().get(format!("{}/directory/demo.json", app.url));
    let refused = file.header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}
