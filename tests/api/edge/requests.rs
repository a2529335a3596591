//! Requests as other programs send them: proxies, browsers with cookies of other servers, clients of other protocols.

use reqwest::StatusCode;
use reqwest::header::{COOKIE, HOST, HeaderValue, ORIGIN};
use serde_json::{Value, json};

use crate::support::{Scope, TestApp};

async fn post(app: &TestApp, headers: &[(&str, &[u8])], body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let mut request = reqwest::Client::new().post(format!("{}/graphql", app.url));
    request = request.header("Content-Type", "application/json").body(body);
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

const VIEWER: &str = "{\"query\":\"{ viewer { username } }\"}";

pub async fn cookies_and_headers_of_other_programs_do_not_matter(app: TestApp) {
    let token = app.user().await.client.token().unwrap().to_owned();
    let own = format!("__Host-switchboard={token}");
    let mixed = [b"theme=gr\xfcn; x=\"\xff\"; ".as_slice(), own.as_bytes(), b"; y=\xc3\xa4"].concat();
    let same_origin = ("Sec-Fetch-Site", b"same-origin".as_slice());
    for cookie in [b"theme=dunkel-gr\xfcn".as_slice(), b"theme=gr\xc3\xbcn; =; ;;a"] {
        let (status, body) = post(&app, &[("Cookie", cookie), same_origin], VIEWER).await;
        assert_eq!((status, &body["data"]["viewer"]), (StatusCode::OK, &Value::Null), "{body}");
    }
    let (_, body) = post(&app, &[("Cookie", &mixed), same_origin], VIEWER).await;
    assert_eq!(body["data"]["viewer"]["username"], "user", "{body}");
    for (name, value) in [("X-Forwarded-For", b"\xfc".as_slice()), ("User-Agent", b"\xfc"), ("Forwarded", b"\xff")] {
        let (status, body) = post(&app, &[(name, value)], VIEWER).await;
        assert_eq!((status, &body["errors"]), (StatusCode::OK, &Value::Null), "{name}: {body}");
    }
    // Files read the same cookies.
    let file = reqwest::Client::new().get(format!("{}/directory/demo.json", app.url));
    let text =
        file.header(COOKIE, HeaderValue::from_bytes(&mixed).unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("Site Team"), "{text}");
}

pub async fn a_cookie_is_accepted_from_own_pages_only(app: TestApp) {
    let token = app.user().await.client.token().unwrap().to_owned();
    let get = |name: &'static str, value: &'static str| {
        let query = "query=%7Bviewer%7Busername%7D%7D";
        let request = reqwest::Client::new().get(format!("{}/graphql?{query}", app.url)).header(name, value);
        request.header(COOKIE, format!("__Host-switchboard={token}")).send()
    };
    let foreign = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("X-None", ""),
    ];
    for (name, value) in foreign {
        let refused = get(name, value).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    for own in ["same-origin", "none"] {
        assert_eq!(get("Sec-Fetch-Site", own).await.unwrap().status(), StatusCode::OK, "{own}");
    }
    let own = app.url.clone();
    let (_, body) = post(
        &app,
        &[(ORIGIN.as_str(), own.as_bytes()), ("Cookie", format!("__Host-switchboard={token}").as_bytes())],
        VIEWER,
    )
    .await;
    assert_eq!(body["data"]["viewer"]["username"], "user", "{body}");
}

pub async fn clients_of_persisted_queries_send_the_document_instead(app: TestApp) {
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } });
    let asked = json!({ "operationName": "A", "variables": {}, "extensions": hash }).to_string();
    for accept in ["application/json", "application/graphql-response+json, application/json;q=0.9"] {
        let (status, body) = post(&app, &[("Accept", accept.as_bytes())], asked.clone()).await;
        let error = &body["errors"][0];
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(error["message"], "PersistedQueryNotSupported", "{body}");
        assert_eq!(error["extensions"]["code"], "PERSISTED_QUERY_NOT_SUPPORTED", "{body}");
    }
    let encoded: String = hash.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let get = reqwest::get(format!("{}/graphql?operationName=A&extensions={encoded}", app.url)).await.unwrap();
    let body: Value = get.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_SUPPORTED", "{body}");
    let sent = json!({ "query": "query A { __typename }", "operationName": "A", "extensions": hash }).to_string();
    assert_eq!(post(&app, &[], sent).await.1["data"]["__typename"], "Query");
}

pub async fn bodies_of_other_programs_are_read(app: TestApp) {
    let unnamed = json!({ "query": "{ __typename }", "operationName": "" }).to_string();
    assert_eq!(post(&app, &[], unnamed).await.1["data"]["__typename"], "Query");
    let marked = format!("\u{feff}{VIEWER}");
    assert_eq!(
        post(&app, &[], marked).await,
        (StatusCode::OK, json!({ "data": { "viewer": null }, "extensions": { "cost": 2 } }))
    );
}

