//! The program `switchboard`; see `switchboard --help`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use switchboard::cli::Cli;

/// The time that threads have to complete their reads after the command has ended.
const THREADS_TIMEOUT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = Cli::parse_arguments();
    let outcome = tokio::runtime::Runtime::new().map_err(|error| error.to_string()).and_then(|runtime| {
        let outcome = runtime.block_on(switchboard::commands::run(cli));
        runtime.shutdown_timeout(THREADS_TIMEOUT);
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // A closed standard error leaves the exit code.
            drop(writeln!(std::io::stderr(), "switchboard: {message}"));
            ExitCode::FAILURE
        }
    }
}
