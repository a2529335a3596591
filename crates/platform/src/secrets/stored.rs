//! The installation's own random keys: stored in the database, sealed with the sealing key.

use zeroize::Zeroizing;

use super::{SealContext, Sealer, queries};
use crate::error::{Error, InternalError};
use crate::store::Conn;

/// Name of the key for digests of unique secrets.
pub(super) const COMPARISON_KEY: &str = "comparison";
/// Name of the audit's key.
pub const AUDIT_KEY: &str = "audit";

/// Opens the stored key of this name; `None` when there is none yet.
///
/// # Errors
/// When the database fails or the key was sealed with another sealing key.
pub async fn open_stored_key(
    conn: &mut Conn,
    sealer: &Sealer,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some(sealed) = queries::sealed_key(conn, name).await? else { return Ok(None) };
    Ok(Some(sealer.open(&seal_context(name), &sealed).map_err(InternalError::from)?))
}

/// Seals and stores a key. Of two concurrent first calls only one stores its key, so the caller opens it afterwards.
///
/// # Errors
/// When the database fails.
pub async fn store_key(conn: &mut Conn, sealer: &Sealer, name: &str, plain: &[u8]) -> Result<(), Error> {
    let sealed = sealer.seal(&seal_context(name), plain).map_err(InternalError::from)?;
    Ok(queries::insert_key(conn, name, &sealed).await?)
}

/// Seals every stored key with the newest sealing key; returns the number of keys that were not.
///
/// # Errors
/// When the database fails or a stored key cannot be opened.
pub async fn reseal_stored_keys(conn: &mut Conn, sealer: &Sealer) -> Result<usize, Error> {
    let mut resealed = 0;
    for name in [COMPARISON_KEY, AUDIT_KEY] {
        let Some(sealed) = queries::sealed_key(conn, name).await? else { continue };
        if let Some(sealed) = sealer.reseal(&seal_context(name), &sealed).map_err(InternalError::from)? {
            queries::save_key(conn, name, &sealed).await?;
            resealed += 1;
        }
    }
    Ok(resealed)
}

const fn seal_context(name: &str) -> SealContext<'_> {
    SealContext::new("sealed_keys", name.as_bytes(), "sealed")
}

/// Checks that the sealing keys are those of the database, by one sealed value of each kind.
///
/// # Errors
/// When a value was sealed with another key, and when the database fails.
pub async fn check_sealing_key(conn: &mut Conn, sealer: &Sealer) -> Result<(), Error> {
    for sealed in queries::sealed_samples(conn).await? {
        sealer.check_key(&sealed).map_err(InternalError::from)?;
    }
    Ok(())
}

/// Returns whether the database has sealed values, which are lost without their sealing key.
///
/// # Errors
/// When the database fails.
pub async fn has_sealed_values(conn: &mut Conn) -> Result<bool, Error> {
    Ok(!queries::sealed_samples(conn).await?.is_empty())
}
