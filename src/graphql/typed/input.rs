//! `ServiceParametersInput`: parameters given through the input object of their service type.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{InputObjectBuilder, MetaInputValue, MetaTypeId, Registry};
use async_graphql::{InputType, InputValueError, InputValueResult, Name, Value as GraphqlValue};
use serde_json::Value;

use platform::error::UserError;
use service_types::typing::{ObjectType, ServiceTypeShape, Shape, TypeCatalogue};

use super::register::input_types;

/// One field, named by a service type, and its value. [`Self::decode`] converts it to parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceParametersInput {
    field: String,
    given: GraphqlValue,
}

impl ServiceParametersInput {
    /// The parameters as JSON, with the slug of their service type; `None` for `json`.
    ///
    /// Null stays: it removes a parameter in a merge patch. A single value is coerced to a list of one. The validation
    /// does not check a variable that is absent, so every value is checked again here.
    ///
    /// # Errors
    /// INVALID at `["typed", …]`, also when the catalogue no longer knows the type.
    pub fn decode(self, catalogue: &TypeCatalogue) -> Result<(Option<String>, Value), UserError> {
        let mut path = vec!["typed".to_owned(), self.field.clone()];
        if self.field == "json" {
            return Ok((None, json(self.given, &path)?));
        }
        let Some(service) = catalogue.by_field(&self.field) else {
            return Err(invalid(&path, "There is no such service type."));
        };
        let value = match service.parameters().filter(|object| !object.fields.is_empty()) {
            Some(object) => Decoder { service }.object(object, self.given, &mut path)?,
            None => json(self.given, &path)?,
        };
        Ok((Some(service.slug.clone()), value))
    }
}

impl InputType for ServiceParametersInput {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("ServiceParametersInput")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let catalogue = super::current();
            let json = MetaInputValue::new("json", <Option<Value> as InputType>::create_type_info(registry));
            let mut fields = IndexMap::from([("json".to_owned(), json)]);
            for shape in catalogue.types() {
                let field = input_types(registry, shape);
                fields.insert(field.name.clone(), field);
            }
            InputObjectBuilder::new(Self::type_name(), fields)
                .description(Some(
                    "One field per service type, named by its slug, beside `json`. Exactly one is given.".to_owned(),
                ))
                .oneof(true)
                .rust_typename(std::any::type_name::<Self>())
                .build()
        })
    }

    fn parse(value: Option<GraphqlValue>) -> InputValueResult<Self> {
        let Some(GraphqlValue::Object(fields)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let mut fields = fields.into_iter();
        match (fields.next(), fields.next()) {
            (Some((field, given)), None) if given != GraphqlValue::Null => Ok(Self { field: field.to_string(), given }),
            _ => Err(InputValueError::custom("exactly one field must be given, and it must not be null")),
        }
    }

    fn to_value(&self) -> GraphqlValue {
        GraphqlValue::Object(IndexMap::from([(Name::new(&self.field), self.given.clone())]))
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

struct Decoder<'a> {
    service: &'a ServiceTypeShape,
}

impl Decoder<'_> {
    fn object(&self, object: &ObjectType, given: GraphqlValue, path: &mut Vec<String>) -> Result<Value, UserError> {
        let GraphqlValue::Object(members) = given else { return Err(invalid(path, "It must be an object.")) };
        let mut decoded = serde_json::Map::new();
        for (name, member) in members {
            path.push(name.to_string());
            let Some(field) = object.fields.iter().find(|field| field.name == name.as_str()) else {
                return Err(invalid(path, "There is no such parameter."));
            };
            let value =
                if member == GraphqlValue::Null { Value::Null } else { self.value(&field.shape, member, path)? };
            decoded.insert(name.to_string(), value);
            path.pop();
        }
        Ok(Value::Object(decoded))
    }

    fn value(&self, shape: &Shape, given: GraphqlValue, path: &mut Vec<String>) -> Result<Value, UserError> {
        match (shape, given) {
            (Shape::Json, given) => json(given, path),
            (Shape::String, GraphqlValue::String(text)) => Ok(Value::String(text)),
            (Shape::Boolean, GraphqlValue::Boolean(value)) => Ok(Value::Bool(value)),
            (Shape::Int, GraphqlValue::Number(number))
                if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) =>
            {
                Ok(Value::Number(number))
            }
            (Shape::Float { integer }, GraphqlValue::Number(number)) => {
                Ok(Value::Number(if *integer { as_integer(number) } else { number }))
            }
            (Shape::Enum(choice), given) => self.choice(*choice, &given, path),
            (Shape::Object(object), given) => match self.service.objects.get(*object) {
                Some(object) => self.object(object, given, path),
                None => json(given, path),
            },
            (Shape::List { of, nullable }, GraphqlValue::List(entries)) => self.list(of, *nullable, entries, path),
            (Shape::List { of, nullable }, single) => self.list(of, *nullable, vec![single], path),
            (Shape::String, _) => Err(invalid(path, "It must be a string.")),
            (Shape::Boolean, _) => Err(invalid(path, "It must be true or false.")),
            (Shape::Int, _) => Err(invalid(path, "It must be an integer of 32 bits.")),
            (Shape::Float { .. }, _) => Err(invalid(path, "It must be a number.")),
        }
    }

    fn choice(&self, choice: usize, given: &GraphqlValue, path: &[String]) -> Result<Value, UserError> {
        let name = match given {
            GraphqlValue::Enum(name) => name.as_str(),
            GraphqlValue::String(text) => text,
            _ => "",
        };
        match self.service.enums.get(choice) {
            Some(known) if known.values.iter().any(|value| value == name) => Ok(Value::from(name)),
            Some(known) => Err(invalid(path, &format!("It must be one of {}.", known.values.join(", ")))),
            None => Err(invalid(path, "It must be one of the values of its enum.")),
        }
    }

    fn list(
        &self,
        of: &Shape,
        nullable: bool,
        entries: Vec<GraphqlValue>,
        path: &mut Vec<String>,
    ) -> Result<Value, UserError> {
        let mut decoded = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            path.push(index.to_string());
            decoded.push(match entry {
                GraphqlValue::Null if nullable => Value::Null,
                GraphqlValue::Null => return Err(invalid(path, "It must not be null.")),
                entry => self.value(of, entry, path)?,
            });
            path.pop();
        }
        Ok(Value::Array(decoded))
    }
}

/// `5.0` as `5`: the JSON Schema demands an integer, and the GraphQL type is Float.
fn as_integer(number: serde_json::Number) -> serde_json::Number {
    let exact = number
        .as_f64()
        .filter(|value| number.is_f64() && value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0);
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact")]
    exact.map_or(number, |value| serde_json::Number::from(value as i64))
}

fn json(given: GraphqlValue, path: &[String]) -> Result<Value, UserError> {
    given.into_json().map_err(|_| invalid(path, "It cannot be written as JSON."))
}

fn invalid(path: &[String], sentence: &str) -> UserError {
    UserError::invalid("", sentence).at(path.iter().cloned())
}
