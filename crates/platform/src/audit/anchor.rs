//! The anchor: the end of the chain, in a file of the data folder.
//!
//! The rows and their links prove nothing about rows that were cut off at the end, or about a table that was emptied.
//! The file remembers how far the chain has reached. It never moves back by itself.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::chain::Link;

/// Serializes the writers of this process.
static WRITER: Mutex<()> = Mutex::new(());

/// A point of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Position in the chain, from 1.
    pub position: i64,
    /// The link at this position.
    pub link: Link,
}

impl Anchor {
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find(|line| !line.starts_with('#'))?;
        let (position, link) = line.trim().split_once(' ')?;
        let mut bytes = Link::default();
        hex::decode_to_slice(link, &mut bytes).ok()?;
        Some(Self { position: position.parse().ok()?, link: bytes })
    }

    fn print(&self) -> String {
        format!("# The end of the audit's chain: position and link.\n{} {}\n", self.position, hex::encode(self.link))
    }
}

/// The file `audit.anchor` of a data folder.
#[derive(Clone, Debug)]
pub struct AnchorFile(PathBuf);

impl AnchorFile {
    /// The file of this data folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.join("audit.anchor"))
    }

    /// Returns the path, for messages.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the anchor; `None` when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn read(&self) -> io::Result<Option<Anchor>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Anchor::parse(&text).map(Some).ok_or_else(|| self.error("the file is damaged")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    /// Moves the anchor forward. A chain that ends before it was cut, and the anchor stays as evidence.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn advance(&self, anchor: &Anchor) -> io::Result<()> {
        // Several tasks seal; each reads and replaces the file.
        let _writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
        match self.read()? {
            Some(known) if known.position >= anchor.position => Ok(()),
            _ => self.replace(anchor),
        }
    }

    /// Writes the anchor, also to a lower position. After a power failure the file has the old or the new content.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replace(&self, anchor: &Anchor) -> io::Result<()> {
        let temporary = self.0.with_extension(format!("{}.new", std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(anchor.print().as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.0)
        };
        write().map_err(|error: io::Error| self.error(&error.to_string()))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// When it exists and cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.error(&error.to_string())),
            _ => Ok(()),
        }
    }

    fn error(&self, cause: &str) -> io::Error {
        io::Error::other(format!("the audit's anchor {}: {cause}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_tasks_move_the_anchor() {
        let folder = tempfile::tempdir().unwrap();
        let file = AnchorFile::in_folder(folder.path());
        std::thread::scope(|scope| {
            for task in 0..4 {
                let file = &file;
                scope.spawn(move || {
                    for step in 0..50 {
                        file.advance(&Anchor { position: step * 4 + task, link: [0; 32] }).unwrap();
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap().map(|anchor| anchor.position), Some(199));
    }

    #[test]
    fn the_anchor_does_not_move_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = AnchorFile::in_folder(folder.path());
        let at = |position| Anchor { position, link: [u8::try_from(position).unwrap(); 32] };
        assert_eq!(file.read().unwrap(), None);
        for (written, expected) in [(3, 3), (5, 5), (4, 5)] {
            file.advance(&at(written)).unwrap();
            assert_eq!(file.read().unwrap(), Some(at(expected)));
        }
        file.replace(&at(1)).unwrap();
        assert_eq!(file.read().unwrap(), Some(at(1)));
        fs::write(file.path(), "5 zz").unwrap();
        assert!(file.read().unwrap_err().to_string().contains("damaged"));
        file.remove().unwrap();
        file.remove().unwrap();
        assert_eq!(file.read().unwrap(), None);
    }
}
