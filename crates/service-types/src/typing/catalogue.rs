//! The GraphQL types of all service types of an installation.

use std::collections::{BTreeMap, BTreeSet};

use platform::error::UserError;
use crate::schema::ParameterSchema;

use super::shape::{Builder, EnumType, ObjectType, description, pascal_case};

/// What a service type's GraphQL types are made of.
#[derive(Clone, Copy)]
pub struct ServiceTypeSource<'a> {
    /// `[a-z][a-z0-9-]{0,31}`, and not `json`.
    pub slug: &'a str,
    /// For people: it describes the field of the input.
    pub name: &'a str,
    /// Markdown; it describes the object. May be empty.
    pub description: &'a str,
    pub schema: &'a ParameterSchema,
}

/// The GraphQL types of all service types. Cheap to share, never changed once it is in a schema.
#[derive(Debug, Default)]
pub struct TypeCatalogue {
    types: BTreeMap<String, ServiceTypeShape>,
    taken: BTreeSet<String>,
}

/// The types of one service type; the first object is that of its parameters.
#[derive(Debug)]
pub struct ServiceTypeShape {
    pub slug: String,
    /// The field of `ServiceParametersInput`: the slug with `_` for `-`.
    pub field: String,
    pub title: Option<String>,
    pub objects: Vec<ObjectType>,
    pub enums: Vec<EnumType>,
}

impl ServiceTypeShape {
    /// The object of the parameters.
    pub fn parameters(&self) -> Option<&ObjectType> {
        self.objects.first()
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let objects = self.objects.iter().flat_map(|object| [&object.name, &object.input_name]);
        objects.chain(self.enums.iter().map(|choice| &choice.name))
    }
}

impl TypeCatalogue {
    /// An empty catalogue in which these type names may not be used: the core's own, as
    /// `schema.registry` or the committed `schema.graphql` list them.
    pub fn new<'a>(reserved: impl IntoIterator<Item = &'a str>) -> Self {
        let own = ["ServiceParameters", "ServiceParametersInput", "JSON", "Int", "Float", "String", "Boolean", "ID"];
        let taken = own.into_iter().chain(reserved).map(str::to_owned).collect();
        Self { types: BTreeMap::new(), taken }
    }

    /// A catalogue of all these service types.
    ///
    /// # Errors
    /// The first that cannot be added: see [`Self::add`].
    pub fn try_new<'a, 'b>(
        types: impl IntoIterator<Item = ServiceTypeSource<'a>>,
        reserved: impl IntoIterator<Item = &'b str>,
    ) -> Result<Self, UserError> {
        let mut catalogue = Self::new(reserved);
        for source in types {
            catalogue.add(source)?;
        }
        Ok(catalogue)
    }

    /// Adds one service type. A server that starts adds one after the other, and leaves out what no longer fits.
    ///
    /// # Errors
    /// INVALID at `slug` when the slug is not one, or when a type made of it would bear a name that is taken.
    pub fn add(&mut self, source: ServiceTypeSource<'_>) -> Result<(), UserError> {
        check_slug(source.slug)?;
        let name = format!("{}Parameters", pascal_case(source.slug));
        let mut builder = Builder::new(source.schema.source());
        builder.object(&name, source.schema.source());
        let Builder { mut objects, enums, .. } = builder;
        if let Some(parameters) = objects.first_mut()
            && let Some(about) = description(source.description)
        {
            parameters.description = Some(about);
        }
        let shape = ServiceTypeShape {
            slug: source.slug.to_owned(),
            field: source.slug.replace('-', "_"),
            title: description(source.name),
            objects,
            enums,
        };
        if self.types.contains_key(&shape.slug) {
            return Err(UserError::invalid("slug", "There is a service type with this slug already."));
        }
        if let Some(clash) = shape.names().find(|name| self.taken.contains(*name)) {
            return Err(UserError::invalid(
                "slug",
                format!("Its GraphQL types would include `{clash}`, and that name is taken."),
            ));
        }
        self.taken.extend(shape.names().cloned());
        self.types.insert(shape.slug.clone(), shape);
        Ok(())
    }

    /// The slugs of all service types in it, ascending.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether this service type has GraphQL types here.
    pub fn contains(&self, slug: &str) -> bool {
        self.types.contains_key(slug)
    }

    pub fn types(&self) -> impl Iterator<Item = &ServiceTypeShape> {
        self.types.values()
    }

    pub fn get(&self, slug: &str) -> Option<&ServiceTypeShape> {
        self.types.get(slug)
    }

    /// The service type whose field in the input is this.
    pub fn by_field(&self, field: &str) -> Option<&ServiceTypeShape> {
        self.types.get(&field.replace('_', "-")).filter(|shape| shape.field == field)
    }
}

/// Slugs are `[a-z][a-z0-9-]{0,31}`; `json` is the name of the field that every type has.
fn check_slug(slug: &str) -> Result<(), UserError> {
    let starts = slug.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !starts || !fits || slug.len() > 32 {
        return Err(UserError::invalid("slug", "A slug is 1 to 32 of a-z, 0-9 and -, and begins with a letter."));
    }
    if slug == "json" {
        return Err(UserError::invalid("slug", "The slug `json` is reserved."));
    }
    Ok(())
}
