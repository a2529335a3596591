//! A thousand known secrets go through every operation that takes or generates one. None of them may be in the log or
//! in the database's files with the write-ahead log, and so in the audit, the idempotency records or the feed. The
//! search covers each secret as it is, in hexadecimal and in base64.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures_util::StreamExt as _;
use platform::clock::{Rng, SystemRng};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::json;

use crate::program::Installation;
use crate::support::{ApiClient, Database, Scope, string};

/// How many requests run concurrently.
const CONCURRENCY: usize = 4;
/// A text that the search must find: it proves that the search covers the database.
const LABEL: &str = "Canary in the open";
/// How long the audit's sealing and the mails may take.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(10);

const CARDS: usize = 350;
const PASSWORDS: usize = 200;
const ACCOUNTS: usize = 25;
const KEYS: usize = 25;
const REFUSED: usize = 25;

/// A new secret of 32 hexadecimal digits.
fn new_secret() -> String {
    let rng: &dyn Rng = &SystemRng;
    hex::encode(rng.bytes::<16>())
}

pub async fn no_secret_is_stored_or_logged(folder: Arc<tempfile::TempDir>, database: Database) {
    let installation = Installation { folder: folder.path().to_owned(), database };
    let program = installation.start("info,switchboard=trace,tower_http=trace").await;
    let (operator, admin) = (program.sign_in("operator").await, program.sign_in("admin").await);
    let mut secrets = Vec::new();
    secrets.extend(card_keys(&operator).await);
    secrets.extend(generated_passwords(&operator).await);
    secrets.extend(account_passwords_and_tokens(&program.url, &admin).await);
    secrets.extend(api_keys(&admin).await);
    secrets.extend(secrets_of_refused_requests(&operator).await);
    assert!(secrets.len() >= 1000, "{} secrets", secrets.len());
    assert_readable(&admin, &secrets).await;
    wait_for_background_tasks(&installation).await;
    program.kill();
    let files = files(&installation);
    let (secrets, label) = (pattern(&secrets), Regex::new(LABEL).unwrap());
    let mut has_label = false;
    for file in &files {
        let Ok(bytes) = std::fs::read(file) else { continue };
        has_label |= label.is_match(&bytes);
        assert!(!secrets.is_match(&bytes), "a secret is in {}", file.display());
    }
    if let Database::Postgres(cluster, url) = &installation.database {
        let dump = cluster.dump(url);
        has_label |= label.is_match(&dump);
        assert!(!secrets.is_match(&dump), "a secret is in a dump of the database");
    }
    assert!(has_label, "the search does not cover the database");
    let log = std::fs::read_to_string(installation.log()).unwrap();
    assert!(log.lines().count() > 100, "the log is empty");
}

