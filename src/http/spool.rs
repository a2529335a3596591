//! A response body that is written faster than the client reads it. Unread bytes above a limit are stored in an unnamed
//! file, so a slow client holds neither memory nor a database transaction.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The number of unread bytes that stay in memory.
const IN_MEMORY: usize = 1024 * 1024;
/// The maximal size of all spool files together, in bytes. They are on the disk of the database.
const MAX_ON_DISK: u64 = 1 << 30;
/// The time within which a client must have read its whole body.
const READ_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The bytes in all spool files.
#[derive(Clone, Debug, Default)]
pub struct SpooledBytes(Arc<AtomicU64>);

impl SpooledBytes {
    /// Counts more bytes, unless there are too many.
    fn take(&self, bytes: u64) -> io::Result<()> {
        let add = |total: u64| total.checked_add(bytes).filter(|total| *total <= MAX_ON_DISK);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(io::ErrorKind::StorageFull, "slow clients occupy all spool files")),
        }
    }
}

/// A spool file with its share of all bytes.
struct SpoolFile {
    file: File,
    bytes: AtomicU64,
    total: SpooledBytes,
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        self.total.0.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// The writing end. Dropping it without [`SpoolWriter::finish`] makes the reader fail.
pub struct SpoolWriter {
    shared: Arc<Shared>,
    folder: PathBuf,
    total: SpooledBytes,
    file: Option<Arc<SpoolFile>>,
    file_bytes: u64,
}

/// The reading end.
pub struct SpoolReader {
    shared: Arc<Shared>,
    deadline: Instant,
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
    Disk { file: Arc<SpoolFile>, at: u64, length: usize },
}

/// A spool that creates its file, if it needs one, in `folder`, and counts it in `total`.
pub fn spool(folder: PathBuf, total: &SpooledBytes) -> (SpoolWriter, SpoolReader) {
    let shared = Arc::new(Shared { state: Mutex::default(), moved: Notify::new() });
    let (total, deadline) = (total.clone(), Instant::now() + READ_TIMEOUT);
    let writer = SpoolWriter { shared: Arc::clone(&shared), folder, total, file: None, file_bytes: 0 };
    (writer, SpoolReader { shared, deadline })
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
    /// `BrokenPipe` when the reader was dropped; `StorageFull` when the spool files are too large together; the error of
    /// the file system when the disk is full.
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
            None => {
                let (file, total) = (tempfile::tempfile_in(&self.folder)?, self.total.clone());
                Arc::clone(self.file.insert(Arc::new(SpoolFile { file, bytes: AtomicU64::new(0), total })))
            }
        };
        let at = self.file_bytes;
        self.total.take(bytes.len() as u64)?;
        file.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        file.file.write_all_at(bytes, at)?;
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
        tokio::time::timeout_at(self.deadline, self.next_piece())
            .await
            .unwrap_or_else(|_| Some(Err(io::ErrorKind::TimedOut.into())))
    }

    async fn next_piece(&self) -> Option<io::Result<Bytes>> {
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

async fn read(file: Arc<SpoolFile>, at: u64, length: usize) -> io::Result<Bytes> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; length];
        file.file.read_exact_at(&mut bytes, at)?;
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
        let (mut writer, reader) = spool(folder.path().to_owned(), &SpooledBytes::default());
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
    async fn the_files_of_all_slow_readers_are_bounded_together() {
        let folder = tempfile::tempdir().unwrap();
        let total = SpooledBytes::default();
        let (mut writer, reader) = spool(folder.path().to_owned(), &total);
        writer.write(vec![0; IN_MEMORY]).unwrap();
        writer.write(vec![0; 1000]).unwrap();
        let (mut other, _other_reader) = spool(folder.path().to_owned(), &total);
        other.write(vec![0; IN_MEMORY]).unwrap();
        total.take(MAX_ON_DISK - 1000).unwrap();
        assert_eq!(other.write(vec![0; 1]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        drop((writer, reader));
        other.write(vec![0; 1000]).unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_takes_too_long_is_ended() {
        let (mut writer, mut reader) = spool(std::env::temp_dir(), &SpooledBytes::default());
        writer.write(b"begin".to_vec()).unwrap();
        reader.deadline = Instant::now() + Duration::from_millis(50);
        let mut stream = Box::pin(reader.into_stream());
        assert!(stream.next().await.unwrap().is_ok());
        assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_fast_reader_needs_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, reader) = spool(folder.path().to_owned(), &SpooledBytes::default());
        let mut stream = Box::pin(reader.into_stream());
        for _ in 0..100 {
            writer.write(vec![7; 50_000]).unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap().len(), 50_000);
        }
        assert_eq!(writer.file_bytes, 0);
    }

    #[tokio::test]
    async fn a_body_that_was_cut_off_ends_with_an_error() {
        let (mut writer, reader) = spool(std::env::temp_dir(), &SpooledBytes::default());
        writer.write(b"half".to_vec()).unwrap();
        drop(writer);
        let read: Vec<_> = reader.into_stream().collect().await;
        assert_eq!(read[0].as_ref().unwrap().as_ref(), b"half");
        assert!(read[1].is_err() && read.len() == 2);
    }

    #[tokio::test]
    async fn writing_fails_without_a_reader() {
        let (mut writer, reader) = spool(std::env::temp_dir(), &SpooledBytes::default());
        drop(reader);
        assert_eq!(writer.write(vec![1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
