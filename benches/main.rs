//! What the program costs beside a limit that stands next to it: one table, each row a ratio of one run.
//!
//! `cargo bench` measures everything; `cargo bench -- feed` the rows whose names contain `feed`. CPU is that of the whole process, so
//! nothing is hidden on another thread; each figure is the median of alternating rounds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot run has nothing to say"
)]

mod client;
mod feed;
mod followers;
mod house;
mod measure;
#[path = "../tests/postgres.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod postgres;
mod process;
mod reads;
mod registrations;
mod rendering;
mod scale;
mod table;
mod whole;

use table::Table;

/// The rows of the installation that is measured.
const EXTENSIONS: u32 = 100_000;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut table = Table::new(wanted);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = house::House::build(EXTENSIONS).await;
        reads::measure(&house, &mut table).await;
        feed::measure(&house, &mut table).await;
        whole::measure(&house, &mut table).await;
        rendering::measure(&mut table).await;
        followers::measure(&house, &mut table).await;
        process::measure(&house, &mut table);
        // The last of this house: it fills with what is registered.
        registrations::measure(&house, &mut table).await;
        drop(house);
        scale::measure(&mut table).await;
    });
    table.print();
}
