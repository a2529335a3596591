//! Queries over many extensions: for import, export and resealing of secrets.

use std::collections::BTreeMap;

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, QueryResult,
    SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{Extension, OwnedExtension};

pub use super::queries::{index, save, set_permissions, set_unique_values};
use super::search::SearchTerms;
use platform::access::Permit;
use platform::ids::{CallPermissionId, EventId, ExtensionId, ServiceTypeId};
use platform::insert_rows;
use platform::query;
use platform::store::schema::{
    accounts, directory_terms, events, extension_permissions, extension_unique_values, extensions,
};
use platform::store::types::Id;
use platform::store::{CHUNK, Conn};
use service_types::unique_values::UniqueValue;

/// The extensions of these numbers of an event.
pub async fn by_numbers(conn: &mut Conn, event: EventId, numbers: &[&str]) -> QueryResult<Vec<Extension>> {
    let mut found = Vec::new();
    for chunk in numbers.chunks(CHUNK) {
        let rows: Vec<Extension> = query!(&mut *conn, |c| extensions::table
            .filter(extensions::event_id.eq(event))
            .filter(extensions::number.eq_any(chunk))
            .select(Extension::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// All extensions of a service type, oldest first.
pub async fn of_service_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<OwnedExtension>> {
    query!(conn, |c| extensions::table
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(extensions::service_type_id.eq(service_type))
        .order(extensions::id)
        .select((Extension::as_select(), accounts::username))
        .load(c)
        .await)
}

/// All extensions of an event.
pub async fn all_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<OwnedExtension>> {
    query!(conn, |c| extensions::table
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(extensions::event_id.eq(event))
        .select((Extension::as_select(), accounts::username))
        .load(c)
        .await)
}

/// The fallbacks between extensions of an event, as edges `(from, to)`.
pub async fn fallbacks_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<(ExtensionId, ExtensionId)>> {
    query!(conn, |c| extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::fallback_extension_id.is_not_null())
        .select((extensions::id, extensions::fallback_extension_id.assume_not_null()))
        .load(c)
        .await)
}

/// The call permissions of these extensions, as `(extension, permission)`.
pub async fn granted_to(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, CallPermissionId)>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(ExtensionId, CallPermissionId)> = query!(&mut *conn, |c| extension_permissions::table
            .filter(extension_permissions::extension_id.eq_any(chunk))
            .select((extension_permissions::extension_id, extension_permissions::permission_id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The extensions that have any of these unique values.
pub async fn holders_of_values(
    conn: &mut Conn,
    values: &[&UniqueValue],
) -> QueryResult<Vec<(UniqueValue, ExtensionId)>> {
    let mut by_parameter = BTreeMap::<(Id, &str), Vec<&str>>::new();
    for UniqueValue { scope, parameter, value } in values {
        by_parameter.entry((*scope, parameter.as_str())).or_default().push(value.as_str());
    }
    let mut found = Vec::new();
    for ((scope, parameter), values) in by_parameter {
        for chunk in values.chunks(CHUNK) {
            let rows: Vec<(String, ExtensionId)> = query!(&mut *conn, |c| extension_unique_values::table
                .filter(extension_unique_values::scope_id.eq(scope))
                .filter(extension_unique_values::parameter.eq(parameter))
                .filter(extension_unique_values::value.eq_any(chunk))
                .select((extension_unique_values::value, extension_unique_values::extension_id))
                .load(c)
                .await)?;
            let value = |value| UniqueValue { scope, parameter: parameter.to_owned(), value };
            found.extend(rows.into_iter().map(|(text, holder)| (value(text), holder)));
        }
    }
    Ok(found)
}

/// The sealed secrets of an extension.
#[derive(diesel::Queryable)]
pub struct SealedSecrets {
    pub id: ExtensionId,
    pub secrets: Vec<u8>,
}

/// A page of the sealed secrets of an event's extensions after `after`, ordered by id.
pub async fn sealed_secrets(
    conn: &mut Conn,
    event: EventId,
    after: Option<ExtensionId>,
    limit: i64,
) -> QueryResult<Vec<SealedSecrets>> {
    query!(conn, |c| {
        let mut rows = extensions::table
            .filter(extensions::event_id.eq(event))
            .filter(extensions::secrets.is_not_null())
            .select((extensions::id, extensions::secrets.assume_not_null()))
            .into_boxed();
        if let Some(after) = after {
            rows = rows.filter(extensions::id.gt(after));
        }
        rows.order(extensions::id).limit(limit).load(c).await
    })
}

/// Updates the resealed secrets of an extension without a new version.
pub async fn save_secrets(conn: &mut Conn, _: &Permit, id: ExtensionId, sealed: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::update(extensions::table.find(id))
        .set(extensions::secrets.eq(Some(sealed)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Allocates consecutive slots of an event and returns the first.
pub async fn next_slots(conn: &mut Conn, _: &Permit, event: EventId, count: i32) -> QueryResult<i32> {
    let next: i32 = query!(conn, |c| diesel::update(events::table.find(event))
        .set(events::next_slot.eq(events::next_slot + count))
        .returning(events::next_slot)
        .get_result(c)
        .await)?;
    Ok(next - count)
}

/// Sets the fallback of an extension: an extension, or a number outside the event.
pub async fn set_fallback(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    extension: Option<ExtensionId>,
    number: Option<&str>,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(extensions::table.find(id))
        .set((extensions::fallback_extension_id.eq(extension), extensions::fallback_number.eq(number)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Inserts extensions.
pub async fn insert_all(conn: &mut Conn, _: &Permit, rows: &[Extension]) -> QueryResult<()> {
    insert_rows!(conn, rows, |values| diesel::insert_into(extensions::table).values(values));
    Ok(())
}

/// A search term of an extension: a word, or the keypad digits that spell it.
#[derive(diesel::Insertable)]
#[diesel(table_name = directory_terms)]
struct Term<'a> {
    event_id: EventId,
    kind: &'static str,
    term: String,
    number: &'a str,
    extension_id: ExtensionId,
}

/// Inserts the search terms of extensions that have none.
pub async fn index_all(conn: &mut Conn, _: &Permit, rows: &[Extension]) -> QueryResult<()> {
    let mut all = Vec::new();
    for row in rows {
        let SearchTerms { words, keypad } = SearchTerms::of_label(&row.label);
        let words = words.into_iter().map(|term| ("WORD", term));
        all.extend(words.chain(keypad.into_iter().map(|term| ("KEYPAD", term))).map(|(kind, term)| Term {
            event_id: row.event_id,
            kind,
            term,
            number: &row.number,
            extension_id: row.id,
        }));
    }
    insert_rows!(conn, &all[..], |terms| diesel::insert_into(directory_terms::table)
        .values(terms)
        .on_conflict_do_nothing());
    Ok(())
}

/// A call permission of an extension.
#[derive(diesel::Insertable)]
#[diesel(table_name = extension_permissions)]
pub struct Grant {
    pub extension_id: ExtensionId,
    pub permission_id: CallPermissionId,
}

/// Inserts call permissions of extensions that have none.
pub async fn grant_all(conn: &mut Conn, _: &Permit, grants: &[Grant]) -> QueryResult<()> {
    insert_rows!(conn, grants, |rows| diesel::insert_into(extension_permissions::table).values(rows));
    Ok(())
}
