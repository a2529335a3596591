//! The suite: the real router over real TCP, on SQLite always and on PostgreSQL where its binaries are found.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod contract;
mod postgres;
mod shipped_templates;
mod soak;
mod support;
mod telephony;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    switchboard::outgoing::install_tls();
    let cluster = postgres::Cluster::find();
    let is_missing = cluster.is_none();
    let must_be_there = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut trials = contract::trials();
    trials.extend(shipped_templates::trials());
    let telephony = telephony::suite(must_be_there);
    let measured = telephony.told();
    trials.extend(telephony.trials);
    trials.extend(soak::trials(cluster.as_ref(), must_be_there));
    let mut skipped = telephony.skipped;
    if is_missing && !must_be_there {
        skipped.push("soak::postgres_with_two_instances (no PostgreSQL)".to_owned());
    }
    for (name, test) in api::TESTS {
        trials.push(Trial::test(format!("sqlite::{name}"), move || support::run(None, *test)));
        let on_postgres = cluster.clone();
        let trial = Trial::test(format!("postgres::{name}"), move || match on_postgres {
            Some(cluster) => support::run(Some(cluster.database()), *test),
            None => Err("PostgreSQL's binaries are missing".into()),
        });
        if is_missing && !must_be_there {
            skipped.push(format!("postgres::{name} (no PostgreSQL)"));
        }
        trials.push(trial.with_ignored_flag(is_missing && !must_be_there));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    for name in &skipped {
        println!("skipped: {name}");
    }
    for line in telephony::Suite::report(&measured) {
        println!("{line}");
    }
    if let Some(cluster) = cluster {
        cluster.stop();
    }
    println!("{} passed, {} failed, {} skipped", conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored);
    conclusion.exit();
}
