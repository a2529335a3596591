//! Who finds an extension in the directory.

/// Who finds an extension in the directory; each sees what those before see.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Visibility {
    /// Everybody, guests too.
    Public,
    /// People who are signed in.
    Members,
    /// Operators.
    Staff,
    /// Nobody: owner and operators reach it otherwise.
    #[default]
    Hidden,
}

impl Visibility {
    /// Every visibility, in the order of the public contract.
    pub const ALL: [Self; 4] = [Self::Public, Self::Members, Self::Staff, Self::Hidden];

    /// Its name in GraphQL, in files and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Members => "MEMBERS",
            Self::Staff => "STAFF",
            Self::Hidden => "HIDDEN",
        }
    }

    /// The visibility with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for visibility in Visibility::ALL {
            assert_eq!(Visibility::from_name(visibility.name()), Some(visibility));
        }
        assert_eq!(Visibility::default(), Visibility::Hidden);
    }
}
