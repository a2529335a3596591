//! The suite: the real router over real TCP, on SQLite always and on PostgreSQL where its binaries are found.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod command;
mod contract;
mod postgres;
mod support;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let cluster = postgres::Cluster::find();
    let is_missing = cluster.is_none();
    let must_be_there = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut trials = contract::trials();
    let mut skipped = Vec::new();
    for (name, test) in api::TESTS {
        trials.push(Trial::test(format!("sqlite::{name}"), move || support::run(None, *test)));
        let on_postgres = cluster.clone();
        let trial = Trial::test(format!("postgres::{name}"), move || match on_postgres {
            Some(cluster) => support::run(Some(cluster.database()), *test),
            None => Err("PostgreSQL's binaries are missing".into()),
        });
        if is_missing && !must_be_there {
            skipped.push(format!("postgres::{name}"));
        }
        trials.push(trial.with_ignored_flag(is_missing && !must_be_there));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    for name in &skipped {
        println!("skipped (no PostgreSQL here): {name}");
    }
    if let Some(cluster) = cluster {
        cluster.stop();
    }
    println!("{} passed, {} failed, {} skipped", conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored);
    conclusion.exit();
}
