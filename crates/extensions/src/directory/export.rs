//! Files of the directory in JSON and CSV, with an ETag of their bytes.
//!
//! Equal entries give equal bytes, so a request with `If-None-Match` receives 304 while the directory is unchanged.

use std::collections::HashMap;

use events::Event;
use platform::error::{Error, InternalError};
use platform::ids::{ExtensionId, ServiceTypeId};
use platform::store::Conn;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::listing::{self, DirectoryFilter};
use super::model::{Audience, Entry, is_listed};
use crate::import_export::formula;

/// Number of entries that an export reads in one query.
const BATCH_SIZE: i64 = 1_000;

/// Entry of an exported file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportEntry {
    #[serde(skip)]
    pub id: ExtensionId,
    pub number: String,
    pub label: String,
    /// The service type's slug.
    pub service_type: String,
    pub highlighted: bool,
}

/// Exported file with its HTTP headers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Value of the header `Content-Type`.
    pub content_type: &'static str,
    /// Value of the header `ETag` with its quotation marks: a strong tag (RFC 9110, section 8.8.3).
    pub etag: String,
    pub body: Vec<u8>,
}

impl Export {
    /// Creates a file and derives its ETag from `body`.
    pub(super) fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Self { content_type, etag, body }
    }
}

/// Loads all entries of an event that `audience` can see, by number; empty for a phase without a directory.
///
/// # Errors
/// When the database fails.
pub async fn all_entries(conn: &mut Conn, event: &Event, audience: Audience) -> Result<Vec<ExportEntry>, Error> {
    if !is_listed(event.phase) {
        return Ok(Vec::new());
    }
    let types = service_types::all_service_types(conn).await?;
    let slugs: HashMap<_, _> = types.into_iter().map(|row| (row.id, row.slug)).collect();
    let entries = read_all(conn, &DirectoryFilter::all(event.id, audience)).await?;
    Ok(entries.into_iter().map(|entry| export_entry(entry, &slugs)).collect())
}

fn export_entry(entry: Entry, slugs: &HashMap<ServiceTypeId, String>) -> ExportEntry {
    let service_type = slugs.get(&entry.service_type_id).cloned().unwrap_or_default();
    ExportEntry { id: entry.id, number: entry.number, label: entry.label, service_type, highlighted: entry.highlighted }
}

/// Loads all entries that match `filter`, in batches.
pub(super) async fn read_all(conn: &mut Conn, filter: &DirectoryFilter) -> Result<Vec<Entry>, Error> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let batch = listing::entries(conn, filter, after.as_ref(), BATCH_SIZE).await?;
        let is_last = i64::try_from(batch.len()).unwrap_or(BATCH_SIZE) < BATCH_SIZE;
        after = batch.last().map(|(key, _)| key.clone());
        all.extend(batch.into_iter().map(|(_, entry)| entry));
        if is_last {
            return Ok(all);
        }
    }
}

/// Serializes the entries as JSON (RFC 8259): `{"event": slug, "entries": [{number, label, serviceType, highlighted}]}`.
///
/// # Errors
/// Only for an error of the serializer, which these values do not cause.
pub fn json(event: &str, entries: &[ExportEntry]) -> Result<Export, InternalError> {
    #[derive(Serialize)]
    struct File<'a> {
        event: &'a str,
        entries: &'a [ExportEntry],
    }
    let body = serde_json::to_vec(&File { event, entries }).map_err(InternalError::new)?;
    Ok(Export::new("application/json", body))
}

/// Serializes the entries as CSV (RFC 4180) with a header: `number,label,service_type,highlighted`.
///
/// # Errors
/// Only for an error of the serializer, which these values do not cause.
pub fn csv(entries: &[ExportEntry]) -> Result<Export, InternalError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(["number", "label", "service_type", "highlighted"]).map_err(InternalError::new)?;
    for entry in entries {
        let highlighted = if entry.highlighted { "true" } else { "false" };
        // A label is untrusted input. No import reads this file, so an apostrophe never becomes part of a label.
        let cells = [&entry.number, &formula::make_inert(&entry.label), &entry.service_type, highlighted];
        writer.write_record(cells).map_err(InternalError::new)?;
    }
    let body = writer.into_inner().map_err(InternalError::new)?;
    Ok(Export::new("text/csv; charset=utf-8; header=present", body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<ExportEntry> {
        let entry = |number: &str, label: &str| ExportEntry {
            id: ExtensionId(uuid::Uuid::from_u128(1)),
            number: number.to_owned(),
            label: label.to_owned(),
            service_type: "sip".to_owned(),
            highlighted: number == "110",
        };
        vec![entry("0042", "Bob \"B\", the first"), entry("110", "=1+1"), entry("6030", "x;=1+1"), entry("7", "＋1")]
    }

    #[test]
    fn the_files_contain_every_entry() {
        let file = json("camp", &entries()).unwrap();
        let text = String::from_utf8(file.body).unwrap();
        assert!(text.starts_with(
            r#"{"event":"camp","entries":[{"number":"0042","label":"Bob \"B\", the first","serviceType":"sip","#
        ));
        let file = csv(&entries()).unwrap();
        let text = String::from_utf8(file.body).unwrap();
        assert_eq!(
            text,
            "number,label,service_type,highlighted\r\n0042,\"Bob \"\"B\"\", the first\",sip,false\r\n110,'=1+1,sip,true\r\n\
             6030,x;'=1+1,sip,false\r\n7,'＋1,sip,false\r\n"
        );
    }

    #[test]
    fn an_etag_changes_with_the_bytes() {
        let (one, other) = (csv(&entries()).unwrap(), csv(&entries()[..1]).unwrap());
        assert_eq!(one.etag, csv(&entries()).unwrap().etag);
        assert_ne!(one.etag, other.etag);
        assert!(one.etag.starts_with('"') && one.etag.len() == 34);
    }
}
