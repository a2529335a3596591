//! What the agent knows of its copy: cursor, version and keys of every extension, what failed, what is still to be called.
//!
//! With the `sql` driver these tables stand in the telephone system's own database, so that a page and its cursor are one
//! transaction; with the others in a file of the agent's. Secrets are not among them.

use std::collections::HashMap;

use serde_json::Value;

use super::database::{Database, Datum};
use super::entry::{Batch, Deletion, Entry, Keys};
use super::trouble::{Refusal, Trouble};
use platform::feed_log::digest::Sum;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS switchboard_agent (
    feed TEXT PRIMARY KEY NOT NULL, feed_cursor TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS switchboard_agent_copy (
    feed TEXT NOT NULL, extension TEXT NOT NULL, version TEXT NOT NULL, keys TEXT NOT NULL, code TEXT, message TEXT,
    PRIMARY KEY (feed, extension));
CREATE TABLE IF NOT EXISTS switchboard_agent_calls (
    feed TEXT NOT NULL, number TEXT NOT NULL, extension TEXT NOT NULL, PRIMARY KEY (feed, number));
";

/// The code of an error that is over and has not been told yet.
const RESOLVED: &str = "RESOLVED";

/// The agent's tables.
pub struct Copy {
    pub database: Database,
    feed: String,
    /// Where the copy stands; `None` before the first snapshot.
    pub cursor: Option<String>,
    sum: Sum,
}

/// What the copy knows of one extension.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    /// Empty while it is not certain what the telephone system has.
    pub version: String,
    pub keys: Vec<Keys>,
}

/// What stands against extensions, and what does not any more.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Standing {
    pub failing: Vec<(String, Refusal)>,
    pub resolved: Vec<String>,
}

