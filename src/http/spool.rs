//! A response body that is written faster than the client reads it. Unread bytes above a limit are stored in an unnamed
//! file, so a slow client holds neither memory nor a database transaction.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Notify;

/// The number of unread bytes that stay in memory.
const IN_MEMORY: usize = 1024 * 1024;

/// The writing end. Dropping it without [`SpoolWriter::finish`] makes the reader fail.
pub struct SpoolWriter {
    shared: Arc<Shared>,
    folder: PathBuf,
    file: Option<Arc<File>>,
    file_bytes: u64,
}

/// The reading end.
pub struct SpoolReader {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Piece>,
    in_memory: usize,
    end: Option<End>,
    reader_is_gone: bool,
}

#[derive(Clone, Copy)]
enum End {
    Finished,
    CutOff,
}

enum Piece {
    Memory(Bytes),
    Disk { file: Arc<File>, at: u64, length: usize },
}

/// A spool that creates its file, if it needs one, in `folder`.
pub fn spool(folder: PathBuf) -> (SpoolWriter, SpoolReader) {
    let shared = Arc::new(Shared { state: Mutex::default(), moved: Notify::new() });
    (SpoolWriter { shared: Arc::clone(&shared), folder, file: None, file_bytes: 0 }, SpoolReader { shared })
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: End) {
        self.state().end.get_or_insert(end);
        self.moved.notify_one();
    }
}

impl SpoolWriter {
    /// Appends bytes, without waiting for the reader.
    ///
    /// # Errors
    /// `BrokenPipe` when the reader was dropped; the error of the file system when the disk is full.
    pub fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let fits = {
            let mut state = self.shared.state();
            if state.reader_is_gone {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let fits = state.in_memory + bytes.len() <= IN_MEMORY;
            if fits {
                state.in_memory += bytes.len();
            }
            fits
        };
        let piece = if fits { Piece::Memory(bytes.into()) } else { self.put_on_disk(&bytes)? };
        self.shared.state().waiting.push_back(piece);
        self.shared.moved.notify_one();
        Ok(())
    }

    fn put_on_disk(&mut self, bytes: &[u8]) -> io::Result<Piece> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(tempfile::tempfile_in(&self.folder)?))),
        };
        let at = self.file_bytes;
        file.write_all_at(bytes, at)?;
        self.file_bytes += bytes.len() as u64;
        Ok(Piece::Disk { file, at, length: bytes.len() })
    }

    /// Ends the body.
    pub fn finish(self) {
        self.shared.end(End::Finished);
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.shared.end(End::CutOff);
    }
}

impl SpoolReader {
    /// The body as a stream. A body that was cut off ends with an error: the server then closes the connection without
    /// the last chunk.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let pieces = futures_util::stream::unfold(Some(self), |reader| async move {
            let reader = reader?;
            match reader.next().await {
                Some(Ok(bytes)) => Some((Ok(bytes), Some(reader))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        });
        // The compression polls once more after the end.
        pieces.fuse()
    }

    async fn next(&self) -> Option<io::Result<Bytes>> {
        loop {
            let moved = self.shared.moved.notified();
            match self.pop() {
                Ok(Some(Piece::Memory(bytes))) => return Some(Ok(bytes)),
                Ok(Some(Piece::Disk { file, at, length })) => return Some(read(file, at, length).await),
                Ok(None) => moved.await,
                Err(End::Finished) => return None,
                Err(End::CutOff) => return Some(Err(io::Error::other("the body was cut off"))),
            }
        }
    }

    fn pop(&self) -> Result<Option<Piece>, End> {
        let mut state = self.shared.state();
        match (state.waiting.pop_front(), state.end) {
            (Some(piece), _) => {
                if let Piece::Memory(bytes) = &piece {
                    state.in_memory -= bytes.len();
                }
                Ok(Some(piece))
            }
            (None, Some(end)) => Err(end),
            (None, None) => Ok(None),
        }
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.reader_is_gone = true;
        state.waiting.clear();
    }
}

async fn read(file: Arc<File>, at: u64, length: usize) -> io::Result<Bytes> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    });
    reading.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_receives_every_byte_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, reader) = spool(folder.path().to_owned());
        let mut sent = Vec::new();
        for round in 0..100_u8 {
            let bytes = vec![round; 50_000];
            sent.extend_from_slice(&bytes);
            writer.write(bytes).unwrap();
        }
        assert!(writer.file_bytes > 0, "five megabytes do not stay in memory");
        assert!(reader.shared.state().in_memory <= IN_MEMORY);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        writer.finish();
        let read: Vec<_> = reader.into_stream().map(Result::unwrap).collect().await;
        assert!(read.concat() == sent);
    }

    #[tokio::test]
    async fn a_fast_reader_needs_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, reader) = spool(folder.path().to_owned());
        let mut stream = Box::pin(reader.into_stream());
        for _ in 0..100 {
            writer.write(vec![7; 50_000]).unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap().len(), 50_000);
        }
        assert_eq!(writer.file_bytes, 0);
    }

    #[tokio::test]
    async fn a_body_that_was_cut_off_ends_with_an_error() {
        let (mut writer, reader) = spool(std::env::temp_dir());
        writer.write(b"half".to_vec()).unwrap();
        drop(writer);
        let read: Vec<_> = reader.into_stream().collect().await;
        assert_eq!(read[0].as_ref().unwrap().as_ref(), b"half");
        assert!(read[1].is_err() && read.len() == 2);
    }

    #[tokio::test]
    async fn writing_fails_without_a_reader() {
        let (mut writer, reader) = spool(std::env::temp_dir());
        drop(reader);
        assert_eq!(writer.write(vec![1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
