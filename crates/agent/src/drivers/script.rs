//! The `script` driver: command lines over TCP with patterns for the responses, for a VTY such as OsmoHLR's.
//!
//! A command whose template renders to an empty line is not sent, so `{% if … %}` selects the commands of a record.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{CommandLine, ScriptConfig};
use crate::entry::Batch;
use crate::error::{AgentError, ApplyError, RecordError, RecordErrors, collect};

/// Maximum length of one response.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// Applies a batch: deletions, then the release commands of every record, then the upserts, so that two records can
/// exchange unique values. A record whose release failed is not written.
///
/// # Errors
/// [`AgentError`] when the system is unavailable. Applying the batch again is harmless.
pub async fn apply(script: &ScriptConfig, batch: &Batch) -> Result<RecordErrors, AgentError> {
    let mut errors = RecordErrors::new();
    let mut session = Session::open(script).await?;
    for deletion in batch.deletions() {
        for values in deletion.values() {
            let result = session.run_commands(&script.delete, &values).await;
            collect(&mut errors, &deletion.id, result)?;
        }
    }
    let mut released = Vec::new();
    for entry in &batch.upserts {
        let result = session.run_commands(&script.release, &entry.values).await;
        if result.is_ok() {
            released.push(entry);
        }
        collect(&mut errors, &entry.id, result)?;
    }
    for entry in released {
        let result = session.run_commands(&script.upsert, &entry.values).await;
        collect(&mut errors, &entry.id, result)?;
    }
    for command in &script.end {
        let line = command.send.render(&Value::Null).map_err(|error| AgentError::permanent(error.message))?;
        session.send_line(&line).await?;
    }
    Ok(errors)
}

/// A TCP session with a command-line interface.
struct Session<'s> {
    script: &'s ScriptConfig,
    stream: TcpStream,
    /// Bytes received after the last prompt.
    buffer: Vec<u8>,
}

impl<'s> Session<'s> {
    async fn open(script: &'s ScriptConfig) -> Result<Self, AgentError> {
        let unreachable =
            |reason: String| AgentError::transient(format!("{} is unreachable: {reason}", script.address));
        let stream = timeout(script.timeout, TcpStream::connect(&script.address))
            .await
            .map_err(|_| unreachable("timeout".to_owned()))?
            .map_err(|error| unreachable(error.to_string()))?;
        let mut session = Self { script, stream, buffer: Vec::new() };
        session.read_response().await?;
        for command in &script.begin {
            match session.run_command(command, &Value::Null).await {
                Ok(()) => {}
                Err(ApplyError::System(error)) => return Err(error),
                Err(ApplyError::Record(error)) => return Err(AgentError::permanent(error.message)),
            }
        }
        Ok(session)
    }

    /// Runs the commands of one record up to the first that fails.
    async fn run_commands(&mut self, commands: &[CommandLine], values: &Value) -> Result<(), ApplyError> {
        for command in commands {
            self.run_command(command, values).await?;
        }
        Ok(())
    }

    async fn run_command(&mut self, command: &CommandLine, values: &Value) -> Result<(), ApplyError> {
        let line = command.send.render(values)?;
        if line.trim().is_empty() {
            return Ok(());
        }
        if line.contains(['\r', '\n']) {
            return Err(RecordError::new("TEMPLATE", "the command renders to more than one line").into());
        }
        self.send_line(&line).await?;
        let response = strip_echo(&self.read_response().await?, &line);
        let is_denied = command.deny.as_ref().is_some_and(|deny| deny.is_match(&response));
        let is_expected = command.expect.as_ref().is_none_or(|expect| expect.is_match(&response));
        if is_denied || !is_expected {
            let lines = response.lines().map(str::trim).filter(|line| !line.is_empty());
            return Err(RecordError::new("REFUSED", lines.take(3).collect::<Vec<_>>().join(" ")).into());
        }
        Ok(())
    }

    async fn send_line(&mut self, line: &str) -> Result<(), AgentError> {
        let bytes = format!("{line}{}", self.script.line_end).into_bytes();
        self.with_timeout(async |session| session.stream.write_all(&bytes).await).await
    }

    /// Reads up to the prompt and returns the text before it.
    async fn read_response(&mut self) -> Result<String, AgentError> {
        loop {
            let text = String::from_utf8_lossy(&self.buffer).into_owned();
            // The prompt ends the output. Text that looks like it may also occur within a response.
            if let Some(prompt) = self.script.prompt.find_iter(&text).last().filter(|prompt| prompt.end() == text.len())
            {
                let response = text[..prompt.start()].to_owned();
                self.buffer.clear();
                return Ok(response);
            }
            if self.buffer.len() > MAX_RESPONSE_BYTES {
                return Err(AgentError::transient("the response has no end: check `prompt`"));
            }
            let chunk = self
                .with_timeout(async |session| {
                    let mut chunk = vec![0; 4096];
                    let length = session.stream.read(&mut chunk).await?;
                    chunk.truncate(length);
                    Ok(chunk)
                })
                .await?;
            if chunk.is_empty() {
                return Err(self.session_error("the system closed the connection"));
            }
            self.buffer.extend(strip_telnet(&chunk));
        }
    }

    async fn with_timeout<T>(
        &mut self,
        operation: impl AsyncFnOnce(&mut Self) -> std::io::Result<T>,
    ) -> Result<T, AgentError> {
        match timeout(self.script.timeout, operation(self)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.session_error(&error.to_string())),
            Err(_) => Err(self.session_error("timeout; check `prompt`")),
        }
    }

    fn session_error(&self, reason: &str) -> AgentError {
        AgentError::transient(format!("the session with {} failed: {reason}", self.script.address))
    }
}

/// Removes the terminal's echo of `line`, so that patterns do not match the values of a record.
fn strip_echo(response: &str, line: &str) -> String {
    let response = response.trim_start_matches('\n');
    let rest = response.strip_prefix(line.trim_end()).filter(|rest| rest.is_empty() || rest.starts_with('\n'));
    rest.unwrap_or(response).to_owned()
}

/// Removes Telnet's option negotiation (RFC 854), NUL and CR.
fn strip_telnet(chunk: &[u8]) -> Vec<u8> {
    const IAC: u8 = 255;
    const SUBNEGOTIATION_BEGIN: u8 = 250;
    const SUBNEGOTIATION_END: u8 = 240;
    let mut text = Vec::with_capacity(chunk.len());
    let mut bytes = chunk.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            IAC => match bytes.next() {
                // WILL, WON'T, DO, DON'T and the option.
                Some(251..=254) => drop(bytes.next()),
                Some(SUBNEGOTIATION_BEGIN) => while bytes.next().is_some_and(|byte| byte != SUBNEGOTIATION_END) {},
                _ => {}
            },
            0 | b'\r' => {}
            byte => text.push(byte),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_the_echo_of_the_command() {
        assert_eq!(strip_echo("name Error\n% Done\n", "name Error"), "\n% Done\n");
        assert_eq!(strip_echo("% Error\n", "name x"), "% Error\n");
        assert_eq!(strip_echo("name xy\n", "name x"), "name xy\n");
    }

    #[test]
    fn strips_option_negotiation() {
        assert_eq!(strip_telnet(b"\xff\xfb\x01\xff\xfd\x1fHLR\xff\xfa\x18\x01\xff\xf0> \r\n\0x"), b"HLR> \nx");
    }
}