impl Copy {
    /// Opens the tables and makes them if they are not there.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn open(mut database: Database, feed: &str) -> Result<Self, Trouble> {
        database.own_batch(TABLES).await?;
        let mut copy = Self { database, feed: feed.to_owned(), cursor: None, sum: Sum::default() };
        copy.reload().await?;
        Ok(copy)
    }

    /// Reads cursor and sum again, after a transaction that was undone.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn reload(&mut self) -> Result<(), Trouble> {
        let sql = "SELECT feed_cursor AS a, digest AS b, NULL AS c FROM switchboard_agent WHERE feed = :feed";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed)]).await?;
        let (cursor, digest) = match rows.into_iter().next() {
            Some([cursor, digest, _]) => (cursor.filter(|cursor| !cursor.is_empty()), digest),
            None => (None, None),
        };
        self.cursor = cursor;
        self.sum = digest.as_deref().and_then(Sum::from_hex).unwrap_or_default();
        Ok(())
    }

    /// The sum over the copy, to compare with the feed's.
    pub fn digest(&self) -> String {
        self.sum.to_hex()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn begin(&mut self) -> Result<(), Trouble> {
        let begin = match self.database {
            // A writer that begins by reading could be refused later, when another has written.
            Database::Sqlite(_) => "BEGIN IMMEDIATE",
            Database::Postgres(_) => "BEGIN",
        };
        self.database.own_batch(begin).await
    }

    /// Ends the transaction and keeps it.
    ///
    /// # Errors
    /// [`Trouble`] of either kind; then it is undone.
    pub async fn commit(&mut self) -> Result<(), Trouble> {
        self.database.own_batch("COMMIT").await
    }

    /// Ends the transaction and undoes it.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn undo(&mut self) -> Result<(), Trouble> {
        self.database.own_batch("ROLLBACK").await?;
        self.reload().await
    }

    /// How many extensions the copy holds.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn count(&mut self) -> Result<usize, Trouble> {
        let sql =
            "SELECT CAST(count(*) AS TEXT) AS a, NULL AS b, NULL AS c FROM switchboard_agent_copy WHERE feed = :feed";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed)]).await?;
        Ok(rows.first().and_then(|[count, ..]| count.as_deref()?.parse().ok()).unwrap_or(0))
    }

    /// Everything that the copy knows.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn all(&mut self) -> Result<HashMap<String, Known>, Trouble> {
        let sql = "SELECT extension AS a, version AS b, keys AS c FROM switchboard_agent_copy WHERE feed = :feed";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed)]).await?;
        Ok(rows.into_iter().map(|[id, version, keys]| (id.unwrap_or_default(), known(version, keys))).collect())
    }

    /// What the copy knows of one extension.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn known(&mut self, id: &str) -> Result<Option<Known>, Trouble> {
        let sql = "SELECT extension AS a, version AS b, keys AS c FROM switchboard_agent_copy \
                   WHERE feed = :feed AND extension = :extension";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed), id.into()]).await?;
        Ok(rows.into_iter().next().map(|[_, version, keys]| known(version, keys)))
    }

    /// What is new, changed and gone in a snapshot: every extension is written anew, so that whatever was lost comes back.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn against(&mut self, entries: Vec<Entry>, cursor: String) -> Result<Batch, Trouble> {
        let mut known = self.all().await?;
        let mut batch = Batch { cursor, is_whole: true, ..Batch::default() };
        let settled = settled(&entries, &known);
        let is_others = |id: &str, keys: &Keys| settled.get(&keys.number).is_some_and(|holder| holder != id);
        for entry in &entries {
            let Some(before) = known.remove(&entry.id) else { continue };
            let now = entry.keys();
            let is_stale = |keys: &Keys| *keys != now && !is_others(&entry.id, keys);
            let keys: Vec<Keys> = before.keys.into_iter().filter(is_stale).collect();
            if !keys.is_empty() {
                let (id, now) = (entry.id.clone(), entry.values.clone());
                batch.previous.push(Deletion { id, slot: entry.slot(), keys, now });
            }
        }
        batch.upserts = entries;
        batch.removals = known
            .into_iter()
            .map(|(id, mut known)| {
                known.keys.retain(|keys| !is_others(&id, keys));
                Deletion { id, slot: None, keys: known.keys, now: Value::Null }
            })
            .collect();
        batch.removals.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(batch)
    }

    /// Notes what a batch is about to write where writing and noting are not one transaction: whatever happens in
    /// between, the keys under which something may have been written are known.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn intend(&mut self, batch: &Batch) -> Result<(), Trouble> {
        self.begin().await?;
        for entry in &batch.upserts {
            let before = self.known(&entry.id).await?;
            let mut keys = before.as_ref().map(|known| known.keys.clone()).unwrap_or_default();
            if !keys.contains(&entry.keys()) {
                keys.push(entry.keys());
            }
            self.save(&entry.id, before.as_ref(), "", &keys).await?;
        }
        self.save_position(None).await?;
        self.commit().await
    }

    /// Notes what a batch has done, within a transaction. What failed keeps the keys that it had.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn settle(&mut self, batch: &Batch, failed: &HashMap<String, Refusal>) -> Result<(), Trouble> {
        for removal in &batch.removals {
            match failed.get(&removal.id) {
                None => self.forget(&removal.id).await?,
                Some(refusal) => {
                    let before = self.known(&removal.id).await?;
                    self.save(&removal.id, before.as_ref(), "", &removal.keys).await?;
                    self.note_error(&removal.id, refusal).await?;
                }
            }
        }
        for entry in &batch.upserts {
            let before = self.known(&entry.id).await?;
            match failed.get(&entry.id) {
                None => {
                    self.save(&entry.id, before.as_ref(), &entry.version, &[entry.keys()]).await?;
                    self.clear_error(&entry.id).await?;
                }
                Some(refusal) => {
                    let mut keys = before.as_ref().map(|known| known.keys.clone()).unwrap_or_default();
                    if !keys.contains(&entry.keys()) {
                        keys.push(entry.keys());
                    }
                    self.save(&entry.id, before.as_ref(), "", &keys).await?;
                    self.note_error(&entry.id, refusal).await?;
                }
            }
        }
        self.save_position(Some(&batch.cursor)).await?;
        self.cursor = Some(batch.cursor.clone());
        Ok(())
    }

    async fn save(&mut self, id: &str, before: Option<&Known>, version: &str, keys: &[Keys]) -> Result<(), Trouble> {
        self.weigh(id, before, version);
        let keys = Value::Array(keys.iter().map(Keys::to_json).collect()).to_string();
        let sql = "INSERT INTO switchboard_agent_copy (feed, extension, version, keys) \
                   VALUES (:feed, :extension, :version, :keys) \
                   ON CONFLICT (feed, extension) DO UPDATE SET version = excluded.version, keys = excluded.keys";
        self.database.own(sql, &[Datum::from(&*self.feed), id.into(), version.into(), Datum::Text(keys)]).await?;
        Ok(())
    }

    async fn forget(&mut self, id: &str) -> Result<(), Trouble> {
        let before = self.known(id).await?;
        self.weigh(id, before.as_ref(), "");
        let sql = "DELETE FROM switchboard_agent_copy WHERE feed = :feed AND extension = :extension";
        self.database.own(sql, &[Datum::from(&*self.feed), id.into()]).await?;
        Ok(())
    }

    /// Keeps the sum in step with one row.
    fn weigh(&mut self, id: &str, before: Option<&Known>, version: &str) {
        if let Some(before) = before.filter(|before| !before.version.is_empty()) {
            self.sum.subtract(id, &before.version);
        }
        if !version.is_empty() {
            self.sum.add(id, version);
        }
    }

    async fn save_position(&mut self, cursor: Option<&str>) -> Result<(), Trouble> {
        let cursor = cursor.or(self.cursor.as_deref()).unwrap_or_default().to_owned();
        let sql = "INSERT INTO switchboard_agent (feed, feed_cursor, digest) VALUES (:feed, :cursor, :digest) \
                   ON CONFLICT (feed) DO UPDATE SET feed_cursor = excluded.feed_cursor, digest = excluded.digest";
        let digest = self.digest();
        self.database.own(sql, &[Datum::from(&*self.feed), Datum::Text(cursor), Datum::Text(digest)]).await?;
        Ok(())
    }

    async fn note_error(&mut self, id: &str, refusal: &Refusal) -> Result<(), Trouble> {
        let sql = "UPDATE switchboard_agent_copy SET code = :code, message = :message \
                   WHERE feed = :feed AND extension = :extension";
        let data = [(&*refusal.code).into(), (&*refusal.message).into(), Datum::from(&*self.feed), id.into()];
        self.database.own(sql, &data).await?;
        Ok(())
    }

    async fn clear_error(&mut self, id: &str) -> Result<(), Trouble> {
        let sql = "UPDATE switchboard_agent_copy SET code = :resolved, message = NULL \
                   WHERE feed = :feed AND extension = :extension AND code IS NOT NULL";
        self.database.own(sql, &[RESOLVED.into(), Datum::from(&*self.feed), id.into()]).await?;
        Ok(())
    }

    /// What to tell with the next acknowledgement.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn standing(&mut self) -> Result<Standing, Trouble> {
        let sql = "SELECT extension AS a, code AS b, message AS c FROM switchboard_agent_copy \
                   WHERE feed = :feed AND code IS NOT NULL ORDER BY extension";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed)]).await?;
        let mut standing = Standing::default();
        for [id, code, message] in rows {
            let (id, code) = (id.unwrap_or_default(), code.unwrap_or_default());
            if code == RESOLVED {
                standing.resolved.push(id);
            } else {
                standing.failing.push((id, Refusal { code, message: message.unwrap_or_default() }));
            }
        }
        Ok(standing)
    }

    /// Notes that the end of these errors was told.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn told(&mut self, resolved: &[String]) -> Result<(), Trouble> {
        for id in resolved {
            let sql = "UPDATE switchboard_agent_copy SET code = NULL WHERE feed = :feed AND extension = :extension AND code = :resolved";
            self.database.own(sql, &[Datum::from(&*self.feed), (&**id).into(), RESOLVED.into()]).await?;
        }
        Ok(())
    }

    /// Forgets an error about an extension that the feed does not know any more.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn drop_error(&mut self, id: &str) -> Result<(), Trouble> {
        let sql = "UPDATE switchboard_agent_copy SET code = NULL, message = NULL WHERE feed = :feed AND extension = :extension";
        self.database.own(sql, &[Datum::from(&*self.feed), id.into()]).await?;
        Ok(())
    }

    /// Notes that a number has to be called off, within the transaction that took it away.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn owe_call(&mut self, number: &str, id: &str) -> Result<(), Trouble> {
        let sql = "INSERT INTO switchboard_agent_calls (feed, number, extension) VALUES (:feed, :number, :extension) \
                   ON CONFLICT (feed, number) DO UPDATE SET extension = excluded.extension";
        self.database.own(sql, &[Datum::from(&*self.feed), number.into(), id.into()]).await?;
        Ok(())
    }

    /// The numbers that are still to be called off, with their extensions.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn owed_calls(&mut self) -> Result<Vec<(String, String)>, Trouble> {
        let sql = "SELECT number AS a, extension AS b, NULL AS c FROM switchboard_agent_calls WHERE feed = :feed ORDER BY number";
        let rows = self.database.own_rows(sql, &[Datum::from(&*self.feed)]).await?;
        Ok(rows.into_iter().map(|[number, id, _]| (number.unwrap_or_default(), id.unwrap_or_default())).collect())
    }

    /// Notes that a number was called off.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn called(&mut self, number: &str) -> Result<(), Trouble> {
        let sql = "DELETE FROM switchboard_agent_calls WHERE feed = :feed AND number = :number";
        self.database.own(sql, &[Datum::from(&*self.feed), number.into()]).await?;
        Ok(())
    }
}

/// Numbers whose row in the telephone system is certainly its present holder's: what failed for a former holder must not delete
/// it. A number that has moved and was not written yet is not among them.
fn settled(entries: &[Entry], known: &HashMap<String, Known>) -> HashMap<String, String> {
    let is_settled = |entry: &&Entry| {
        let of_number = |keys: &Keys| keys.number == entry.number;
        known.get(&entry.id).is_some_and(|known| !known.version.is_empty() && known.keys.iter().any(of_number))
    };
    entries.iter().filter(is_settled).map(|entry| (entry.number.clone(), entry.id.clone())).collect()
}

fn known(version: Option<String>, keys: Option<String>) -> Known {
    let keys = keys.and_then(|keys| serde_json::from_str(&keys).ok()).unwrap_or_default();
    Known { version: version.unwrap_or_default(), keys }
}
