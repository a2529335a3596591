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
    /// The place in the order of rows; it rises, gaps are possible.
    pub seq: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it: an id, never a name, so that a deleted account leaves the row as it is.
    pub actor: Option<String>,
    /// By what means: a session, a key, the command line.
    pub via: String,
    /// What was done, such as `extension.register`.
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
    let texts = [row.actor.as_deref(), Some(&row.via), Some(&row.action), row.entity.as_deref(), Some(&row.summary), row.request_id.as_deref()];
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

/// What a whole chain amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Rows whose link is right.
    pub sealed: u64,
    /// Rows at the end that the sealing job has not reached yet.
    pub unsealed: u64,
    /// The last link: whoever noted an earlier one can see that the chain still leads through it.
    pub last: Link,
}

/// Where and how a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The row or one before it was changed, taken out or put in.
    #[error("the audit is broken at row {0}: its content and its hash do not belong together")]
    Changed(i64),
    /// The row's sequence does not come after the row before.
    #[error("the audit is broken at row {0}: it is out of order")]
    Disordered(i64),
    /// The row is sealed, though one before it is not.
    #[error("the audit is broken at row {0}: a row before it has lost its hash")]
    Gap(i64),
}

/// Verifies a chain row by row, so that rows may be read page by page.
#[derive(Clone, Debug)]
pub struct Verifier {
    verified: Verified,
    seq: Option<i64>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { verified: Verified { sealed: 0, unsealed: 0, last: BEGINNING }, seq: None }
    }
}

impl Verifier {
    /// Takes the next row in the order of sequence, with its stored link; None where it is not sealed yet.
    ///
    /// # Errors
    /// [`Broken`], naming this row.
    pub fn take(&mut self, row: &Row, stored: Option<&Link>) -> Result<(), Broken> {
        if self.seq.is_some_and(|seq| seq >= row.seq) {
            return Err(Broken::Disordered(row.seq));
        }
        self.seq = Some(row.seq);
        match stored {
            None => self.verified.unsealed += 1,
            Some(_) if self.verified.unsealed > 0 => return Err(Broken::Gap(row.seq)),
            Some(stored) if link(&self.verified.last, row) != *stored => return Err(Broken::Changed(row.seq)),
            Some(stored) => {
                self.verified.sealed += 1;
                self.verified.last = *stored;
            }
        }
        Ok(())
    }

    /// What the rows taken so far amount to.
    pub const fn verified(&self) -> Verified {
        self.verified
    }
}

/// Verifies a whole chain, from its first row on.
///
/// # Errors
/// [`Broken`], naming the first row that is not as it was.
pub fn verify(rows: impl IntoIterator<Item = (Row, Option<Link>)>) -> Result<Verified, Broken> {
    let mut verifier = Verifier::default();
    for (row, stored) in rows {
        verifier.take(&row, stored.as_ref())?;
    }
    Ok(verifier.verified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64) -> Row {
        Row {
            seq,
            at: Timestamp(1_000_000 + seq),
            actor: (seq % 2 == 0).then(|| "account".to_owned()),
            via: "session".to_owned(),
            action: "extension.register".to_owned(),
            entity: Some(format!("extension {seq}")),
            summary: "{}".to_owned(),
            request_id: None,
        }
    }

    fn chain(length: i64) -> Vec<(Row, Option<Link>)> {
        let mut last = BEGINNING;
        let seal = |seq| {
            last = link(&last, &row(seq * 3));
            (row(seq * 3), Some(last))
        };
        (1..=length).map(seal).collect()
    }

    #[test]
    fn a_whole_chain_is_verified_with_its_unsealed_end() {
        let mut rows = chain(10);
        let last = rows[9].1.unwrap();
        rows.push((row(100), None));
        assert_eq!(verify(rows), Ok(Verified { sealed: 10, unsealed: 1, last }));
        assert_eq!(verify([]), Ok(Verified { sealed: 0, unsealed: 0, last: BEGINNING }));
    }

    #[test]
    fn every_field_is_covered() {
        let changes: [fn(&mut Row); 8] = [
            |row| row.seq += 1,
            |row| row.at.0 += 1,
            |row| row.actor = Some(String::new()),
            |row| row.via.push('x'),
            |row| row.action.push('x'),
            |row| row.entity = None,
            |row| row.summary = "{} ".to_owned(),
            |row| row.request_id = Some(String::new()),
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut rows = chain(5);
            change(&mut rows[2].0);
            let seq = rows[2].0.seq;
            assert_eq!(verify(rows), Err(Broken::Changed(seq)), "change {at}");
        }
    }

    #[test]
    fn text_cannot_move_between_fields() {
        let (mut one, mut other) = (row(1), row(1));
        (one.via, one.action) = ("ab".to_owned(), "c".to_owned());
        (other.via, other.action) = ("a".to_owned(), "bc".to_owned());
        assert_ne!(link(&BEGINNING, &one), link(&BEGINNING, &other));
    }

    #[test]
    fn the_first_broken_row_is_named() {
        let mut taken = chain(5);
        taken.remove(1);
        assert_eq!(verify(taken), Err(Broken::Changed(9)));
        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert_eq!(verify(swapped), Err(Broken::Changed(9)));
        let mut twice = chain(5);
        twice.insert(2, twice[1].clone());
        assert_eq!(verify(twice), Err(Broken::Disordered(6)));
        let mut bare = chain(5);
        bare[1].1 = None;
        assert_eq!(verify(bare), Err(Broken::Gap(9)));
    }
}
