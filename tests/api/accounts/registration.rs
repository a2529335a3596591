//! `registerAccount` and `verifyEmail`.

use std::time::Duration;

use accounts::rules;
use serde_json::json;
use switchboard::background;

use crate::support::{PASSWORD, TestApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub async fn a_new_account_verifies_its_address_before_it_registers_numbers(app: TestApp) {
    let guest = app.guest();
    let registered = guest.registers_account("Arthur", "arthur@example.org").await;
    assert_eq!(registered["account"]["username"], "arthur", "{registered}");
    let arthur = app.sign_in("arthur", PASSWORD).await;
    assert_eq!(arthur.registers("sip", "2342").await.code(), "EMAIL_UNVERIFIED");
    let token = app.mailed_token("arthur@example.org").await;
    assert_eq!(guest.verifies_email(&token).await.code(), "none");
    assert_eq!(guest.verifies_email(&token).await.code(), "TOKEN_EXPIRED");
    assert_eq!(arthur.registers("sip", "2342").await.code(), "none");
}

pub async fn a_taken_email_address_gets_the_response_of_a_free_one(app: TestApp) {
    let taken = app.guest().registers_account("mallory", "user@example.org").await;
    let free = app.guest().registers_account("trillian", "trillian@example.org").await;
    assert_eq!((&taken["errors"], &free["errors"]), (&json!([]), &json!([])));
    assert_eq!(taken["account"]["email"], free["account"]["email"]);
    assert_eq!(app.guest().registers_account("USER", "other@example.org").await.code(), "ALREADY_EXISTS");
}

pub async fn a_mailbox_is_one_address_however_it_is_written(app: TestApp) {
    let registered = app.guest().registers_account("arthur", "arthur@EXÄMPLE.org").await;
    let token = app.mailed_token("arthur@xn--exmple-cua.org").await;
    assert_eq!(registered.code(), "none");
    app.guest().verifies_email(&token).await.ok();
    for login in ["arthur@exämple.org", "Arthur@xn--exmple-cua.org", "ARTHUR@EXÄMPLE.ORG"] {
        app.sign_in(login, PASSWORD).await;
    }
    app.guest().registers_account("mallory", "Arthur@xn--exmple-cua.ORG").await.ok();
    let mails = app.mails_to("arthur@xn--exmple-cua.org").await;
    assert_eq!(mails.iter().filter(|mail| mail.contains("#token=")).count(), 1, "{mails:?}");
}

pub async fn an_address_that_no_mail_can_be_sent_to_is_refused(app: TestApp) {
    let user = app.user().await;
    for email in ["\"a b\"@example.org", "a@[192.0.2.1]", "a@127.0.0.1", "zoë@example.org", "a@b@example.org"] {
        assert_eq!(app.guest().registers_account("arthur", email).await.refusal(), "INVALID at email", "{email}");
        assert_eq!(user.changes_email(email, PASSWORD).await.refusal(), "INVALID at email", "{email}");
    }
}

pub async fn names_of_staff_cannot_be_registered(app: TestApp) {
    for name in ["adm1n", "admin.", "r00t", "Support", "post_master"] {
        let refused = app.guest().registers_account(name, "arthur@example.org").await;
        assert_eq!(refused.refusal(), "ALREADY_EXISTS at username", "{name}");
    }
    assert_eq!(app.guest().registers_account("---", "arthur@example.org").await.refusal(), "INVALID at username");
}

pub async fn an_account_that_is_never_verified_is_removed(app: TestApp) {
    let guest = app.guest();
    for name in ["ghost", "named", "holder", "verified"] {
        guest.registers_account(name, &format!("{name}@example.org")).await.ok();
    }
    let token = app.mailed_token("verified@example.org").await;
    guest.verifies_email(&token).await.ok();
    // The audit has rows of this account under its name, and another account has a number.
    let named = app.sign_in("named", PASSWORD).await;
    named.mutate("updateProfile", json!({ "displayName": "Named" }), "account { id }").await.ok();
    app.sign_in("ghost", PASSWORD).await;
    app.operator().await.reserves("2400", "holder").await.ok();
    app.clock.advance(6 * DAY);
    background::prune(&app.app).await.unwrap();
    let exists = async |name: &str| {
        let query = format!("{{ account(username: \"{name}\") {{ username }} }}");
        app.operator().await.query(&query).await["username"] == *name
    };
    for name in ["ghost", "named", "holder", "verified"] {
        assert!(exists(name).await, "{name}");
    }
    app.clock.advance(2 * DAY);
    background::prune(&app.app).await.unwrap();
    assert_eq!((exists("ghost").await, exists("named").await), (false, false));
    assert_eq!((exists("holder").await, exists("verified").await), (true, true));
    assert!(!named.is_signed_in().await);
    let personal = app.select_text("SELECT email AS text FROM accounts WHERE username = 'named'").await;
    assert_eq!(personal, [""]);
    guest.registers_account("ghost", "other@example.org").await.ok();
    assert_eq!(guest.registers_account("named", "other@example.org").await.code(), "ALREADY_EXISTS");
}

pub async fn the_setup_link_is_printed_until_there_is_an_admin(app: TestApp) {
    assert!(rules::issue_setup_token(&app.app.services).await.unwrap().is_none());
    app.update_sql("UPDATE accounts SET role = 'USER' WHERE role = 'ADMIN'").await;
    // There are accounts, such as that of a stranger who registered before the setup.
    let token = rules::issue_setup_token(&app.app.services).await.unwrap().expect("there is no admin");
    let input = |username: &str| {
        json!({ "token": token.reveal().expose(), "username": username, "displayName": "First",
                "email": "first@example.org", "password": PASSWORD })
    };
    let created = app.guest().mutate("completeSetup", input("root"), "account { role }").await.ok();
    assert_eq!(created["account"]["role"], "ADMIN");
    let again = app.guest().mutate("completeSetup", input("second"), "account { role }").await;
    assert_eq!(again.refusal(), "TOKEN_EXPIRED at token");
    assert!(rules::issue_setup_token(&app.app.services).await.unwrap().is_none());
}

pub async fn of_concurrent_registrations_of_one_username_one_is_accepted(app: TestApp) {
    for round in 0..5 {
        let registrations = (0..4).map(|guest| {
            let guest = app.guest_at(&format!("192.0.2.{}", 10 + guest));
            tokio::spawn(async move {
                let email = format!("racer{round}@example.org");
                guest.registers_account(&format!("racer{round}"), &email).await.code().to_owned()
            })
        });
        let mut codes = Vec::new();
        for registration in registrations.collect::<Vec<_>>() {
            codes.push(registration.await.unwrap());
        }
        codes.sort();
        assert_eq!(codes, ["ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS", "none"]);
    }
}
