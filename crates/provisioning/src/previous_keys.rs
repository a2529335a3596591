//! The keys under which a consumer may still hold a record of a changed or deleted extension.
//!
//! A change lists every keyset that its extension had after the cursor's base, without the parts that another extension
//! of the same feed holds now: a system that deletes by such a key would delete the other extension. (A key held in
//! another feed does not count: a consumer's copy of this feed has the key only from this feed, and nothing is
//! guaranteed between two feeds.)
//!
//! A keyset is one number and some parameters. When only a part of it belongs to another extension, the rest is listed:
//! such a parameter is left out, and such a number is replaced. The replacement is the extension's current number,
//! which its upsert writes again anyway; for a deletion it is another of its former numbers that is free now, or
//! [`UNASSIGNED_NUMBER`].

use std::collections::HashMap;

use serde_json::Value;

use super::content_queries as queries;
use super::model::FeedContext;
use super::queries::keys_since;
use platform::error::Error;
use platform::feed_log::{Entry, EntryKeys, FeedRef, KeyHistoryRow, Revision};
use platform::ids::ExtensionId;
use platform::store::Conn;
use service_types::schema::{ParameterSchema, Parameters};

/// A number that no plan assigns. It stands in a removal whose former numbers all belong to other extensions, next to
/// parameters that do not.
pub const UNASSIGNED_NUMBER: &str = "000000000000000";

/// The keysets to list for each entry, oldest first. The current keyset of an extension is not among them.
///
/// # Errors
/// A database error.
pub async fn load(
    conn: &mut Conn,
    context: &FeedContext,
    entries: &[Entry],
    base: Revision,
) -> Result<HashMap<ExtensionId, Vec<EntryKeys>>, Error> {
    let ids: Vec<ExtensionId> = entries.iter().map(|entry| entry.extension_id).collect();
    let mut history: HashMap<ExtensionId, Vec<KeyHistoryRow>> = HashMap::new();
    for keys in keys_since(conn, &ids, base).await? {
        history.entry(keys.extension_id).or_default().push(keys);
    }
    history.retain(|_, keys| keys.iter().any(|keys| keys.to_revision.is_some()));
    if history.is_empty() {
        return Ok(HashMap::new());
    }
    let holders = KeyHolders::load(conn, context, history.values().flatten()).await?;
    Ok(history.into_iter().map(|(id, keys)| (id, holders.listed_keys(id, keys))).collect())
}

/// The extensions that hold the numbers and values in question now.
struct KeyHolders<'a> {
    schema: &'a ParameterSchema,
    numbers: HashMap<String, ExtensionId>,
    /// By parameter and value.
    values: HashMap<(String, String), ExtensionId>,
}

impl<'a> KeyHolders<'a> {
    async fn load<'k>(
        conn: &mut Conn,
        context: &'a FeedContext,
        keys: impl Iterator<Item = &'k KeyHistoryRow> + Clone,
    ) -> Result<Self, Error> {
        let schema = &*context.schema;
        let mut numbers: Vec<&str> = keys.clone().map(|keys| keys.number.as_str()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut values: Vec<String> = Vec::new();
        for keys in keys {
            if let Value::Object(parameters) = &keys.parameters.0 {
                values.extend(schema.unique_values(parameters).into_iter().map(|unique| unique.value));
            }
        }
        values.sort_unstable();
        values.dedup();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let feed = FeedRef { event: context.event, service_type: context.service_type };
        let value_rows = queries::holders_of_values(conn, feed, &values).await?;
        Ok(Self {
            schema,
            numbers: queries::holders_of_numbers(conn, feed, &numbers).await?.into_iter().collect(),
            values: value_rows.into_iter().map(|row| ((row.parameter, row.value), row.holder)).collect(),
        })
    }

    fn listed_keys(&self, id: ExtensionId, history: Vec<KeyHistoryRow>) -> Vec<EntryKeys> {
        let (current, former): (Vec<_>, Vec<_>) = history.into_iter().partition(|keys| keys.to_revision.is_none());
        let current =
            current.into_iter().next().map(|keys| EntryKeys { number: keys.number, parameters: keys.parameters.0 });
        let is_free = |number: &str| self.numbers.get(number).is_none_or(|holder| *holder == id);
        let replacement = current
            .as_ref()
            .map(|current| current.number.clone())
            .or_else(|| former.iter().map(|keys| keys.number.clone()).find(|number| is_free(number)));
        let mut listed: Vec<EntryKeys> = Vec::new();
        for keys in former {
            let parameters = self.without_taken(id, keys.parameters.0);
            let number = if is_free(&keys.number) {
                keys.number
            } else if parameters.is_empty() {
                continue;
            } else {
                replacement.clone().unwrap_or_else(|| UNASSIGNED_NUMBER.to_owned())
            };
            let keys = EntryKeys { number, parameters: Value::Object(parameters) };
            if current.as_ref() != Some(&keys) && !listed.contains(&keys) {
                listed.push(keys);
            }
        }
        listed
    }

    /// The parameters without those that another extension of the feed holds.
    fn without_taken(&self, id: ExtensionId, parameters: Value) -> Parameters {
        let Value::Object(mut parameters) = parameters else { return Parameters::new() };
        let taken: Vec<String> = self
            .schema
            .unique_values(&parameters)
            .into_iter()
            .filter(|unique| {
                let holder = self.values.get(&(unique.parameter.name.clone(), unique.value.clone()));
                holder.is_some_and(|holder| *holder != id)
            })
            .map(|unique| unique.parameter.name.clone())
            .collect();
        for name in taken {
            parameters.remove(&name);
        }
        parameters
    }
}
