//! The secret parameters of an extension, sealed as one JSON object.

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::ids::ExtensionId;
use crate::problem::Fault;
use crate::secrets::{Place, Sealer};
use crate::service_types::schema::Parameters;

fn place(id: &Uuid) -> Place<'_> {
    Place::of("extensions", id, "secrets")
}

/// Seals secrets for their extension's row; nothing where there are none.
///
/// # Errors
/// When the sealer has no key.
pub fn seal(sealer: &Sealer, id: ExtensionId, secrets: &Parameters) -> Result<Option<Vec<u8>>, Fault> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = Zeroizing::new(serde_json::to_vec(secrets).map_err(Fault::internal)?);
    sealer.seal(&place(&id.0), &plain).map(Some).map_err(Fault::internal)
}

/// Opens what [`seal`] sealed.
///
/// # Errors
/// When the bytes do not open for this row.
pub fn open(sealer: &Sealer, id: ExtensionId, sealed: Option<&[u8]>) -> Result<Parameters, Fault> {
    let Some(sealed) = sealed else { return Ok(Parameters::new()) };
    let plain = sealer.open(&place(&id.0), sealed).map_err(Fault::internal)?;
    serde_json::from_slice(&plain).map_err(|_| Fault::internal("sealed secrets are not a JSON object"))
}
