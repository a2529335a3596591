//! The agent's own tables: the cursor, and for every extension its version, keys and last error, and the pending hooks.
//!
//! With the `sql` driver these tables are in the telephone system's own database, so a page and its cursor are one
//! transaction; with the other drivers they are in a SQLite file. They contain no secrets.

use std::collections::HashMap;

use serde_json::Value;

use super::database::{Database, SqlValue};
use super::diff;
use super::entry::{Batch, Entry, Keys};
use super::error::{AgentError, RecordError, RecordErrors};
use platform::feed_log::digest::FeedDigest;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS switchboard_agent (
    feed TEXT PRIMARY KEY NOT NULL, feed_cursor TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS switchboard_agent_copy (
    feed TEXT NOT NULL, extension TEXT NOT NULL, version TEXT NOT NULL, keys TEXT NOT NULL, code TEXT, message TEXT,
    PRIMARY KEY (feed, extension));
CREATE TABLE IF NOT EXISTS switchboard_agent_calls (
    feed TEXT NOT NULL, number TEXT NOT NULL, extension TEXT NOT NULL, PRIMARY KEY (feed, number));
";

/// Stored in place of an error code after the error was resolved, until the server has acknowledged it.
const RESOLVED: &str = "RESOLVED";

/// The state of one feed's replica in the telephone system.
pub struct Replica {
    pub database: Database,
    feed: String,
    /// Cursor of the last applied batch; `None` before the first snapshot.
    pub cursor: Option<String>,
    digest: FeedDigest,
}

/// One extension in the replica.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplicaRow {
    /// The applied version. Empty while the state of the telephone system is uncertain.
    pub version: String,
    /// Every key under which the telephone system may have a record.
    pub keys: Vec<Keys>,
}

/// Errors to report with the next acknowledgement.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ReplicaStatus {
    pub failing: Vec<FailedExtension>,
    /// Ids of extensions whose error is resolved.
    pub resolved: Vec<String>,
}

/// An extension that could not be applied.
#[derive(Clone, PartialEq, Debug)]
pub struct FailedExtension {
    pub id: String,
    pub error: RecordError,
}

/// A release hook that has not been sent yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingHook {
    pub number: String,
    pub extension_id: String,
}

