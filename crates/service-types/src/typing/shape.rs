//! What GraphQL type a piece of JSON Schema makes.

use serde_json::Value;

use crate::schema::resolve;

/// The GraphQL type of one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Int,
    /// `integer` when the values are whole numbers that may be too large for `Int`.
    Float {
        integer: bool,
    },
    String,
    Boolean,
    Json,
    /// An enum, by its place in the catalogue's list of the service type.
    Enum(usize),
    /// An object, by its place in the list.
    Object(usize),
    /// A list; `nullable` when its entries may be null.
    List {
        of: Box<Shape>,
        nullable: bool,
    },
}

/// An enum type: its values are JSON strings that are GraphQL names.
#[derive(Clone, Debug)]
pub struct EnumType {
    pub name: String,
    pub description: Option<String>,
    pub values: Vec<String>,
}

/// An object type and the input type beside it.
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
    /// A secret: it can be given, and is never shown.
    pub input_only: bool,
    pub shape: Shape,
}

/// Whether this is a name in GraphQL (specification, section 2.1.9) that is not reserved for introspection.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !text.starts_with("__")
}

/// `max_contacts`, `desk-phone` → `MaxContacts`, `DeskPhone`.
pub(super) fn pascal_case(text: &str) -> String {
    let parts = text.split(['_', '-']).filter(|part| !part.is_empty());
    parts.flat_map(|part| part[..1].to_ascii_uppercase().chars().chain(part[1..].chars()).collect::<Vec<_>>()).collect()
}

/// A description that can stand in SDL between three quotes, whatever an admin wrote.
pub(super) fn description(text: &str) -> Option<String> {
    let mut clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    clean = clean.replace("\"\"\"", "'''");
    let clean = clean.trim();
    // The one-line form of SDL would read a backslash as an escape; a line break forces the other form.
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

    /// The object `name` made of the properties of `schema`; its place in the list, none if it has no field.
    pub fn object(&mut self, name: &str, schema: &Value) -> Option<usize> {
        let name = self.free(name);
        let place = self.objects.len();
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
            if is_name(property) && !(place == 0 && property == "json") {
                fields.push(self.field(&name, property, schema));
            }
        }
        if fields.is_empty() && place > 0 {
            // Nothing was added below it: the list ends with it.
            self.objects.truncate(place);
            return None;
        }
        self.objects[place].fields = fields;
        Some(place)
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

    /// The shape of a schema whose reference has been followed; `name` is for the type it may need.
    fn shape(&mut self, name: &str, schema: &Value) -> Shape {
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return self.choices(name, schema, values);
        }
        if let Some(value) = schema.get("const") {
            return self.choices(name, schema, std::slice::from_ref(value));
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

    fn choices(&mut self, name: &str, schema: &Value, values: &[Value]) -> Shape {
        let values: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
        let all = |fits: &dyn Fn(&Value) -> bool| !values.is_empty() && values.iter().all(|value| fits(value));
        if all(&|value| value.as_str().is_some_and(|text| is_name(text) && !["true", "false", "null"].contains(&text)))
        {
            let mut names: Vec<String> = Vec::new();
            for text in values.iter().filter_map(|value| value.as_str()) {
                if !names.iter().any(|known| known == text) {
                    names.push(text.to_owned());
                }
            }
            let about = text(schema, "description").or_else(|| text(schema, "title"));
            let name = self.free(name);
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

    /// The name, with a number behind it where a property of the same service type took it already.
    fn free(&self, name: &str) -> String {
        let taken = |name: &str| {
            let input = format!("{name}Input");
            let objects = self.objects.iter().flat_map(|object| [&object.name, &object.input_name]);
            let mut names = objects.chain(self.enums.iter().map(|choice| &choice.name));
            names.any(|known| *known == *name || *known == input)
        };
        let candidates = std::iter::once(name.to_owned()).chain((2_u32..).map(|count| format!("{name}{count}")));
        candidates.into_iter().find(|candidate| !taken(candidate)).unwrap_or_else(|| name.to_owned())
    }
}

fn text(schema: &Value, keyword: &str) -> Option<String> {
    schema.get(keyword).and_then(Value::as_str).and_then(description)
}

/// Properties in the order of a form: by `x-order`, then by name.
fn ordered(schema: &Value) -> Vec<(&String, &Value)> {
    let mut properties: Vec<_> = schema.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    properties.sort_by_key(|(name, schema)| {
        (schema.get("x-order").and_then(Value::as_i64).unwrap_or(i64::MAX), (*name).clone())
    });
    properties
}

/// The JSON types allowed, null apart: every generated field may be null anyway.
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

/// Whether an integer stays within GraphQL's 32 bits, as far as its bounds say.
fn fits_int(schema: &Value) -> bool {
    let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    let named = bounds.iter().chain(&["default"]).filter_map(|keyword| schema.get(*keyword)).filter_map(Value::as_f64);
    named.into_iter().all(|bound| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&bound))
}
