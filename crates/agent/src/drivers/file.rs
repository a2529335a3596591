//! A rendered file: written beside, flushed, renamed; then the reload command.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::config::{Content, Feed, FileDriver};
use crate::entry::{Batch, Entry};
use crate::source::Source;
use crate::template::Template;
use crate::trouble::{Refusal, Trouble};

/// What a file would be, and what had to be left out of it.
pub struct Rendered {
    pub text: Vec<u8>,
    pub failed: HashMap<String, Refusal>,
}

/// Writes the file for a batch and reloads. A file that says the same already is left alone, and nothing is reloaded, unless the
/// reload is owed from before.
///
/// # Errors
/// [`Trouble`] when the server, the disk or the reload command fails.
pub async fn apply(source: &Source, file: &FileDriver, batch: &Batch) -> Result<HashMap<String, Refusal>, Trouble> {
    let rendered = render(source, file, batch).await?;
    let unwritable = |error: io::Error| Trouble::passing(format!("{} cannot be written: {error}", file.path.display()));
    let owed = beside(&file.path, "reload");
    let is_same = tokio::fs::read(&file.path).await.is_ok_and(|before| before == rendered.text);
    if !is_same {
        // The marker outlives a crash between the rename and the reload.
        write(&owed, b"", 0o600).await.map_err(unwritable)?;
        write(&file.path, &rendered.text, file.mode).await.map_err(unwritable)?;
    }
    if tokio::fs::try_exists(&owed).await.map_err(unwritable)? {
        reload(&file.reload, file.reload_timeout).await?;
        tokio::fs::remove_file(&owed).await.map_err(unwritable)?;
    }
    Ok(rendered.failed)
}

/// What the file would be.
///
/// # Errors
/// [`Trouble`] when the server does not render it.
pub async fn render(source: &Source, file: &FileDriver, batch: &Batch) -> Result<Rendered, Trouble> {
    match &file.content {
        Content::Server(name) => Ok(Rendered { text: source.render(name).await?, failed: HashMap::new() }),
        Content::Local(template) => Ok(locally(source.feed(), template, batch)),
    }
}

/// With a template of the agent's own. Records that it fails on are found one by one and left out.
fn locally(feed: &Feed, template: &Template, batch: &Batch) -> Rendered {
    let document = |entries: &[&Entry]| {
        let extensions: Vec<&Value> = entries.iter().map(|entry| &entry.values).collect();
        template.render(&json!({
            "event": feed.event,
            "service_type": feed.service_type,
            "head": batch.cursor,
            "extensions": extensions,
        }))
    };
    let all: Vec<&Entry> = batch.upserts.iter().collect();
    if let Ok(text) = document(&all) {
        return Rendered { text: text.into_bytes(), failed: HashMap::new() };
    }
    let (mut good, mut failed) = (Vec::new(), HashMap::new());
    for entry in all {
        match document(&[entry]) {
            Ok(_) => good.push(entry),
            Err(refusal) => {
                failed.insert(entry.id.clone(), refusal);
            }
        }
    }
    match document(&good) {
        Ok(text) => Rendered { text: text.into_bytes(), failed },
        Err(refusal) => {
            let all = batch.upserts.iter().map(|entry| (entry.id.clone(), refusal.clone()));
            Rendered { text: Vec::new(), failed: all.collect() }
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

/// Readers see the old file or the new one, and after a power cut one of the two.
async fn write(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path, "new");
    match tokio::fs::remove_file(&new).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new).await?;
    file.write_all(text).await?;
    file.sync_all().await?;
    // The mode at creation is narrowed by the umask.
    tokio::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(mode)).await?;
    tokio::fs::rename(&new, path).await?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tokio::fs::File::open(folder).await?.sync_all().await
}

async fn reload(command: &[String], timeout: Duration) -> Result<(), Trouble> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut child = tokio::process::Command::new(program);
    child.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(timeout, child.output()).await {
        Err(_) => Err(Trouble::passing(format!("the reload command {program} takes too long"))),
        Ok(Err(error)) => Err(Trouble::passing(format!("the reload command {program} cannot be run: {error}"))),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().next_back().unwrap_or_default();
            Err(Trouble::passing(format!("the reload command {program} failed ({}): {line}", output.status)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_is_replaced_whole_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pjsip.conf");
        write(&path, b"one", 0o640).await.unwrap();
        write(&path, b"two", 0o640).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_reload_that_fails_says_why() {
        let run = async |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            reload(&command, Duration::from_millis(300)).await
        };
        assert_eq!(run(&["true"]).await, Ok(()));
        assert_eq!(run(&[]).await, Ok(()));
        assert!(
            matches!(run(&["sh", "-c", "echo no such module >&2; false"]).await, Err(Trouble::Passing(why)) if why.contains("no such module"))
        );
        assert!(run(&["/nowhere/at/all"]).await.is_err());
        assert!(matches!(run(&["sleep", "9"]).await, Err(Trouble::Passing(why)) if why.contains("too long")));
    }
}
