//! Parser of a feed's snapshot: a header line, a line for each entry, and a trailer line (JSON lines).

use serde::Deserialize;
use serde_json::Value;

use super::entry::Entry;
use super::error::AgentError;

/// The content of a feed at one instant.
pub enum Snapshot {
    /// Every entry, and the cursor from which changes follow.
    Complete { entries: Vec<Entry>, cursor: String },
    /// The event is archived.
    Closed,
}

#[derive(Deserialize)]
struct Header {
    head: String,
    count: usize,
}

/// Incremental parser, which accepts the response body in chunks of any size.
#[derive(Default)]
pub struct SnapshotParser {
    /// Bytes of an incomplete line.
    line: Vec<u8>,
    header: Option<Header>,
    entries: Vec<Entry>,
    trailer: Option<String>,
}

impl SnapshotParser {
    /// Parses the lines that `chunk` completes.
    ///
    /// # Errors
    /// [`AgentError::Transient`] for a line that is not valid.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), AgentError> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.parse_line(&line)?;
            }
        }
        Ok(())
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), AgentError> {
        let invalid = || AgentError::transient("a line of the snapshot is invalid");
        if self.header.is_none() {
            self.header = Some(serde_json::from_slice(line).map_err(|_| invalid())?);
            return Ok(());
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            return Err(invalid());
        };
        match fields.remove("end") {
            Some(Value::String(end)) if fields.is_empty() => self.trailer = Some(end),
            _ => self.entries.push(Entry::parse(fields)?),
        }
        Ok(())
    }

    /// Returns the snapshot after the last chunk.
    ///
    /// # Errors
    /// [`AgentError::Transient`] for a snapshot that is truncated or inconsistent.
    pub fn finish(mut self) -> Result<Snapshot, AgentError> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.parse_line(&line)?;
        }
        match (self.header, self.trailer) {
            (Some(header), Some(end)) if header.head == end && header.count == self.entries.len() => {
                Ok(Snapshot::Complete { entries: self.entries, cursor: end })
            }
            _ => Err(AgentError::transient("the snapshot is truncated")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, chunk_size: usize) -> Result<Snapshot, AgentError> {
        let mut parser = SnapshotParser::default();
        for chunk in text.as_bytes().chunks(chunk_size) {
            parser.push(chunk)?;
        }
        parser.finish()
    }

    #[test]
    fn rejects_a_truncated_snapshot() {
        let text = concat!(
            "{\"head\":\"c\",\"count\":1}\n",
            "{\"id\":\"Extension:1\",\"version\":\"v\",\"number\":\"2\"}\n",
            "{\"end\":\"c\"}\n"
        );
        for chunk_size in [1, 7, 1000] {
            let snapshot = parse(text, chunk_size).unwrap();
            let Snapshot::Complete { entries, cursor } = snapshot else { panic!("the feed is closed") };
            assert!(entries.len() == 1 && cursor == "c");
        }
        for end in 0..text.len() - 1 {
            assert!(matches!(parse(&text[..end], 9), Err(AgentError::Transient(_))), "{end}");
        }
        assert!(parse(&text.replace("\"count\":1", "\"count\":2"), 9).is_err());
        assert!(parse(&text.replace("{\"end\":\"c\"}", "{\"end\":\"d\"}"), 9).is_err());
    }
}
