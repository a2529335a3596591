//! Configuration (a stand-in until the command line lands).
use std::path::PathBuf;
pub struct SecretText(String);
impl SecretText { pub fn expose(&self) -> &str { &self.0 } }
pub enum DatabaseUrl { Sqlite(PathBuf), Postgres(SecretText) }
