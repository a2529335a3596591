//! Limits of a template's source, checked on its tokens before it is parsed: the parser and the compiler are recursive.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::engine::{TemplateError, template_error};

/// The maximum size of a source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// The maximum number of tokens between two delimiters (`{{ … }}`, `{% … %}`).
const MAX_BLOCK_TOKENS: usize = 1_000;
/// The maximum nesting of brackets between two delimiters.
const MAX_BRACKETS: usize = 32;
/// The maximum nesting of statements. An `elif` is a nested statement too, as it has no end of its own.
const MAX_STATEMENTS: usize = 64;
/// The maximum number of `elif` between an `if` and its end.
const MAX_BRANCHES: usize = 200;

/// The name of the filter that returns its value, which [`without_constant_factors`] adds.
pub const IDENTITY_FILTER: &str = "unfolded";

/// Checks the limits.
///
/// # Errors
/// With the line, for a source that is too large or nested too deep, and for text that is no token.
pub fn check(source: &str, syntax: &SyntaxConfig) -> Result<(), TemplateError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(TemplateError::new(format!("it has more than {MAX_SOURCE_BYTES} bytes")));
    }
    let mut block = Block::default();
    let mut statements: Vec<usize> = Vec::new();
    for token in tokenize(source, false, syntax.clone()) {
        let (token, span) = token.map_err(|error| template_error(&error))?;
        let too_large = |message: String| TemplateError { line: Some(usize::from(span.start_line)), message };
        match token {
            Token::TemplateData(_) | Token::VariableEnd => block = Block::default(),
            Token::BlockEnd => {
                block.count_statement(&mut statements).map_err(too_large)?;
                block = Block::default();
            }
            token => block.add(&token).map_err(too_large)?,
        }
    }
    Ok(())
}

/// The tokens between two delimiters.
#[derive(Default)]
struct Block {
    tokens: usize,
    brackets: usize,
    /// The first words of a statement: its keyword, and for `set` whether there is a `=`.
    keyword: Option<String>,
    has_assignment: bool,
}

impl Block {
    fn add(&mut self, token: &Token<'_>) -> Result<(), String> {
        self.tokens += 1;
        match token {
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => self.brackets += 1,
            Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                self.brackets = self.brackets.saturating_sub(1);
            }
            Token::Assign => self.has_assignment = true,
            Token::Ident(word) if self.keyword.is_none() => self.keyword = Some((*word).to_owned()),
            _ => {}
        }
        if self.tokens > MAX_BLOCK_TOKENS {
            return Err(format!("an expression has more than {MAX_BLOCK_TOKENS} parts"));
        }
        if self.brackets > MAX_BRACKETS {
            return Err(format!("brackets are nested more than {MAX_BRACKETS} levels deep"));
        }
        Ok(())
    }

    /// Adds the statement to the open ones, each of which counts its branches.
    fn count_statement(&self, open: &mut Vec<usize>) -> Result<(), String> {
        match self.keyword.as_deref().unwrap_or_default() {
            "elif" => {
                if let Some(branches) = open.last_mut() {
                    *branches += 1;
                    if *branches > MAX_BRANCHES {
                        return Err(format!("a condition has more than {MAX_BRANCHES} branches"));
                    }
                }
            }
            // `{% set x %}` encloses text up to `{% endset %}`, `{% set x = 1 %}` does not.
            "set" if self.has_assignment => {}
            "for" | "if" | "with" | "set" | "autoescape" | "filter" | "block" | "macro" | "call" => open.push(0),
            keyword if keyword.starts_with("end") => drop(open.pop()),
            _ => {}
        }
        if open.len() > MAX_STATEMENTS {
            return Err(format!("statements are nested more than {MAX_STATEMENTS} levels deep"));
        }
        Ok(())
    }
}

