//! The client of the API.

use serde_json::{Value, json};

use super::{EventStream, Response, TestApp};

/// Everything that a payload's errors can hold.
const ERRORS: &str = "errors { code path message rule values ... on NumberUnavailable { suggestions } \
    ... on StaleVersion { currentVersion } ... on InvalidTransition { from to } ... on GroupLoop { cycle } \
    ... on RateLimited { retryAfterSeconds } }";

/// An HTTP client of one server, with a session token, with an API key or without credentials.
#[derive(Clone)]
pub struct ApiClient {
    pub url: String,
    pub token: Option<String>,
    /// The client's address in the words of a proxy, for a server that trusts one.
    forwarded_for: Option<String>,
    http: reqwest::Client,
}

impl ApiClient {
    /// A client of the server at this URL.
    pub fn new(url: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder().user_agent("suite").build().unwrap();
        Self { url: url.to_owned(), token: token.map(str::to_owned), forwarded_for: None, http }
    }

    /// The same connections with requests that a proxy forwards for this address.
    pub fn forwarded_for(&self, address: &str) -> Self {
        Self { forwarded_for: Some(address.to_owned()), ..self.clone() }
    }

    /// The same connections with another credential.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The session token or API key, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A GET request.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// A HEAD request.
    pub fn head(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::HEAD, path)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(address) = &self.forwarded_for {
            request = request.header("x-forwarded-for", address);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Runs an operation and returns the whole GraphQL response.
    pub async fn execute(&self, operation: &str, variables: Value) -> Value {
        self.execute_with_key(operation, variables, None).await
    }

    /// Runs an operation that must succeed and returns the value of its one field.
    pub async fn execute_ok(&self, operation: &str, variables: Value) -> Value {
        let body = self.execute(operation, variables).await;
        assert!(body["errors"].is_null(), "{operation}: {body}");
        let field = body["data"].as_object().unwrap().values().next().unwrap().clone();
        assert!(field["errors"].is_null() || field["errors"] == json!([]), "{operation}: {field}");
        field
    }

    /// Runs an operation under an idempotency key.
    pub async fn execute_with_key(&self, operation: &str, variables: Value, idempotency_key: Option<&str>) -> Value {
        self.try_execute(operation, variables, idempotency_key).await.unwrap()
    }

    /// Runs an operation on a server that may stop before it responds.
    ///
    /// # Errors
    ///
    /// When the connection fails or ends early.
    pub async fn try_execute(
        &self,
        operation: &str,
        variables: Value,
        idempotency_key: Option<&str>,
    ) -> reqwest::Result<Value> {
        let mut request = self.post(&json!({ "query": operation, "variables": variables }));
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await?.json().await
    }

    /// Runs a query of one field, without variables.
    pub async fn query(&self, query: &str) -> Response {
        Response::new(self.execute(query, json!({})).await)
    }

    /// Runs a query of one field.
    pub async fn query_with(&self, query: &str, variables: Value) -> Response {
        Response::new(self.execute(query, variables).await)
    }

    /// Runs a mutation and selects these fields of its payload; the errors are always selected.
    pub async fn mutate(&self, mutation: &str, input: Value, selection: &str) -> Response {
        self.mutate_with_key(None, mutation, input, selection).await
    }

    /// Runs a mutation under an idempotency key.
    pub async fn mutate_with_key(
        &self,
        idempotency_key: Option<&str>,
        mutation: &str,
        input: Value,
        selection: &str,
    ) -> Response {
        let (first, rest) = mutation.split_at(1);
        let operation = format!(
            "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {selection} {ERRORS} }} }}",
            first.to_uppercase()
        );
        Response::new(self.execute_with_key(&operation, json!({ "input": input }), idempotency_key).await)
    }

    /// Opens a subscription.
    pub async fn subscribe(&self, subscription: &str) -> EventStream {
        let request = self.post(&json!({ "query": subscription })).header("accept", "text/event-stream");
        EventStream::new(request.send().await.unwrap())
    }

    /// Posts a body, which need not be valid, to the GraphQL endpoint and returns the status and the response.
    pub async fn post_raw(&self, body: Vec<u8>) -> (u16, Value) {
        let response = self.post(&Value::Null).body(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::POST, "/graphql").json(body)
    }
}

/// A caller of an application under test: a guest, the holder of a session or the holder of an API key.
#[derive(Clone)]
pub struct Actor {
    pub app: TestApp,
    pub client: ApiClient,
}

impl std::ops::Deref for Actor {
    type Target = ApiClient;

    fn deref(&self) -> &ApiClient {
        &self.client
    }
}
