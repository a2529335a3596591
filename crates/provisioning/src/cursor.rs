//! Cursors: opaque positions in a feed.
//!
//! The text of a cursor is base64url without padding (RFC 4648, section 5) of a kind byte and fixed fields, integers
//! big-endian. A cursor has exactly one text. It is not signed: feed, epoch and tag are compared with the database, and
//! a forged cursor is only a wrong position in a feed that the caller may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

const FEED_KIND: u8 = 1;
const SNAPSHOT_KIND: u8 = 2;
const FEED_BYTES: usize = 57;
const SNAPSHOT_BYTES: usize = 65;

/// The error for a text that is no cursor of the expected kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is not a cursor of a feed")]
pub struct InvalidCursor;

/// A position in a feed. A consumer reads the changes after it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cursor {
    /// The feed it belongs to.
    pub feed: Uuid,
    /// The epoch of the database that issued it.
    pub epoch: Uuid,
    /// The revision of the last instant at which the consumer's copy was complete; at most `position`.
    pub base: i64,
    /// The revision up to which the consumer has read changes; not negative.
    pub position: i64,
    /// The random tag of the revision `position`.
    pub tag: [u8; 8],
}

/// A position between two pages of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotCursor {
    /// The feed it belongs to.
    pub feed: Uuid,
    /// The epoch of the database that issued it.
    pub epoch: Uuid,
    /// The head at the time of the first page; not negative. The changes after it bring a copy made of the pages up to
    /// date.
    pub head: i64,
    /// The random tag of the revision `head`.
    pub tag: [u8; 8],
    /// The last extension of the preceding page.
    pub last: Uuid,
}

impl Cursor {
    /// The cursor of a copy that is complete at the revision `head`.
    pub const fn at_head(feed: Uuid, epoch: Uuid, head: i64, tag: [u8; 8]) -> Self {
        Self { feed, epoch, base: head, position: head, tag }
    }

    /// The text of the cursor: 76 characters.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(FEED_BYTES);
        bytes.push(FEED_KIND);
        bytes.extend(self.feed.as_bytes());
        bytes.extend(self.epoch.as_bytes());
        bytes.extend(self.base.to_be_bytes());
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses the text of a cursor.
    ///
    /// # Errors
    /// [`InvalidCursor`] for any text that [`Self::encode`] does not return.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let mut fields = Fields::decode::<FEED_BYTES>(text, FEED_KIND)?;
        let cursor = Self {
            feed: fields.uuid()?,
            epoch: fields.uuid()?,
            base: fields.revision()?,
            position: fields.revision()?,
            tag: fields.array()?,
        };
        if cursor.base <= cursor.position { Ok(cursor) } else { Err(InvalidCursor) }
    }
}

impl SnapshotCursor {
    /// The text of the cursor: 87 characters.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(SNAPSHOT_BYTES);
        bytes.push(SNAPSHOT_KIND);
        bytes.extend(self.feed.as_bytes());
        bytes.extend(self.epoch.as_bytes());
        bytes.extend(self.head.to_be_bytes());
        bytes.extend(self.tag);
        bytes.extend(self.last.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses the text of a cursor.
    ///
    /// # Errors
    /// [`InvalidCursor`] for any text that [`Self::encode`] does not return.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let mut fields = Fields::decode::<SNAPSHOT_BYTES>(text, SNAPSHOT_KIND)?;
        Ok(Self {
            feed: fields.uuid()?,
            epoch: fields.uuid()?,
            head: fields.revision()?,
            tag: fields.array()?,
            last: fields.uuid()?,
        })
    }

    /// The cursor from which changes bring a copy made of these pages up to date.
    pub const fn head_cursor(&self) -> Cursor {
        Cursor::at_head(self.feed, self.epoch, self.head, self.tag)
    }
}

/// The bytes of a cursor that are not parsed yet.
struct Fields {
    bytes: std::vec::IntoIter<u8>,
}

impl Fields {
    fn decode<const LENGTH: usize>(text: &str, kind: u8) -> Result<Self, InvalidCursor> {
        // The length is checked first, so that a long text is not decoded.
        if text.len() != (LENGTH * 4).div_ceil(3) {
            return Err(InvalidCursor);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?.into_iter();
        if bytes.len() == LENGTH && bytes.next() == Some(kind) { Ok(Self { bytes }) } else { Err(InvalidCursor) }
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], InvalidCursor> {
        let mut field = [0; LENGTH];
        for byte in &mut field {
            *byte = self.bytes.next().ok_or(InvalidCursor)?;
        }
        Ok(field)
    }

    fn uuid(&mut self) -> Result<Uuid, InvalidCursor> {
        self.array().map(Uuid::from_bytes)
    }

    fn revision(&mut self) -> Result<i64, InvalidCursor> {
        let revision = i64::from_be_bytes(self.array()?);
        if revision < 0 { Err(InvalidCursor) } else { Ok(revision) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn cursor()(feed: u128, epoch: u128, a in 0..=i64::MAX, b in 0..=i64::MAX, tag: [u8; 8]) -> Cursor {
            let (feed, epoch) = (Uuid::from_u128(feed), Uuid::from_u128(epoch));
            Cursor { feed, epoch, base: a.min(b), position: a.max(b), tag }
        }
    }

    #[test]
    fn other_kinds_and_impossible_positions_are_refused() {
        let feed = Cursor { feed: Uuid::nil(), epoch: Uuid::max(), base: 3, position: 7, tag: [9; 8] };
        let snapshot =
            SnapshotCursor { feed: Uuid::nil(), epoch: Uuid::max(), head: 7, tag: [9; 8], last: Uuid::max() };
        assert_eq!(feed.encode().len(), 76);
        assert_eq!(snapshot.encode().len(), 87);
        assert_eq!(Cursor::decode(&snapshot.encode()), Err(InvalidCursor));
        assert_eq!(SnapshotCursor::decode(&feed.encode()), Err(InvalidCursor));
        assert_eq!(Cursor::decode(&Cursor { base: 8, ..feed }.encode()), Err(InvalidCursor));
        assert_eq!(Cursor::decode(&Cursor { base: -1, ..feed }.encode()), Err(InvalidCursor));
        assert_eq!(SnapshotCursor::decode(&SnapshotCursor { head: -1, ..snapshot }.encode()), Err(InvalidCursor));
        assert_eq!(Cursor::decode(&"A".repeat(1_000_000)), Err(InvalidCursor));
        assert_eq!(Cursor::decode(&format!("{}=", feed.encode())), Err(InvalidCursor));
        assert_eq!(snapshot.head_cursor(), Cursor { base: 7, ..feed });
    }

    proptest! {
        #[test]
        fn encoded_cursors_decode_to_themselves(cursor in cursor(), last: u128) {
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
            let Cursor { feed, epoch, position: head, tag, .. } = cursor;
            let snapshot = SnapshotCursor { feed, epoch, head, tag, last: Uuid::from_u128(last) };
            prop_assert_eq!(SnapshotCursor::decode(&snapshot.encode()), Ok(snapshot));
        }

        #[test]
        fn other_texts_are_refused_and_a_cursor_has_one_text(
            text in "\\PC{0,100}|[A-Za-z0-9_-]{76}|AQ[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{87}|Ag[A-Za-z0-9_-]{85}"
        ) {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text.clone());
            }
            if let Ok(cursor) = SnapshotCursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}
