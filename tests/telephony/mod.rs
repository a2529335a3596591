//! Switchboard with telephone systems that somebody else wrote: Kamailio, OsmoHLR and FreeRADIUS, each started privately, and
//! sipp beside a REGISTER client of our own. The agents and the systems run on the files of `docs/agent`.

mod ground;
mod hlr;
mod kamailio;
mod radius;
mod sip;
mod steps;
mod switchboard;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use libtest_mimic::Trial;

pub use ground::{Program, port, within};

/// What a step says about itself when it holds.
type Told = Arc<Mutex<Vec<String>>>;

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
    step_03_a_rotated_secret_takes_the_old_ones_place: kamailio::PROGRAMS;
    step_04_a_renumbering_and_a_swap_reach_the_hlr: hlr::PROGRAMS;
    step_05_a_bar_refuses_and_a_delete_ends_the_live_binding: kamailio::PROGRAMS;
    step_06_a_killed_agent_catches_up: kamailio::PROGRAMS;
    step_07_phones_register_without_switchboard: kamailio::PROGRAMS;
    step_08_an_older_database_is_noticed_and_the_guard_asks: kamailio::PROGRAMS;
    step_09_radius_accepts_and_rejects: radius::PROGRAMS;
    step_10_a_hostile_label_stays_a_label: kamailio::PROGRAMS, hlr::PROGRAMS, radius::PROGRAMS;
};

/// The steps as tests, and the names of those whose programs are missing.
pub struct Suite {
    pub trials: Vec<Trial>,
    pub skipped: Vec<String>,
    told: Told,
}

/// Makes the tests. With `must_be_there` a missing program fails them.
pub fn suite(must_be_there: bool) -> Suite {
    let mut suite = Suite { trials: Vec::new(), skipped: Vec::new(), told: Told::default() };
    for step in STEPS {
        let name = format!("telephony::{}", step.name);
        let missing: Vec<&str> = step
            .programs
            .iter()
            .flat_map(|programs| programs.iter())
            .copied()
            .filter(|program| !is_there(program))
            .collect();
        let is_skipped = !missing.is_empty() && !must_be_there;
        if is_skipped {
            suite.skipped.push(format!("{name} (no {})", missing.join(", ")));
        }
        let (told, said) = (Arc::clone(&suite.told), missing.join(", "));
        let is_missing = !missing.is_empty();
        let trial = Trial::test(name, move || {
            if is_missing {
                return Err(format!("missing here: {said}").into());
            }
            run(step, &told)
        });
        suite.trials.push(trial.with_ignored_flag(is_skipped));
    }
    suite
}

impl Suite {
    /// What the steps measured, in their order.
    pub fn report(told: &Told) -> Vec<String> {
        let mut lines = told.lock().unwrap().clone();
        lines.sort();
        lines
    }

    /// Where the steps write what they measure.
    pub fn told(&self) -> Told {
        Arc::clone(&self.told)
    }
}

fn run(step: &'static Step, told: &Told) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let began = Instant::now();
    let measured = runtime.block_on((step.run)());
    runtime.shutdown_timeout(Duration::from_secs(5));
    told.lock().unwrap().push(format!("{}: {measured} ({:.1} s in all)", step.name, began.elapsed().as_secs_f64()));
    Ok(())
}

/// Whether a program is on the path, or a file where it must be.
fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Daemons are installed where an unprivileged path does not look.
    std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).exists())
}
