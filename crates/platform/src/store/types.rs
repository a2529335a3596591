//! Column types for both databases, and their Rust types.
//!
//! Ids are UUIDv7 (`BLOB` or `uuid`), JSON is `TEXT` or `jsonb` with sorted keys, instants are microseconds since 1970
//! in a `BIGINT`, enums are their GraphQL names as `TEXT`. Other columns use diesel's types.

use std::io::Write as _;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use crate::clock::Timestamp;

/// SQL types that diesel does not have for both databases.
pub mod sql {
    /// A UUID: 16 bytes on SQLite, `uuid` on PostgreSQL.
    #[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(sqlite_type(name = "Binary"), postgres_type(oid = 2950, array_oid = 2951))]
    pub struct Uid;

    /// A JSON document: text on SQLite, `jsonb` on PostgreSQL.
    #[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(sqlite_type(name = "Text"), postgres_type(oid = 3802, array_oid = 3807))]
    pub struct JsonDocument;
}

/// An untyped id. `id_type!` declares a type for each kind of row.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    AsExpression,
    diesel::deserialize::FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
)]
#[diesel(sql_type = sql::Uid)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl ToSql<sql::Uid, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl ToSql<sql::Uid, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Uid, Sqlite> for Id {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl FromSql<sql::Uid, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

/// Declares the id type of a kind of row: a transparent wrapper around a UUID.
#[macro_export]
macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[diesel(sql_type = $crate::store::types::sql::Uid)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl<DB> diesel::serialize::ToSql<$crate::store::types::sql::Uid, DB> for $name
        where
            DB: diesel::backend::Backend,
            Self: $crate::store::types::UuidToSql<DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                <Self as $crate::store::types::UuidToSql<DB>>::uuid_to_sql(&self.0, out)
            }
        }

        impl $crate::store::types::UuidToSql<diesel::sqlite::Sqlite> for $name {
            fn uuid_to_sql<'b>(
                id: &'b uuid::Uuid,
                out: &mut diesel::serialize::Output<'b, '_, diesel::sqlite::Sqlite>,
            ) -> diesel::serialize::Result {
                out.set_value(id.as_bytes().as_slice());
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl $crate::store::types::UuidToSql<diesel::pg::Pg> for $name {
            fn uuid_to_sql<'b>(
                id: &'b uuid::Uuid,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                std::io::Write::write_all(out, id.as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl<DB> diesel::deserialize::FromSql<$crate::store::types::sql::Uid, DB> for $name
        where
            DB: diesel::backend::Backend,
            $crate::store::types::Id: diesel::deserialize::FromSql<$crate::store::types::sql::Uid, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                use $crate::store::types::{Id, sql::Uid};
                <Id as diesel::deserialize::FromSql<Uid, DB>>::from_sql(value).map(|id| Self(id.0))
            }
        }
    };
}

/// Serialization of a UUID for a database. Only `id_type!` uses it.
pub trait UuidToSql<DB: Backend> {
    /// Writes `id` as the value of a bind parameter.
    ///
    /// # Errors
    /// When the buffer cannot be written.
    fn uuid_to_sql<'b>(id: &'b Uuid, out: &mut Output<'b, '_, DB>) -> serialize::Result;
}

impl<DB> ToSql<BigInt, DB> for Timestamp
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<BigInt, DB> for Timestamp
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(value).map(Self)
    }
}

/// A JSON document in a column. Object keys are sorted, as `jsonb` does not preserve their order.
#[derive(Clone, PartialEq, Eq, Debug, Default, AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = sql::JsonDocument)]
pub struct JsonValue(pub serde_json::Value);

/// The version byte before a `jsonb` document in PostgreSQL's binary format.
const JSONB_VERSION: u8 = 1;

impl ToSql<sql::JsonDocument, Sqlite> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl ToSql<sql::JsonDocument, Pg> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::JsonDocument, Sqlite> for JsonValue {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}

impl FromSql<sql::JsonDocument, Pg> for JsonValue {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            [JSONB_VERSION, document @ ..] => Ok(Self(serde_json::from_slice(document)?)),
            _ => Err("a jsonb document of an unknown version".into()),
        }
    }
}

/// A JSON document as unparsed text, for bulk reads, in which parsing would dominate the cost.
#[derive(Clone, PartialEq, Eq, Debug, Default, diesel::deserialize::FromSqlRow)]
pub struct JsonText(pub String);

impl FromSql<sql::JsonDocument, Sqlite> for JsonText {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Sqlite>>::from_sql(value).map(Self)
    }
}

impl FromSql<sql::JsonDocument, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            [JSONB_VERSION, document @ ..] => Ok(Self(std::str::from_utf8(document)?.to_owned())),
            _ => Err("a jsonb document of an unknown version".into()),
        }
    }
}

/// Declares an enum with fixed names for its variants.
///
/// Implements `ALL`, `as_str`, `FromStr`, serde with these names, and the conversions of TEXT columns.
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name { $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All values, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name in the database and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!(concat!("{:?} is not one of the values of ", stringify!($name)), other)),
                }
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(value)?;
                text.parse().map_err(Into::into)
            }
        }
    };
}
