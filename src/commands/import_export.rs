//! The commands `export` and `import`: an event's extensions as a file.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use super::output::print;
use super::{describe, to_message};
use crate::cli::ExportFormat;
use extensions::import_export::row::{RowFailure, RowFile, RowLimits};
use extensions::import_export::{self, Import, Imported, Progress, csv, row_json};
use platform::access::Caller;
use platform::secrets::{Secret, is_sealed_with_passphrase, open_with_passphrase, seal_with_passphrase};
use platform::services::Services;

/// Variable with the passphrase of an encrypted file. There is no flag for it, as flags are visible in process lists.
const PASSPHRASE_VARIABLE: &str = "SWITCHBOARD_PASSPHRASE";

/// Template of the progress bar.
const PROGRESS_TEMPLATE: &str = "{bar:40} {percent:>3} %, {eta} left";

/// Writes an event's extensions to standard output.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn export(
    services: &Services,
    event: &str,
    format: ExportFormat,
    with_secrets: bool,
) -> Result<(), String> {
    let mut output = std::io::stdout();
    if with_secrets && output.is_terminal() {
        return Err("the encrypted file is binary: redirect it to a file with >".to_owned());
    }
    let passphrase = if with_secrets { Some(read_new_passphrase()?) } else { None };
    let caller = Caller::system("export");
    let rows = import_export::export(services, &caller, event, with_secrets).await.map_err(describe)?;
    let text = Zeroizing::new(match format {
        ExportFormat::Csv => csv::write(&rows),
        ExportFormat::Json => row_json::write(&rows),
    });
    let result = match passphrase {
        None => output.write_all(text.as_bytes()),
        Some(passphrase) => {
            output.write_all(&seal_with_passphrase(&*services.rng, &passphrase, text.as_bytes()).map_err(to_message)?)
        }
    };
    result.and_then(|()| output.flush()).map_err(|error| format!("standard output: {error}"))
}

/// Arguments of `import`.
pub(super) struct ImportOptions {
    pub(super) file: PathBuf,
    pub(super) event: String,
    pub(super) dry_run: bool,
    pub(super) partial: bool,
}

/// Reads extensions into an event.
///
/// # Errors
/// A sentence for the operator; every invalid row is printed before.
pub(super) async fn import(services: &Services, options: ImportOptions) -> Result<(), String> {
    let ImportOptions { file, event, dry_run, partial } = options;
    let rows = read_rows(&file)?;
    let progress = Arc::new(Progress::default());
    let input = Import { event, file: rows, dry_run, atomic: !partial, progress: Arc::clone(&progress) };
    let caller = Caller::system("import");
    let import = import_export::import(services, &caller, input);
    let imported = with_progress_bar(import, &progress).await.map_err(describe)?;
    report(&file, &imported, dry_run, partial)
}

fn read_rows(path: &Path) -> Result<RowFile, String> {
    let read_error = |error: std::io::Error| format!("{}: {error}", path.display());
    let limit = u64::try_from(RowLimits::COMMAND.bytes).unwrap_or(u64::MAX);
    if std::fs::metadata(path).map_err(read_error)?.len() > limit {
        return Err(format!("{}: it is larger than {limit} bytes", path.display()));
    }
    let mut bytes = Zeroizing::new(std::fs::read(path).map_err(read_error)?);
    if is_sealed_with_passphrase(&bytes) {
        bytes = open_with_passphrase(&read_passphrase("Passphrase: ")?, &bytes).map_err(to_message)?;
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    Ok(if is_json { row_json::read(&bytes, RowLimits::COMMAND) } else { csv::read(&bytes, RowLimits::COMMAND) })
}

fn read_passphrase(prompt: &str) -> Result<Secret, String> {
    let passphrase = match std::env::var(PASSPHRASE_VARIABLE) {
        Ok(value) => Secret::new(value),
        Err(_) => Secret::new(
            rpassword::prompt_password(prompt)
                .map_err(|error| format!("cannot prompt for the passphrase ({error}): set {PASSPHRASE_VARIABLE}"))?,
        ),
    };
    if passphrase.is_empty() { Err("the passphrase must not be empty".to_owned()) } else { Ok(passphrase) }
}

/// Reads a new passphrase twice, as a file encrypted with a mistyped one cannot be opened.
fn read_new_passphrase() -> Result<Secret, String> {
    let first = read_passphrase("Passphrase for the file: ")?;
    let second = read_passphrase("Repeat the passphrase: ")?;
    if first == second { Ok(first) } else { Err("the two passphrases differ".to_owned()) }
}

/// Awaits the import and shows a progress bar on a terminal.
async fn with_progress_bar<T>(import: impl Future<Output = T>, progress: &Progress) -> T {
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template(PROGRESS_TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut import = std::pin::pin!(import);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            output = &mut import => {
                bar.finish_and_clear();
                return output;
            }
            _ = ticks.tick() => update(&bar, progress.steps()),
        }
    }
}

/// Sets the position of the bar, once the total is known.
fn update(bar: &ProgressBar, (done, total): (usize, usize)) {
    if total > 0 {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }
}

/// Prints every invalid row as `FILE:LINE: column: reason`, then the totals.
fn report(path: &Path, imported: &Imported, dry_run: bool, partial: bool) -> Result<(), String> {
    let mut stderr = std::io::stderr();
    for RowFailure { line, column, message, .. } in &imported.failures {
        let column = column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default();
        writeln!(stderr, "{}:{line}: {column}{message}", path.display()).map_err(to_message)?;
    }
    let Imported { created, updated, unchanged, failures } = imported;
    let is_applied = failures.is_empty() || partial;
    if is_applied {
        let prefix = if dry_run { "would be " } else { "" };
        print(format!("{created} {prefix}created, {updated} {prefix}updated, {unchanged} unchanged\n"))?;
    }
    match failures.len() {
        0 => Ok(()),
        1 if is_applied => Err("1 mistake: its row was skipped".to_owned()),
        1 => Err("1 mistake: nothing was imported".to_owned()),
        count if is_applied => Err(format!("{count} mistakes: the rows with mistakes were skipped")),
        count => Err(format!("{count} mistakes: nothing was imported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_the_progress() {
        assert!(ProgressStyle::with_template(PROGRESS_TEMPLATE).is_ok());
        let bar = ProgressBar::hidden();
        update(&bar, (0, 0));
        assert_eq!(bar.length(), None);
        update(&bar, (1, 4));
        assert_eq!((bar.position(), bar.length()), (1, Some(4)));
    }
}
