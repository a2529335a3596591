//! Who may write which parameter, and who may see it.

use serde_json::Value;

use platform::error::{UserError, UserErrorKind};

use super::annotations::{Audience, Parameter};
use super::{ParameterSchema, Parameters};

/// Who writes parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor {
    /// The extension's owner.
    Owner,
    /// An operator or admin, for anybody.
    Operator,
    /// A telephone system that writes back.
    Consumer,
    /// The import of an export: it restores what was there.
    Import,
}

/// Who reads parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The extension's owner.
    Owner,
    /// An operator or admin.
    Operator,
    /// A telephone system with its key; what its scopes allow is another question.
    Consumer,
}

impl Parameter {
    /// Whether this editor may write it.
    pub fn is_writable_by(&self, editor: Editor) -> bool {
        match editor {
            Editor::Import => true,
            Editor::Owner => self.editable_by == Audience::Owner && !self.read_only,
            Editor::Operator => self.editable_by <= Audience::Operator,
            Editor::Consumer => self.editable_by == Audience::Consumer,
        }
    }

    /// Whether this viewer may read it: OPERATOR means operators and keys, CONSUMER keys alone.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Owner => self.visible_to == Audience::Owner,
            Viewer::Operator => self.visible_to <= Audience::Operator,
            Viewer::Consumer => true,
        }
    }
}

impl ParameterSchema {
    /// What in this patch the editor may not write: FEATURE_DENIED at `["parameters", name]`.
    ///
    /// A value that the editor can see and leaves as it is in `current` is no write, so that a form may send back
    /// everything that it showed. A telephone system may write nothing that the schema does not name.
    pub fn forbidden_writes(&self, patch: &Parameters, current: &Parameters, editor: Editor) -> Vec<UserError> {
        let viewer = match editor {
            Editor::Owner => Viewer::Owner,
            Editor::Operator => Viewer::Operator,
            Editor::Consumer | Editor::Import => Viewer::Consumer,
        };
        let forbidden = patch.iter().filter(|(name, value)| match self.parameter(name) {
            Some(parameter) => {
                let unchanged = parameter.is_visible_to(viewer) && current.get(*name).unwrap_or(&Value::Null) == *value;
                !unchanged && !parameter.is_writable_by(editor)
            }
            None => editor == Editor::Consumer,
        });
        forbidden.map(|(name, _)| refusal(name, self.parameter(name), editor)).collect()
    }

    /// The values that the viewer may see.
    pub fn visible(&self, values: &Parameters, viewer: Viewer) -> Parameters {
        let seen = values
            .iter()
            .filter(|(name, _)| self.parameter(name).is_none_or(|parameter| parameter.is_visible_to(viewer)));
        seen.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn refusal(name: &str, parameter: Option<&Parameter>, editor: Editor) -> UserError {
    let (rule, sentence) = match (editor, parameter.map(|parameter| parameter.editable_by)) {
        (Editor::Consumer, _) => ("parameter.notOfSystems", "A telephone system may not write this parameter."),
        (_, Some(Audience::Consumer)) => ("parameter.ofSystems", "Only a telephone system writes this parameter."),
        (_, Some(Audience::Operator)) => ("parameter.ofOperators", "Only operators write this parameter."),
        _ => ("parameter.readOnly", "This parameter is read-only."),
    };
    UserError::new(UserErrorKind::FeatureDenied, "", sentence).rule(rule).at(["parameters", name])
}
