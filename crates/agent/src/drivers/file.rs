//! The `file` driver: renders a file, replaces it atomically, and runs a reload command.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::config::{Content, FeedConfig, FileConfig};
use crate::entry::{Batch, Entry};
use crate::error::{AgentError, RecordErrors};
use crate::feed_client::FeedClient;
use crate::template::Template;

/// A rendered file, and the errors of the records that it does not contain.
pub struct RenderedFile {
    pub text: Vec<u8>,
    pub errors: RecordErrors,
}

/// Writes the file for a batch and runs the reload command. An unchanged file is neither written nor reloaded, unless
/// an earlier reload is pending.
///
/// # Errors
/// [`AgentError`] when rendering at the server, writing or the reload command fails.
pub async fn apply(feed: &FeedClient, file: &FileConfig, batch: &Batch) -> Result<RecordErrors, AgentError> {
    let rendered = render(feed, file, batch).await?;
    let write_error =
        |error: io::Error| AgentError::transient(format!("{} cannot be written: {error}", file.path.display()));
    let reload_marker = sibling(&file.path, "reload");
    let is_unchanged = tokio::fs::read(&file.path).await.is_ok_and(|current| current == rendered.text);
    if !is_unchanged {
        // The marker keeps the reload pending after a crash between rename and reload.
        replace(&reload_marker, b"", 0o600).await.map_err(write_error)?;
        replace(&file.path, &rendered.text, file.mode).await.map_err(write_error)?;
    }
    if tokio::fs::try_exists(&reload_marker).await.map_err(write_error)? {
        reload(&file.reload, file.reload_timeout).await?;
        tokio::fs::remove_file(&reload_marker).await.map_err(write_error)?;
    }
    Ok(rendered.errors)
}

/// Renders the file without writing it.
///
/// # Errors
/// [`AgentError`] when the server does not render it.
pub async fn render(feed: &FeedClient, file: &FileConfig, batch: &Batch) -> Result<RenderedFile, AgentError> {
    match &file.content {
        Content::Server(name) => Ok(RenderedFile { text: feed.render(name).await?, errors: RecordErrors::new() }),
        Content::Local(template) => Ok(render_local(feed.feed(), template, batch)),
    }
}

/// Renders a template of the agent. If it fails, renders each record alone and leaves out those that fail.
fn render_local(feed: &FeedConfig, template: &Template, batch: &Batch) -> RenderedFile {
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
        return RenderedFile { text: text.into_bytes(), errors: RecordErrors::new() };
    }
    let (mut valid, mut errors) = (Vec::new(), RecordErrors::new());
    for entry in all {
        match document(&[entry]) {
            Ok(_) => valid.push(entry),
            Err(error) => {
                errors.insert(entry.id.clone(), error);
            }
        }
    }
    match document(&valid) {
        Ok(text) => RenderedFile { text: text.into_bytes(), errors },
        Err(error) => {
            let all = batch.upserts.iter().map(|entry| (entry.id.clone(), error.clone()));
            RenderedFile { text: Vec::new(), errors: all.collect() }
        }
    }
}

/// Returns the path of a hidden file in the same folder.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

/// Replaces a file atomically: readers, also after a power failure, see either the old or the new content.
async fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let new = sibling(path, "new");
    match tokio::fs::remove_file(&new).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new).await?;
    file.write_all(text).await?;
    file.sync_all().await?;
    // The umask restricts the mode at creation.
    tokio::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(mode)).await?;
    tokio::fs::rename(&new, path).await?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tokio::fs::File::open(folder).await?.sync_all().await
}

async fn reload(command: &[String], timeout: Duration) -> Result<(), AgentError> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut child = tokio::process::Command::new(program);
    child.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(timeout, child.output()).await {
        Err(_) => Err(AgentError::transient(format!("timeout of the reload command {program}"))),
        Ok(Err(error)) => Err(AgentError::transient(format!("the reload command {program} cannot be run: {error}"))),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let line = stderr.lines().next_back().unwrap_or_default();
            let status = output.status;
            Err(AgentError::transient(format!("the reload command {program} failed ({status}): {line}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn replaces_a_file_and_sets_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pjsip.conf");
        replace(&path, b"one", 0o640).await.unwrap();
        replace(&path, b"two", 0o640).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn reports_why_a_reload_failed() {
        let run = async |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            reload(&command, Duration::from_millis(300)).await
        };
        assert_eq!(run(&["true"]).await, Ok(()));
        assert_eq!(run(&[]).await, Ok(()));
        let failed = run(&["sh", "-c", "echo no such module >&2; false"]).await;
        assert!(matches!(failed, Err(AgentError::Transient(message)) if message.contains("no such module")));
        assert!(run(&["/nowhere/at/all"]).await.is_err());
        let timeout = run(&["sleep", "9"]).await;
        assert!(matches!(timeout, Err(AgentError::Transient(message)) if message.contains("timeout")));
    }
}
