//! Command-line commands and flags.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::config::{Installation, Serving};

/// Number management and provisioning for camps, congresses and campuses.
#[derive(Parser, Debug)]
#[command(
    name = "switchboard",
    version,
    after_help = "Every flag has a variable. SWITCHBOARD_LOG sets the log level: error, warn, info, debug or trace; \
                  SWITCHBOARD_SEALING_KEY replaces the file sealing.key."
)]
pub struct Cli {
    #[command(flatten)]
    pub installation: Installation,
    #[command(flatten)]
    pub serving: Serving,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Parses the arguments of the process. Prints an error or the help and ends the process where that is asked for.
    pub fn parse_arguments() -> Self {
        Self::try_from_arguments(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Parses arguments, of which the first is the name of the program.
    ///
    /// # Errors
    /// [`clap::Error`], also for the help.
    pub fn try_from_arguments<T: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::documented();
        let matches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// Returns the command line; the help of a command other than `serve` lists only the flags that it uses.
    fn documented() -> clap::Command {
        let serving = Serving::augment_args(clap::Command::new("serving"));
        let hidden: Vec<_> = serving.get_arguments().map(|flag| flag.clone().hide(true)).collect();
        Self::command().mut_subcommands(|command| match command.get_name() {
            "serve" | "schema" => command,
            // A global flag is not passed on to a command that has it.
            _ => command.args(&hidden),
        })
    }
}

/// A command; `serve` is the default.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Runs the server; the default without a command.
    Serve,
    /// Creates the database where there is none, and applies pending migrations.
    Migrate,
    /// Prints the GraphQL schema.
    Schema {
        /// Includes the types of this installation's service types.
        #[arg(long, env = "SWITCHBOARD_LIVE", value_parser = BoolishValueParser::new())]
        live: bool,
    },
    /// Manages admins.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Backs up the embedded database while the server runs. The backup does not contain the sealing key.
    Backup {
        /// The file to create.
        file: PathBuf,
    },
    /// Restores a backup of the embedded database while no server runs, and moves the present database aside.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// Manages the audit.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Generates a new sealing key and reseals every secret with it.
    RotateKey,
    /// Writes an event's extensions to standard output.
    Export {
        /// The event.
        #[arg(long, env = "SWITCHBOARD_EVENT", value_name = "SLUG")]
        event: String,
        /// The format.
        #[arg(long, env = "SWITCHBOARD_FORMAT", value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
        /// Includes secrets; prompts for a passphrase that encrypts the file.
        #[arg(long, env = "SWITCHBOARD_WITH_SECRETS", value_parser = BoolishValueParser::new())]
        with_secrets: bool,
    },
    /// Imports extensions into an event: all of them or none.
    Import {
        /// The file to read.
        file: PathBuf,
        /// The event.
        #[arg(long, env = "SWITCHBOARD_EVENT", value_name = "SLUG")]
        event: String,
        /// Prints the result without changing anything.
        #[arg(long, env = "SWITCHBOARD_DRY_RUN", value_parser = BoolishValueParser::new())]
        dry_run: bool,
        /// Imports the valid rows and skips the invalid ones.
        #[arg(long, env = "SWITCHBOARD_PARTIAL", value_parser = BoolishValueParser::new())]
        partial: bool,
    },
    /// Applies a feed to a telephone system and follows its changes.
    Agent {
        /// The agent's settings file.
        #[arg(long, env = "SWITCHBOARD_CONFIG", value_name = "FILE")]
        config: PathBuf,
        /// Prints the pending changes without applying them.
        #[arg(long, env = "SWITCHBOARD_DRY_RUN", value_parser = BoolishValueParser::new())]
        dry_run: bool,
        /// Permits one deletion that exceeds the prune guard's limit. It has no variable, as one in the settings of a
        /// service would permit a deletion at every start.
        #[arg(long)]
        allow_prune: bool,
        /// Exits at the feed's head instead of waiting for more changes; fails if an extension could not be applied.
        #[arg(long, env = "SWITCHBOARD_ONCE", value_parser = BoolishValueParser::new())]
        once: bool,
        /// Starts with a snapshot, for a telephone system that was restored from a backup.
        #[arg(long, env = "SWITCHBOARD_RESYNC", value_parser = BoolishValueParser::new())]
        resync: bool,
    },
}

/// The formats of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// JSON.
    Json,
}

