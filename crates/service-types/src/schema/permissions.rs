//! Permissions to write and read single parameters.

use serde_json::Value;

use platform::error::{UserError, UserErrorKind};

use super::annotations::{Audience, Parameter};
use super::{ParameterSchema, Parameters, are_equal};

/// The kind of caller that writes parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor {
    /// The extension's owner.
    Owner,
    /// An operator or admin, for any extension.
    Operator,
    /// A telephone system that writes values back with its key.
    Consumer,
    /// The import of an export, which restores every value.
    Import,
}

/// The kind of caller that reads parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The extension's owner.
    Owner,
    /// An operator or admin.
    Operator,
    /// A telephone system with its key. The scopes of the key are checked elsewhere.
    Consumer,
}

impl Parameter {
    /// Whether the editor may write the parameter.
    pub fn is_writable_by(&self, editor: Editor) -> bool {
        match editor {
            Editor::Import => true,
            Editor::Owner => self.editable_by == Audience::Owner && !self.read_only,
            Editor::Operator => self.editable_by <= Audience::Operator,
            Editor::Consumer => self.editable_by == Audience::Consumer,
        }
    }

    /// Whether the viewer may read the parameter. OPERATOR allows operators and keys, CONSUMER allows keys only.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Owner => self.visible_to == Audience::Owner,
            Viewer::Operator => self.visible_to <= Audience::Operator,
            Viewer::Consumer => true,
        }
    }
}

impl ParameterSchema {
    /// Returns FEATURE_DENIED at `["parameters", name]` for each parameter of the patch that the editor may not write.
    ///
    /// A visible value that equals the one in `current` is not a write, so that a form can send back all values that it
    /// displayed. A telephone system can only write parameters that the schema defines.
    pub fn forbidden_writes(&self, patch: &Parameters, current: &Parameters, editor: Editor) -> Vec<UserError> {
        let viewer = match editor {
            Editor::Owner => Viewer::Owner,
            Editor::Operator => Viewer::Operator,
            Editor::Consumer | Editor::Import => Viewer::Consumer,
        };
        let forbidden = patch.iter().filter(|(name, value)| match self.parameter(name) {
            Some(parameter) => {
                let before = current.get(*name).unwrap_or(&Value::Null);
                let unchanged = parameter.is_visible_to(viewer) && are_equal(before, value);
                !unchanged && !parameter.is_writable_by(editor)
            }
            None => editor == Editor::Consumer,
        });
        forbidden.map(|(name, _)| denied(name, self.parameter(name), editor)).collect()
    }

    /// The values that the viewer may read.
    pub fn visible(&self, values: &Parameters, viewer: Viewer) -> Parameters {
        let visible = values
            .iter()
            .filter(|(name, _)| self.parameter(name).is_none_or(|parameter| parameter.is_visible_to(viewer)));
        visible.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn denied(name: &str, parameter: Option<&Parameter>, editor: Editor) -> UserError {
    let (rule, message) = match (editor, parameter.map(|parameter| parameter.editable_by)) {
        (Editor::Consumer, _) => ("parameter.notOfSystems", "A telephone system may not write this parameter."),
        (_, Some(Audience::Consumer)) => ("parameter.ofSystems", "Only a telephone system writes this parameter."),
        (_, Some(Audience::Operator)) => ("parameter.ofOperators", "Only operators write this parameter."),
        _ => ("parameter.readOnly", "This parameter is read-only."),
    };
    UserError::new(UserErrorKind::FeatureDenied, "", message).rule(rule).at(["parameters", name])
}
