//! An application under test, and the actors that call it.
//!
//! [`TestApp`] is the demo event behind a real port. [`Actor`] is one of its callers, with a method for each operation
//! that several tests need. [`Response`] is the response to an operation.

mod accounts;
mod api_keys;
mod app;
mod client;
mod database;
mod event_stream;
mod events;
mod extensions;
mod numbers;
mod response;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use api_keys::{ApiKey, Scope};
pub use app::{PASSWORD, TestApp};
pub use client::{Actor, ApiClient};
pub use database::Database;
pub use event_stream::EventStream;
pub use response::{Response, error_code, string};

use crate::postgres::Cluster;

/// A test of the API.
pub type Test = fn(TestApp) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A test that starts the program itself: it gets a folder and an empty database.
pub type ProcessTest = fn(Arc<tempfile::TempDir>, Database) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a test on SQLite, or on a new database of this cluster.
pub fn run<F, Running>(cluster: Option<&Cluster>, test: F) -> Result<(), libtest_mimic::Failed>
where
    F: FnOnce(TestApp) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    run_on(cluster, move |folder, database| async move { test(TestApp::start(folder, database, None).await).await })
}

/// Runs a test that starts the program itself.
pub fn run_process_test(cluster: Option<&Cluster>, test: ProcessTest) -> Result<(), libtest_mimic::Failed> {
    run_on(cluster, test)
}

fn run_on<F, Running>(cluster: Option<&Cluster>, test: F) -> Result<(), libtest_mimic::Failed>
where
    F: FnOnce(Arc<tempfile::TempDir>, Database) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Arc::new(tempfile::tempdir()?);
    let database = match cluster {
        None => Database::Sqlite(folder.path().join("switchboard.db")),
        Some(cluster) => Database::Postgres(cluster.clone(), cluster.create_database()),
    };
    let outcome = runtime.block_on(async move {
        tokio::spawn(async move {
            test(folder, database).await;
        })
        .await
    });
    runtime.shutdown_background();
    outcome.map_err(|error| format!("{error}").into())
}
