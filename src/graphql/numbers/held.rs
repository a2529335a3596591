//! The numbers that are held for an account.

use std::collections::HashMap;
use std::str::FromStr;

use async_graphql::Context;
use platform::ids::{AccountId, NumberId};

use super::{Number, NumberConnection};
use crate::graphql::context::{self, services};
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::paging::{Page, PageRows};

/// The cursor of a page: a number, and the id of its row, since several plans may have the same number.
struct After(String, NumberId);

impl FromStr for After {
    type Err = ();

    fn from_str(key: &str) -> Result<Self, ()> {
        let (number, id) = key.split_once(' ').ok_or(())?;
        Ok(Self(number.to_owned(), NumberId(id.parse().map_err(|_| ())?)))
    }
}

impl NumberConnection {
    /// A page of the numbers of all plans that are held for an account, ordered by number. The calling resolver checks that the
    /// account is visible.
    ///
    /// # Errors
    /// BAD_USER_INPUT for the cursor of another list; a database error.
    pub async fn held_for(
        ctx: &Context<'_>,
        account: AccountId,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Self, ApiError> {
        let page = Page::new("heldNumbers", first, after)?;
        let now = services(ctx)?.now();
        let after: Option<After> = page.after_as()?;
        let after = after.as_ref().map(|After(number, id)| (number.as_str(), *id));
        let rows = numbers::held_numbers(&mut *context::read(ctx).await?, account, now, after, page.limit()).await?;
        let page_rows = page.paginate(rows, |row| format!("{} {}", row.number, row.id.0));
        let (mut events, mut numbers) = (HashMap::new(), Vec::with_capacity(page_rows.rows.len()));
        for (cursor, row) in page_rows.rows {
            let event = match row.event_id {
                None => None,
                Some(id) => {
                    let known = match events.get(&id) {
                        Some(known) => Option::clone(known),
                        None => {
                            let known = Event::load_visible(ctx, id).await?;
                            events.insert(id, known.clone());
                            known
                        }
                    };
                    // Draft events are hidden from users, and so are their numbers.
                    let Some(known) = known else { continue };
                    Some(known)
                }
            };
            numbers.push((cursor, Number::from_row(event, row)));
        }
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let store = store.clone();
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                let count = numbers::count_held_numbers(&mut *store.read().await?, account, now).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        Ok(Self::new(PageRows { rows: numbers, page_info: page_rows.page_info }, total))
    }
}
