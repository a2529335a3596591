//! Parameter values that are unique in their scope, in the form in which they are stored and compared.

use platform::error::{Error, InternalError};
use platform::ids::{EventId, ServiceTypeId};
use platform::secrets::ComparisonKey;
use platform::store::types::Id;
use platform::transaction::Tx;

use crate::schema::{ParameterSchema, Parameters, UniqueParameter, UniqueScope};

/// A parameter value that is unique in its scope.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UniqueValue {
    /// The id of the event or of the service type.
    pub scope: Id,
    /// The name of the parameter.
    pub parameter: String,
    /// Normalised for comparison; a keyed digest for a secret.
    pub value: String,
}

/// Loads the key for comparing the unique secrets of a service type. Returns `None` when its schema has no unique
/// secret.
///
/// # Errors
/// When the database fails, or the stored key does not open.
pub async fn comparison_key(tx: &mut Tx<'_>, schema: &ParameterSchema) -> Result<Option<ComparisonKey>, Error> {
    if !schema.parameters().iter().any(|parameter| parameter.secret && parameter.unique.is_some()) {
        return Ok(None);
    }
    let (sealer, rng) = (tx.sealer_handle(), tx.rng_handle());
    ComparisonKey::load_or_create(tx.conn, &sealer, &*rng).await.map(Some)
}

/// The unique values of an extension. A secret is represented by its digest under the [`comparison_key`].
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
    let unique = schema.unique_values(values).into_iter();
    unique
        .map(|UniqueParameter { parameter, scope, value }| {
            let scope = match scope {
                UniqueScope::Event => Id(event.0),
                UniqueScope::ServiceType => Id(service_type.0),
            };
            let value = match key {
                _ if !parameter.secret => value,
                Some(key) => key.digest(&[scope.0.as_bytes(), parameter.name.as_bytes()], &value)?,
                None => return Err(InternalError::new("the comparison key of a unique secret is missing")),
            };
            Ok(UniqueValue { scope, parameter: parameter.name.clone(), value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let key = ComparisonKey::from_bytes(b"Jefe");
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
