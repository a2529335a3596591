//! A body that is written faster than it is read: what a slow client has not taken yet lies in an anonymous file, so that
//! neither memory nor a database transaction waits for it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Notify;

/// How many bytes wait in memory before the file is used.
const IN_MEMORY: usize = 1024 * 1024;

/// The end that writes. Dropped without [`SpoolWriter::finish`] it tells the reader that the body was cut off.
pub struct SpoolWriter {
    shared: Arc<Shared>,
    folder: PathBuf,
    file: Option<Arc<File>>,
    file_bytes: u64,
}

/// The end that reads.
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
    Whole,
    CutOff,
}

enum Piece {
    Memory(Bytes),
    Disk { file: Arc<File>, at: u64, length: usize },
}

/// A spool whose file, if it needs one, lies in `folder`.
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
    /// Takes the next bytes. It never waits for the reader.
    ///
    /// # Errors
    /// `BrokenPipe` when the reader is gone; what the disk says when it is full.
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

    /// The body is complete.
    pub fn finish(self) {
        self.shared.end(End::Whole);
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.shared.end(End::CutOff);
    }
}

impl SpoolReader {
    /// The body as it comes. A body that was cut off ends with an error, by which HTTP ends the connection without the
    /// last chunk.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let pieces = futures_util::stream::unfold(Some(self), |reader| async move {
            let reader = reader?;
            match reader.next().await {
                Some(Ok(bytes)) => Some((Ok(bytes), Some(reader))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        });
        // Whoever compresses it asks once more behind the end.
        pieces.fuse()
    }

    async fn next(&self) -> Option<io::Result<Bytes>> {
        loop {
            let moved = self.shared.moved.notified();
            match self.take() {
                Ok(Some(Piece::Memory(bytes))) => return Some(Ok(bytes)),
                Ok(Some(Piece::Disk { file, at, length })) => return Some(read(file, at, length).await),
                Ok(None) => moved.await,
                Err(End::Whole) => return None,
                Err(End::CutOff) => return Some(Err(io::Error::other("the body was cut off"))),
            }
        }
    }

    fn take(&self) -> Result<Option<Piece>, End> {
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
    async fn everything_comes_out_in_order_however_slow_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, reader) = spool(folder.path().to_owned());
        let mut sent = Vec::new();
        for round in 0..100_u8 {
            let bytes = vec![round; 50_000];
            sent.extend_from_slice(&bytes);
            writer.write(bytes).unwrap();
        }
        assert!(writer.file_bytes > 0, "five megabytes do not wait in memory");
        assert!(reader.shared.state().in_memory <= IN_MEMORY);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        writer.finish();
        let read: Vec<_> = reader.into_stream().map(Result::unwrap).collect().await;
        assert!(read.concat() == sent);
    }

    #[tokio::test]
    async fn a_quick_reader_needs_no_file() {
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
    async fn a_body_that_was_cut_off_says_so() {
        let (mut writer, reader) = spool(std::env::temp_dir());
        writer.write(b"half".to_vec()).unwrap();
        drop(writer);
        let read: Vec<_> = reader.into_stream().collect().await;
        assert_eq!(read[0].as_ref().unwrap().as_ref(), b"half");
        assert!(read[1].is_err() && read.len() == 2);
    }

    #[tokio::test]
    async fn the_writer_stops_when_nobody_reads() {
        let (mut writer, reader) = spool(std::env::temp_dir());
        drop(reader);
        assert_eq!(writer.write(vec![1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