/// Hides integer constants from the compiler in expressions with `*`. It would evaluate `'x' * 100000000` while it
/// compiles, where no limit applies.
pub fn without_constant_factors(source: &str, syntax: &SyntaxConfig) -> String {
    let mut hidden = String::with_capacity(source.len());
    let mut copied = 0;
    let mut integers: Vec<std::ops::Range<usize>> = Vec::new();
    let mut has_factor = false;
    let mut is_attribute = false;
    for (token, span) in tokenize(source, false, syntax.clone()).map_while(Result::ok) {
        match token {
            Token::Mul => has_factor = true,
            Token::Int(_) | Token::Int128(_) if !is_attribute => {
                integers.push(span.start_offset as usize..span.end_offset as usize);
            }
            Token::VariableEnd | Token::BlockEnd => {
                for integer in integers.drain(..).filter(|_| has_factor) {
                    let Some((before, digits)) = source.get(copied..integer.start).zip(source.get(integer.clone()))
                    else {
                        continue;
                    };
                    hidden.push_str(before);
                    hidden.push_str(&format!("({digits}|{IDENTITY_FILTER})"));
                    copied = integer.end;
                }
                has_factor = false;
            }
            _ => {}
        }
        is_attribute = matches!(token, Token::Dot);
    }
    hidden.push_str(source.get(copied..).unwrap_or_default());
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(source: &str) -> Result<(), String> {
        check(source, &SyntaxConfig::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn ordinary_sources_are_accepted() {
        for source in [
            "",
            "{% for x in extensions %}{% if x.active %}{{ x.number }}{% else %}-{% endif %}{% endfor %}",
            "{% set a %}x{% endset %}{% set b = 1 %}{{ ((((a)))) }}",
            &"{% if a %}{% elif b %}{% elif c %}{% endif %}".repeat(1_000),
            &"{% for x in y %}{{ x }}{% endfor %}".repeat(2_000),
            &"text ".repeat(50_000),
        ] {
            assert_eq!(checked(source), Ok(()), "{}", &source[..source.len().min(80)]);
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |open: &str, inner: &str, close: &str, times: usize| {
            format!("\n{}{inner}{}", open.repeat(times), close.repeat(times))
        };
        for (source, message) in [
            (format!("{{{{ {}1 }}}}", "-".repeat(20_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ 1{} }}}}", "+1".repeat(30_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ {}1 }}}}", "not ".repeat(20_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ x{} }}}}", "|trim".repeat(20_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ x{} }}}}", ".x".repeat(20_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ {}1 }}}}", "1 if x else ".repeat(5_000)), "an expression has more than 1000 parts"),
            (format!("{{{{ {}{} }}}}", "[".repeat(40), "]".repeat(40)), "nested more than 32 levels"),
            (format!("{{{{ x{} }}}}", "(".repeat(40)), "nested more than 32 levels"),
            (nested("{% if a %}", "x", "{% endif %}", 65), "statements are nested more than 64 levels"),
            (nested("{% for a in b %}", "x", "{% endfor %}", 1_000), "statements are nested more than 64 levels"),
            (nested("{% set a %}", "x", "{% endset %}", 1_000), "statements are nested more than 64 levels"),
            (format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(5_000)), "more than 200 branches"),
            ("x".repeat(300_000), "it has more than 262144 bytes"),
        ] {
            let error = checked(&source).unwrap_err();
            assert!(error.contains(message), "{error}: {}", &source[..40]);
        }
        assert!(checked("\n\n{{ `} }}").unwrap_err().starts_with("line 3:"));
    }

    #[test]
    fn integers_beside_a_factor_are_hidden() {
        let hidden = |source: &str| without_constant_factors(source, &SyntaxConfig::default());
        assert_eq!(hidden("{{ 'x' * 10 }}{{ 1 + 2 }}"), "{{ 'x' * (10|unfolded) }}{{ 1 + 2 }}");
        assert_eq!(hidden("a 2 * 3 {{ x.0 * y[1] }}\n"), "a 2 * 3 {{ x.0 * y[(1|unfolded)] }}\n");
        assert_eq!(hidden("{% set a = 2 * 3 %}{# 4 * 5 #}"), "{% set a = (2|unfolded) * (3|unfolded) %}{# 4 * 5 #}");
    }
}
