//! SQL templates read by MariaDB, in its default mode and in the modes that change how literals are read.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use minijinja::context;
use templates::{Limits, TemplateFormat};

use crate::postgres::Cluster;

/// The programs of the Debian package `mariadb-server`.
const PROGRAMS: [&str; 3] = ["mariadb", "mariadbd", "mariadb-install-db"];

/// How long the server may take to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A template as an admin writes it.
const SOURCE: &str =
    "{% for label in labels %}INSERT INTO phonebook VALUES ({{ loop.index }}, {{ label }});\n{% endfor %}";

/// Labels that would end a literal in one dialect or another.
const LABELS: [&str; 12] = [
    "Front Desk",
    "\\'); DROP TABLE victim; #",
    "'); DROP TABLE victim; --",
    "\\",
    "\\\\",
    "\\\\'",
    "ends with \\",
    "~^|` all \\ marks",
    "\\\" OR 1=1; -- ",
    "/*! DROP TABLE victim */ \\",
    "\u{672c}\\'); DROP TABLE victim; #",
    "\\0\\n\\Z\\%\\_",
];

/// The tests, and the names of the skipped ones. With `must_run` a missing program fails a test instead of skipping it.
pub fn trials(cluster: Option<&Cluster>, must_run: bool) -> (Vec<Trial>, Vec<String>) {
    let is_missing = !PROGRAMS.iter().all(|program| path_of(program).is_some()) && !must_run;
    let name = "mariadb::sql_templates_write_the_values_they_are_given";
    let trial = Trial::test(name, || {
        in_mariadb();
        Ok(())
    });
    let mut trials = vec![trial.with_ignored_flag(is_missing)];
    let skipped = if is_missing { vec![format!("{name} (no MariaDB)")] } else { Vec::new() };
    if let Some(cluster) = cluster.cloned() {
        trials.push(Trial::test("postgres::templates::sql_templates_write_the_values_they_are_given", move || {
            in_postgres(&cluster);
            Ok(())
        }));
    }
    (trials, skipped)
}

fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn document() -> String {
    let context = context! { labels => LABELS.to_vec() };
    templates::render(TemplateFormat::Sql, SOURCE, context, Limits::SMALL).unwrap()
}

/// The statements that a document is tried with. The last prints each label as hexadecimal digits.
fn script(before: &str, hex: &str) -> String {
    format!(
        "{before}DROP TABLE IF EXISTS phonebook;\nDROP TABLE IF EXISTS victim;\nCREATE TABLE victim (a INTEGER);\n\
         CREATE TABLE phonebook (id INTEGER, label TEXT);\n{}INSERT INTO victim VALUES (1);\n\
         SELECT {hex} FROM phonebook ORDER BY id;\n",
        document()
    )
}

fn assert_labels(output: &Output, what: &str) {
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(output.status.success(), "{what}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let expected: Vec<String> = LABELS.iter().map(hex::encode).collect();
    assert_eq!(found, expected, "{what}");
}

fn in_mariadb() {
    let server = MariaDb::start();
    for mode in ["DEFAULT", "'ANSI_QUOTES'", "'NO_BACKSLASH_ESCAPES'", "'ANSI'"] {
        let output = server.run(&script(&format!("SET sql_mode = {mode};\n"), "HEX(label)"));
        assert_labels(&output, mode);
    }
}

fn in_postgres(cluster: &Cluster) {
    for mode in ["on", "off"] {
        let before = format!(
            "SET client_min_messages = error;\nSET escape_string_warning = off;\n\
             SET standard_conforming_strings = {mode};\n"
        );
        let output = cluster.run_script(&script(&before, "encode(convert_to(label, 'UTF8'), 'hex')"));
        assert_labels(&output, mode);
    }
}

/// A server in a folder of its own, without a network.
struct MariaDb {
    folder: tempfile::TempDir,
    process: Child,
}

impl MariaDb {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("switchboard-maria").tempdir().unwrap();
        let user = if is_root() { "--user=root" } else { "--skip-name-resolve" };
        let data = format!("--datadir={}", folder.path().join("data").display());
        let installed = Command::new(path_of("mariadb-install-db").expect("MariaDB is not installed"))
            .args(["--no-defaults", &data, "--skip-test-db", "--auth-root-authentication-method=normal", user])
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let socket = format!("--socket={}", folder.path().join("s").display());
        let process = Command::new(path_of("mariadbd").unwrap())
            .args(["--no-defaults", &data, &socket, "--skip-networking", "--skip-grant-tables", user])
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process };
        let began = Instant::now();
        while !server.run("CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4;").status.success() {
            assert!(began.elapsed() < START_TIMEOUT, "MariaDB does not start within {START_TIMEOUT:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// Runs statements and returns their output.
    fn run(&self, statements: &str) -> Output {
        let script = self.folder.path().join("script.sql");
        let use_database = if statements.starts_with("CREATE DATABASE") { "" } else { "USE test;\n" };
        std::fs::write(&script, format!("{use_database}{statements}")).unwrap();
        Command::new(path_of("mariadb").unwrap())
            .args(["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4", "-u", "root"])
            .arg(format!("--socket={}", self.folder.path().join("s").display()))
            .stdin(std::fs::File::open(script).unwrap())
            .output()
            .unwrap()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
