//! The source of extensions, the entities that every feed of a service type with parameters has.

mod content;
mod queries;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::error::Error;
use platform::feed_log::{EntityKind, Entry, FeedRef};
use platform::ids::{EntityId, ExtensionId};
use platform::store::Conn;

use self::content::ExtensionReader;
use crate::model::EntryContent;
use crate::source::{ContentReader, FeedSource, KeyHolders};

/// Supplies the content of extensions.
pub struct ExtensionSource;

impl FeedSource for ExtensionSource {
    fn kind(&self) -> EntityKind {
        EntityKind::new(ExtensionId::KIND)
    }

    fn contents<'t>(
        &'t self,
        conn: &'t mut Conn,
        reader: &'t ContentReader<'t>,
        entries: &'t [&'t Entry],
    ) -> BoxFuture<'t, Result<Vec<EntryContent>, Error>> {
        async move { ExtensionReader(reader).load(conn, entries).await }.boxed()
    }

    fn key_holders<'t>(
        &'t self,
        conn: &'t mut Conn,
        feed: FeedRef,
        numbers: &'t [&'t str],
        values: &'t [&'t str],
    ) -> BoxFuture<'t, Result<KeyHolders, Error>> {
        async move {
            let numbers = queries::holders_of_numbers(conn, feed, numbers).await?;
            let values = queries::holders_of_values(conn, feed, values).await?;
            Ok(KeyHolders {
                numbers: numbers.into_iter().map(|(number, id)| (number, EntityId(id.0))).collect(),
                values: values.into_iter().map(|row| ((row.parameter, row.value), EntityId(row.holder.0))).collect(),
            })
        }
        .boxed()
    }
}
