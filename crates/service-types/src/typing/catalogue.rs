//! The GraphQL types of all service types of an installation.

use std::collections::{BTreeMap, BTreeSet};

use platform::error::UserError;

use super::shape::{Builder, EnumType, ObjectType, description, pascal_case};
use crate::ServiceType;
use crate::schema::ParameterSchema;

/// The parts of a service type that its GraphQL types are generated from.
#[derive(Clone, Copy)]
pub struct ServiceTypeSource<'a> {
    /// `[a-z][a-z0-9-]{0,31}`, and not `json`.
    pub slug: &'a str,
    /// The display name, which becomes the description of the input field.
    pub name: &'a str,
    /// Markdown, which becomes the description of the object. May be empty.
    pub description: &'a str,
    pub schema: &'a ParameterSchema,
}

impl<'a> ServiceTypeSource<'a> {
    /// The source of a stored service type and its compiled schema.
    pub fn new(row: &'a ServiceType, schema: &'a ParameterSchema) -> Self {
        Self { slug: &row.slug, name: &row.name, description: &row.description, schema }
    }
}

/// The GraphQL types of all service types. It is immutable once a schema uses it.
#[derive(Debug, Default)]
pub struct TypeCatalogue {
    types: BTreeMap<String, ServiceTypeShape>,
    /// The type names that are already in use.
    used_names: BTreeSet<String>,
}

/// The GraphQL types of one service type. The first object is the type of its parameters.
#[derive(Debug)]
pub struct ServiceTypeShape {
    pub slug: String,
    /// The field of `ServiceParametersInput`: the slug with `_` in place of `-`.
    pub field: String,
    pub title: Option<String>,
    pub objects: Vec<ObjectType>,
    pub enums: Vec<EnumType>,
}

impl ServiceTypeShape {
    /// The object type of the parameters.
    pub fn parameters(&self) -> Option<&ObjectType> {
        self.objects.first()
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let objects = self.objects.iter().flat_map(|object| [&object.name, &object.input_name]);
        objects.chain(self.enums.iter().map(|choice| &choice.name))
    }
}

impl TypeCatalogue {
    /// An empty catalogue with reserved type names: those of the core API.
    pub fn new<'a>(reserved: impl IntoIterator<Item = &'a str>) -> Self {
        let own = ["ServiceParameters", "ServiceParametersInput", "JSON", "Int", "Float", "String", "Boolean", "ID"];
        let used_names = own.into_iter().chain(reserved).map(str::to_owned).collect();
        Self { types: BTreeMap::new(), used_names }
    }

    /// A catalogue of these service types.
    ///
    /// # Errors
    /// The error of the first service type that cannot be added: see [`Self::add`].
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

    /// Adds one service type. At start the server adds each service type and leaves out those with an error.
    ///
    /// # Errors
    /// INVALID at `slug` for an invalid slug, or when the name of a generated type is already in use.
    pub fn add(&mut self, source: ServiceTypeSource<'_>) -> Result<(), UserError> {
        check_slug(source.slug)?;
        let name = format!("{}Parameters", pascal_case(source.slug));
        let mut builder = Builder::new(source.schema.source());
        builder.object(&name, source.schema.source());
        let Builder { mut objects, enums, .. } = builder;
        if let Some(parameters) = objects.first_mut()
            && let Some(text) = description(source.description)
        {
            parameters.description = Some(text);
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
        if let Some(name) = shape.names().find(|name| self.used_names.contains(*name)) {
            return Err(UserError::invalid(
                "slug",
                format!("Its GraphQL types would include `{name}`, and that name is already in use."),
            ));
        }
        self.used_names.extend(shape.names().cloned());
        self.types.insert(shape.slug.clone(), shape);
        Ok(())
    }

    /// The slugs of all service types, ascending.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether the catalogue contains this service type.
    pub fn contains(&self, slug: &str) -> bool {
        self.types.contains_key(slug)
    }

    /// The types of all service types, by slug.
    pub fn types(&self) -> impl Iterator<Item = &ServiceTypeShape> {
        self.types.values()
    }

    /// The types of the service type with this slug.
    pub fn get(&self, slug: &str) -> Option<&ServiceTypeShape> {
        self.types.get(slug)
    }

    /// The types of the service type with this field in the input.
    pub fn by_field(&self, field: &str) -> Option<&ServiceTypeShape> {
        self.types.get(&field.replace('_', "-")).filter(|shape| shape.field == field)
    }
}

/// Checks a slug: `[a-z][a-z0-9-]{0,31}`, but not `json`, which is a field of every type.
fn check_slug(slug: &str) -> Result<(), UserError> {
    let begins_with_letter = slug.starts_with(|first: char| first.is_ascii_lowercase());
    let is_valid = slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !begins_with_letter || !is_valid || slug.len() > 32 {
        return Err(UserError::invalid("slug", "A slug is 1 to 32 of a-z, 0-9 and -, and begins with a letter."));
    }
    if slug == "json" {
        return Err(UserError::invalid("slug", "The slug `json` is reserved."));
    }
    Ok(())
}
