//! Comparison of a snapshot with the replica.

use std::collections::HashMap;

use serde_json::Value;

use super::entry::{Batch, Deletion, Entry, Keys};
use super::replica::ReplicaRow;

/// Returns the batch that turns the replica into the snapshot.
///
/// Every entry of the snapshot is written, also the unchanged ones, so that records lost by the telephone system are
/// restored.
pub fn diff(mut rows: HashMap<String, ReplicaRow>, entries: Vec<Entry>, cursor: String) -> Batch {
    let mut batch = Batch { cursor, is_snapshot: true, ..Batch::default() };
    let holders = confirmed_holders(&entries, &rows);
    let is_held_by_other = |id: &str, keys: &Keys| holders.get(&keys.number).is_some_and(|holder| holder != id);
    for entry in &entries {
        let Some(row) = rows.remove(&entry.id) else { continue };
        let current = entry.keys();
        let is_stale = |keys: &Keys| *keys != current && !is_held_by_other(&entry.id, keys);
        let keys: Vec<Keys> = row.keys.into_iter().filter(is_stale).collect();
        if !keys.is_empty() {
            let (id, now) = (entry.id.clone(), entry.values.clone());
            batch.previous.push(Deletion { id, slot: entry.slot(), keys, now });
        }
    }
    batch.upserts = entries;
    batch.removals = rows
        .into_iter()
        .map(|(id, mut row)| {
            row.keys.retain(|keys| !is_held_by_other(&id, keys));
            Deletion { id, slot: None, keys: row.keys, now: Value::Null }
        })
        .collect();
    batch.removals.sort_by(|left, right| left.id.cmp(&right.id));
    batch
}

/// Maps each number to its extension, for numbers whose record in the telephone system certainly belongs to that
/// extension: cleaning up after a failed record of a previous extension must not delete it. A number that has moved and
/// is not written yet is not in the map.
fn confirmed_holders(entries: &[Entry], rows: &HashMap<String, ReplicaRow>) -> HashMap<String, String> {
    let is_confirmed = |entry: &&Entry| {
        let has_number = |keys: &Keys| keys.number == entry.number;
        rows.get(&entry.id).is_some_and(|row| !row.version.is_empty() && row.keys.iter().any(has_number))
    };
    entries.iter().filter(is_confirmed).map(|entry| (entry.number.clone(), entry.id.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(id: &str, number: &str) -> Entry {
        let fields = json!({ "id": id, "version": "new", "number": number });
        let Value::Object(fields) = fields else { panic!() };
        Entry::parse(fields).unwrap()
    }

    fn row(version: &str, number: &str) -> ReplicaRow {
        ReplicaRow {
            version: version.to_owned(),
            keys: vec![Keys { number: number.to_owned(), parameters: Value::Null }],
        }
    }

    fn deleted<'d>(deletions: &'d [Deletion]) -> Vec<(&'d str, Vec<&'d str>)> {
        let numbers = |deletion: &'d Deletion| deletion.keys.iter().map(|keys| keys.number.as_str()).collect();
        deletions.iter().map(|deletion| (deletion.id.as_str(), numbers(deletion))).collect()
    }

    #[test]
    fn deletes_missing_extensions_and_previous_numbers() {
        let rows = HashMap::from([
            ("kept".to_owned(), row("old", "1")),
            ("moved".to_owned(), row("old", "2")),
            ("removed".to_owned(), row("old", "3")),
        ]);
        let batch = diff(rows, vec![entry("kept", "1"), entry("moved", "4"), entry("created", "5")], "c".to_owned());
        assert!(batch.is_snapshot && batch.cursor == "c" && batch.upserts.len() == 3);
        assert_eq!(deleted(&batch.previous), [("moved", vec!["2"])]);
        assert_eq!(deleted(&batch.removals), [("removed", vec!["3"])]);
    }

    #[test]
    fn keeps_a_number_that_another_extension_certainly_holds() {
        // "removed" failed to be deleted under number 1, which "holder" has been written under since.
        let rows = HashMap::from([("removed".to_owned(), row("", "1")), ("holder".to_owned(), row("old", "1"))]);
        let batch = diff(rows, vec![entry("holder", "1")], "c".to_owned());
        assert_eq!(deleted(&batch.removals), [("removed", vec![])]);
        // Not written yet: the record under number 1 may still be the removed extension's.
        let rows = HashMap::from([("removed".to_owned(), row("", "1")), ("holder".to_owned(), row("", "1"))]);
        let batch = diff(rows, vec![entry("holder", "1")], "c".to_owned());
        assert_eq!(deleted(&batch.removals), [("removed", vec!["1"])]);
    }
}
