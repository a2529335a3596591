//! The GraphQL types that are generated from the JSON Schema of a service type: their names and fields.
//!
//! This module does not depend on async-graphql. `graphql::typed` registers the types of the catalogue.

mod catalogue;
mod shape;

pub use catalogue::{ServiceTypeShape, ServiceTypeSource, TypeCatalogue};
pub use shape::{EnumType, FieldType, ObjectType, Shape};
