//! Which GraphQL types a service type's JSON Schema makes: names and shapes, decided when the schema is saved.
//!
//! Nothing here knows async-graphql; [`crate::graphql::typed`] registers what the catalogue lists.

mod catalogue;
mod shape;

pub use catalogue::{ServiceTypeShape, ServiceTypeSource, TypeCatalogue};
pub use shape::{EnumType, FieldType, ObjectType, Shape};
