//! The program `switchboard`; see `switchboard --help`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use switchboard::cli::Cli;

/// The time that threads have to complete their reads after the command has ended.
const THREADS_TIMEOUT: Duration = Duration::from_millis(500);

#[expect(clippy::print_stderr, reason = "the error of a command-line program goes to standard error")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::runtime::Runtime::new().map_err(|error| error.to_string()).and_then(|runtime| {
        let outcome = runtime.block_on(switchboard::commands::run(cli));
        runtime.shutdown_timeout(THREADS_TIMEOUT);
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("switchboard: {message}");
            ExitCode::FAILURE
        }
    }
}