/// Manages admins.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum AdminCommand {
    /// Creates an admin. Reads the password from SWITCHBOARD_ADMIN_PASSWORD or prompts for it.
    Create {
        /// The account's username.
        username: String,
        /// The admin's e-mail address.
        #[arg(long, env = "SWITCHBOARD_EMAIL", default_value = "")]
        email: String,
    },
}

/// Manages the audit.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum AuditCommand {
    /// Verifies every row, every link of the hash chain, and its end.
    Verify,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_from_arguments(line.split(' '))
    }

    fn command(line: &str) -> Command {
        parse(line).unwrap().command.unwrap_or(Command::Serve)
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        fn check(command: &clap::Command) {
            let without_variable = ["help", "version", "allow_prune"];
            for flag in command.get_arguments().filter(|flag| !without_variable.contains(&flag.get_id().as_str())) {
                let Some(long) = flag.get_long() else { continue };
                let variable = format!("SWITCHBOARD_{}", long.to_uppercase().replace('-', "_"));
                assert_eq!(flag.get_env().and_then(std::ffi::OsStr::to_str), Some(variable.as_str()), "--{long}");
            }
            command.get_subcommands().for_each(check);
        }
        Cli::documented().debug_assert();
        check(&Cli::documented());
    }

    #[test]
    fn parses_every_command() {
        assert_eq!(command("switchboard"), Command::Serve);
        assert_eq!(command("switchboard serve"), Command::Serve);
        assert_eq!(command("switchboard migrate"), Command::Migrate);
        assert_eq!(command("switchboard schema --live"), Command::Schema { live: true });
        assert_eq!(command("switchboard rotate-key"), Command::RotateKey);
        assert_eq!(command("switchboard backup copy.db"), Command::Backup { file: "copy.db".into() });
        assert_eq!(command("switchboard restore copy.db"), Command::Restore { file: "copy.db".into() });
        assert_eq!(command("switchboard audit verify"), Command::Audit(AuditCommand::Verify));
        assert_eq!(
            command("switchboard agent --config a.toml"),
            Command::Agent { config: "a.toml".into(), dry_run: false, allow_prune: false, once: false, resync: false }
        );
        let create = AdminCommand::Create { username: "ford".to_owned(), email: String::new() };
        assert_eq!(command("switchboard admin create ford"), Command::Admin(create));
        let export = Command::Export { event: "camp".to_owned(), format: ExportFormat::Json, with_secrets: true };
        assert_eq!(command("switchboard export --event camp --format json --with-secrets"), export);
        let import = Command::Import { file: "x.csv".into(), event: "camp".to_owned(), dry_run: true, partial: false };
        assert_eq!(command("switchboard import x.csv --event camp --dry-run"), import);
    }

    #[test]
    fn the_help_of_a_command_lists_its_own_flags() {
        let help = |path: &[&str]| {
            let error = Cli::try_from_arguments([&["switchboard"], path, &["--help"]].concat()).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{path:?}: {error}");
            error.to_string()
        };
        for path in [&["backup"][..], &["restore"], &["agent"], &["admin", "create"], &["audit", "verify"]] {
            let help = help(path);
            assert!(help.contains("--data-dir") && !help.contains("--smtp-url"), "{path:?}: {help}");
        }
        for path in [&["serve"][..], &[]] {
            let help = help(path);
            assert!(help.contains("--data-dir") && help.contains("--smtp-url"), "{path:?}: {help}");
        }
        assert!(help(&[]).contains("SWITCHBOARD_LOG"));
    }

    #[test]
    fn rejects_missing_and_unknown_arguments() {
        for line in [
            "switchboard fly",
            "switchboard export",
            "switchboard import x.csv",
            "switchboard admin create",
            "switchboard backup",
            "switchboard --format csv",
            "switchboard export --event camp --format xml",
            "switchboard --listen localhost",
            "switchboard --trusted-proxy any",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn accepts_settings_before_and_after_the_command() {
        for line in [
            "switchboard --demo --data-dir d serve",
            "switchboard serve --demo --data-dir d",
            "switchboard --demo migrate --data-dir d",
        ] {
            let cli = parse(line).unwrap();
            assert!(cli.serving.demo && cli.installation.data_dir.ends_with("d"), "{line}");
        }
        let cli = parse("switchboard --trusted-proxy 10.0.0.0/8,fd00::/8 --trusted-proxy 192.0.2.1").unwrap();
        assert_eq!(
            cli.serving.trusted_proxy.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]
        );
    }
}
