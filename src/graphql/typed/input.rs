//! `ServiceParametersInput`: parameters given through the input object of their service type.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{InputObjectBuilder, MetaInputValue, MetaTypeId, Registry};
use async_graphql::{InputType, InputValueError, InputValueResult, Name, Value as Given};
use serde_json::Value;

use platform::error::UserError;
use service_types::typing::{ObjectType, ServiceTypeShape, Shape, TypeCatalogue};

use super::register::input_types;

/// One field, named by a service type, and what it was given; [`Self::decode`] makes parameters of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceParametersInput {
    field: String,
    given: Given,
}

impl ServiceParametersInput {
    /// The parameters as JSON, with the slug of the service type that they were given for; none for `json`.
    ///
    /// Null is kept: in a merge patch it removes. A single value where a list is expected becomes a list of one, as
    /// GraphQL has it. The request's validation has usually refused what does not fit, but not where a variable was
    /// left out: so everything is checked again.
    ///
    /// # Errors
    /// INVALID at `["typed", …]`, also when the catalogue no longer knows the type.
    pub fn decode(self, catalogue: &TypeCatalogue) -> Result<(Option<String>, Value), UserError> {
        let mut place = vec!["typed".to_owned(), self.field.clone()];
        if self.field == "json" {
            return Ok((None, json(self.given, &place)?));
        }
        let Some(service) = catalogue.by_field(&self.field) else {
            return Err(refusal(&place, "There is no such service type."));
        };
        let value = match service.parameters().filter(|object| !object.fields.is_empty()) {
            Some(object) => Decoder { service }.object(object, self.given, &mut place)?,
            None => json(self.given, &place)?,
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

    fn parse(value: Option<Given>) -> InputValueResult<Self> {
        let Some(Given::Object(fields)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let mut fields = fields.into_iter();
        match (fields.next(), fields.next()) {
            (Some((field, given)), None) if given != Given::Null => Ok(Self { field: field.to_string(), given }),
            _ => Err(InputValueError::custom("exactly one field must be given, and it must not be null")),
        }
    }

    fn to_value(&self) -> Given {
        Given::Object(IndexMap::from([(Name::new(&self.field), self.given.clone())]))
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

struct Decoder<'a> {
    service: &'a ServiceTypeShape,
}

impl Decoder<'_> {
    fn object(&self, object: &ObjectType, given: Given, place: &mut Vec<String>) -> Result<Value, UserError> {
        let Given::Object(members) = given else { return Err(refusal(place, "It must be an object.")) };
        let mut decoded = serde_json::Map::new();
        for (name, member) in members {
            place.push(name.to_string());
            let Some(field) = object.fields.iter().find(|field| field.name == name.as_str()) else {
                return Err(refusal(place, "There is no such parameter."));
            };
            let value = if member == Given::Null { Value::Null } else { self.value(&field.shape, member, place)? };
            decoded.insert(name.to_string(), value);
            place.pop();
        }
        Ok(Value::Object(decoded))
    }

    fn value(&self, shape: &Shape, given: Given, place: &mut Vec<String>) -> Result<Value, UserError> {
        match (shape, given) {
            (Shape::Json, given) => json(given, place),
            (Shape::String, Given::String(text)) => Ok(Value::String(text)),
            (Shape::Boolean, Given::Boolean(value)) => Ok(Value::Bool(value)),
            (Shape::Int, Given::Number(number))
                if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) =>
            {
                Ok(Value::Number(number))
            }
            (Shape::Float { integer }, Given::Number(number)) => {
                Ok(Value::Number(if *integer { whole(number) } else { number }))
            }
            (Shape::Enum(choice), given) => self.choice(*choice, &given, place),
            (Shape::Object(object), given) => match self.service.objects.get(*object) {
                Some(object) => self.object(object, given, place),
                None => json(given, place),
            },
            (Shape::List { of, nullable }, Given::List(entries)) => self.list(of, *nullable, entries, place),
            (Shape::List { of, nullable }, single) => self.list(of, *nullable, vec![single], place),
            (Shape::String, _) => Err(refusal(place, "It must be a string.")),
            (Shape::Boolean, _) => Err(refusal(place, "It must be true or false.")),
            (Shape::Int, _) => Err(refusal(place, "It must be an integer of 32 bits.")),
            (Shape::Float { .. }, _) => Err(refusal(place, "It must be a number.")),
        }
    }

    fn choice(&self, choice: usize, given: &Given, place: &[String]) -> Result<Value, UserError> {
        let name = match given {
            Given::Enum(name) => name.as_str(),
            Given::String(text) => text,
            _ => "",
        };
        match self.service.enums.get(choice) {
            Some(known) if known.values.iter().any(|value| value == name) => Ok(Value::from(name)),
            Some(known) => Err(refusal(place, &format!("It must be one of {}.", known.values.join(", ")))),
            None => Err(refusal(place, "It must be one of the values of its enum.")),
        }
    }

    fn list(
        &self,
        of: &Shape,
        nullable: bool,
        entries: Vec<Given>,
        place: &mut Vec<String>,
    ) -> Result<Value, UserError> {
        let mut decoded = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            place.push(index.to_string());
            decoded.push(match entry {
                Given::Null if nullable => Value::Null,
                Given::Null => return Err(refusal(place, "It must not be null.")),
                entry => self.value(of, entry, place)?,
            });
            place.pop();
        }
        Ok(Value::Array(decoded))
    }
}

/// `5.0` as `5`: the JSON Schema says integer, and the client could only say Float.
fn whole(number: serde_json::Number) -> serde_json::Number {
    let exact = number
        .as_f64()
        .filter(|value| number.is_f64() && value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0);
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact")]
    exact.map_or(number, |value| serde_json::Number::from(value as i64))
}

fn json(given: Given, place: &[String]) -> Result<Value, UserError> {
    given.into_json().map_err(|_| refusal(place, "It cannot be written as JSON."))
}

fn refusal(place: &[String], sentence: &str) -> UserError {
    UserError::invalid("", sentence).at(place.iter().cloned())
}
