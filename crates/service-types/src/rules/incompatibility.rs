//! Which extensions stand in a new schema's way.

use platform::error::{UserError, UserErrorKind};
use platform::ids::ExtensionId;

/// How many of the extensions that a schema would break are named.
const NAMED: usize = 100;

/// An extension that a new schema would break.
#[derive(Clone, Debug)]
pub struct Incompatibility {
    pub extension: ExtensionId,
    /// JSON Pointer into its parameters.
    pub pointer: String,
    /// The JSON Schema keyword that failed; `x-unique` for a value that another extension has, `x-secret` for a
    /// stored secret that everybody could read.
    pub keyword: String,
    pub message: String,
}

/// The extensions that a new schema would break.
#[derive(Clone, Debug, Default)]
pub struct Incompatibilities {
    /// The first hundred.
    pub named: Vec<Incompatibility>,
    /// How many there are.
    pub count: i32,
}

impl Incompatibilities {
    pub(super) fn add(&mut self, extension: ExtensionId, problem: UserError) {
        self.count = self.count.saturating_add(1);
        if self.named.len() >= NAMED {
            return;
        }
        let (pointer, keyword) = match problem.kind {
            UserErrorKind::SchemaViolation { pointer, keyword } => (pointer, keyword),
            _ => (String::new(), String::new()),
        };
        self.named.push(Incompatibility { extension, pointer, keyword, message: problem.message });
    }

    /// SCHEMA_VIOLATION at `parameterSchema`, if anything would break.
    pub(super) fn refusal(&self) -> Option<UserError> {
        let first = self.named.first()?;
        let message = if self.count == 1 {
            "The new schema would break an extension.".to_owned()
        } else {
            format!("The new schema would break {} extensions.", self.count)
        };
        let kind = UserErrorKind::SchemaViolation { pointer: first.pointer.clone(), keyword: first.keyword.clone() };
        Some(UserError::new(kind, "parameterSchema", message))
    }
}
