//! Entities: what the entries of a feed are about.

use std::borrow::Cow;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use uuid::Uuid;

use crate::ids::EntityId;

/// The kind of an entity: the prefix of its global id, such as `Extension`.
///
/// A domain that has entries in feeds chooses its own kind; this crate knows none of them.
#[derive(
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct EntityKind(Cow<'static, str>);

impl EntityKind {
    /// The kind of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name of the kind.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<DB> ToSql<Text, DB> for EntityKind
where
    DB: Backend,
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(&self.0, out)
    }
}

impl<DB> FromSql<Text, DB> for EntityKind
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, DB>>::from_sql(value).map(|name| Self(Cow::Owned(name)))
    }
}

/// An entity of a feed: its kind and its id, which is unique among the entities of all kinds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entity {
    pub kind: EntityKind,
    pub id: EntityId,
}

impl Entity {
    /// The global id of the API: `Kind:0192…`.
    pub fn global(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.id.0.simple())
    }

    /// Parses the global id of an entity of any kind; `None` for malformed text.
    pub fn from_global(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        Some(Self { kind: EntityKind(Cow::Owned(kind.to_owned())), id: EntityId(id) })
    }
}
