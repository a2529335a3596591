//! The suite: the application behind real TCP, on SQLite always and on PostgreSQL where it is installed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod architecture;
mod attack;
mod canary;
mod clients;
mod command;
mod contract;
mod crash;
mod explain;
mod guarantees;
mod mariadb;
mod migrations;
mod operations;
mod permissions;
mod postgres;
mod program;
mod request_log;
mod shipped_templates;
mod shutdown;
mod soak;
mod support;
mod telephony;

use libtest_mimic::{Arguments, Trial};

type Outcome = Result<(), libtest_mimic::Failed>;

/// A test that runs on SQLite, or on the given cluster.
type DatabaseTest = Box<dyn Fn(Option<&postgres::Cluster>) -> Outcome + Send + Sync>;

/// Tests that start the program themselves.
const PROCESS_TESTS: &[(&str, support::ProcessTest)] = &[
    ("crash::every_acknowledged_change_outlives_a_kill", |folder, database| {
        Box::pin(crash::every_acknowledged_change_outlives_a_kill(folder, database))
    }),
    ("canary::no_secret_is_stored_or_logged", |folder, database| {
        Box::pin(canary::no_secret_is_stored_or_logged(folder, database))
    }),
    ("operations::commands::only_some_commands_create_an_installation", |folder, database| {
        Box::pin(operations::commands::only_some_commands_create_an_installation(folder, database))
    }),
    ("operations::commands::a_missing_or_foreign_sealing_key_is_refused", |folder, database| {
        Box::pin(operations::commands::a_missing_or_foreign_sealing_key_is_refused(folder, database))
    }),
    ("operations::commands::a_database_of_a_newer_version_is_refused", |folder, database| {
        Box::pin(operations::commands::a_database_of_a_newer_version_is_refused(folder, database))
    }),
    ("operations::commands::demo_data_is_not_served_as_production", |folder, database| {
        Box::pin(operations::commands::demo_data_is_not_served_as_production(folder, database))
    }),
    ("operations::audit::tampering_is_found", |folder, database| {
        Box::pin(operations::audit::tampering_is_found(folder, database))
    }),
    ("operations::audit::rows_of_an_earlier_version_stay_verified", |folder, database| {
        Box::pin(operations::audit::rows_of_an_earlier_version_stay_verified(folder, database))
    }),
    ("explain::no_hot_query_scans_a_table", |folder, database| {
        Box::pin(explain::no_hot_query_scans_a_table(folder, database))
    }),
    ("explain::no_hot_query_grows_faster_than_its_answer", |folder, database| {
        Box::pin(explain::growth::no_hot_query_grows_faster_than_its_answer(folder, database))
    }),
    ("request_log::log_lines_have_the_request_id_and_no_token", |folder, database| {
        Box::pin(request_log::log_lines_have_the_request_id_and_no_token(folder, database))
    }),
    ("attack::the_server_answers_others_throughout", |folder, database| {
        Box::pin(attack::the_server_answers_others_throughout(folder, database))
    }),
];

fn main() {
    explain::record_statements();
    let arguments = Arguments::from_args();
    platform::outgoing::install_tls();
    let cluster = postgres::Cluster::find();
    // In CI nothing is skipped: what is missing fails.
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let skips_postgres = cluster.is_none() && !is_ci;
    let mut trials = contract::trials();
    trials.extend(shipped_templates::trials());
    trials.extend(architecture::trials());
    trials.extend(guarantees::trials());
    trials.extend(migrations::trials(cluster.as_ref(), skips_postgres));
    let (sql_trials, skipped_sql) = mariadb::trials(cluster.as_ref(), is_ci);
    trials.extend(sql_trials);
    let (client_trials, skipped_clients) = clients::trials(is_ci);
    trials.extend(client_trials);
    trials.extend(shutdown::trials());
    let operations = operations::suite(cluster.as_ref(), is_ci);
    trials.extend(operations.trials);
    let telephony = telephony::suite(is_ci);
    let measured = telephony.measurements();
    trials.extend(telephony.trials);
    trials.extend(soak::trials(cluster.as_ref(), is_ci));
    let mut skipped = telephony.skipped;
    skipped.extend(skipped_clients);
    skipped.extend(operations.skipped);
    skipped.extend(skipped_sql);
    if skips_postgres {
        skipped.push("soak::postgres_with_two_instances (no PostgreSQL)".to_owned());
    }
    let mut on_both = |name: &str, run: DatabaseTest| {
        let run = std::sync::Arc::new(run);
        let (on_sqlite, on_postgres) = (std::sync::Arc::clone(&run), cluster.clone());
        trials.push(Trial::test(format!("sqlite::{name}"), move || on_sqlite(None)));
        let trial = Trial::test(format!("postgres::{name}"), move || match on_postgres {
            Some(cluster) => run(Some(&cluster)),
            None => Err("PostgreSQL is not installed".into()),
        });
        if skips_postgres {
            skipped.push(format!("postgres::{name} (no PostgreSQL)"));
        }
        trials.push(trial.with_ignored_flag(skips_postgres));
    };
    // The longest tests first, so that the short ones fill the threads at the end.
    for (name, test) in PROCESS_TESTS {
        on_both(name, Box::new(move |cluster| support::run_process_test(cluster, *test)));
    }
    for test in guarantees::tests() {
        let (scenario, transport) = (test.scenario, test.transport);
        on_both(&test.name, Box::new(move |cluster| support::run(cluster, move |app| scenario(app, transport))));
    }
    for (name, test) in api::TESTS {
        on_both(name, Box::new(move |cluster| support::run(cluster, *test)));
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
