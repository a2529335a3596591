//! The database of an application under test.

use std::path::PathBuf;

use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use platform::store::Conn;

use super::TestApp;
use crate::postgres::Cluster;

/// The database of an application under test.
#[derive(Clone)]
pub enum Database {
    /// A file in the application's folder.
    Sqlite(PathBuf),
    /// A database of the cluster, by its URL.
    Postgres(Cluster, String),
}

impl Database {
    /// The value of `--database-url`.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(_, url) => url.clone(),
        }
    }
}

#[derive(diesel::QueryableByName)]
struct TextRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

#[derive(diesel::QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

impl TestApp {
    /// Copies the database as it is now; [`Self::start_from_backup`] starts an application on the copy.
    pub async fn back_up(&self) -> Database {
        match &self.database {
            Database::Sqlite(_) => {
                let copy = tempfile::Builder::new().suffix(".db").tempfile_in(self.folder.path()).unwrap();
                let copy = copy.into_temp_path().to_path_buf();
                self.app.services.store.backup_into(&copy).await.unwrap();
                Database::Sqlite(copy)
            }
            Database::Postgres(cluster, url) => {
                let (source_cluster, source) = (cluster.clone(), url.clone());
                let copy = tokio::task::spawn_blocking(move || source_cluster.copy(&source)).await.unwrap();
                Database::Postgres(cluster.clone(), copy)
            }
        }
    }

    /// Runs SQL statements beside the application: the first text on SQLite, the second on PostgreSQL.
    pub async fn execute_sql(&self, sqlite: &str, postgresql: &str) {
        let statements = if self.is_embedded() { sqlite } else { postgresql }.to_owned();
        let written = self.app.services.store.write(move |conn| {
            Box::pin(async move {
                match conn {
                    Conn::Sqlite(conn) => conn.batch_execute(&statements).await?,
                    Conn::Postgres(conn) => conn.batch_execute(&statements).await?,
                }
                Ok(())
            })
        });
        written.await.unwrap();
    }

    /// Runs one SQL statement beside the application and returns the number of rows that it changed.
    pub async fn update_sql(&self, statement: &str) -> usize {
        let statement = statement.to_owned();
        let written = self.app.services.store.write(move |conn| {
            Box::pin(async move {
                Ok(match conn {
                    Conn::Sqlite(conn) => diesel::sql_query(statement).execute(conn).await?,
                    Conn::Postgres(conn) => diesel::sql_query(statement).execute(conn).await?,
                })
            })
        });
        written.await.unwrap()
    }

    /// The values that a SQL query of one text column, named `text`, returns.
    pub async fn select_text(&self, query: &str) -> Vec<String> {
        let mut conn = self.app.services.store.read().await.unwrap();
        let rows: Vec<TextRow> = match &mut *conn {
            Conn::Sqlite(conn) => diesel::sql_query(query).load(conn).await.unwrap(),
            Conn::Postgres(conn) => diesel::sql_query(query).load(conn).await.unwrap(),
        };
        rows.into_iter().map(|row| row.text).collect()
    }

    /// SQLite's plan of a statement, line by line.
    pub async fn query_plan(&self, statement: &str) -> Vec<String> {
        let mut conn = self.app.services.store.read().await.unwrap();
        let Conn::Sqlite(conn) = &mut *conn else { panic!("EXPLAIN QUERY PLAN is SQLite's") };
        let rows: Vec<PlanRow> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).await.unwrap();
        rows.into_iter().map(|row| row.detail).collect()
    }

    /// All rows of a table as text; bytes are hexadecimal digits.
    pub async fn dump_table(&self, table: &str) -> String {
        let query = if self.is_embedded() {
            let columns = self.select_text(&format!("SELECT name AS text FROM pragma_table_info('{table}')")).await;
            let columns: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            format!("SELECT {} AS text FROM \"{table}\"", columns.join(" || ' ' || "))
        } else {
            format!("SELECT CAST(rows AS TEXT) AS text FROM \"{table}\" AS rows")
        };
        self.select_text(&query).await.join("\n")
    }

    /// Whether the database is SQLite.
    pub const fn is_embedded(&self) -> bool {
        matches!(self.database, Database::Sqlite(_))
    }
}
