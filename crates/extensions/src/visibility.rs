//! Who finds an extension in the directory.

use platform::text_enum;

text_enum! {
    /// Who finds an extension in the directory; each sees what those before see. The name is that of GraphQL, files and the database.
    pub enum Visibility {
        /// Everybody, guests too.
        Public = "PUBLIC",
        /// People who are signed in.
        Members = "MEMBERS",
        /// Operators.
        Staff = "STAFF",
        /// Nobody: owner and operators reach it otherwise.
        Hidden = "HIDDEN",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that declares the enum takes no default")]
impl Default for Visibility {
    fn default() -> Self {
        Self::Hidden
    }
}
