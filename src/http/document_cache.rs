//! The files of directories that were rendered lately.
//!
//! Telephones ask for the same file again and again. A file is rendered once for each state of its directory, so a
//! repeated request costs only the comparison of that state.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use extensions::directory::Audience;
use extensions::directory::export::{Export, ExportEntry};
use extensions::directory::watch::SourceVersion;
use platform::ids::EventId;

/// The maximal size of all kept files, in bytes.
const MAX_BYTES: usize = 32 << 20;
/// The maximal number of kept lists of entries. A list is for one event and audience.
const MAX_LISTS: usize = 6;

/// The entries of one audience, in one state of the directory.
#[derive(Clone, PartialEq, Eq)]
pub struct ListKey {
    pub event: EventId,
    pub audience: Audience,
    pub version: SourceVersion,
}

/// What the bytes of a file depend on.
#[derive(Clone, PartialEq, Eq)]
pub struct FileKey {
    pub list: ListKey,
    /// The event's name, which is the title of a phonebook.
    pub title: String,
    /// The address of the file, which ends in its format.
    pub address: String,
}

/// A rendered file.
#[derive(Clone)]
pub struct Document {
    pub content_type: &'static str,
    pub etag: String,
    pub body: Bytes,
    /// How many entries it has.
    pub rows: usize,
}

impl Document {
    /// A file of this many entries.
    pub fn new(export: Export, rows: usize) -> Self {
        let Export { content_type, etag, body } = export;
        Self { content_type, etag, body: body.into(), rows }
    }
}

/// The entries of a directory, shared by its files.
pub type Entries = Arc<Vec<ExportEntry>>;

/// Lists of entries and rendered files, the newest last. Bounded in number and size.
#[derive(Default)]
pub struct DocumentCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    lists: VecDeque<(ListKey, Entries)>,
    files: VecDeque<(FileKey, Document)>,
    bytes: usize,
}

impl DocumentCache {
    /// The entries of this state, if they are kept.
    pub fn entries(&self, key: &ListKey) -> Option<Entries> {
        self.kept().lists.iter().find(|(kept, _)| kept == key).map(|(_, entries)| Arc::clone(entries))
    }

    /// The file of this state, if it is kept.
    pub fn file(&self, key: &FileKey) -> Option<Document> {
        self.kept().files.iter().find(|(kept, _)| kept == key).map(|(_, document)| document.clone())
    }

    /// Keeps entries, in place of those of an earlier state.
    pub fn insert_entries(&self, key: ListKey, entries: Entries) {
        let mut kept = self.kept();
        kept.lists.retain(|(other, _)| (other.event, other.audience) != (key.event, key.audience));
        if kept.lists.len() >= MAX_LISTS {
            kept.lists.pop_front();
        }
        kept.lists.push_back((key, entries));
    }

    /// Keeps a file, in place of that of an earlier state.
    pub fn insert_file(&self, key: FileKey, document: Document) {
        let mut kept = self.kept();
        let is_same = |other: &FileKey| other.list.audience == key.list.audience && other.address == key.address;
        kept.files.retain(|(other, _)| !is_same(other));
        kept.bytes = kept.files.iter().map(|(_, document)| document.body.len()).sum();
        if document.body.len() > MAX_BYTES {
            return;
        }
        while kept.bytes + document.body.len() > MAX_BYTES {
            let Some((_, oldest)) = kept.files.pop_front() else { break };
            kept.bytes -= oldest.body.len();
        }
        kept.bytes += document.body.len();
        kept.files.push_back((key, document));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(address: &str, head: i64) -> FileKey {
        let version = SourceVersion { is_listed: true, catalogue: 1, heads: vec![head] };
        let list = ListKey { event: EventId(Uuid::nil()), audience: Audience::Guests, version };
        FileKey { list, title: "Camp".to_owned(), address: address.to_owned() }
    }

    fn document(size: usize) -> Document {
        Document::new(Export { content_type: "text/csv", etag: "\"a\"".to_owned(), body: vec![0; size] }, 1)
    }

    #[test]
    fn one_state_of_a_file_is_kept() {
        let cache = DocumentCache::default();
        cache.insert_file(key("a.csv", 1), document(10));
        assert!(cache.file(&key("a.csv", 1)).is_some() && cache.file(&key("a.csv", 2)).is_none());
        cache.insert_file(key("a.csv", 2), document(20));
        assert!(cache.file(&key("a.csv", 1)).is_none() && cache.file(&key("a.csv", 2)).is_some());
        assert_eq!(cache.kept().bytes, 20);
    }

    #[test]
    fn the_size_is_bounded() {
        let cache = DocumentCache::default();
        for number in 0..10 {
            cache.insert_file(key(&number.to_string(), 1), document(MAX_BYTES / 4));
        }
        assert!(cache.file(&key("5", 1)).is_none() && cache.file(&key("6", 1)).is_some());
        cache.insert_file(key("large", 1), document(MAX_BYTES + 1));
        assert!(cache.file(&key("large", 1)).is_none());
        assert_eq!(cache.kept().bytes, MAX_BYTES);
    }
}
