//! A thousand known secrets go in, through every door that takes or makes one; then none may be found in what the program
//! leaves behind: the log, the database's files with the write-ahead log, and so in the audit, the idempotency records and the
//! feed's rows. Looked for is each as it is, in hexadecimal and in base64.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use futures_util::StreamExt as _;
use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Value, json};
use switchboard::clock::{Rng, SystemRng};

use crate::program::Installation;
use crate::support::{ApiClient, Database};

/// How many requests are under way at once.
const AT_ONCE: usize = 4;
/// What is to be found: it proves that the search finds.
const LABEL: &str = "Canary in the open";

const CARDS: usize = 350;
const PASSWORDS: usize = 200;
const ACCOUNTS: usize = 25;
const KEYS: usize = 25;
const REFUSED: usize = 25;

fn fresh() -> String {
    let rng: &dyn Rng = &SystemRng;
    hex::encode(rng.bytes::<16>())
}

/// The story, on one database.
pub async fn no_secret_is_left_behind(folder: Arc<tempfile::TempDir>, database: Database) {
    let installation = Installation { folder: folder.path().to_owned(), database };
    let program = installation.start("info,switchboard=trace,tower_http=trace").await;
    let (operator, admin) = (program.sign_in("operator").await, program.sign_in("admin").await);
    let mut secrets = Vec::new();
    secrets.extend(cards(&operator).await);
    secrets.extend(passwords(&operator).await);
    secrets.extend(accounts(&program.url, &admin).await);
    secrets.extend(keys(&admin).await);
    secrets.extend(refused(&operator).await);
    assert!(secrets.len() >= 1000, "{} secrets", secrets.len());
    read_back(&admin, &secrets).await;
    // The audit's chain and the mails run beside the requests.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    program.kill();
    let left = files(&installation);
    let (known, control) = (pattern(&secrets), Regex::new(LABEL).unwrap());
    let mut is_searched = false;
    for file in &left {
        let Ok(bytes) = std::fs::read(file) else { continue };
        is_searched |= control.is_match(&bytes);
        assert!(!known.is_match(&bytes), "a secret is in {}", file.display());
    }
    if let Database::Postgres(cluster, url) = &installation.database {
        let dump = cluster.dump(url);
        is_searched |= control.is_match(&dump);
        assert!(!known.is_match(&dump), "a secret is in a dump of the database");
    }
    assert!(is_searched, "the database was not searched");
    let log = std::fs::read_to_string(installation.log()).unwrap();
    assert!(log.lines().count() > 100, "the log was not written");
}

/// The keys of SIM cards, two each, which an operator brings along; every request is recorded for a repetition.
async fn cards(operator: &ApiClient) -> Vec<String> {
    let assign = "mutation($n: PhoneNumber!, $l: String!, $p: JSON!) { assignExtension(input: {event: \"demo\", serviceType: \"cellular\", number: $n, owner: \"user\", label: $l, parameters: $p}) \
                  { extension { id } errors { code message path } } }";
    let made = (0..CARDS).map(|place| async move {
        let (ki, opc) = (fresh(), fresh());
        let variables = json!({ "n": (2000 + place).to_string(), "l": LABEL, "p": { "ki": ki, "opc": opc } });
        let answer = operator.execute_with_key(assign, variables, Some(&format!("card-{place}"))).await;
        assert_eq!(answer["data"]["assignExtension"]["errors"], json!([]), "{answer}");
        [ki, opc]
    });
    let pairs: Vec<[String; 2]> = futures_util::stream::iter(made).buffer_unordered(AT_ONCE).collect().await;
    pairs.into_iter().flatten().collect()
}

