//! The three places where parameters are kept: in clear, sealed, and beside the version.

use serde_json::Value;

use super::annotations::{Parameter, Uniqueness};
use super::{ParameterSchema, Parameters};

/// Parameters by where they are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Shown in `parameters` and counted in the version.
    pub public: Parameters,
    /// Sealed at rest.
    pub secrets: Parameters,
    /// What a system reports about itself: shown, but outside version and feed.
    pub status: Parameters,
}

impl Parts {
    /// All of them together, as they are checked.
    pub fn join(&self) -> Parameters {
        let mut all = self.public.clone();
        all.extend(self.secrets.clone());
        all.extend(self.status.clone());
        all
    }
}

impl ParameterSchema {
    /// Splits whole parameters by where they are kept. What the schema does not name is public.
    pub fn split(&self, values: Parameters) -> Parts {
        let mut parts = Parts::default();
        for (name, value) in values {
            let place = match self.parameter(&name) {
                Some(parameter) if parameter.secret => &mut parts.secrets,
                Some(parameter) if parameter.status => &mut parts.status,
                _ => &mut parts.public,
            };
            place.insert(name, value);
        }
        parts
    }

    /// The values that no other extension may share: the parameter, how far, and the form in which to compare.
    ///
    /// Strings compare without regard to case, and a MAC address without its separators. Of a secret only a keyed
    /// digest may be stored for comparing, and it is no feed key.
    pub fn unique_values<'a>(&'a self, values: &Parameters) -> Vec<(&'a Parameter, Uniqueness, String)> {
        let named = self.parameters.iter().filter_map(|parameter| Some((parameter, parameter.unique?)));
        named
            .filter_map(|(parameter, scope)| {
                Some((parameter, scope, comparable(parameter, values.get(&parameter.name)?)))
            })
            .collect()
    }

    /// The parameters by which a telephone system may find an extension: unique and not secret.
    pub fn feed_keys(&self, values: &Parameters) -> Parameters {
        let keys = self.parameters.iter().filter(|parameter| parameter.unique.is_some() && !parameter.secret);
        keys.filter_map(|parameter| Some((parameter.name.clone(), values.get(&parameter.name)?.clone()))).collect()
    }
}

fn comparable(parameter: &Parameter, value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let folded = text.to_lowercase();
    if parameter.schema.get("format").and_then(Value::as_str) == Some("mac") {
        return folded.replace([':', '-'], "");
    }
    folded
}
