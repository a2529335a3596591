//! SQL with named parameters, as an operator writes it: `:number`, `:digests.password.ha1`.
//!
//! Names are replaced by the database's own placeholders, each occurrence by one of its own, so that PostgreSQL may infer a
//! type for each. Quoted texts and names, comments and `::casts` stay as they are.

use serde_json::Value;

use super::Datum;

/// Which database a statement is for: `?1` or `$1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A statement, ready for its database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// With the database's placeholders.
    pub text: String,
    /// The path of each placeholder, in order.
    pub paths: Vec<Vec<String>>,
}

impl Statement {
    /// Reads a statement.
    pub fn parse(sql: &str, dialect: Dialect) -> Self {
        let mut statement = Self { text: String::with_capacity(sql.len()), paths: Vec::new() };
        let mut rest = sql;
        while let Some(first) = rest.chars().next() {
            let inert = inert(rest);
            if inert > 0 {
                statement.text.push_str(&rest[..inert]);
                rest = &rest[inert..];
            } else if let Some(length) = name_after_colon(rest) {
                statement.paths.push(rest[1..=length].split('.').map(str::to_owned).collect());
                let mark = if dialect == Dialect::Sqlite { '?' } else { '$' };
                statement.text.push_str(&format!("{mark}{}", statement.paths.len()));
                rest = &rest[length + 1..];
            } else {
                let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
                statement.text.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
        statement
    }

    /// The values of the placeholders; what a record does not have is NULL, and objects and lists are their JSON text.
    pub fn data(&self, values: &Value) -> Vec<Datum> {
        self.paths.iter().map(|path| datum(at(values, path))).collect()
    }
}

fn at<'v>(values: &'v Value, path: &[String]) -> &'v Value {
    path.iter().fold(values, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Null => Datum::Null,
        Value::Bool(flag) => Datum::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Datum::Integer(whole),
            (None, Some(real)) => Datum::Real(real),
            (None, None) => Datum::Text(number.to_string()),
        },
        Value::String(text) => Datum::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Datum::Text(value.to_string()),
    }
}

/// How many bytes at the beginning are a quoted text or name, or a comment.
fn inert(rest: &str) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    match rest.as_bytes() {
        [b'\'', ..] => until("'", 1),
        [b'"', ..] => until("\"", 1),
        [b'`', ..] => until("`", 1),
        [b'-', b'-', ..] => until("\n", 2),
        [b'/', b'*', ..] => until("*/", 2),
        [b'$', ..] => dollar_quote(rest),
        _ => 0,
    }
}

/// PostgreSQL's `$tag$ … $tag$`.
fn dollar_quote(rest: &str) -> usize {
    let Some(end) = rest[1..].find('$').map(|at| at + 2) else { return 0 };
    let tag = &rest[..end];
    let is_tag = tag[1..end - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    match rest[end..].find(tag) {
        Some(at) if is_tag => end + at + tag.len(),
        _ => 0,
    }
}

/// The length of the name in `:name`, if there is one.
fn name_after_colon(rest: &str) -> Option<usize> {
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
    fn names_become_placeholders_and_nothing_else_does() {
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
    fn values_keep_their_kind() {
        let values = json!({ "number": "2342", "slot": 7, "active": true, "parameters": { "x": [1], "y": 0.5 } });
        let statement =
            Statement::parse(":number :slot :active :parameters.x :parameters.y :label :a.b", Dialect::Sqlite);
        let expected = [
            Datum::Text("2342".to_owned()),
            Datum::Integer(7),
            Datum::Boolean(true),
            Datum::Text("[1]".to_owned()),
            Datum::Real(0.5),
            Datum::Null,
            Datum::Null,
        ];
        assert_eq!(statement.data(&values), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read(sql in "(:|[a-z]|\\.|'|\"|\\$|-|/|\\*|\\PC|\n){0,40}") {
            let statement = Statement::parse(&sql, Dialect::Sqlite);
            prop_assert!(statement.paths.iter().flatten().all(|name| !name.is_empty()));
        }
    }
}
