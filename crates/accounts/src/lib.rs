//! Accounts of people: registration, sign-in, sessions, roles, bans, deletion and export of personal data.
//!
//! Usernames are public and never change. E-mail addresses are private, and unique once verified. Neither the content
//! nor the duration of a response reveals whether an address has an account.

pub mod actions;
pub mod hooks;
mod model;
mod queries;
pub mod rules;
mod session_queries;
mod status;
pub mod token;

pub use model::{Account, AccountSession, MailToken, MailTokenPurpose, Session};
pub use queries::{
    account_by_id, account_by_username, account_ids_by_username, count_accounts, has_accounts, list_accounts,
};
pub use session_queries::{
    delete_expired, mail_tokens_of_account, session_by_id, session_by_token, sessions_of_account, touch_session,
};
pub use status::AccountStatusReader;
