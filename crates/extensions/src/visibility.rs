//! The visibility of extensions in the directory.

use platform::text_enum;

text_enum! {
    /// The visibility of an extension in the directory. Each level includes the callers of the levels below it. The names are
    /// those of GraphQL, files and the database.
    pub enum Visibility {
        /// All callers, including guests.
        Public = "PUBLIC",
        /// Signed-in users.
        Members = "MEMBERS",
        /// Operators and admins.
        Staff = "STAFF",
        /// Not in the directory. Owner and operators find it in other lists.
        Hidden = "HIDDEN",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that declares the enum takes no default")]
impl Default for Visibility {
    fn default() -> Self {
        Self::Hidden
    }
}