impl Replica {
    /// Opens the tables and creates them where they are missing.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn open(mut database: Database, feed: &str) -> Result<Self, AgentError> {
        database.internal_batch(TABLES).await?;
        let mut replica = Self { database, feed: feed.to_owned(), cursor: None, digest: FeedDigest::default() };
        replica.reload().await?;
        Ok(replica)
    }

    /// Reads cursor and digest from the database, after a rollback for example.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn reload(&mut self) -> Result<(), AgentError> {
        let sql = "SELECT feed_cursor AS a, digest AS b, NULL AS c FROM switchboard_agent WHERE feed = :feed";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed)]).await?;
        let (cursor, digest) = match rows.into_iter().next() {
            Some([cursor, digest, _]) => (cursor.filter(|cursor| !cursor.is_empty()), digest),
            None => (None, None),
        };
        self.cursor = cursor;
        self.digest = digest.as_deref().and_then(FeedDigest::from_hex).unwrap_or_default();
        Ok(())
    }

    /// Returns the digest over the replica in hexadecimal, for comparison with the feed's.
    pub fn digest(&self) -> String {
        self.digest.to_hex()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn begin(&mut self) -> Result<(), AgentError> {
        let begin = match self.database {
            // A deferred transaction that starts with a read fails at its first write if another writer has committed.
            Database::Sqlite(_) => "BEGIN IMMEDIATE",
            Database::Postgres(_) => "BEGIN",
        };
        self.database.internal_batch(begin).await
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails; the transaction is rolled back then.
    pub async fn commit(&mut self) -> Result<(), AgentError> {
        self.database.internal_batch("COMMIT").await
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn rollback(&mut self) -> Result<(), AgentError> {
        self.database.internal_batch("ROLLBACK").await?;
        self.reload().await
    }

    /// Returns the number of extensions in the replica.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn count(&mut self) -> Result<usize, AgentError> {
        let sql =
            "SELECT CAST(count(*) AS TEXT) AS a, NULL AS b, NULL AS c FROM switchboard_agent_copy WHERE feed = :feed";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed)]).await?;
        Ok(rows.first().and_then(|[count, ..]| count.as_deref()?.parse().ok()).unwrap_or(0))
    }

    /// Returns every row by extension id.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn rows(&mut self) -> Result<HashMap<String, ReplicaRow>, AgentError> {
        let sql = "SELECT extension AS a, version AS b, keys AS c FROM switchboard_agent_copy WHERE feed = :feed";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed)]).await?;
        Ok(rows.into_iter().map(|[id, version, keys]| (id.unwrap_or_default(), parse_row(version, keys))).collect())
    }

    /// Returns the row of one extension.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn row(&mut self, id: &str) -> Result<Option<ReplicaRow>, AgentError> {
        let sql = "SELECT extension AS a, version AS b, keys AS c FROM switchboard_agent_copy \
                   WHERE feed = :feed AND extension = :extension";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed), id.into()]).await?;
        Ok(rows.into_iter().next().map(|[_, version, keys]| parse_row(version, keys)))
    }

    /// Returns the batch that turns the replica into a snapshot.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn diff(&mut self, entries: Vec<Entry>, cursor: String) -> Result<Batch, AgentError> {
        Ok(diff::diff(self.rows().await?, entries, cursor))
    }

    /// Records what a batch is about to write, in its own transaction, for drivers that cannot write and record
    /// atomically: after a crash, every key that may have been written is in the replica.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn write_intent(&mut self, batch: &Batch) -> Result<(), AgentError> {
        self.begin().await?;
        for entry in &batch.upserts {
            self.save_unconfirmed(entry).await?;
        }
        self.save_position(None).await?;
        self.commit().await
    }

    /// Records the result of a batch within a transaction. A failed record keeps its previous keys.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn record_batch(&mut self, batch: &Batch, errors: &RecordErrors) -> Result<(), AgentError> {
        for removal in &batch.removals {
            match errors.get(&removal.id) {
                None => self.delete_row(&removal.id).await?,
                Some(error) => {
                    let previous = self.row(&removal.id).await?;
                    self.save_row(&removal.id, previous.as_ref(), "", &removal.keys).await?;
                    self.save_error(&removal.id, error).await?;
                }
            }
        }
        for entry in &batch.upserts {
            match errors.get(&entry.id) {
                None => {
                    let previous = self.row(&entry.id).await?;
                    self.save_row(&entry.id, previous.as_ref(), &entry.version, &[entry.keys()]).await?;
                    self.mark_resolved(&entry.id).await?;
                }
                Some(error) => {
                    self.save_unconfirmed(entry).await?;
                    self.save_error(&entry.id, error).await?;
                }
            }
        }
        self.save_position(Some(&batch.cursor)).await?;
        self.cursor = Some(batch.cursor.clone());
        Ok(())
    }

    /// Saves an entry that may or may not be in the telephone system: no version, and its keys beside the previous
    /// ones.
    async fn save_unconfirmed(&mut self, entry: &Entry) -> Result<(), AgentError> {
        let previous = self.row(&entry.id).await?;
        let mut keys = previous.as_ref().map(|row| row.keys.clone()).unwrap_or_default();
        if !keys.contains(&entry.keys()) {
            keys.push(entry.keys());
        }
        self.save_row(&entry.id, previous.as_ref(), "", &keys).await
    }

    async fn save_row(
        &mut self,
        id: &str,
        previous: Option<&ReplicaRow>,
        version: &str,
        keys: &[Keys],
    ) -> Result<(), AgentError> {
        self.update_digest(id, previous, version);
        let keys = Value::Array(keys.iter().map(Keys::to_json).collect()).to_string();
        let sql = "INSERT INTO switchboard_agent_copy (feed, extension, version, keys) \
                   VALUES (:feed, :extension, :version, :keys) \
                   ON CONFLICT (feed, extension) DO UPDATE SET version = excluded.version, keys = excluded.keys";
        let values = [SqlValue::from(&*self.feed), id.into(), version.into(), SqlValue::Text(keys)];
        self.database.internal_execute(sql, &values).await
    }

    async fn delete_row(&mut self, id: &str) -> Result<(), AgentError> {
        let previous = self.row(id).await?;
        self.update_digest(id, previous.as_ref(), "");
        let sql = "DELETE FROM switchboard_agent_copy WHERE feed = :feed AND extension = :extension";
        self.database.internal_execute(sql, &[SqlValue::from(&*self.feed), id.into()]).await
    }

    /// Replaces the previous version of one extension by the new one in the digest. An empty version does not count.
    fn update_digest(&mut self, id: &str, previous: Option<&ReplicaRow>, version: &str) {
        if let Some(previous) = previous.filter(|row| !row.version.is_empty()) {
            self.digest.subtract(id, &previous.version);
        }
        if !version.is_empty() {
            self.digest.add(id, version);
        }
    }

    async fn save_position(&mut self, cursor: Option<&str>) -> Result<(), AgentError> {
        let cursor = cursor.or(self.cursor.as_deref()).unwrap_or_default().to_owned();
        let sql = "INSERT INTO switchboard_agent (feed, feed_cursor, digest) VALUES (:feed, :cursor, :digest) \
                   ON CONFLICT (feed) DO UPDATE SET feed_cursor = excluded.feed_cursor, digest = excluded.digest";
        let values = [SqlValue::from(&*self.feed), SqlValue::Text(cursor), SqlValue::Text(self.digest())];
        self.database.internal_execute(sql, &values).await
    }

    async fn save_error(&mut self, id: &str, error: &RecordError) -> Result<(), AgentError> {
        let sql = "UPDATE switchboard_agent_copy SET code = :code, message = :message \
                   WHERE feed = :feed AND extension = :extension";
        let values = [(&*error.code).into(), (&*error.message).into(), SqlValue::from(&*self.feed), id.into()];
        self.database.internal_execute(sql, &values).await
    }

    async fn mark_resolved(&mut self, id: &str) -> Result<(), AgentError> {
        let sql = "UPDATE switchboard_agent_copy SET code = :resolved, message = NULL \
                   WHERE feed = :feed AND extension = :extension AND code IS NOT NULL";
        self.database.internal_execute(sql, &[RESOLVED.into(), SqlValue::from(&*self.feed), id.into()]).await
    }

    /// Returns the errors to report with the next acknowledgement.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn status(&mut self) -> Result<ReplicaStatus, AgentError> {
        let sql = "SELECT extension AS a, code AS b, message AS c FROM switchboard_agent_copy \
                   WHERE feed = :feed AND code IS NOT NULL ORDER BY extension";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed)]).await?;
        let mut status = ReplicaStatus::default();
        for [id, code, message] in rows {
            let (id, code) = (id.unwrap_or_default(), code.unwrap_or_default());
            if code == RESOLVED {
                status.resolved.push(id);
            } else {
                let error = RecordError { code, message: message.unwrap_or_default() };
                status.failing.push(FailedExtension { id, error });
            }
        }
        Ok(status)
    }

    /// Clears resolved errors after the server has acknowledged them.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn clear_resolved(&mut self, resolved: &[String]) -> Result<(), AgentError> {
        let sql = "UPDATE switchboard_agent_copy SET code = NULL \
                   WHERE feed = :feed AND extension = :extension AND code = :resolved";
        for id in resolved {
            let values = [SqlValue::from(&*self.feed), (&**id).into(), RESOLVED.into()];
            self.database.internal_execute(sql, &values).await?;
        }
        Ok(())
    }

    /// Clears the error of an extension that the feed no longer has.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn clear_error(&mut self, id: &str) -> Result<(), AgentError> {
        let sql = "UPDATE switchboard_agent_copy SET code = NULL, message = NULL \
                   WHERE feed = :feed AND extension = :extension";
        self.database.internal_execute(sql, &[SqlValue::from(&*self.feed), id.into()]).await
    }

    /// Enqueues a release hook within the transaction that removes the number.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn enqueue_hook(&mut self, number: &str, extension_id: &str) -> Result<(), AgentError> {
        let sql = "INSERT INTO switchboard_agent_calls (feed, number, extension) VALUES (:feed, :number, :extension) \
                   ON CONFLICT (feed, number) DO UPDATE SET extension = excluded.extension";
        let values = [SqlValue::from(&*self.feed), number.into(), extension_id.into()];
        self.database.internal_execute(sql, &values).await
    }

    /// Returns the pending release hooks by number.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn pending_hooks(&mut self) -> Result<Vec<PendingHook>, AgentError> {
        let sql = "SELECT number AS a, extension AS b, NULL AS c FROM switchboard_agent_calls \
                   WHERE feed = :feed ORDER BY number";
        let rows = self.database.internal_query(sql, &[SqlValue::from(&*self.feed)]).await?;
        let pending = |[number, id, _]: [Option<String>; 3]| PendingHook {
            number: number.unwrap_or_default(),
            extension_id: id.unwrap_or_default(),
        };
        Ok(rows.into_iter().map(pending).collect())
    }

    /// Deletes a release hook that was sent.
    ///
    /// # Errors
    /// [`AgentError`] when the database fails.
    pub async fn complete_hook(&mut self, number: &str) -> Result<(), AgentError> {
        let sql = "DELETE FROM switchboard_agent_calls WHERE feed = :feed AND number = :number";
        self.database.internal_execute(sql, &[SqlValue::from(&*self.feed), number.into()]).await
    }
}

fn parse_row(version: Option<String>, keys: Option<String>) -> ReplicaRow {
    let keys = keys.and_then(|keys| serde_json::from_str(&keys).ok()).unwrap_or_default();
    ReplicaRow { version: version.unwrap_or_default(), keys }
}