/// Waits until the mails of all new accounts are written, and one more second for the audit's sealing.
async fn wait_for_background_tasks(installation: &Installation) {
    let mails = installation.folder().join("mail");
    let began = Instant::now();
    while std::fs::read_dir(&mails).map_or(0, Iterator::count) < ACCOUNTS {
        assert!(began.elapsed() < BACKGROUND_TIMEOUT, "the mails were not sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Runs one operation a number with some concurrency, and returns the secrets.
async fn collect<const N: usize, F: Future<Output = [String; N]>>(
    count: usize,
    operation: impl Fn(usize) -> F,
) -> Vec<String> {
    let secrets: Vec<_> =
        futures_util::stream::iter((0..count).map(operation)).buffer_unordered(CONCURRENCY).collect().await;
    secrets.into_iter().flatten().collect()
}

/// The keys of SIM cards, two for each, which an operator enters. Every request has an idempotency key and is recorded.
async fn card_keys(operator: &ApiClient) -> Vec<String> {
    let assign = async |index: usize| {
        let (ki, opc) = (new_secret(), new_secret());
        let input = json!({ "event": "demo", "serviceType": "cellular", "number": (2000 + index).to_string(),
            "owner": "user", "label": LABEL, "parameters": { "ki": ki, "opc": opc } });
        let key = format!("card-{index}");
        operator.mutate_with_key(Some(&key), "assignExtension", input, "extension { id }").await.ok();
        [ki, opc]
    };
    collect(CARDS, assign).await
}

/// SIP passwords that the server generates: the first, and the one after a rotation.
async fn generated_passwords(operator: &ApiClient) -> Vec<String> {
    let generate = async |index: usize| {
        let input =
            json!({ "event": "demo", "serviceType": "sip", "number": (3000 + index).to_string(), "label": "x" });
        let (register_key, rotate_key) = (format!("sip-{index}"), format!("rotate-{index}"));
        let selection = "extension { id } generated";
        let registered = operator.mutate_with_key(Some(&register_key), "registerExtension", input, selection).await;
        let input = json!({ "id": registered.id(), "parameter": "password" });
        let rotated = operator.mutate_with_key(Some(&rotate_key), "rotateSecret", input, selection).await;
        [&registered, &rotated].map(|response| string(&response["generated"]["password"]).to_owned())
    };
    collect(PASSWORDS / 2, generate).await
}

/// Passwords of accounts and tokens of sessions.
async fn account_passwords_and_tokens(url: &str, admin: &ApiClient) -> Vec<String> {
    let guest = ApiClient::new(url, None);
    let mut secrets = vec![admin.token.clone().unwrap()];
    for index in 0..ACCOUNTS {
        let (name, password) = (format!("canary{index}"), new_secret());
        let email = format!("{name}@example.org");
        let input = json!({ "username": name, "displayName": name, "email": email, "password": password });
        guest.mutate("registerAccount", input, "").await.ok();
        let session = guest.mutate("signIn", json!({ "login": name, "password": password }), "token").await.ok();
        secrets.extend([password, string(&session["token"]).to_owned()]);
    }
    secrets
}

async fn create_api_key(admin: &ApiClient, service_types: &[&str]) -> String {
    let input =
        json!({ "label": "k", "scopes": [Scope::ReadSecrets], "serviceTypes": service_types, "allEvents": true });
    string(&admin.mutate("createApiKey", input, "secret").await.ok()["secret"]).to_owned()
}

/// The secret part of API keys.
async fn api_keys(admin: &ApiClient) -> Vec<String> {
    let mut secrets = Vec::new();
    for _ in 0..KEYS {
        let key = create_api_key(admin, &["sip"]).await;
        secrets.push(key.splitn(3, '_').nth(2).unwrap().to_owned());
    }
    secrets
}

/// Secrets in requests that fail: wrong passwords, invalid parameters, documents that do not parse.
async fn secrets_of_refused_requests(operator: &ApiClient) -> Vec<String> {
    let sign_in =
        "mutation($password: String!) { signIn(input: {login: \"nobody\", password: $password}) { errors { code } } }";
    let assign = "mutation($parameters: JSON!) { assignExtension(input: {event: \"demo\", serviceType: \"cellular\", \
                  number: \"3900\", owner: \"user\", label: \"x\", parameters: $parameters}) \
                  { errors { code message path } } }";
    let mut secrets = Vec::new();
    for index in 0..REFUSED {
        let secret = new_secret();
        let (operation, variables) = match index % 4 {
            0 => (sign_in.to_owned(), json!({ "password": secret })),
            1 => (assign.to_owned(), json!({ "parameters": { "ki": format!("{secret}00") } })),
            2 => (format!("mutation {{ signIn(input: {{login: \"x\", password: \"{secret}\""), json!({})),
            _ => (assign.to_owned(), json!({ "parameters": { secret.clone(): 1 }, "unknown": secret })),
        };
        let body = operator.execute(&operation, variables).await;
        let is_refused = body["errors"].is_array()
            || body["data"].as_object().unwrap().values().any(|payload| payload["errors"] != json!([]));
        assert!(is_refused, "{body}");
        secrets.push(secret);
    }
    secrets
}

/// Asserts that a key which may see the secrets does: they went through the whole application.
async fn assert_readable(admin: &ApiClient, secrets: &[String]) {
    let key = ApiClient::new(&admin.url, Some(&create_api_key(admin, &["sip", "cellular"]).await));
    let mut entries = String::new();
    for service_type in ["sip", "cellular"] {
        let query = format!(
            "{{ provisioning(event: \"demo\", serviceType: \"{service_type}\") {{ \
             snapshot(first: 1000) {{ entries {{ secrets }} }} }} }}"
        );
        entries += &key.query(&query).await.ok().to_string();
    }
    let readable = secrets.iter().filter(|secret| entries.contains(secret.as_str())).count();
    assert!(readable >= 2 * CARDS + PASSWORDS / 2, "only {readable} secrets can be read");
}

/// The files of the program and of its database. The sealing key holds none of the secrets, and neither do the mails.
fn files(installation: &Installation) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect_files(installation.folder(), &mut files);
    if let Database::Postgres(cluster, url) = &installation.database
        && let Some(data) = cluster.data()
    {
        cluster.checkpoint(url);
        collect_files(&data.join("base").join(cluster.oid(url)), &mut files);
        collect_files(&data.join("pg_wal"), &mut files);
        files.push(data.with_file_name("log"));
    }
    files
}

/// Adds all files under a folder.
fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => collect_files(&path, files),
            path => files.push(path),
        }
    }
}

/// Matches each secret as it is, in hexadecimal, and in base64 up to the last whole group of three bytes.
fn pattern(secrets: &[String]) -> Regex {
    let forms = secrets.iter().flat_map(|secret| {
        let whole_groups = &secret.as_bytes()[..secret.len() / 3 * 3];
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(whole_groups);
        [secret.clone(), hex::encode(secret), hex::encode_upper(secret), base64].map(|form| regex::escape(&form))
    });
    let forms: Vec<String> = forms.collect();
    RegexBuilder::new(&forms.join("|")).unicode(false).size_limit(1 << 30).build().unwrap()
}
