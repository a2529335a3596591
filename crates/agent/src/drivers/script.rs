//! Lines over TCP, with patterns for what must and must not be answered: a VTY such as OsmoHLR's.
//!
//! A line whose template comes out empty is not sent, so that `{% if … %}` decides what is said of a record.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::note;
use crate::config::{self, Line};
use crate::entry::Batch;
use crate::trouble::{Fails, Refusal, Trouble};

/// How long one answer may be, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// Applies a batch: deletions, then releases for every record, then upserts; so two that swap what must be unique do not stand
/// in each other's way. A record that cannot be released is not written.
///
/// # Errors
/// [`Trouble`] when the system is not there or does not answer: the batch is applied again later, which harms nothing.
pub async fn apply(script: &config::Script, batch: &Batch) -> Result<HashMap<String, Refusal>, Trouble> {
    let mut failed = HashMap::new();
    let mut talk = Talk::open(script).await?;
    for deletion in batch.deletions() {
        for values in deletion.values() {
            note(&mut failed, &deletion.id, talk.say_all(&script.delete, &values).await)?;
        }
    }
    let mut released = Vec::new();
    for entry in &batch.upserts {
        let outcome = talk.say_all(&script.release, &entry.values).await;
        if outcome.is_ok() {
            released.push(entry);
        }
        note(&mut failed, &entry.id, outcome)?;
    }
    for entry in released {
        note(&mut failed, &entry.id, talk.say_all(&script.upsert, &entry.values).await)?;
    }
    for line in &script.end {
        let text = line.send.render(&Value::Null).map_err(|refusal| Trouble::lasting(refusal.message))?;
        talk.send(&text).await?;
    }
    Ok(failed)
}

/// A conversation.
struct Talk<'s> {
    script: &'s config::Script,
    stream: TcpStream,
    /// What was read behind the last prompt.
    rest: Vec<u8>,
}

impl<'s> Talk<'s> {
    async fn open(script: &'s config::Script) -> Result<Self, Trouble> {
        let absent = |why: String| Trouble::passing(format!("{} cannot be reached: {why}", script.address));
        let stream = timeout(script.timeout, TcpStream::connect(&script.address))
            .await
            .map_err(|_| absent("it takes too long".to_owned()))?
            .map_err(|error| absent(error.to_string()))?;
        let mut talk = Self { script, stream, rest: Vec::new() };
        talk.hear().await?;
        for line in &script.begin {
            match talk.say(line, &Value::Null).await {
                Ok(()) => {}
                Err(Fails::System(trouble)) => return Err(trouble),
                Err(Fails::Record(refusal)) => return Err(Trouble::lasting(refusal.message)),
            }
        }
        Ok(talk)
    }

    /// Says the lines of one record; the first that is refused ends it.
    async fn say_all(&mut self, lines: &[Line], values: &Value) -> Result<(), Fails> {
        for line in lines {
            self.say(line, values).await?;
        }
        Ok(())
    }

    async fn say(&mut self, line: &Line, values: &Value) -> Result<(), Fails> {
        let text = line.send.render(values)?;
        if text.trim().is_empty() {
            return Ok(());
        }
        if text.contains(['\r', '\n']) {
            return Err(Refusal::new("TEMPLATE", "a line has come out as more than one").into());
        }
        self.send(&text).await?;
        let answer = without_echo(&self.hear().await?, &text);
        let is_denied = line.deny.as_ref().is_some_and(|deny| deny.is_match(&answer));
        let is_expected = line.expect.as_ref().is_none_or(|expect| expect.is_match(&answer));
        if is_denied || !is_expected {
            let said = answer.lines().map(str::trim).filter(|said| !said.is_empty());
            return Err(Refusal::new("REFUSED", said.take(3).collect::<Vec<_>>().join(" ")).into());
        }
        Ok(())
    }

    async fn send(&mut self, line: &str) -> Result<(), Trouble> {
        self.within(async |talk| talk.stream.write_all(format!("{line}{}", talk.script.line_end).as_bytes()).await)
            .await
    }

    /// Reads up to the prompt; what stands before it is the answer.
    async fn hear(&mut self) -> Result<String, Trouble> {
        loop {
            let text = String::from_utf8_lossy(&self.rest).into_owned();
            // A prompt is what the system says last: the same words may stand within an answer.
            if let Some(found) = self.script.prompt.find_iter(&text).last().filter(|found| found.end() == text.len()) {
                let answer = text[..found.start()].to_owned();
                self.rest.clear();
                return Ok(answer);
            }
            if self.rest.len() > MOST_BYTES {
                return Err(Trouble::passing("the answer does not end: `prompt` may be wrong"));
            }
            let part = self
                .within(async |talk| {
                    let mut part = vec![0; 4096];
                    let count = talk.stream.read(&mut part).await?;
                    part.truncate(count);
                    Ok(part)
                })
                .await?;
            if part.is_empty() {
                return Err(self.lost("it hung up"));
            }
            self.rest.extend(plain(&part));
        }
    }

    async fn within<T>(&mut self, work: impl AsyncFnOnce(&mut Self) -> std::io::Result<T>) -> Result<T, Trouble> {
        let limit: Duration = self.script.timeout;
        match timeout(limit, work(self)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.lost("it does not answer; `prompt` may be wrong")),
        }
    }

    fn lost(&self, why: &str) -> Trouble {
        Trouble::passing(format!("the conversation with {} broke off: {why}", self.script.address))
    }
}

/// A terminal repeats what is typed: that is no answer, whatever a record has in it.
fn without_echo(answer: &str, line: &str) -> String {
    let answer = answer.trim_start_matches('\n');
    let rest = answer.strip_prefix(line.trim_end()).filter(|rest| rest.is_empty() || rest.starts_with('\n'));
    rest.unwrap_or(answer).to_owned()
}

/// Leaves out Telnet's negotiation (RFC 854): IAC and what belongs to it.
fn plain(part: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    let mut bytes = part.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            255 => match bytes.next() {
                Some(251..=254) => drop(bytes.next()),
                Some(250) => while bytes.next().is_some_and(|byte| byte != 240) {},
                _ => {}
            },
            0 | b'\r' => {}
            byte => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_no_answer() {
        assert_eq!(without_echo("name Error\n% Done\n", "name Error"), "\n% Done\n");
        assert_eq!(without_echo("% Error\n", "name x"), "% Error\n");
        assert_eq!(without_echo("name xy\n", "name x"), "name xy\n");
    }

    #[test]
    fn negotiation_is_left_out() {
        assert_eq!(plain(b"\xff\xfb\x01\xff\xfd\x1fHLR\xff\xfa\x18\x01\xff\xf0> \r\n\0x"), b"HLR> \nx");
    }
}
