//! Extensions that are incompatible with a new schema.

use platform::error::{UserError, UserErrorKind};
use platform::ids::ExtensionId;

/// The maximum number of incompatible extensions that are listed.
const MAX_LISTED: usize = 100;

/// An extension whose parameters violate a new schema.
#[derive(Clone, Debug)]
pub struct Incompatibility {
    pub extension: ExtensionId,
    /// JSON Pointer into its parameters.
    pub pointer: String,
    /// The violated keyword of JSON Schema; `x-unique` for a value of another extension, `x-secret` for a stored secret
    /// that would be exposed.
    pub keyword: String,
    pub message: String,
}

/// The extensions whose parameters violate a new schema.
#[derive(Clone, Debug, Default)]
pub struct Incompatibilities {
    /// At most the first 100.
    pub listed: Vec<Incompatibility>,
    /// The number of all incompatible extensions.
    pub count: i32,
}

impl Incompatibilities {
    /// Whether there is no incompatible extension.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an extension whose parameter has the unique value of another extension.
    pub fn add_taken(&mut self, extension: ExtensionId, parameter: &str) {
        let pointer = format!("/{}", parameter.replace('~', "~0").replace('/', "~1"));
        let kind = UserErrorKind::SchemaViolation { pointer, keyword: "x-unique".to_owned() };
        self.add(extension, UserError::new(kind, "", "Another extension has this value."));
    }

    /// Adds an extension whose parameters have this problem.
    pub fn add(&mut self, extension: ExtensionId, problem: UserError) {
        self.count = self.count.saturating_add(1);
        if self.listed.len() >= MAX_LISTED {
            return;
        }
        let (pointer, keyword) = match problem.kind {
            UserErrorKind::SchemaViolation { pointer, keyword } => (pointer, keyword),
            _ => (String::new(), String::new()),
        };
        self.listed.push(Incompatibility { extension, pointer, keyword, message: problem.message });
    }

    /// Returns SCHEMA_VIOLATION at `parameterSchema` if there is any incompatible extension.
    pub(super) fn error(&self) -> Option<UserError> {
        let first = self.listed.first()?;
        let message = if self.count == 1 {
            "The new schema would break an extension.".to_owned()
        } else {
            format!("The new schema would break {} extensions.", self.count)
        };
        let kind = UserErrorKind::SchemaViolation { pointer: first.pointer.clone(), keyword: first.keyword.clone() };
        Some(UserError::new(kind, "parameterSchema", message))
    }
}
