//! The version of a database: the migrations that it has.

use diesel::backend::Backend;
use diesel::migration::{Migration as _, MigrationSource as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::error::InternalError;

/// Checks that the database has no migration that this program does not know: a newer version may have given tables
/// another meaning.
///
/// # Errors
/// A sentence when it has one, and when the database cannot be read.
pub fn refuse_newer<DB, H>(harness: &mut H, known: EmbeddedMigrations) -> Result<(), InternalError>
where
    DB: Backend,
    H: MigrationHarness<DB>,
{
    let applied = harness.applied_migrations().map_err(InternalError::new)?;
    let known: Vec<Box<dyn diesel::migration::Migration<DB>>> = known.migrations().map_err(InternalError::new)?;
    let unknown =
        applied.iter().filter(|version| known.iter().all(|migration| migration.name().version() != **version));
    match unknown.max() {
        None => Ok(()),
        Some(version) => Err(InternalError::new(format!(
            "a newer version of Switchboard has migrated this database (migration {version} is unknown to {}): start \
             that version, or restore a backup of this one",
            env!("CARGO_PKG_VERSION")
        ))),
    }
}
