//! What one request may ask for, measured before anything runs.
//!
//! A document is scanned (tokens, nesting), parsed once, and its shape measured (depth, aliases, root fields, directives); these
//! limits are the same for everybody, so a document that passed is kept ([`DocumentCache`]) and never measured again. What is
//! left for each request is the cost, which depends on its variables and on who asks: a walk over a small plan.
//!
//! Cost: each selected field is 1; a list multiplies what is selected on it by its size, which is `first` (50 where left out) for a
//! connection and its `nodes` and `edges`, the number of `ids` given, or [`PLAIN_LIST`] for a list without a size. Pages of a
//! provisioning feed cost 1 and are counted in rows beside the cost: what they hold is not multiplied.
//!
//! Numbers that the design leaves open: people read at most 1,000 rows of a feed in one request, keys 5,000; a document's
//! selections, with every fragment written out, are at most 10,000; introspection may nest its lists twice, as the usual
//! introspection query does.

mod cost;
mod documents;
mod scan;
mod shape;
#[cfg(test)]
mod tests;
mod types;
mod variables;

use async_graphql::{Pos, Variables};

pub use cost::PLAIN_LIST;
pub use documents::{DocumentCache, Operation, Prepared};
pub use scan::{Scan, scan};
pub use types::{DEFAULT_FIRST, TypeTable};

/// The most lexical tokens in a document.
pub const TOKENS: u64 = 2_000;
/// The deepest nesting of brackets in a document: a guard for the parser's stack, above what [`DEPTH`] lets through.
pub const NESTING: u64 = 48;
/// The deepest nesting of fields, introspection apart.
pub const DEPTH: u64 = 10;
/// The most aliases, with fragments written out.
pub const ALIASES: u64 = 30;
/// The most fields of the root type, with fragments written out.
pub const ROOT_FIELDS: u64 = 20;
/// The most directives, with fragments written out.
pub const DIRECTIVES: u64 = 50;
/// The most selections, with fragments written out.
pub const SELECTIONS: u64 = 10_000;
/// How often one of introspection's lists may stand below another.
pub const INTROSPECTION_LISTS: u64 = 2;

/// For whom limits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Nobody is signed in.
    Guest,
    /// A person with a session, whatever the role.
    User,
    /// A telephone system with an API key.
    Key,
}

impl Tier {
    /// The most cost of one request.
    pub const fn cost(self) -> u64 {
        match self {
            Self::Guest => 5_000,
            Self::User => 20_000,
            Self::Key => 100_000,
        }
    }

    /// The most rows of provisioning feeds in one request.
    pub const fn feed_rows(self) -> u64 {
        match self {
            Self::Guest | Self::User => 1_000,
            Self::Key => 5_000,
        }
    }
}

/// What a request will be charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Fields, each multiplied by the sizes of the lists around it.
    pub cost: u64,
    /// Rows of provisioning feeds, charged beside the cost.
    pub feed_rows: u64,
}

/// Why a document, or its variables, may not run.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The document is not GraphQL.
    Parse { message: String, locations: Vec<Pos> },
    /// The document breaks a rule of the specification.
    Invalid { message: String, locations: Vec<Pos> },
    /// A variable or `first` cannot be accepted.
    Input { message: String },
    /// A limit is exceeded: its name in the API, what it allows and what was measured.
    TooComplex { limit: &'static str, allowed: u64, measured: u64 },
}

impl Refused {
    fn over(limit: &'static str, allowed: u64, measured: u64) -> Result<(), Self> {
        if measured > allowed { Err(Self::TooComplex { limit, allowed, measured }) } else { Ok(()) }
    }
}

/// Checks an operation's variables against the schema and computes what it costs.
///
/// # Errors
/// [`Refused::Input`] for a variable or `first` that cannot be accepted, [`Refused::TooComplex`] over the tier's cost or rows.
pub fn measure(
    prepared: &Prepared,
    operation: &Operation,
    variables: &Variables,
    types: &TypeTable,
    tier: Tier,
) -> Result<Charge, Refused> {
    if let Some(definition) = prepared.definition(operation) {
        variables::check(definition, variables, types).map_err(|message| Refused::Input { message })?;
        let charge = prepared.plan.charge(&operation.steps, definition, variables, tier)?;
        Refused::over("cost", tier.cost(), charge.cost)?;
        Refused::over("feedRows", tier.feed_rows(), charge.feed_rows)?;
        return Ok(charge);
    }
    Ok(Charge::default())
}
