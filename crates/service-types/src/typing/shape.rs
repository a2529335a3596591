//! Derives GraphQL types from subschemas of a JSON Schema.

use serde_json::Value;

use crate::schema::resolve;

/// The GraphQL type of one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Int,
    /// A number; `integer` for integers that may be too large for `Int`.
    Float {
        integer: bool,
    },
    String,
    Boolean,
    Json,
    /// An enum, by its index in the list of the service type.
    Enum(usize),
    /// An object, by its index in the list.
    Object(usize),
    /// A list; `nullable` if its entries may be null.
    List {
        of: Box<Shape>,
        nullable: bool,
    },
}

/// An enum type whose values are both JSON strings and GraphQL names.
#[derive(Clone, Debug)]
pub struct EnumType {
    pub name: String,
    pub description: Option<String>,
    pub values: Vec<String>,
}

/// An object type and the corresponding input type.
#[derive(Clone, Debug)]
pub struct ObjectType {
    pub name: String,
    pub input_name: String,
    pub description: Option<String>,
    pub fields: Vec<FieldType>,
}

/// One field of an object.
#[derive(Clone, Debug)]
pub struct FieldType {
    pub name: String,
    pub description: Option<String>,
    pub deprecated: bool,
    /// A secret, which is accepted as input and never returned.
    pub input_only: bool,
    pub shape: Shape,
}

/// Whether the text is a GraphQL name (specification, section 2.1.9) that is not reserved for introspection.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !text.starts_with("__")
}

/// Converts `max_contacts` and `desk-phone` to `MaxContacts` and `DeskPhone`.
pub(super) fn pascal_case(text: &str) -> String {
    let parts = text.split(['_', '-']).filter(|part| !part.is_empty());
    parts.flat_map(|part| part[..1].to_ascii_uppercase().chars().chain(part[1..].chars()).collect::<Vec<_>>()).collect()
}

/// A description that is valid in SDL between triple quotes.
pub(super) fn description(text: &str) -> Option<String> {
    let mut clean: String =
        text.chars().filter(|character| !character.is_control() || matches!(character, '\n' | '\t')).collect();
    clean = clean.replace("\"\"\"", "'''");
    let clean = clean.trim();
    // In the one-line form of SDL a backslash begins an escape. A line break forces the block form.
    let needs_block = clean.contains('\\') && !clean.contains('\n');
    (!clean.is_empty()).then(|| if needs_block { format!("{clean}\n") } else { clean.to_owned() })
}

/// Builds the types of one service type, the object of its parameters first.
pub(super) struct Builder<'a> {
    root: &'a Value,
    pub objects: Vec<ObjectType>,
    pub enums: Vec<EnumType>,
}

impl<'a> Builder<'a> {
    pub fn new(root: &'a Value) -> Self {
        Self { root, objects: Vec::new(), enums: Vec::new() }
    }

    /// Builds the object `name` from the properties of `schema`. Returns its index in the list, or `None` if it has no
    /// field.
    pub fn object(&mut self, name: &str, schema: &Value) -> Option<usize> {
        let name = self.unused_name(name);
        let index = self.objects.len();
        let about = text(schema, "description").or_else(|| text(schema, "title"));
        let empty = ObjectType {
            input_name: format!("{name}Input"),
            name: name.clone(),
            description: about,
            fields: Vec::new(),
        };
        self.objects.push(empty);
        let mut fields = Vec::new();
        for (property, schema) in ordered(schema) {
            if is_name(property) && !(index == 0 && property == "json") {
                fields.push(self.field(&name, property, schema));
            }
        }
        if fields.is_empty() && index > 0 {
            // No object was added after it.
            self.objects.truncate(index);
            return None;
        }
        self.objects[index].fields = fields;
        Some(index)
    }

    fn field(&mut self, owner: &str, property: &str, schema: &Value) -> FieldType {
        let resolved = resolve(self.root, schema);
        let shape = self.shape(&format!("{owner}{}", pascal_case(property)), &resolved);
        FieldType {
            name: property.to_owned(),
            description: text(&resolved, "description").or_else(|| text(&resolved, "title")),
            deprecated: resolved.get("deprecated") == Some(&Value::Bool(true)),
            input_only: schema.get("x-secret") == Some(&Value::Bool(true)),
            shape,
        }
    }

