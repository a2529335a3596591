//! Switchboard with telephone systems of other projects: Kamailio, OsmoHLR and FreeRADIUS, each in a private folder,
//! and two SIP clients, sipp and one of this suite. The agents and the systems use the example configurations of
//! `docs/agent`.

mod hlr;
mod kamailio;
mod programs;
mod radius;
mod server;
mod sip;
mod steps;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use libtest_mimic::Trial;

pub use programs::{Program, free_port, within};

/// The measurements of the steps that passed, one line for each.
type Measurements = Arc<Mutex<Vec<String>>>;

/// A step, and the programs that it requires: names on the path, or absolute files.
struct Step {
    name: &'static str,
    programs: &'static [&'static [&'static str]],
    run: fn() -> LocalBoxFuture<'static, String>,
}

const SIPP: [&str; 1] = ["sipp"];

macro_rules! steps {
    ($($name:ident: $($programs:expr),+;)+) => {
        &[$(Step { name: stringify!($name), programs: &[$(&$programs),+], run: || Box::pin(steps::$name()) }),+]
    };
}

const STEPS: &[Step] = steps! {
    step_01_a_new_number_registers: kamailio::PROGRAMS, SIPP;
    step_02_a_wrong_password_and_an_unknown_number_are_refused: kamailio::PROGRAMS;
    step_03_a_rotated_secret_replaces_the_old_one: kamailio::PROGRAMS;
    step_04_a_renumbering_and_a_swap_reach_the_hlr: hlr::PROGRAMS;
    step_05_a_bar_refuses_and_a_delete_ends_the_live_binding: kamailio::PROGRAMS;
    step_06_a_killed_agent_catches_up: kamailio::PROGRAMS;
    step_07_phones_register_without_switchboard: kamailio::PROGRAMS;
    step_08_a_restored_database_is_detected_and_the_guard_stops: kamailio::PROGRAMS;
    step_09_radius_accepts_and_rejects: radius::PROGRAMS;
    step_10_a_hostile_label_is_data: kamailio::PROGRAMS, hlr::PROGRAMS, radius::PROGRAMS;
};

/// The steps as tests, and the names of the skipped ones, whose programs are missing.
pub struct Suite {
    pub trials: Vec<Trial>,
    pub skipped: Vec<String>,
    measurements: Measurements,
}

/// Builds the tests. With `must_run` a missing program fails a step instead of skipping it.
pub fn suite(must_run: bool) -> Suite {
    let mut suite = Suite { trials: Vec::new(), skipped: Vec::new(), measurements: Measurements::default() };
    for step in STEPS {
        let name = format!("telephony::{}", step.name);
        let missing: Vec<&str> = step
            .programs
            .iter()
            .flat_map(|programs| programs.iter())
            .copied()
            .filter(|program| !is_installed(program))
            .collect();
        let is_skipped = !missing.is_empty() && !must_run;
        if is_skipped {
            suite.skipped.push(format!("{name} (no {})", missing.join(", ")));
        }
        let (measurements, names) = (Arc::clone(&suite.measurements), missing.join(", "));
        let is_missing = !missing.is_empty();
        let trial = Trial::test(name, move || {
            if is_missing {
                return Err(format!("missing: {names}").into());
            }
            run(step, &measurements)
        });
        suite.trials.push(trial.with_ignored_flag(is_skipped));
    }
    suite
}

impl Suite {
    /// The measurements, in the order of the steps.
    pub fn report(measurements: &Measurements) -> Vec<String> {
        let mut lines = measurements.lock().unwrap().clone();
        lines.sort();
        lines
    }

    /// The list to which the steps append their measurements.
    pub fn measurements(&self) -> Measurements {
        Arc::clone(&self.measurements)
    }
}

fn run(step: &'static Step, measurements: &Measurements) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let start = Instant::now();
    let measurement = runtime.block_on((step.run)());
    runtime.shutdown_timeout(Duration::from_secs(5));
    let line = format!("{}: {measurement} ({:.1} s in total)", step.name, start.elapsed().as_secs_f64());
    measurements.lock().unwrap().push(line);
    Ok(())
}

/// Whether a program is on the path, or an absolute file exists.
fn is_installed(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Daemons are in /usr/sbin, which is not on an unprivileged path.
    std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).exists())
}
