//! The label of an extension, its name in the directory.

use std::fmt;

use platform::error::UserError;
use platform::text;

/// The display name of an extension: one line of 1 to 64 characters in NFC.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Label(String);

impl Label {
    /// Parses a label by the rules of [`text::name`].
    ///
    /// # Errors
    /// INVALID at `label`, with the violated rule.
    pub fn parse(input: &str) -> Result<Self, UserError> {
        text::name(input).map(Self).map_err(|fault| UserError {
            message: format!("This cannot be a label. {fault}"),
            ..fault.for_field("label")
        })
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The label as owned text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_label_names_the_violated_rule() {
        assert_eq!(Label::parse(" Zebra ").unwrap().as_str(), "Zebra");
        let problem = Label::parse("\u{7}").unwrap_err();
        assert_eq!(
            problem.message,
            "This cannot be a label. It must not hold line breaks or other control characters."
        );
        assert_eq!(problem.path, ["label"]);
    }
}
