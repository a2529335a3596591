//! `export` and `import`: an event's extensions as a file.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use super::{say, tell};
use crate::cli::ExportFormat;
use extensions::import_export::row::{RowFailure, RowFile, RowLimits};
use extensions::import_export::{self, Import, Imported, Progress, csv, row_json};
use platform::access::Caller;
use platform::secrets::{Secret, is_sealed_with_passphrase, open_with_passphrase, seal_with_passphrase};
use platform::services::Services;

/// The variable with the passphrase of a sealed file. It is no flag: flags show in process lists.
const PASSPHRASE_VARIABLE: &str = "SWITCHBOARD_PASSPHRASE";

/// What the progress bar shows.
const BAR: &str = "{bar:40} {percent:>3} %, {eta} left";

/// Writes an event's extensions to standard output.
///
/// # Errors
/// A sentence for whoever typed the command.
pub(super) async fn export(
    services: &Services,
    event: &str,
    format: ExportFormat,
    with_secrets: bool,
) -> Result<(), String> {
    let mut output = std::io::stdout();
    if with_secrets && output.is_terminal() {
        return Err("the sealed file is no text: write it to a file with >".to_owned());
    }
    let passphrase = if with_secrets { Some(new_passphrase()?) } else { None };
    let caller = Caller::system("export");
    let rows = import_export::export(services, &caller, event, with_secrets).await.map_err(tell)?;
    let text = Zeroizing::new(match format {
        ExportFormat::Csv => csv::write(&rows),
        ExportFormat::Json => row_json::write(&rows),
    });
    let written = match passphrase {
        None => output.write_all(text.as_bytes()),
        Some(passphrase) => {
            output.write_all(&seal_with_passphrase(&*services.rng, &passphrase, text.as_bytes()).map_err(say)?)
        }
    };
    written.and_then(|()| output.flush()).map_err(say)
}

/// What to import, and how.
pub(super) struct Wanted {
    pub(super) file: PathBuf,
    pub(super) event: String,
    pub(super) dry_run: bool,
    pub(super) partial: bool,
}

/// Reads extensions into an event.
///
/// # Errors
/// A sentence for whoever typed the command; every bad row has been told before.
pub(super) async fn import(services: &Services, wanted: Wanted) -> Result<(), String> {
    let Wanted { file, event, dry_run, partial } = wanted;
    let rows = read(&file)?;
    let progress = Arc::new(Progress::default());
    let input = Import { event, file: rows, dry_run, atomic: !partial, progress: Arc::clone(&progress) };
    let caller = Caller::system("import");
    let work = import_export::import(services, &caller, input);
    let imported = with_bar(work, &progress).await.map_err(tell)?;
    report(&file, &imported, dry_run, partial)
}

fn read(path: &Path) -> Result<RowFile, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let limit = u64::try_from(RowLimits::COMMAND.bytes).unwrap_or(u64::MAX);
    if std::fs::metadata(path).map_err(unreadable)?.len() > limit {
        return Err(format!("{}: it holds more than {limit} bytes", path.display()));
    }
    let mut bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    if is_sealed_with_passphrase(&bytes) {
        bytes = open_with_passphrase(&passphrase("Passphrase: ")?, &bytes).map_err(say)?;
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    Ok(if is_json { row_json::read(&bytes, RowLimits::COMMAND) } else { csv::read(&bytes, RowLimits::COMMAND) })
}

fn passphrase(prompt: &str) -> Result<Secret, String> {
    let given = match std::env::var(PASSPHRASE_VARIABLE) {
        Ok(given) => Secret::new(given),
        Err(_) => Secret::new(
            rpassword::prompt_password(prompt)
                .map_err(|error| format!("the passphrase cannot be asked for ({error}): set {PASSPHRASE_VARIABLE}"))?,
        ),
    };
    if given.is_empty() { Err("the passphrase must not be empty".to_owned()) } else { Ok(given) }
}

/// A passphrase to seal with: typed twice, since nobody could open the file after a slip.
fn new_passphrase() -> Result<Secret, String> {
    let first = passphrase("Passphrase for the file: ")?;
    let again = passphrase("The same again: ")?;
    if first == again { Ok(first) } else { Err("the two passphrases differ".to_owned()) }
}

/// Waits for the import, with a bar where somebody watches: elsewhere the bar draws nothing.
async fn with_bar<T>(work: impl Future<Output = T>, progress: &Progress) -> T {
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = ticks.tick() => show(&bar, progress.steps()),
        }
    }
}

/// Nothing is shown before it is known how much there is to do.
fn show(bar: &ProgressBar, (done, total): (usize, usize)) {
    if total > 0 {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }
}

/// Tells what was done, and every bad row as `FILE:LINE: column: reason`.
fn report(path: &Path, imported: &Imported, dry_run: bool, partial: bool) -> Result<(), String> {
    let mut errors = std::io::stderr();
    for RowFailure { line, column, message, .. } in &imported.failures {
        let column = column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default();
        writeln!(errors, "{}:{line}: {column}{message}", path.display()).map_err(say)?;
    }
    let Imported { created, updated, unchanged, failures } = imported;
    let is_done = failures.is_empty() || partial;
    if is_done {
        let verb = if dry_run { "would be " } else { "" };
        println!("{created} {verb}created, {updated} {verb}updated, {unchanged} unchanged");
    }
    match failures.len() {
        0 => Ok(()),
        count if is_done => Err(format!("{count} mistakes: the rows that have them were left out")),
        count => Err(format!("{count} mistakes: nothing was imported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_follows_what_is_done() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
        let bar = ProgressBar::hidden();
        show(&bar, (0, 0));
        assert_eq!(bar.length(), None);
        show(&bar, (1, 4));
        assert_eq!((bar.position(), bar.length()), (1, Some(4)));
    }
}
