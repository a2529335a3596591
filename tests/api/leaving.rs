//! Taking one's data along, and leaving for good.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard::{accounts, extensions, ids::AccountId, numbers};

use super::actors::{newcomer, system};
use crate::support::{Actor, TestApp, error_code};

const LEAVE: &str = "mutation($p: String!) { deleteAccount(input: {password: $p}) { accepted errors { code path } } }";

async fn leave(person: &Actor, password: &str) -> Value {
    person.execute(LEAVE, json!({ "p": password })).await["data"]["deleteAccount"].clone()
}

async fn export(person: &Actor) -> Value {
    let answer = person.execute("{ exportMyData }", json!({})).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["exportMyData"].clone()
}

async fn viewer_id(person: &Actor) -> AccountId {
    let seen = person.execute("{ viewer { id } }", json!({})).await;
    AccountId::from_global(seen["data"]["viewer"]["id"].as_str().unwrap()).unwrap()
}

async fn state(person: &Actor, number: &str) -> Value {
    let query = "query($n: PhoneNumber!) { number(event: \"demo\", number: $n) { state } }";
    person.execute(query, json!({ "n": number })).await["data"]["number"]["state"].clone()
}

pub async fn an_account_is_deleted_with_all_that_is_personal(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let trillian = newcomer(&app, "trillian").await;
    let id = viewer_id(&trillian).await;
    let generated = trillian.registers("sip", "2342").await["generated"].clone();
    assert!(generated["password"].is_string(), "{generated}");
    let reserve = "mutation { reserveNumber(input: {event: \"demo\", number: \"2400\", owner: \"trillian\"}) { errors { code } } }";
    operator.execute(reserve, json!({})).await;
    let wrong = leave(&trillian, "wrong horse").await;
    assert_eq!(
        wrong,
        json!({ "accepted": false, "errors": [{ "code": "CREDENTIALS_REJECTED", "path": ["password"] }] })
    );
    assert_eq!(state(&trillian, "2342").await, "IN_SERVICE");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(leave(&trillian, "correct horse").await, json!({ "accepted": true, "errors": [] }));

    let after = trillian.execute("{ viewer { username } }", json!({})).await;
    assert_eq!(after["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let mail = app.newest_mail().await;
    assert!(mail.contains("To: trillian@example.org") && mail.contains("your account was deleted"), "{mail}");
    assert_eq!((state(&operator, "2342").await, state(&operator, "2400").await), (json!("HELD"), json!("AVAILABLE")));
    let gone = operator
        .execute("{ account(username: \"trillian\") { id } accounts(search: \"trillian\") { totalCount } }", json!({}))
        .await;
    assert_eq!(gone["data"], json!({ "account": null, "accounts": { "totalCount": 0 } }));
    let audit = "{ auditEvents(actor: \"trillian\", action: \"deleteAccount\") { nodes { summary } } }";
    let audit = operator.execute(audit, json!({})).await;
    assert_eq!(audit["data"]["auditEvents"]["nodes"][0]["summary"], "trillian deleted the account", "{audit}");
    what_is_left_is_a_pseudonym(&app, id).await;

    let sign_in =
        "mutation($l: String!) { signIn(input: {login: $l, password: \"correct horse\"}) { token errors { code } } }";
    for login in ["trillian", "trillian@example.org"] {
        let refused = app.guest().execute(sign_in, json!({ "l": login })).await;
        assert_eq!(error_code(&refused["data"]["signIn"]), "CREDENTIALS_REJECTED");
    }
    let register = "mutation($u: String!) { registerAccount(input: {username: $u, displayName: \"T\", email: \"trillian@example.org\", password: \"correct horse\"}) { errors { code path } } }";
    let taken = app.guest().execute(register, json!({ "u": "trillian" })).await;
    assert_eq!(taken["data"]["registerAccount"]["errors"], json!([{ "code": "ALREADY_EXISTS", "path": ["username"] }]));
    app.guest().execute(register, json!({ "u": "tricia" })).await;
    let verify = "mutation($t: String!) { verifyEmail(input: {token: $t}) { account { username } errors { code } } }";
    let verified = app.guest().execute(verify, json!({ "t": app.mailed_token().await })).await;
    assert_eq!(
        verified["data"]["verifyEmail"]["account"]["username"], "tricia",
        "the address is free again: {verified}"
    );
}

async fn what_is_left_is_a_pseudonym(app: &TestApp, id: AccountId) {
    let mut conn = app.app.services.store.read().await.unwrap();
    let account = accounts::queries::by_id(&mut conn, id).await.unwrap().unwrap();
    assert!(account.deleted_at.is_some());
    let rest = (
        account.display_name.as_str(),
        account.email.as_str(),
        account.password_hash.as_str(),
        account.search.as_str(),
    );
    assert_eq!(rest, ("trillian", "", "", ""));
    assert!(accounts::proof_queries::sessions_of(&mut conn, id, account.created_at).await.unwrap().is_empty());
    assert!(accounts::proof_queries::mail_tokens_of(&mut conn, id).await.unwrap().is_empty());
    assert!(extensions::queries::of_owner(&mut conn, id).await.unwrap().is_empty(), "and their secrets with them");
    let numbers = numbers::queries::of_account(&mut conn, id).await.unwrap();
    assert_eq!(
        numbers.iter().map(|row| row.number.as_str()).collect::<Vec<_>>(),
        ["2342"],
        "held, until the hold is over"
    );
    drop(conn);
    app.clock.advance(Duration::from_secs(1801));
    numbers::rules::settle_due(&app.app.services).await.unwrap();
    let mut conn = app.app.services.store.read().await.unwrap();
    assert!(numbers::queries::of_account(&mut conn, id).await.unwrap().is_empty());
}

pub async fn the_feeds_are_told_of_a_deletion(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let trillian = newcomer(&app, "trillian").await;
    let (sip, groups) = (system(&admin, "READ_CONFIG", "sip").await, system(&admin, "READ_CONFIG", "group").await);
    trillian.registers("sip", "2342").await;
    trillian.registers("sip", "2343").await;
    let group = user.registers("group", "2400").await["extension"]["id"].clone();
    let invite =
        "mutation($g: ID!) { inviteToGroup(input: {group: $g, number: \"2342\"}) { member { id } errors { code } } }";
    let member = user.execute(invite, json!({ "g": group })).await["data"]["inviteToGroup"]["member"]["id"].clone();
    let accept = "mutation($m: ID!) { acceptGroupInvitation(input: {id: $m}) { errors { code } } }";
    let accepted = trillian.execute(accept, json!({ "m": member })).await;
    assert_eq!(error_code(&accepted["data"]["acceptGroupInvitation"]), "none", "{accepted}");
    let (sip_head, groups_head) = (sip.head().await, groups.head().await);
    assert_eq!(leave(&trillian, "correct horse").await["accepted"], true);
    let mut removed = sip.changes(&sip_head).await;
    removed.sort_by_key(|change| change["keys"][0]["number"].to_string());
    let removal = |number: &str| json!({ "__typename": "FeedRemoval", "keys": [{ "number": number }] });
    assert_eq!(removed, [removal("2342"), removal("2343")]);
    let upsert = json!({ "__typename": "FeedUpsert", "extension": { "number": "2400", "members": [] } });
    assert_eq!(groups.changes(&groups_head).await, [upsert]);
}

pub async fn who_may_not_leave_is_told_why(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    assert_eq!(error_code(&leave(&admin, "numberwang").await), "LAST_ADMIN");
    app.sign_in("admin", "numberwang").await;
    let guest = app.guest().execute(LEAVE, json!({ "p": "numberwang" })).await;
    assert_eq!(guest["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let pbx = system(&admin, "READ_SECRETS", "sip").await;
    let refused = pbx.key.execute(LEAVE, json!({ "p": "numberwang" })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let promote = "mutation { setRole(input: {username: \"operator\", role: ADMIN}) { errors { code } } }";
    admin.execute(promote, json!({})).await;
    assert_eq!(leave(&admin, "numberwang").await["accepted"], true);
}

pub async fn an_export_holds_ones_own_data_and_nobody_elses(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let made = user.registers("sip", "2342").await;
    operator.registers("sip", "2343").await;
    let reserve =
        "mutation { reserveNumber(input: {event: \"demo\", number: \"2400\", owner: \"user\"}) { errors { code } } }";
    operator.execute(reserve, json!({})).await;
    let bar =
        "mutation { barNumber(input: {event: \"demo\", number: \"2342\", reason: \"too loud\"}) { errors { code } } }";
    operator.execute(bar, json!({})).await;
    let data = export(&user).await;
    let account = &data["account"];
    let name = (&account["username"], &account["email"], &account["role"]);
    assert_eq!(name, (&json!("user"), &json!("user@example.org"), &json!("USER")), "{data}");
    let extension = &data["extensions"][0];
    assert_eq!(extension["id"], made["extension"]["id"]);
    assert_eq!((&extension["number"], &extension["label"]), (&json!("2342"), &json!("Test")));
    assert_eq!(extension["parameters"], json!({ "codec": "PCMA", "max_contacts": 2 }));
    assert_eq!(extension["credentials"], made["generated"]);
    let kept: Vec<_> = data["numbers"].as_array().unwrap().iter().map(|row| (&row["number"], &row["state"])).collect();
    assert_eq!(kept, [(&json!("2342"), &json!("IN_SERVICE")), (&json!("2400"), &json!("RESERVED"))]);
    assert_eq!(data["numbers"][0]["restrictions"][0]["reason"], "too loud");
    assert_eq!(data["numberHistory"].as_array().unwrap().len(), 2, "{data}");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    let actions: Vec<_> = data["audit"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"registerExtension") && actions.contains(&"exportMyData"), "{actions:?}");
    let text = data.to_string();
    for other in ["operator", "\"2343\"", "Front Desk"] {
        assert!(!text.contains(other), "{other} is somebody else's: {data}");
    }
    app.clock.advance(Duration::from_secs(16 * 60));
    assert!(export(&user).await["extensions"][0]["credentials"].is_null(), "secrets need a recent sign-in");
    let theirs = export(&operator).await;
    assert_eq!(theirs["extensions"].as_array().unwrap().len(), 13, "an operator's own, not all that an operator sees");
    assert!(!theirs.to_string().contains("user@example.org"));
    let guest = app.guest().execute("{ exportMyData }", json!({})).await;
    assert_eq!(guest["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let pbx = system(&app.sign_in("admin", "numberwang").await, "READ_SECRETS", "sip").await;
    assert_eq!(pbx.key.execute("{ exportMyData }", json!({})).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
