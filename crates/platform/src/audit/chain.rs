//! The hash chain over audit rows: each hash covers its row and the previous hash, so a modified, moved or removed row
//! invalidates every later link.

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

/// A link of the chain: the SHA-256 over the previous link and a row.
pub type Link = [u8; 32];

/// Predecessor of the first link.
pub const GENESIS: Link = [0; 32];

/// The hashed fields of an audit row. Texts are hashed as the database returns them, so their column types must
/// preserve them byte by byte (no `jsonb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Sequence number. The chain has the order of sealing, which can differ.
    pub seq: i64,
    /// Time of the action.
    pub at: Timestamp,
    /// The actor, such as a username.
    pub actor: String,
    /// The interface, such as `graphql`.
    pub via: String,
    /// The action's name.
    pub action: String,
    /// Global id of the entity.
    pub entity: Option<String>,
    /// Description of the change, without secrets.
    pub summary: String,
    /// Id of the HTTP request.
    pub request_id: Option<String>,
}

/// Returns the link of `row` after `previous`: SHA-256 over a label, `previous`, the two integers (big-endian), and
/// each text with a presence byte and its length (8 bytes, big-endian), so that different rows have different input.
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
    fn the_link_depends_on_every_field_and_the_previous_link() {
        let plain = link(&GENESIS, &row(1));
        let moved = Row { via: "graphqlr".to_owned(), action: "egisterExtension".to_owned(), ..row(1) };
        assert_ne!(plain, link(&GENESIS, &moved));
        assert_ne!(plain, link(&GENESIS, &Row { entity: None, ..row(1) }));
        assert_ne!(plain, link(&GENESIS, &Row { request_id: Some(String::new()), ..row(1) }));
        assert_ne!(plain, link(&plain, &row(1)));
        assert_eq!(plain, link(&GENESIS, &row(1)));
    }
}
