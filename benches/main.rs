//! Measures what the program costs relative to a baseline. Prints one table; each row is a ratio of one run.
//!
//! `cargo bench` measures every row; `cargo bench -- feed` measures the rows whose names contain `feed`. CPU time is
//! that of the whole process, so work on other threads counts. Each figure is the median of alternating rounds.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]

mod feed_pages;
mod fixture;
mod full_feed;
mod http_client;
mod measure;
#[path = "../tests/postgres.rs"]
#[expect(dead_code, reason = "only the suite uses the other methods")]
mod postgres;
mod process;
mod reads;
mod registrations;
mod rendering;
mod scaling;
mod subscribers;
mod table;

use table::Table;

/// How many extensions the fixture has.
const EXTENSIONS: u32 = 100_000;

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut table = Table::new(filters);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = fixture::Fixture::build(EXTENSIONS).await;
        reads::measure(&fixture, &mut table).await;
        feed_pages::measure(&fixture, &mut table).await;
        full_feed::measure(&fixture, &mut table).await;
        rendering::measure(&mut table).await;
        subscribers::measure(&fixture, &mut table).await;
        process::measure(&fixture, &mut table);
        // Last for this fixture, because it adds extensions.
        registrations::measure(&fixture, &mut table).await;
        drop(fixture);
        scaling::measure(&mut table).await;
    });
    table.print();
}
