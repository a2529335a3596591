//! Splits parameters by their storage: in clear, sealed, and status outside the version.

use serde_json::Value;

use platform::text::mac;

use super::annotations::{Parameter, UniqueScope};
use super::values::{canonical, comparison_text};
use super::{ParameterSchema, Parameters};

/// The parameters of an extension, split by how they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredParameters {
    /// Returned in `parameters`; a change increments the version.
    pub public: Parameters,
    /// Sealed at rest.
    pub secrets: Parameters,
    /// Values that a telephone system reports: readable, but neither in the version nor in the feed.
    pub status: Parameters,
}

impl StoredParameters {
    /// All parameters in one map, as they are validated.
    pub fn merged(&self) -> Parameters {
        let mut all = self.public.clone();
        all.extend(self.secrets.clone());
        all.extend(self.status.clone());
        all
    }
}

/// A parameter value that must be unique.
#[derive(Clone, Debug)]
pub struct UniqueParameter<'a> {
    pub parameter: &'a Parameter,
    pub scope: UniqueScope,
    /// Normalised for comparison.
    pub value: String,
}

impl ParameterSchema {
    /// Splits parameters by how they are stored, each in its canonical form. A parameter that the schema does not define
    /// is public.
    pub fn split(&self, values: Parameters) -> StoredParameters {
        let mut stored = StoredParameters::default();
        for (name, value) in values {
            let target = match self.parameter(&name) {
                Some(parameter) if parameter.secret => &mut stored.secrets,
                Some(parameter) if parameter.status => &mut stored.status,
                _ => &mut stored.public,
            };
            target.insert(name, canonical(value));
        }
        stored
    }

    /// The values with the annotation `x-unique`.
    ///
    /// The caller stores only a keyed digest of a secret value, and a secret is never a feed key.
    pub fn unique_values<'a>(&'a self, values: &Parameters) -> Vec<UniqueParameter<'a>> {
        let unique = self.parameters.iter().filter_map(|parameter| Some((parameter, parameter.unique?)));
        unique
            .filter_map(|(parameter, scope)| {
                let value = normalised(parameter, values.get(&parameter.name)?);
                Some(UniqueParameter { parameter, scope, value })
            })
            .collect()
    }

    /// The values that a telephone system can look up an extension by: unique and not secret.
    pub fn feed_keys(&self, values: &Parameters) -> Parameters {
        let keys = self.parameters.iter().filter(|parameter| parameter.unique.is_some() && !parameter.secret);
        keys.filter_map(|parameter| Some((parameter.name.clone(), values.get(&parameter.name)?.clone()))).collect()
    }
}

/// A value in the form in which it is compared: numbers by value, text composed and without case, a MAC address by its
/// bytes.
fn normalised(parameter: &Parameter, value: &Value) -> String {
    let is_mac = parameter.schema.get("format").and_then(Value::as_str) == Some("mac");
    let address = value.as_str().filter(|_| is_mac).and_then(mac::parse);
    address.map_or_else(|| comparison_text(value), hex::encode)
}
