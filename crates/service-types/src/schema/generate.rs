//! Values that the server makes: passwords, passphrases, codes.

use std::sync::LazyLock;

use serde_json::Value;

use platform::clock::Rng;
use platform::error::{UserError, UserErrorKind};

use super::annotations::{Generate, Parameter};
use super::{ParameterSchema, Parameters};

/// Letters and digits that nobody mixes up when they are read aloud or typed from paper: no 0 O o, no 1 I l i.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Short common words; at least 1,296, so that each adds 10 bits and more.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// What generated values are made of.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The extension's number.
    pub number: &'a str,
    /// The owner's username.
    pub username: &'a str,
    pub rng: &'a dyn Rng,
}

/// Makes one value.
pub(super) fn draw(kind: &Generate, source: &Source<'_>) -> Value {
    let rng = source.rng;
    Value::String(match kind {
        Generate::Password { length } => (0..*length).map(|_| pick(rng, ALPHABET)).map(char::from).collect(),
        Generate::Passphrase { words } => (0..*words).map(|_| pick(rng, &WORDS)).collect::<Vec<_>>().join("-"),
        Generate::Digits { length } => (0..*length).map(|_| pick(rng, b"0123456789")).map(char::from).collect(),
        Generate::Hex { bytes } => {
            let mut drawn = vec![0; *bytes];
            rng.fill(&mut drawn);
            hex::encode(drawn)
        }
        Generate::Username => source.username.to_owned(),
        Generate::Number => source.number.to_owned(),
    })
}

/// One of `choices`, each equally likely; the default of an empty slice.
fn pick<T: Copy + Default>(rng: &dyn Rng, choices: &[T]) -> T {
    let index = rng.below(choices.len() as u64);
    usize::try_from(index).ok().and_then(|index| choices.get(index)).copied().unwrap_or_default()
}

impl ParameterSchema {
    /// Makes a new value for one generated parameter: to rotate it.
    ///
    /// # Errors
    /// NOT_FOUND at `parameter` when there is no such parameter; INVALID when the server does not generate it.
    pub fn generate_one(&self, parameter: &str, source: &Source<'_>) -> Result<Value, UserError> {
        let Some(found) = self.parameter(parameter) else {
            return Err(UserError::not_found("parameter", "There is no such parameter."));
        };
        match &found.generate {
            Some(kind) => Ok(draw(kind, source)),
            None => Err(UserError::invalid("parameter", "The server does not generate this parameter.")),
        }
    }

    /// Makes a new value for every generated secret, as a transfer must, and returns them by name.
    pub fn rotate_all(&self, values: &mut Parameters, source: &Source<'_>) -> Parameters {
        let mut made = Parameters::new();
        for parameter in self.parameters.iter().filter(|parameter| parameter.secret) {
            if let Some(kind) = &parameter.generate {
                let value = draw(kind, source);
                values.insert(parameter.name.clone(), value.clone());
                made.insert(parameter.name.clone(), value);
            }
        }
        made
    }

    /// Checks that rotating `parameter` means something: it is a secret that the server generates.
    ///
    /// # Errors
    /// NOT_FOUND or INVALID at `parameter`.
    pub fn rotatable(&self, parameter: &str) -> Result<&Parameter, UserError> {
        match self.parameter(parameter) {
            Some(found) if found.secret && found.generate.is_some() => Ok(found),
            Some(_) => Err(UserError::new(
                UserErrorKind::Invalid,
                "parameter",
                "Only a secret that the server generates can be rotated.",
            )),
            None => Err(UserError::not_found("parameter", "There is no such parameter.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::clock::SeededRng;

    #[test]
    fn the_words_are_many_short_and_different() {
        let mut sorted = WORDS.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), WORDS.len());
        assert!(WORDS.len() >= 1_296, "{} words", WORDS.len());
        assert!(WORDS.iter().all(|word| (3..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())));
    }

    #[test]
    fn each_kind_has_its_form() {
        let rng = SeededRng::new(7);
        let source = Source { number: "0042", username: "ada", rng: &rng };
        let text = |kind| draw(&kind, &source).as_str().unwrap().to_owned();
        let password = text(Generate::Password { length: 20 });
        assert!(password.len() == 20 && password.bytes().all(|b| ALPHABET.contains(&b)));
        assert_eq!(text(Generate::Passphrase { words: 4 }).split('-').count(), 4);
        assert!(text(Generate::Digits { length: 8 }).parse::<u64>().is_ok());
        assert_eq!(text(Generate::Hex { bytes: 16 }).len(), 32);
        assert_eq!(text(Generate::Username), "ada");
        assert_eq!(text(Generate::Number), "0042");
    }
}
