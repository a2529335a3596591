//! A schema with what the endpoint derives from it: its table of types and the cache of documents.

use async_graphql::{Executor, ObjectType, Schema, SubscriptionType, ValidationMode};

use crate::graphql::limits::{DocumentCache, TypeTable};

/// A schema as the endpoint serves it.
///
/// The library validates a document at each execution. A document that has been executed once is valid for ever, so it
/// is executed by a second instance of the schema, which leaves out the rules of validation. The values of variables
/// are checked in either case.
pub struct PublishedSchema<E> {
    validating: E,
    unvalidated: E,
    types: TypeTable,
    documents: DocumentCache,
}

impl<Q, M, S> PublishedSchema<Schema<Q, M, S>>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Publishes the schema that `build` makes.
    ///
    /// # Errors
    /// When the SDL of the schema cannot be parsed.
    pub fn build(build: impl Fn(ValidationMode) -> Schema<Q, M, S>) -> Result<Self, String> {
        let validating = build(ValidationMode::Strict);
        let types = TypeTable::from_sdl(&validating.sdl())?;
        let unvalidated = build(ValidationMode::Fast);
        Ok(Self { validating, unvalidated, types, documents: DocumentCache::default() })
    }
}

impl<E: Executor> PublishedSchema<E> {
    /// The schema itself.
    pub const fn schema(&self) -> &E {
        &self.validating
    }

    /// The types by which variables are checked and costs computed.
    pub const fn types(&self) -> &TypeTable {
        &self.types
    }

    /// The documents that were executed lately.
    pub const fn documents(&self) -> &DocumentCache {
        &self.documents
    }

    /// The instance that executes a document.
    pub(super) const fn executor(&self, is_validated: bool) -> &E {
        if is_validated { &self.unvalidated } else { &self.validating }
    }
}
