//! What an account may do at this instant.
//!
//! The table is the accounts' own. This narrow query is the exception that knows it from below: a permit is made inside the
//! transaction, from the role that the database has then, and accounts themselves are changed under permits.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;

use super::Role;
use crate::ids::AccountId;
use crate::query;
use crate::store::Conn;
use crate::store::schema::accounts;

/// The account's role as it is now; `None` when the account is gone.
pub async fn current_role(conn: &mut Conn, account: AccountId) -> QueryResult<Option<Role>> {
    query!(conn, |c| accounts::table
        .find(account)
        .filter(accounts::deleted_at.is_null())
        .select(accounts::role)
        .get_result(c)
        .await
        .optional())
}
