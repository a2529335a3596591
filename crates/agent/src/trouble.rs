//! Why the agent cannot go on.

/// What keeps the agent from its work. The words hold no secrets: they are logged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Trouble {
    /// It passes by itself: the same is tried again after a pause.
    #[error("{0}")]
    Passing(String),
    /// A person has to look: trying again gives the same.
    #[error("{0}")]
    Lasting(String),
}

impl Trouble {
    /// What passes by itself.
    pub fn passing(what: impl Into<String>) -> Self {
        Self::Passing(what.into())
    }

    /// What a person has to mend.
    pub fn lasting(what: impl Into<String>) -> Self {
        Self::Lasting(what.into())
    }
}

/// What could not be applied of one extension; all others go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// For programs, 1 to 64 characters.
    pub code: String,
    /// For a person, at most 1000 characters.
    pub message: String,
}

impl Refusal {
    /// A refusal, cut to the lengths that an acknowledgement takes.
    pub fn new(code: &str, message: impl AsRef<str>) -> Self {
        let cut = |text: &str, most| text.chars().take(most).collect::<String>();
        Self { code: cut(code, 64), message: cut(message.as_ref(), 1000) }
    }
}

/// Why one extension, or the whole telephone system, did not take something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fails {
    /// This extension alone.
    Record(Refusal),
    /// Everything.
    System(Trouble),
}

impl From<Trouble> for Fails {
    fn from(trouble: Trouble) -> Self {
        Self::System(trouble)
    }
}

impl From<Refusal> for Fails {
    fn from(refusal: Refusal) -> Self {
        Self::Record(refusal)
    }
}