/// SIP passwords that the server makes, each rotated once.
async fn passwords(operator: &ApiClient) -> Vec<String> {
    let register = "mutation($n: PhoneNumber!) { done: registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: \"x\"}) { extension { id } generated errors { code message } } }";
    let rotate = "mutation($i: ID!) { done: rotateSecret(input: {id: $i, parameter: \"password\"}) { generated errors { code message } } }";
    let made = (0..PASSWORDS / 2).map(|place| async move {
        let variables = json!({ "n": (3000 + place).to_string() });
        let first =
            operator.execute_with_key(register, variables, Some(&format!("sip-{place}"))).await["data"]["done"].clone();
        let rotated = operator
            .execute_with_key(rotate, json!({ "i": first["extension"]["id"] }), Some(&format!("rotate-{place}")))
            .await;
        let password =
            |done: &Value| done["generated"]["password"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
        [password(&first), password(&rotated["data"]["done"])]
    });
    let pairs: Vec<[String; 2]> = futures_util::stream::iter(made).buffer_unordered(AT_ONCE).collect().await;
    pairs.into_iter().flatten().collect()
}

/// Passwords of accounts and tokens of sessions.
async fn accounts(url: &str, admin: &ApiClient) -> Vec<String> {
    let register = "mutation($u: String!, $e: String!, $p: String!) { registerAccount(input: {username: $u, displayName: $u, email: $e, password: $p}) { errors { code message } } }";
    let sign_in =
        "mutation($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) { token errors { code } } }";
    let guest = ApiClient::new(url, None);
    let mut secrets = vec![admin.token.clone().unwrap()];
    for place in 0..ACCOUNTS {
        let (name, password) = (format!("canary{place}"), fresh());
        guest.execute_ok(register, json!({ "u": name, "e": format!("{name}@example.org"), "p": password })).await;
        let token = guest.execute_ok(sign_in, json!({ "l": name, "p": password })).await["token"].clone();
        secrets.extend([password, token.as_str().unwrap().to_owned()]);
    }
    secrets
}

/// Keys of systems: the part that is secret.
async fn keys(admin: &ApiClient) -> Vec<String> {
    let create = "mutation { createApiKey(input: {label: \"k\", scopes: [READ_SECRETS], serviceTypes: [\"sip\"], allEvents: true}) { secret errors { code } } }";
    let mut secrets = Vec::new();
    for _ in 0..KEYS {
        let key = admin.execute_ok(create, json!({})).await["secret"].as_str().unwrap().to_owned();
        secrets.push(key.splitn(3, '_').nth(2).unwrap().to_owned());
    }
    secrets
}

/// Secrets in requests that fail: wrong passwords, parameters that do not fit, documents that do not parse.
async fn refused(operator: &ApiClient) -> Vec<String> {
    let sign_in = "mutation($p: String!) { signIn(input: {login: \"nobody\", password: $p}) { errors { code } } }";
    let assign = "mutation($p: JSON!) { assignExtension(input: {event: \"demo\", serviceType: \"cellular\", number: \"3900\", owner: \"user\", label: \"x\", parameters: $p}) { errors { code message path } } }";
    let mut secrets = Vec::new();
    for place in 0..REFUSED {
        let secret = fresh();
        let (query, variables) = match place % 4 {
            0 => (sign_in.to_owned(), json!({ "p": secret })),
            1 => (assign.to_owned(), json!({ "p": { "ki": format!("{secret}00") } })),
            2 => (format!("mutation {{ signIn(input: {{login: \"x\", password: \"{secret}\""), json!({})),
            _ => (assign.to_owned(), json!({ "p": { secret.clone(): 1 }, "unknown": secret })),
        };
        let answer = operator.execute(&query, variables).await;
        let is_refused = answer["errors"].is_array()
            || answer["data"].as_object().unwrap().values().any(|field| field["errors"] != json!([]));
        assert!(is_refused, "{answer}");
        secrets.push(secret);
    }
    secrets
}

/// The secrets are where they belong: whoever may see them does, so that they passed through everything.
async fn read_back(admin: &ApiClient, secrets: &[String]) {
    let create = "mutation { createApiKey(input: {label: \"k\", scopes: [READ_SECRETS], serviceTypes: [\"sip\", \"cellular\"], allEvents: true}) { secret errors { code } } }";
    let key = ApiClient::new(&admin.url, admin.execute_ok(create, json!({})).await["secret"].as_str());
    let mut seen = String::new();
    for service_type in ["sip", "cellular"] {
        let query = format!(
            "{{ provisioning(event: \"demo\", serviceType: \"{service_type}\") {{ snapshot(first: 1000) {{ entries {{ secrets }} }} }} }}"
        );
        seen += &key.execute_ok(&query, json!({})).await.to_string();
    }
    let found = secrets.iter().filter(|secret| seen.contains(secret.as_str())).count();
    assert!(found >= 2 * CARDS + PASSWORDS / 2, "only {found} secrets can be read back");
}

/// Every file that the program and its database leave behind. The sealing key is no canary, and mails go to people.
fn files(installation: &Installation) -> Vec<PathBuf> {
    let mut files = Vec::new();
    gather(installation.folder(), &mut files);
    if let Database::Postgres(cluster, url) = &installation.database
        && let Some(data) = cluster.data()
    {
        cluster.checkpoint(url);
        gather(&data.join("base").join(cluster.oid(url)), &mut files);
        gather(&data.join("pg_wal"), &mut files);
        files.push(data.with_file_name("log"));
    }
    files
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => gather(&path, files),
            path => files.push(path),
        }
    }
}

/// Each secret as it is, in hexadecimal, and in base64 as far as its bytes are whole groups.
fn pattern(secrets: &[String]) -> Regex {
    let forms = secrets.iter().flat_map(|secret| {
        let whole = &secret.as_bytes()[..secret.len() / 3 * 3];
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(whole);
        [secret.clone(), hex::encode(secret), hex::encode_upper(secret), base64].map(|form| regex::escape(&form))
    });
    let forms: Vec<String> = forms.collect();
    RegexBuilder::new(&forms.join("|")).unicode(false).size_limit(1 << 30).build().unwrap()
}
