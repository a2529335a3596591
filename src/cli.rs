//! The program's commands and flags.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Installation, Serving};

/// Number management and provisioning for camps, congresses and campuses.
#[derive(Parser, Debug)]
#[command(name = "switchboard", version)]
pub struct Cli {
    #[command(flatten)]
    pub installation: Installation,
    #[command(flatten)]
    pub serving: Serving,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do; serving is the default.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serves; also what happens when no command is given.
    Serve,
    /// Brings the database's tables up to date.
    Migrate,
    /// Prints the GraphQL schema.
    Schema {
        /// With the service types of this installation.
        #[arg(long)]
        live: bool,
    },
    /// Looks after admins.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Copies the embedded database while others go on writing. The sealing key is not in it.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Looks after the audit.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// Looks after admins.
#[derive(Subcommand, Debug)]
pub enum AdminCommand {
    /// Makes an admin; the password is asked for, or read from SWITCHBOARD_ADMIN_PASSWORD.
    Create {
        /// The account's name.
        username: String,
        /// The admin's address.
        #[arg(long, default_value = "")]
        email: String,
    },
}

/// Looks after the audit.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Checks every link of the chain.
    Verify,
}
