//! How an extension's parameters lie in its row: secrets as one sealed JSON object, unique values beside it.

use zeroize::Zeroizing;

use super::schema::{ParameterSchema, Parameters, Uniqueness};
use platform::error::{Error, InternalError};
use platform::ids::{EventId, ExtensionId, ServiceTypeId};
use platform::secrets::{ComparisonKey, SealContext, Sealer, SealingError};
use platform::store::types::Id;
use platform::transaction::Tx;

/// Seals an extension's secret parameters for its row; nothing where it has none.
///
/// # Errors
/// When sealing fails.
pub fn seal_secrets(
    sealer: &Sealer,
    extension: ExtensionId,
    secrets: &Parameters,
) -> Result<Option<Vec<u8>>, InternalError> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = Zeroizing::new(serde_json::to_vec(secrets).map_err(InternalError::new)?);
    Ok(Some(sealer.seal(&place(&extension), &plain)?))
}

/// Opens what [`seal_secrets`] sealed for this extension.
///
/// # Errors
/// When the key is not there, or the bytes were damaged or belong to another row.
pub fn open_secrets(
    sealer: &Sealer,
    extension: ExtensionId,
    sealed: Option<&[u8]>,
) -> Result<Parameters, InternalError> {
    let Some(sealed) = sealed else { return Ok(Parameters::new()) };
    let plain = sealer.open(&place(&extension), sealed)?;
    // The parser's own words would show the place in a secret.
    serde_json::from_slice(&plain).map_err(|_| InternalError::new("an extension's sealed secrets are no JSON object"))
}

/// An extension's sealed secrets, sealed with the newest key; nothing where they are already.
///
/// # Errors
/// When they do not open.
pub fn reseal_secrets(sealer: &Sealer, extension: ExtensionId, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
    sealer.reseal(&place(&extension), sealed)
}

fn place(extension: &ExtensionId) -> SealContext<'_> {
    SealContext::of("extensions", &extension.0, "secrets")
}

/// One value that no other extension in its scope may have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UniqueValue {
    /// The event or the service type.
    pub scope: Id,
    /// The parameter's name.
    pub parameter: String,
    /// In the form in which values are compared.
    pub value: String,
}

/// The key for comparing the unique secrets of a service type; none where its schema has no such parameter.
///
/// # Errors
/// When the database refuses, or the stored key does not open.
pub async fn comparison_key(tx: &mut Tx<'_>, schema: &ParameterSchema) -> Result<Option<ComparisonKey>, Error> {
    if !schema.parameters().iter().any(|parameter| parameter.secret && parameter.unique.is_some()) {
        return Ok(None);
    }
    let (sealer, rng) = (tx.sealer_handle(), tx.rng_handle());
    ComparisonKey::load_or_create(tx.conn, &sealer, &*rng).await.map(Some)
}

/// The values of an extension that no other may have. Of a secret only a digest under the [`comparison_key`] is kept: the
/// value stays sealed.
///
/// # Errors
/// For a unique secret without the key.
pub fn unique_values(
    schema: &ParameterSchema,
    values: &Parameters,
    event: EventId,
    service_type: ServiceTypeId,
    key: Option<&ComparisonKey>,
) -> Result<Vec<UniqueValue>, InternalError> {
    let found = schema.unique_values(values).into_iter();
    found
        .map(|(parameter, reach, value)| {
            let scope = match reach {
                Uniqueness::Event => Id(event.0),
                Uniqueness::ServiceType => Id(service_type.0),
            };
            let value = match key {
                _ if !parameter.secret => value,
                Some(key) => key.digest(&[scope.0.as_bytes(), parameter.name.as_bytes()], &value)?,
                None => return Err(InternalError::new("a unique secret without the key for comparing it")),
            };
            Ok(UniqueValue { scope, parameter: parameter.name.clone(), value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use platform::clock::SeededRng;

    #[test]
    fn secrets_open_in_their_own_row_only() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(folder.path(), None, Arc::new(SeededRng::new(1))).unwrap();
        let (one, two) = (ExtensionId(uuid::Uuid::from_u128(1)), ExtensionId(uuid::Uuid::from_u128(2)));
        let secrets = json!({ "password": "hunter22" }).as_object().unwrap().clone();
        let sealed = seal_secrets(&sealer, one, &secrets).unwrap().unwrap();
        assert_eq!(open_secrets(&sealer, one, Some(&sealed)).unwrap(), secrets);
        assert!(open_secrets(&sealer, two, Some(&sealed)).is_err());
        assert_eq!(seal_secrets(&sealer, one, &Parameters::new()).unwrap(), None);
        assert_eq!(open_secrets(&sealer, one, None).unwrap(), Parameters::new());
    }

    #[test]
    fn a_unique_value_is_compared_in_its_scope() {
        let schema = ParameterSchema::compile(&json!({
            "type": "object",
            "properties": {
                "mac": { "type": "string", "format": "mac", "x-unique": "EVENT" },
                "ric": { "type": "integer", "x-unique": "SERVICE_TYPE" },
                "pin": { "type": "string", "x-secret": true, "x-unique": "SERVICE_TYPE" },
            },
        }))
        .unwrap();
        let (event, service_type) = (EventId(uuid::Uuid::from_u128(1)), ServiceTypeId(uuid::Uuid::from_u128(2)));
        let values = json!({ "mac": "AA:BB:CC:00:11:22", "ric": 8, "pin": "0000" }).as_object().unwrap().clone();
        let key = ComparisonKey::known(b"Jefe");
        let mut values = unique_values(&schema, &values, event, service_type, Some(&key)).unwrap();
        values.sort();
        let pin = key.digest(&[service_type.0.as_bytes(), b"pin"], "0000").unwrap();
        assert_eq!(
            values,
            [
                UniqueValue { scope: Id(event.0), parameter: "mac".into(), value: "aabbcc001122".into() },
                UniqueValue { scope: Id(service_type.0), parameter: "pin".into(), value: pin },
                UniqueValue { scope: Id(service_type.0), parameter: "ric".into(), value: "8".into() },
            ]
        );
        let pin = json!({ "pin": "0000" }).as_object().unwrap().clone();
        assert!(unique_values(&schema, &pin, event, service_type, None).is_err());
    }
}
