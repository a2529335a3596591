//! The directory as files: JSON and CSV, with an ETag made of their bytes.
//!
//! Pure: the same entries give the same bytes, so a client that asks again with `If-None-Match` is told 304.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::listing::{self, Listing};
use super::model::{Audience, Entry, is_listed};
use platform::error::{Error, InternalError};
use platform::ids::{ExtensionId, ServiceTypeId};
use events::{Event};
use platform::store::Conn;

/// How many entries an export reads at once.
const BATCH: i64 = 1_000;

/// One line of an export.
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

/// A file to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// For the header `ETag`, in quotation marks: a strong one (RFC 9110, section 8.8.3).
    pub etag: String,
    pub body: Vec<u8>,
}

impl Export {
    /// A file with its tag.
    pub(super) fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Self { content_type, etag, body }
    }
}

/// All entries of an event that `audience` finds, by number; none where the event's directory is closed.
///
/// # Errors
/// When the database fails.
pub async fn all_entries(conn: &mut Conn, event: &Event, audience: Audience) -> Result<Vec<ExportEntry>, Error> {
    if !is_listed(event.phase) {
        return Ok(Vec::new());
    }
    let types = service_types::all_service_types(conn).await?;
    let slugs: HashMap<_, _> = types.into_iter().map(|row| (row.id, row.slug)).collect();
    let entries = read_all(conn, &Listing::all(event.id, audience)).await?;
    Ok(entries.into_iter().map(|entry| line(entry, &slugs)).collect())
}

fn line(entry: Entry, slugs: &HashMap<ServiceTypeId, String>) -> ExportEntry {
    let service_type = slugs.get(&entry.service_type_id).cloned().unwrap_or_default();
    ExportEntry { id: entry.id, number: entry.number, label: entry.label, service_type, highlighted: entry.highlighted }
}

/// A whole listing, read in batches.
pub(super) async fn read_all(conn: &mut Conn, listing: &Listing) -> Result<Vec<Entry>, Error> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let batch = listing::entries(conn, listing, after.as_ref(), BATCH).await?;
        let is_last = i64::try_from(batch.len()).unwrap_or(BATCH) < BATCH;
        after = batch.last().map(|(key, _)| key.clone());
        all.extend(batch.into_iter().map(|(_, entry)| entry));
        if is_last {
            return Ok(all);
        }
    }
}

/// The entries as JSON (RFC 8259): `{"event": slug, "entries": [{number, label, serviceType, highlighted}]}`.
///
/// # Errors
/// Never for these values.
pub fn json(event: &str, entries: &[ExportEntry]) -> Result<Export, InternalError> {
    #[derive(Serialize)]
    struct File<'a> {
        event: &'a str,
        entries: &'a [ExportEntry],
    }
    let body = serde_json::to_vec(&File { event, entries }).map_err(InternalError::new)?;
    Ok(Export::new("application/json", body))
}

/// The entries as CSV (RFC 4180) with a header: `number,label,service_type,highlighted`.
///
/// # Errors
/// Never for these values.
pub fn csv(entries: &[ExportEntry]) -> Result<Export, InternalError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(["number", "label", "service_type", "highlighted"]).map_err(InternalError::new)?;
    for entry in entries {
        let highlighted = if entry.highlighted { "true" } else { "false" };
        let cells = [entry.number.as_str(), &inert(&entry.label), &entry.service_type, highlighted];
        writer.write_record(cells).map_err(InternalError::new)?;
    }
    let body = writer.into_inner().map_err(InternalError::new)?;
    Ok(Export::new("text/csv; charset=utf-8; header=present", body))
}

/// A label that no spreadsheet takes for a formula: strangers write labels, and people open this file. Nothing reads it
/// back, so an apostrophe in front does no harm.
fn inert(label: &str) -> String {
    if label.starts_with(['=', '+', '-', '@']) { format!("'{label}") } else { label.to_owned() }
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
        vec![entry("0042", "Bob \"B\", the first"), entry("110", "=1+1")]
    }

    #[test]
    fn the_files_hold_every_entry() {
        let file = json("camp", &entries()).unwrap();
        let text = String::from_utf8(file.body).unwrap();
        assert!(text.starts_with(
            r#"{"event":"camp","entries":[{"number":"0042","label":"Bob \"B\", the first","serviceType":"sip","#
        ));
        let file = csv(&entries()).unwrap();
        let text = String::from_utf8(file.body).unwrap();
        assert_eq!(
            text,
            "number,label,service_type,highlighted\r\n0042,\"Bob \"\"B\"\", the first\",sip,false\r\n110,'=1+1,sip,true\r\n"
        );
    }

    #[test]
    fn an_etag_follows_the_bytes() {
        let (one, other) = (csv(&entries()).unwrap(), csv(&entries()[..1]).unwrap());
        assert_eq!(one.etag, csv(&entries()).unwrap().etag);
        assert_ne!(one.etag, other.etag);
        assert!(one.etag.starts_with('"') && one.etag.len() == 34);
    }
}
