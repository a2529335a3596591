//! Limits of a single request, checked before its execution.
//!
//! A document is scanned (tokens, nesting), parsed once, and its shape measured (depth, aliases, root fields,
//! directives). These limits are the same for every caller, so a document that keeps them is cached
//! ([`DocumentCache`]). The cost depends on the variables and on the caller's tier; each request evaluates the cost
//! plan of its document.
//!
//! Cost: each selected field is 1; a list multiplies what is selected on it by its size, which is `first` (50 by
//! default) for a connection and its `nodes` and `edges`, the number of `ids`, or [`PLAIN_LIST`] for a list without a
//! size. A field that reads more rows than it returns costs [`SCAN_COST`] more: a total, a search, and free numbers.
//! Pages of a provisioning feed cost 1; their rows are counted beside the cost and multiply nothing.
//!
//! The limits of async-graphql are not used: `limit_depth` counts introspection, `limit_directives` counts each field
//! alone, all of them write out fragments while they count, none depends on the caller, and their errors carry neither
//! a code nor the measure.

mod cost;
mod documents;
mod escapes;
mod scan;
mod shape;
#[cfg(test)]
mod tests;
mod types;
mod variables;

use async_graphql::{Pos, Variables};

pub use cost::{PLAIN_LIST, SCAN_COST};
pub use documents::{DocumentCache, Operation, PreparedDocument};
pub use scan::{Scan, scan};
pub use types::{DEFAULT_FIRST, TypeTable};

/// The maximal number of lexical tokens in a document.
pub const MAX_TOKENS: u64 = 2_000;
/// The maximal nesting of brackets in a document. It protects the stack of the parser; [`MAX_DEPTH`] is stricter.
pub const MAX_NESTING: u64 = 48;
/// The maximal nesting of fields outside introspection.
pub const MAX_DEPTH: u64 = 10;
/// The maximal number of aliases, with every fragment written out.
pub const MAX_ALIASES: u64 = 30;
/// The maximal number of fields of the root type, with every fragment written out.
pub const MAX_ROOT_FIELDS: u64 = 20;
/// The maximal number of directives, with every fragment written out.
pub const MAX_DIRECTIVES: u64 = 50;
/// The maximal number of selections, with every fragment written out.
pub const MAX_SELECTIONS: u64 = 10_000;
/// The maximal nesting of the lists of introspection: that of the usual introspection query.
pub const MAX_INTROSPECTION_LISTS: u64 = 2;
/// The maximal cost of an operation that may run on the threads of the asynchronous runtime when the database is
/// embedded: its statements read few rows.
pub const MAX_SHORT_COST: u64 = 100;

/// The kinds of callers for which limits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// A caller without credentials.
    Guest,
    /// A person with a session, whatever the role.
    User,
    /// A program with an API key.
    Key,
}

impl Tier {
    /// The maximal cost of one request.
    pub const fn cost(self) -> u64 {
        match self {
            Self::Guest => 5_000,
            Self::User => 20_000,
            Self::Key => 100_000,
        }
    }

    /// The maximal number of rows of provisioning feeds in one request.
    pub const fn feed_rows(self) -> u64 {
        match self {
            Self::Guest | Self::User => 1_000,
            Self::Key => 5_000,
        }
    }
}

/// The cost of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Fields, each multiplied by the sizes of the lists around it.
    pub cost: u64,
    /// Rows of provisioning feeds.
    pub feed_rows: u64,
}

/// The reason why a document, or its variables, cannot be executed.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentError {
    /// The document is not GraphQL.
    Parse { message: String, locations: Vec<Pos> },
    /// The document breaks a rule of the specification.
    Invalid { message: String, locations: Vec<Pos> },
    /// A variable or `first` cannot be accepted.
    Input { message: String },
    /// A limit is exceeded.
    TooComplex(ExceededLimit),
}

/// A limit that a document exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceededLimit {
    /// The name of the limit in the API.
    pub name: &'static str,
    /// The maximum.
    pub allowed: u64,
    /// The value of the document.
    pub measured: u64,
}

impl DocumentError {
    /// Compares a measured value with its limit.
    ///
    /// # Errors
    /// [`Self::TooComplex`] above the limit.
    fn require_at_most(name: &'static str, allowed: u64, measured: u64) -> Result<(), Self> {
        if measured > allowed { Err(Self::TooComplex(ExceededLimit { name, allowed, measured })) } else { Ok(()) }
    }
}

/// Checks the variables of an operation against the schema and computes its cost.
///
/// # Errors
/// [`DocumentError::Input`] for a variable or `first` that cannot be accepted, [`DocumentError::TooComplex`] over the
/// tier's cost or rows.
pub fn measure(
    document: &PreparedDocument,
    operation: &Operation,
    variables: &Variables,
    types: &TypeTable,
    tier: Tier,
) -> Result<Charge, DocumentError> {
    if let Some(definition) = document.definition(operation) {
        variables::check(definition, variables, types).map_err(|message| DocumentError::Input { message })?;
        let charge = document.plan.charge(&operation.steps, definition, variables, tier)?;
        DocumentError::require_at_most("cost", tier.cost(), charge.cost)?;
        DocumentError::require_at_most("feedRows", tier.feed_rows(), charge.feed_rows)?;
        return Ok(charge);
    }
    Ok(Charge::default())
}
