//! The secret parameters of an extension, sealed as one JSON object.

use platform::error::InternalError;
use platform::ids::ExtensionId;
use platform::secrets::{SealContext, Sealer, SealingError};
use service_types::schema::Parameters;
use zeroize::Zeroizing;

/// Seals an extension's secret parameters for its row. Returns `None` when there are none.
///
/// # Errors
/// When sealing fails.
pub fn seal(sealer: &Sealer, extension: ExtensionId, secrets: &Parameters) -> Result<Option<Vec<u8>>, InternalError> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = Zeroizing::new(serde_json::to_vec(secrets).map_err(InternalError::new)?);
    Ok(Some(sealer.seal(&place(&extension), &plain)?))
}

/// Opens the secrets that [`seal`] sealed for the extension.
///
/// # Errors
/// When the key is missing, or the bytes are damaged or belong to another row.
pub fn open(sealer: &Sealer, extension: ExtensionId, sealed: Option<&[u8]>) -> Result<Parameters, InternalError> {
    let Some(sealed) = sealed else { return Ok(Parameters::new()) };
    let plain = sealer.open(&place(&extension), sealed)?;
    // The error of the parser may contain a part of the secret.
    serde_json::from_slice(&plain)
        .map_err(|_| InternalError::new("an extension's sealed secrets are not a JSON object"))
}

/// Seals an extension's secrets again with the newest key. Returns `None` when they already are.
///
/// # Errors
/// When the secrets do not open.
pub fn reseal(sealer: &Sealer, extension: ExtensionId, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
    sealer.reseal(&place(&extension), sealed)
}

fn place(extension: &ExtensionId) -> SealContext<'_> {
    SealContext::of("extensions", &extension.0, "secrets")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use platform::clock::SeededRng;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_open_in_their_own_row_only() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(folder.path(), None, Arc::new(SeededRng::new(1))).unwrap();
        let (own, other) = (ExtensionId(uuid::Uuid::from_u128(1)), ExtensionId(uuid::Uuid::from_u128(2)));
        let secrets = json!({ "password": "hunter22" }).as_object().unwrap().clone();
        let sealed = seal(&sealer, own, &secrets).unwrap().unwrap();
        assert_eq!(open(&sealer, own, Some(&sealed)).unwrap(), secrets);
        assert!(open(&sealer, other, Some(&sealed)).is_err());
        assert_eq!(seal(&sealer, own, &Parameters::new()).unwrap(), None);
        assert_eq!(open(&sealer, own, None).unwrap(), Parameters::new());
    }
}
