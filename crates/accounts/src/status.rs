//! The account status from which a permit is created.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::access::{AccountStatus, AccountStatusSource};
use platform::error::InternalError;
use platform::ids::AccountId;
use platform::store::Conn;
use restrictions::RestrictionEffect;

use crate::queries;

/// Reads the status of accounts from their rows and their restrictions.
pub struct AccountStatusReader;

impl AccountStatusSource for AccountStatusReader {
    fn account_status<'c>(
        &'c self,
        conn: &'c mut Conn,
        account: AccountId,
    ) -> BoxFuture<'c, Result<Option<AccountStatus>, InternalError>> {
        async move {
            let Some(role) = queries::role_of(conn, account).await? else { return Ok(None) };
            let restrictions = restrictions::of_account(conn, account).await?;
            let no_write = restrictions.into_iter().find(|restriction| restriction.has(RestrictionEffect::NoWrite));
            Ok(Some(AccountStatus { role, write_restriction: no_write.map(|restriction| restriction.reason) }))
        }
        .boxed()
    }
}
