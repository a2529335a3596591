//! SQL statements with named parameters: `:number`, `:digests.password.ha1`.
//!
//! Every occurrence of a name becomes a placeholder of its own, so that PostgreSQL infers a type for each. Quoted
//! strings and identifiers, comments and `::casts` are not changed.

use serde_json::Value;

use super::SqlValue;

/// Placeholder syntax of a database: `?1` or `$1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A parsed statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The statement with the database's placeholders.
    pub text: String,
    /// Path of each placeholder's value, in order.
    pub paths: Vec<Vec<String>>,
}

impl Statement {
    /// Parses a statement.
    pub fn parse(sql: &str, dialect: Dialect) -> Self {
        let mut statement = Self { text: String::with_capacity(sql.len()), paths: Vec::new() };
        let mut rest = sql;
        while let Some(first) = rest.chars().next() {
            let literal = literal_length(rest);
            if literal > 0 {
                statement.text.push_str(&rest[..literal]);
                rest = &rest[literal..];
            } else if let Some(length) = parameter_length(rest) {
                statement.paths.push(rest[1..=length].split('.').map(str::to_owned).collect());
                let sign = if dialect == Dialect::Sqlite { '?' } else { '$' };
                statement.text.push_str(&format!("{sign}{}", statement.paths.len()));
                rest = &rest[length + 1..];
            } else {
                let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
                statement.text.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
        statement
    }

    /// Returns the values of the placeholders. A missing value is NULL; objects and lists are JSON text.
    pub fn bind(&self, values: &Value) -> Vec<SqlValue> {
        self.paths.iter().map(|path| to_sql_value(lookup(values, path))).collect()
    }
}

fn lookup<'v>(values: &'v Value, path: &[String]) -> &'v Value {
    path.iter().fold(values, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn to_sql_value(value: &Value) -> SqlValue {
    match value {
        Value::Null => SqlValue::Null,
        Value::Bool(flag) => SqlValue::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => SqlValue::Integer(integer),
            (None, Some(real)) => SqlValue::Real(real),
            (None, None) => SqlValue::Text(number.to_string()),
        },
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => SqlValue::Text(value.to_string()),
    }
}

/// Returns the length of the quoted string, quoted identifier or comment at the beginning of `rest`; 0 if there is
/// none.
fn literal_length(rest: &str) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    match rest.as_bytes() {
        [b'\'', ..] => until("'", 1),
        [b'"', ..] => until("\"", 1),
        [b'`', ..] => until("`", 1),
        [b'-', b'-', ..] => until("\n", 2),
        [b'/', b'*', ..] => until("*/", 2),
        [b'$', ..] => dollar_quote_length(rest),
        _ => 0,
    }
}

/// Returns the length of PostgreSQL's `$tag$ … $tag$` at the beginning of `rest`; 0 if there is none.
fn dollar_quote_length(rest: &str) -> usize {
    let Some(end) = rest[1..].find('$').map(|at| at + 2) else { return 0 };
    let tag = &rest[..end];
    let is_tag = tag[1..end - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    match rest[end..].find(tag) {
        Some(at) if is_tag => end + at + tag.len(),
        _ => 0,
    }
}

/// Returns the length of the name in `:name` at the beginning of `rest`.
fn parameter_length(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix(':')?;
    let mut length = 0;
    for part in name.split_inclusive('.') {
        let word = part.trim_end_matches('.');
        let first = word.chars().next()?;
        let taken = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(word.len());
        if !(first.is_ascii_alphabetic() || first == '_') {
            return (length > 0).then(|| length - 1);
        }
        length += taken;
        if taken < word.len() || !part.ends_with('.') {
            return Some(length);
        }
        length += 1;
    }
    (length > 1).then(|| length - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(sql: &str) -> (String, Vec<String>) {
        let statement = Statement::parse(sql, Dialect::Postgres);
        (statement.text, statement.paths.iter().map(|path| path.join(".")).collect())
    }

    #[test]
    fn replaces_only_names_by_placeholders() {
        let sql =
            "INSERT INTO t (a, b) VALUES (:number, :digests.password.ha1), (:number::int, ':no', \"a:no\") -- :no\n";
        let (text, names) = read(sql);
        assert_eq!(text, "INSERT INTO t (a, b) VALUES ($1, $2), ($3::int, ':no', \"a:no\") -- :no\n");
        assert_eq!(names, ["number", "digests.password.ha1", "number"]);
        assert_eq!(read("SELECT $x$ :no $x$, /* :no */ :id. FROM t").1, ["id"]);
        assert_eq!(read("SELECT 'it''s :no', :label").1, ["label"]);
        assert_eq!(read("a[1:2] ::text :").1, Vec::<String>::new());
        assert_eq!(Statement::parse("=:slot", Dialect::Sqlite).text, "=?1");
    }

    #[test]
    fn keeps_the_type_of_values() {
        let values = json!({ "number": "2342", "slot": 7, "active": true, "parameters": { "x": [1], "y": 0.5 } });
        let statement =
            Statement::parse(":number :slot :active :parameters.x :parameters.y :label :a.b", Dialect::Sqlite);
        let expected = [
            SqlValue::Text("2342".to_owned()),
            SqlValue::Integer(7),
            SqlValue::Boolean(true),
            SqlValue::Text("[1]".to_owned()),
            SqlValue::Real(0.5),
            SqlValue::Null,
            SqlValue::Null,
        ];
        assert_eq!(statement.bind(&values), expected);
    }

    proptest! {
        #[test]
        fn parses_any_text(sql in "(:|[a-z]|\\.|'|\"|\\$|-|/|\\*|\\PC|\n){0,40}") {
            let statement = Statement::parse(&sql, Dialect::Sqlite);
            prop_assert!(statement.paths.iter().flatten().all(|name| !name.is_empty()));
        }
    }
}
