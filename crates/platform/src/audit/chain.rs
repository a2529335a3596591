//! The hash chain over audit rows: each hash covers its row and the hash before, so a row that is changed, moved or
//! taken out breaks the chain from there on.

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

/// A link of the chain: the SHA-256 over the link before and a row.
pub type Link = [u8; 32];

/// The link before the first row.
pub const BEGINNING: Link = [0; 32];

/// An audit row as it is hashed. The texts are hashed byte by byte as the database gives them back, so a database
/// must not rewrite them (no `jsonb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row's own number. Rows are chained in the order of sealing, which may differ.
    pub seq: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// By what means.
    pub via: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub entity: Option<String>,
    /// What changed, without secrets.
    pub summary: String,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// The link for `row` after `previous`: SHA-256 over a label, `previous`, the two numbers (big-endian), and each text
/// with a byte that says whether it is there and its length (8 bytes, big-endian), so that no two rows read alike.
pub fn link(previous: &Link, row: &Row) -> Link {
    let mut hash = Sha256::new();
    hash.update(b"switchboard audit 1\0");
    hash.update(previous);
    hash.update(row.seq.to_be_bytes());
    hash.update(row.at.0.to_be_bytes());
    let texts = [
        Some(row.actor.as_str()),
        Some(&row.via),
        Some(&row.action),
        row.entity.as_deref(),
        Some(&row.summary),
        row.request_id.as_deref(),
    ];
    for text in texts {
        match text {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64) -> Row {
        Row {
            seq,
            at: Timestamp(1_000_000 + seq),
            actor: "arthur".to_owned(),
            via: "graphql".to_owned(),
            action: "registerExtension".to_owned(),
            entity: Some(format!("Extension:{seq}")),
            summary: "2342 on sip".to_owned(),
            request_id: None,
        }
    }

    #[test]
    fn every_field_and_the_link_before_change_the_link() {
        let plain = link(&BEGINNING, &row(1));
        let moved = Row { via: "graphqlr".to_owned(), action: "egisterExtension".to_owned(), ..row(1) };
        assert_ne!(plain, link(&BEGINNING, &moved));
        assert_ne!(plain, link(&BEGINNING, &Row { entity: None, ..row(1) }));
        assert_ne!(plain, link(&BEGINNING, &Row { request_id: Some(String::new()), ..row(1) }));
        assert_ne!(plain, link(&plain, &row(1)));
        assert_eq!(plain, link(&BEGINNING, &row(1)));
    }
}
