//! The program `switchboard`; see `switchboard --help`.

use clap::Parser as _;
use switchboard::cli::Cli;

#[expect(clippy::print_stderr, reason = "the error of a command-line program goes to standard error")]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    match switchboard::commands::run(Cli::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("switchboard: {message}");
            std::process::ExitCode::FAILURE
        }
    }
}
