//! The audit's key and anchor.

use std::path::Path;
use std::sync::Arc;

use super::anchor::AnchorFile;
use super::chain::{ChainKey, Link, Row, unkeyed_link};
use super::model::{AuditEvent, NewAuditEvent};
use super::sealing;
use crate::clock::Rng;
use crate::error::{Error, InternalError};
use crate::locks;
use crate::secrets::{self, Sealer, SealingError};
use crate::store::{Conn, Store};

/// What the audit needs beside the database: the key of its MACs and links, and the file with its anchor.
pub struct AuditLog {
    key: ChainKey,
    /// Position of the first link under the key. Earlier versions wrote links without a key.
    first_keyed: i64,
    anchor: AnchorFile,
    rng: Arc<dyn Rng>,
}

impl AuditLog {
    /// Loads the audit's key, which is in the database, sealed with the sealing key. The first call generates it and
    /// seals the rows that earlier versions have written.
    ///
    /// # Errors
    /// [`SealingError`] as the cause when the sealing key is not that of the database; otherwise when the database
    /// fails.
    pub async fn load_or_create(
        store: &Store,
        sealer: &Arc<Sealer>,
        rng: &Arc<dyn Rng>,
        data_dir: &Path,
    ) -> Result<Self, Error> {
        let (inner_sealer, inner_rng) = (Arc::clone(sealer), Arc::clone(rng));
        let (key, first_keyed) =
            store.write(move |conn| Box::pin(async move { load_key(conn, &inner_sealer, &*inner_rng).await })).await?;
        Ok(Self { key, first_keyed, anchor: AnchorFile::in_folder(data_dir), rng: Arc::clone(rng) })
    }

    /// Returns the anchor's file.
    pub const fn anchor(&self) -> &AnchorFile {
        &self.anchor
    }

    /// Adds the MAC to a row that is going to be appended.
    ///
    /// # Errors
    /// As [`ChainKey::link`].
    pub fn sign(&self, event: &mut NewAuditEvent) -> Result<(), InternalError> {
        let mac = self.key.sign(&*self.rng, &hash_input_of_new(event))?;
        event.mac = Some(mac);
        Ok(())
    }

    /// Returns the link of a row at a position.
    pub(super) fn link(&self, position: i64, previous: &Link, event: &AuditEvent) -> Result<Link, InternalError> {
        if position < self.first_keyed {
            return Ok(unkeyed_link(previous, event.seq, &hash_input(event)));
        }
        self.key.link(previous, event.seq, &hash_input(event), event.mac.as_deref().unwrap_or_default())
    }

    /// Returns whether this program has written the row at a position. Rows of earlier versions have no MAC; the link
    /// alone protects them.
    pub(super) fn is_genuine(&self, position: i64, event: &AuditEvent) -> Result<bool, InternalError> {
        if position < self.first_keyed {
            return Ok(event.mac.is_none());
        }
        self.key.is_signed(&hash_input(event), event.mac.as_deref().unwrap_or_default())
    }
}

/// Returns the key and the position of the first link under it.
async fn load_key(conn: &mut Conn, sealer: &Sealer, rng: &dyn Rng) -> Result<(ChainKey, i64), Error> {
    if let Some(plain) = secrets::open_stored_key(conn, sealer, secrets::AUDIT_KEY).await? {
        return parse_key(&plain);
    }
    locks::named(conn, sealing::CHAIN_LOCK).await?;
    // Another instance may have created the key while this one waited.
    if let Some(plain) = secrets::open_stored_key(conn, sealer, secrets::AUDIT_KEY).await? {
        return parse_key(&plain);
    }
    let first_keyed = sealing::seal_unkeyed(conn).await? + 1;
    let key = ChainKey::generate(rng);
    let mut plain = zeroize::Zeroizing::new(key.expose().to_vec());
    plain.extend_from_slice(&first_keyed.to_be_bytes());
    secrets::store_key(conn, sealer, secrets::AUDIT_KEY, &plain).await?;
    Ok((key, first_keyed))
}

fn parse_key(plain: &[u8]) -> Result<(ChainKey, i64), Error> {
    let parsed = plain
        .split_at_checked(32)
        .and_then(|(key, position)| Some((ChainKey::from_bytes(key)?, i64::from_be_bytes(position.try_into().ok()?))));
    parsed.ok_or_else(|| InternalError::from(SealingError::Damaged).into())
}

pub(super) fn hash_input(event: &AuditEvent) -> Row<'_> {
    Row {
        at: event.at,
        actor: &event.actor,
        via: &event.via,
        action: &event.action,
        entity: event.entity.as_deref(),
        summary: &event.summary,
        request_id: event.request_id.as_deref(),
    }
}

fn hash_input_of_new(event: &NewAuditEvent) -> Row<'_> {
    Row {
        at: event.at,
        actor: &event.actor,
        via: event.via,
        action: event.action,
        entity: event.entity.as_deref(),
        summary: &event.summary,
        request_id: event.request_id.as_deref(),
    }
}
