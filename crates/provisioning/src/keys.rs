//! Under which keys a consumer may know what has changed or is gone.
//!
//! Told is every keyset that the extension has borne after the cursor's base, and none of its parts that another extension of
//! the same feed holds by now: a system that deletes it would delete the other's. (What another feed's extension holds does
//! not count. The copy of this feed has the number only from here, and nothing is promised between two feeds.)
//!
//! A keyset is one number and some parameters. Where only a part of it is another's, the rest is told all the same: a taken
//! parameter is left out; in place of a taken number stands the number that the extension has now, which its upsert writes
//! again at once, or for a removal another of its own numbers that is nobody's by now, or [`NOBODY`].

use std::collections::HashMap;

use serde_json::Value;

use super::content_queries as queries;
use super::model::Place;
use super::queries::keys_since;
use platform::error::Error;
use platform::feed_log::{BorneKeys, Entry, Keys, Revision};
use platform::ids::ExtensionId;
use service_types::schema::{ParameterSchema, Parameters};
use platform::store::Conn;

/// A number that a plan never gives out: it stands in a removal whose own numbers are all another's by now, beside parameters
/// that are not.
pub const NOBODY: &str = "000000000000000";

/// The keys to tell, by extension; oldest first. What an extension bears now is not among them.
///
/// # Errors
/// When the database refuses.
pub async fn told(
    conn: &mut Conn,
    place: &Place,
    entries: &[Entry],
    base: Revision,
) -> Result<HashMap<ExtensionId, Vec<Keys>>, Error> {
    let ids: Vec<ExtensionId> = entries.iter().map(|entry| entry.extension_id).collect();
    let mut borne: HashMap<ExtensionId, Vec<BorneKeys>> = HashMap::new();
    for keys in keys_since(conn, &ids, base).await? {
        borne.entry(keys.extension_id).or_default().push(keys);
    }
    borne.retain(|_, keys| keys.iter().any(|keys| keys.to_revision.is_some()));
    if borne.is_empty() {
        return Ok(HashMap::new());
    }
    let schema = &*place.schema;
    let holders = Holders::load(conn, place, schema, borne.values().flatten()).await?;
    Ok(borne.into_iter().map(|(id, keys)| (id, holders.tell(schema, id, keys))).collect())
}

/// Who holds the numbers and values in question now.
struct Holders {
    numbers: HashMap<String, ExtensionId>,
    values: HashMap<(String, String), ExtensionId>,
}

impl Holders {
    async fn load<'k>(
        conn: &mut Conn,
        place: &Place,
        schema: &ParameterSchema,
        keys: impl Iterator<Item = &'k BorneKeys> + Clone,
    ) -> Result<Self, Error> {
        let mut numbers: Vec<&str> = keys.clone().map(|keys| keys.number.as_str()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut values: Vec<String> = Vec::new();
        for keys in keys {
            if let Value::Object(parameters) = &keys.parameters.0 {
                values.extend(schema.unique_values(parameters).into_iter().map(|(_, _, value)| value));
            }
        }
        values.sort_unstable();
        values.dedup();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let (event, service_type) = (place.event, place.service_type);
        let of_values = queries::holders_of_values(conn, event, service_type, &values).await?;
        Ok(Self {
            numbers: queries::holders_of_numbers(conn, event, service_type, &numbers).await?.into_iter().collect(),
            values: of_values.into_iter().map(|(parameter, value, id)| ((parameter, value), id)).collect(),
        })
    }

    fn tell(&self, schema: &ParameterSchema, id: ExtensionId, borne: Vec<BorneKeys>) -> Vec<Keys> {
        let (now, before): (Vec<BorneKeys>, Vec<BorneKeys>) =
            borne.into_iter().partition(|keys| keys.to_revision.is_none());
        let now = now.into_iter().next().map(|keys| Keys { number: keys.number, parameters: keys.parameters.0 });
        let free = |number: &str| self.numbers.get(number).is_none_or(|holder| *holder == id);
        let own_number = now.as_ref().map(|now| now.number.clone());
        let stand_in = own_number.or_else(|| before.iter().map(|keys| keys.number.clone()).find(|number| free(number)));
        let mut told: Vec<Keys> = Vec::new();
        for keys in before {
            let parameters = self.untaken(schema, id, keys.parameters.0);
            let number = if free(&keys.number) {
                keys.number
            } else if parameters.is_empty() {
                continue;
            } else {
                stand_in.clone().unwrap_or_else(|| NOBODY.to_owned())
            };
            let keys = Keys { number, parameters: Value::Object(parameters) };
            if now.as_ref() != Some(&keys) && !told.contains(&keys) {
                told.push(keys);
            }
        }
        told
    }

    /// The parameters that no other extension of the feed holds.
    fn untaken(&self, schema: &ParameterSchema, id: ExtensionId, parameters: Value) -> Parameters {
        let Value::Object(mut parameters) = parameters else { return Parameters::new() };
        let taken: Vec<String> = schema
            .unique_values(&parameters)
            .into_iter()
            .filter(|(parameter, _, value)| {
                let holder = self.values.get(&(parameter.name.clone(), value.clone()));
                holder.is_some_and(|holder| *holder != id)
            })
            .map(|(parameter, _, _)| parameter.name.clone())
            .collect();
        for name in taken {
            parameters.remove(&name);
        }
        parameters
    }
}
