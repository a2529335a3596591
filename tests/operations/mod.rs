//! Commands and the start of the program, as an operator meets them: each failure ends with its cause in one sentence
//! and a code that scripts can use.

pub mod audit;
pub mod commands;
mod postgresql;
mod restore;
mod serving;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Failed, Trial};

use crate::postgres::Cluster;

/// The binary that cargo built for the suite.
const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

/// The tests that need no database of the suite, and the names of those whose surroundings are missing.
pub struct Suite {
    pub trials: Vec<Trial>,
    pub skipped: Vec<String>,
}

/// Collects the tests. In CI a missing program fails its test.
pub fn suite(cluster: Option<&Cluster>, is_ci: bool) -> Suite {
    let mut suite = Suite { trials: Vec::new(), skipped: Vec::new() };
    for (name, test) in serving::TESTS.iter().chain(restore::TESTS).chain(commands::TESTS) {
        let test = *test;
        suite.trials.push(Trial::test(format!("operations::{name}"), test));
    }
    serving::add_full_disk(&mut suite);
    postgresql::add(&mut suite, cluster, is_ci);
    suite
}

/// A test without a database of the suite.
type OperationTest = fn() -> Result<(), Failed>;

/// Runs the program to its end in a folder, without variables of the caller.
fn run(folder: &Path, arguments: &[impl AsRef<OsStr>], variables: &[(&str, &str)]) -> Output {
    command(folder, arguments, variables).output().unwrap()
}

fn command(folder: &Path, arguments: &[impl AsRef<OsStr>], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder).env_clear().envs(variables.iter().copied());
    command.env("SWITCHBOARD_ADMIN_PASSWORD", "correct horse battery staple").stdin(Stdio::null());
    command
}

/// The standard error of a command that must fail, and that has not panicked.
fn refusal(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// The standard output of a command that must succeed.
fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
