//! The keys under which a consumer may still hold a record of a changed or deleted entity.
//!
//! A change lists every keyset that its entity had after the cursor's base, without the parts that another entity of the
//! same feed holds now: a system that deletes by such a key would delete the other entity. (A key held in
//! another feed does not count: a consumer's copy of this feed has the key only from this feed, and nothing is
//! guaranteed between two feeds.)
//!
//! A keyset is one number and some parameters. When only a part of it belongs to another entity, the rest is listed:
//! such a parameter is left out, and such a number is replaced. The replacement is the entity's current number,
//! which its upsert writes again anyway; for a deletion it is another of its former numbers that is free now, or
//! [`UNASSIGNED_NUMBER`].

use std::collections::HashMap;

use serde_json::Value;

use platform::error::Error;
use platform::feed_log::{Entry, EntryKeys, FeedRef, KeyHistoryRow, Revision};
use platform::ids::EntityId;
use platform::store::Conn;
use service_types::schema::{ParameterSchema, Parameters};

use crate::queries::keys_since;
use crate::source::{ContentReader, KeyHolders};

/// A number that no plan assigns. It stands in a removal whose former numbers all belong to other entities, next to
/// parameters that do not.
pub const UNASSIGNED_NUMBER: &str = "000000000000000";

/// The keysets to list for each entry, oldest first. The current keyset of an entity is not among them.
///
/// # Errors
/// A database error.
pub async fn load(
    conn: &mut Conn,
    reader: &ContentReader<'_>,
    entries: &[Entry],
    base: Revision,
) -> Result<HashMap<EntityId, Vec<EntryKeys>>, Error> {
    let ids: Vec<EntityId> = entries.iter().map(|entry| entry.entity_id).collect();
    let mut history: HashMap<EntityId, Vec<KeyHistoryRow>> = HashMap::new();
    for keys in keys_since(conn, &ids, base).await? {
        history.entry(keys.entity_id).or_default().push(keys);
    }
    history.retain(|_, keys| keys.iter().any(|keys| keys.to_revision.is_some()));
    if history.is_empty() {
        return Ok(HashMap::new());
    }
    let holders = CurrentHolders::load(conn, reader, history.values().flatten()).await?;
    Ok(history.into_iter().map(|(id, keys)| (id, holders.listed_keys(id, keys))).collect())
}

/// The entities that hold the numbers and values in question now.
struct CurrentHolders<'a> {
    schema: &'a ParameterSchema,
    holders: KeyHolders,
}

impl<'a> CurrentHolders<'a> {
    async fn load<'k>(
        conn: &mut Conn,
        reader: &ContentReader<'a>,
        keys: impl Iterator<Item = &'k KeyHistoryRow> + Clone,
    ) -> Result<Self, Error> {
        let context = reader.context;
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
        let holders = KeyHolders::load(conn, reader.hooks, feed, &numbers, &values).await?;
        Ok(Self { schema, holders })
    }

    fn listed_keys(&self, id: EntityId, history: Vec<KeyHistoryRow>) -> Vec<EntryKeys> {
        let (current, former): (Vec<_>, Vec<_>) = history.into_iter().partition(|keys| keys.to_revision.is_none());
        let current =
            current.into_iter().next().map(|keys| EntryKeys { number: keys.number, parameters: keys.parameters.0 });
        let is_free = |number: &str| self.holders.numbers.get(number).is_none_or(|holder| *holder == id);
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

    /// The parameters without those that another entity of the feed holds.
    fn without_taken(&self, id: EntityId, parameters: Value) -> Parameters {
        let Value::Object(mut parameters) = parameters else { return Parameters::new() };
        let taken: Vec<String> = self
            .schema
            .unique_values(&parameters)
            .into_iter()
            .filter(|unique| {
                let holder = self.holders.values.get(&(unique.parameter.name.clone(), unique.value.clone()));
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
