//! `registerAccount` and `verifyEmail`.

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

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