pub async fn a_document_has_every_escape_of_the_2025_text(app: TestApp) {
    let user = app.user().await;
    for (number, label) in [("2342", "\\uD83D\\uDE00 Zebra"), ("2343", "\\u{1F600} \\u{5A}ebra"), ("2344", "😀 Zebra")]
    {
        let mutation = format!(
            "mutation {{ registerExtension(input: {{ event: \"demo\", serviceType: \"sip\", number: \"{number}\", \
             label: \"{label}\" }}) {{ extension {{ label }} errors {{ message }} }} }}"
        );
        let registered = user.execute(&mutation, json!({})).await;
        assert_eq!(registered["data"]["registerExtension"]["extension"]["label"], "😀 Zebra", "{registered}");
    }
    for broken in ["\\uD83D", "\\uDE00\\uD83D", "\\u{110000}", "\\u{}", "\\u{D83D}"] {
        let body = user.execute(&format!("{{ directory(event: \"{broken}\") {{ totalCount }} }}"), json!({})).await;
        assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED", "{broken}: {body}");
    }
}

pub async fn unknown_paths_are_answered_with_the_error_of_their_neighbours(app: TestApp) {
    for path in [
        "/nowhere",
        "/e/",
        "/favicon.ico",
        "/assets/nothing.js",
        "/assets/%ff",
        "/graphiql/nothing.js",
        "/graphiql/%ff",
        "/directory/%ff.json",
        "/directory/%ff/phonebook.xml",
        "/directory/demo.exe",
        "/device/%ff",
        "/device/none/%ff.cfg",
        "/feed/%ff/sip",
        "/feed/demo/sip/%ff",
        "/render/demo/sip/%ff",
    ] {
        let response = app.operator().await.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(response.headers().contains_key("x-request-id"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        assert_eq!(body["error"]["code"], "NOT_FOUND", "{path}: {body}");
        assert!(body["error"]["message"].is_string(), "{path}: {body}");
    }
}

pub async fn every_response_has_the_headers_of_security(app: TestApp) {
    let plain = app.clone();
    let https = app.with_arguments(&["--public-url", "https://numbers.example.org"]).await;
    for path in [
        "/",
        "/me",
        "/assets/app.js",
        "/graphiql",
        "/graphql?query={__typename}",
        "/directory/demo.json",
        "/healthz",
        "/feed/demo/sip",
        "/nowhere",
    ] {
        for (app, transport) in [(&plain, None), (&https, Some("max-age=31536000"))] {
            let response = app.guest().get(path).send().await.unwrap();
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("strict-transport-security"), transport, "{path}");
            assert_eq!(header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
            assert_eq!(header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(header("referrer-policy"), Some("no-referrer"), "{path}");
            assert!(
                header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'")),
                "{path}"
            );
            if ["/", "/me", "/graphiql"].contains(&path) {
                assert_eq!(header("cross-origin-opener-policy"), Some("same-origin"), "{path}");
            }
        }
    }
}

pub async fn metrics_are_for_this_machine_and_for_their_own_scope(app: TestApp) {
    let admin = app.admin().await;
    let (reader, other) = (
        admin.creates_key(&[Scope::ReadMetrics], &["sip"]).await,
        admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await,
    );
    let get = || reqwest::Client::new().get(format!("{}/metrics", app.url));
    assert_eq!(get().send().await.unwrap().status(), StatusCode::OK);
    let strangers = [
        get().header("X-Forwarded-For", "203.0.113.9"),
        get().header("Forwarded", "for=203.0.113.9"),
        get().header(HOST, "rebound.example.org"),
        get().header("Via", "1.1 proxy").bearer_auth(other.client.token().unwrap()),
        get().header("Via", "1.1 proxy").bearer_auth(admin.client.token().unwrap()),
    ];
    for (index, request) in strangers.into_iter().enumerate() {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{index}");
    }
    let scraped = get().header("X-Forwarded-For", "203.0.113.9").bearer_auth(reader.client.token().unwrap());
    let scraped = scraped.send().await.unwrap();
    assert_eq!(scraped.status(), StatusCode::OK);
    assert!(scraped.text().await.unwrap().contains("switchboard_accounts "));
    let unknown = get().header("Via", "1.1 proxy").bearer_auth("swb_none").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
}

pub async fn a_subscription_of_staff_ends_with_their_role(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let mut changes = operator.subscribe("subscription { directoryChanged(event: \"demo\") { slug } }").await;
    admin.mutate("setRole", json!({ "username": "operator", "role": "USER" }), "").await.ok();
    app.user().await.registers("sip", "2342").await.ok();
    let mut body = changes.next().await;
    while body["errors"].is_null() {
        body = changes.next().await;
    }
    assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN", "{body}");
}
