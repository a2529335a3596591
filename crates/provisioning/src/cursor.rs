//! Cursors: positions in a feed that check themselves.
//!
//! Clients see opaque text: base64url (RFC 4648, section 5) without padding of a kind byte and fixed fields, integers
//! big-endian. A cursor has exactly one text. It is not signed: feed, epoch and tag are compared with the database, and
//! a cursor that somebody made up is no more than a wrong position in a feed that he may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

const FEED_KIND: u8 = 1;
const SNAPSHOT_KIND: u8 = 2;
const FEED_BYTES: usize = 57;
const SNAPSHOT_BYTES: usize = 65;

/// The text is no cursor of this kind: nothing that this program has issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is not a cursor of a feed")]
pub struct NotACursor;

/// A position in a feed, after which changes are told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cursor {
    /// The feed it belongs to.
    pub feed: Uuid,
    /// The life of the database in which it was issued.
    pub epoch: Uuid,
    /// The revision at which the consumer last held one instant; at most `position`.
    pub base: i64,
    /// The revision up to which changes have been told; not negative.
    pub position: i64,
    /// The random tag of the revision `position`, which the database must know.
    pub tag: [u8; 8],
}

/// A place between two pages of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotCursor {
    /// The feed it belongs to.
    pub feed: Uuid,
    /// The life of the database in which it was issued.
    pub epoch: Uuid,
    /// The head of the first page: the revision from which changes bring the pages into step; not negative.
    pub head: i64,
    /// The random tag of the revision `head`.
    pub tag: [u8; 8],
    /// The last extension of the page before.
    pub last: Uuid,
}

impl Cursor {
    /// The cursor of a consumer that holds the instant of revision `head`.
    pub const fn at_head(feed: Uuid, epoch: Uuid, head: i64, tag: [u8; 8]) -> Self {
        Self { feed, epoch, base: head, position: head, tag }
    }

    /// Its text: 76 characters.
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

    /// Reads a cursor back.
    ///
    /// # Errors
    /// [`NotACursor`] for any text that [`Self::encode`] does not give.
    pub fn decode(text: &str) -> Result<Self, NotACursor> {
        let mut fields = Fields::decode::<FEED_BYTES>(text, FEED_KIND)?;
        let cursor = Self {
            feed: fields.uuid()?,
            epoch: fields.uuid()?,
            base: fields.revision()?,
            position: fields.revision()?,
            tag: fields.take()?,
        };
        if cursor.base <= cursor.position { Ok(cursor) } else { Err(NotACursor) }
    }
}

impl SnapshotCursor {
    /// Its text: 87 characters.
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

    /// Reads a cursor back.
    ///
    /// # Errors
    /// [`NotACursor`] for any text that [`Self::encode`] does not give.
    pub fn decode(text: &str) -> Result<Self, NotACursor> {
        let mut fields = Fields::decode::<SNAPSHOT_BYTES>(text, SNAPSHOT_KIND)?;
        Ok(Self {
            feed: fields.uuid()?,
            epoch: fields.uuid()?,
            head: fields.revision()?,
            tag: fields.take()?,
            last: fields.uuid()?,
        })
    }

    /// The cursor from which changes bring a copy made of these pages into step.
    pub const fn head_cursor(&self) -> Cursor {
        Cursor::at_head(self.feed, self.epoch, self.head, self.tag)
    }
}

/// The fields of a cursor that are still to be read.
struct Fields {
    bytes: std::vec::IntoIter<u8>,
}

impl Fields {
    fn decode<const LENGTH: usize>(text: &str, kind: u8) -> Result<Self, NotACursor> {
        // A text of another length is not decoded at all, however long it is.
        if text.len() != (LENGTH * 4).div_ceil(3) {
            return Err(NotACursor);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?.into_iter();
        if bytes.len() == LENGTH && bytes.next() == Some(kind) { Ok(Self { bytes }) } else { Err(NotACursor) }
    }

    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], NotACursor> {
        let mut field = [0; LENGTH];
        for byte in &mut field {
            *byte = self.bytes.next().ok_or(NotACursor)?;
        }
        Ok(field)
    }

    fn uuid(&mut self) -> Result<Uuid, NotACursor> {
        self.take().map(Uuid::from_bytes)
    }

    fn revision(&mut self) -> Result<i64, NotACursor> {
        let revision = i64::from_be_bytes(self.take()?);
        if revision < 0 { Err(NotACursor) } else { Ok(revision) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn cursor()(feed: u128, epoch: u128, a in 0..=i64::MAX, b in 0..=i64::MAX, tag: [u8; 8]) -> Cursor {
            Cursor { feed: Uuid::from_u128(feed), epoch: Uuid::from_u128(epoch), base: a.min(b), position: a.max(b), tag }
        }
    }

    #[test]
    fn other_kinds_and_impossible_positions_are_refused() {
        let feed = Cursor { feed: Uuid::nil(), epoch: Uuid::max(), base: 3, position: 7, tag: [9; 8] };
        let snapshot =
            SnapshotCursor { feed: Uuid::nil(), epoch: Uuid::max(), head: 7, tag: [9; 8], last: Uuid::max() };
        assert_eq!(feed.encode().len(), 76);
        assert_eq!(snapshot.encode().len(), 87);
        assert_eq!(Cursor::decode(&snapshot.encode()), Err(NotACursor));
        assert_eq!(SnapshotCursor::decode(&feed.encode()), Err(NotACursor));
        assert_eq!(Cursor::decode(&Cursor { base: 8, ..feed }.encode()), Err(NotACursor));
        assert_eq!(Cursor::decode(&Cursor { base: -1, ..feed }.encode()), Err(NotACursor));
        assert_eq!(SnapshotCursor::decode(&SnapshotCursor { head: -1, ..snapshot }.encode()), Err(NotACursor));
        assert_eq!(Cursor::decode(&"A".repeat(1_000_000)), Err(NotACursor));
        assert_eq!(Cursor::decode(&format!("{}=", feed.encode())), Err(NotACursor));
        assert_eq!(snapshot.head_cursor(), Cursor { base: 7, ..feed });
    }

    proptest! {
        #[test]
        fn cursors_read_back(cursor in cursor(), last: u128) {
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
            let snapshot = SnapshotCursor { feed: cursor.feed, epoch: cursor.epoch, head: cursor.position, tag: cursor.tag, last: Uuid::from_u128(last) };
            prop_assert_eq!(SnapshotCursor::decode(&snapshot.encode()), Ok(snapshot));
        }

        #[test]
        fn garbage_is_refused_and_nothing_has_two_texts(text in "\\PC{0,100}|[A-Za-z0-9_-]{76}|AQ[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{87}|Ag[A-Za-z0-9_-]{85}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text.clone());
            }
            if let Ok(cursor) = SnapshotCursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}
