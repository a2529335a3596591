//! The program `switchboard`; see `switchboard --help`.

use std::io::Write as _;

use switchboard::cli::Cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match switchboard::commands::run(Cli::parse_arguments()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            // A closed standard error leaves the exit code.
            drop(writeln!(std::io::stderr(), "switchboard: {message}"));
            std::process::ExitCode::FAILURE
        }
    }
}