    /// The shape of a schema whose reference is resolved. `name` is used for a new object or enum type.
    fn shape(&mut self, name: &str, schema: &Value) -> Shape {
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return self.enumeration(name, schema, values);
        }
        if let Some(value) = schema.get("const") {
            return self.enumeration(name, schema, std::slice::from_ref(value));
        }
        match types(schema).as_slice() {
            ["string"] => Shape::String,
            ["boolean"] => Shape::Boolean,
            ["integer"] if fits_int(schema) => Shape::Int,
            ["integer"] => Shape::Float { integer: true },
            ["number"] | ["integer", "number"] | ["number", "integer"] => Shape::Float { integer: false },
            ["array"] => self.list(name, schema),
            ["object"] => self.object(name, schema).map_or(Shape::Json, Shape::Object),
            _ => Shape::Json,
        }
    }

    fn list(&mut self, name: &str, schema: &Value) -> Shape {
        match schema.get("items") {
            Some(items @ Value::Object(_)) if schema.get("prefixItems").is_none() => {
                let items = resolve(self.root, items);
                let nullable = may_be_null(&items);
                Shape::List { of: Box::new(self.shape(name, &items)), nullable }
            }
            _ => Shape::Json,
        }
    }

    fn enumeration(&mut self, name: &str, schema: &Value, values: &[Value]) -> Shape {
        let values: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
        let all = |matches: &dyn Fn(&Value) -> bool| !values.is_empty() && values.iter().all(|value| matches(value));
        if all(&|value| value.as_str().is_some_and(|text| is_name(text) && !["true", "false", "null"].contains(&text)))
        {
            let mut names: Vec<String> = Vec::new();
            for text in values.iter().filter_map(|value| value.as_str()) {
                if !names.iter().any(|name| name == text) {
                    names.push(text.to_owned());
                }
            }
            let about = text(schema, "description").or_else(|| text(schema, "title"));
            let name = self.unused_name(name);
            self.enums.push(EnumType { name, description: about, values: names });
            return Shape::Enum(self.enums.len() - 1);
        }
        if all(&Value::is_string) {
            Shape::String
        } else if all(&Value::is_boolean) {
            Shape::Boolean
        } else if all(&|value| value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())) {
            Shape::Int
        } else if all(&Value::is_number) {
            Shape::Float { integer: all(&|value| value.is_i64() || value.is_u64()) }
        } else {
            Shape::Json
        }
    }

    /// The name, with a number appended if another type of the service type already has it.
    fn unused_name(&self, name: &str) -> String {
        let is_used = |name: &str| {
            let input = format!("{name}Input");
            let objects = self.objects.iter().flat_map(|object| [&object.name, &object.input_name]);
            let mut names = objects.chain(self.enums.iter().map(|choice| &choice.name));
            names.any(|used| *used == *name || *used == input)
        };
        let candidates = std::iter::once(name.to_owned()).chain((2_u32..).map(|count| format!("{name}{count}")));
        candidates.into_iter().find(|candidate| !is_used(candidate)).unwrap_or_else(|| name.to_owned())
    }
}

fn text(schema: &Value, keyword: &str) -> Option<String> {
    schema.get(keyword).and_then(Value::as_str).and_then(description)
}

/// The properties in the order of a form: by `x-order`, then by name.
fn ordered(schema: &Value) -> Vec<(&String, &Value)> {
    let mut properties: Vec<_> = schema.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    properties.sort_by_key(|(name, schema)| {
        (schema.get("x-order").and_then(Value::as_i64).unwrap_or(i64::MAX), (*name).clone())
    });
    properties
}

/// The allowed JSON types without null. Every generated field is nullable.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
        _ => Vec::new(),
    }
}

fn may_be_null(schema: &Value) -> bool {
    let named = match schema.get("type") {
        None => true,
        Some(Value::Array(several)) => several.iter().any(|one| one == "null"),
        Some(one) => one == "null",
    };
    let listed = schema.get("enum").and_then(Value::as_array).is_none_or(|values| values.contains(&Value::Null));
    named && listed && schema.get("const").is_none_or(Value::is_null)
}

/// Whether the bounds of an integer are within the 32 bits of `Int`.
fn fits_int(schema: &Value) -> bool {
    let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    let named = bounds.iter().chain(&["default"]).filter_map(|keyword| schema.get(*keyword)).filter_map(Value::as_f64);
    named.into_iter().all(|bound| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&bound))
}
