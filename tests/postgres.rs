//! A private PostgreSQL cluster for one run of the suite.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running cluster: the suite's own, or the one of `TEST_DATABASE_URL`.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    /// The URL without a database: `postgres://postgres@127.0.0.1:5432`.
    base_url: String,
    /// The folder of PostgreSQL's programs.
    bin: PathBuf,
    /// The cluster's own folder, if the suite started it.
    folder: Option<tempfile::TempDir>,
    next_database: AtomicU32,
}

impl Cluster {
    /// Starts a cluster with the programs that are installed; `None` where there are none.
    pub fn find() -> Option<Self> {
        let bin = find_binaries()?;
        if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
            let base_url = url.rsplit_once('/').map_or(url.clone(), |(base, _)| base.to_owned());
            return Some(Self::new(base_url, bin, None));
        }
        let folder = tempfile::Builder::new().prefix("switchboard-pg").tempdir().ok()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let data = folder.path().join("data");
        if is_root() {
            Command::new("chown").arg("nobody").arg(folder.path()).status().ok()?;
        }
        let socket = folder.path().display();
        let options = format!("-p {port} -k {socket} -c listen_addresses=127.0.0.1 -c max_connections=400");
        run(unprivileged(&bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]))?;
        run(unprivileged(&bin.join("pg_ctl"))
            .arg("-D")
            .arg(&data)
            .arg("-o")
            .arg(&options)
            .arg("-l")
            .arg(folder.path().join("log"))
            .args(["-w", "start"]))?;
        Some(Self::new(format!("postgres://postgres@127.0.0.1:{port}"), bin, Some(folder)))
    }

    fn new(base_url: String, bin: PathBuf, folder: Option<tempfile::TempDir>) -> Self {
        Self(Arc::new(Inner { base_url, bin, folder, next_database: AtomicU32::new(1) }))
    }

    /// Creates an empty database and returns its URL.
    pub fn create_database(&self) -> String {
        let name = format!("suite_{}_{}", std::process::id(), self.0.next_database.fetch_add(1, Ordering::SeqCst));
        let created = Command::new(self.0.bin.join("psql"))
            .arg(format!("{}/postgres", self.0.base_url))
            .args(["-q", "-c", &format!("CREATE DATABASE {name}")])
            .status();
        assert!(created.is_ok_and(|status| status.success()), "CREATE DATABASE {name} failed");
        format!("{}/{name}", self.0.base_url)
    }

    /// Restores a dump of a database into a new one and returns its URL.
    pub fn copy(&self, url: &str) -> String {
        let copy = self.create_database();
        let mut dump = Command::new(self.0.bin.join("pg_dump"))
            .args(["--no-owner", url])
            .stdout(Stdio::piped())
            .spawn()
            .expect("pg_dump runs");
        let restored = Command::new(self.0.bin.join("psql"))
            .args(["-q", "-v", "ON_ERROR_STOP=1", &copy])
            .stdin(dump.stdout.take().expect("the dump is piped"))
            .stdout(Stdio::null())
            .status();
        assert!(restored.is_ok_and(|status| status.success()) && dump.wait().is_ok_and(|status| status.success()));
        copy
    }

    /// A dump of a database as text.
    pub fn dump(&self, url: &str) -> Vec<u8> {
        let dump = Command::new(self.0.bin.join("pg_dump")).args(["--inserts", url]).output().expect("pg_dump runs");
        assert!(dump.status.success());
        dump.stdout
    }

    /// Writes the cluster's shared buffers to its files.
    pub fn checkpoint(&self, url: &str) {
        self.psql(url, "CHECKPOINT");
    }

    /// The name of the folder with a database's files.
    pub fn oid(&self, url: &str) -> String {
        self.psql(url, "SELECT oid FROM pg_database WHERE datname = current_database()")
    }

    fn psql(&self, url: &str, statement: &str) -> String {
        let output =
            Command::new(self.0.bin.join("psql")).args([url, "-qtA", "-c", statement]).output().expect("psql runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs statements in a new database and returns their output.
    pub fn run_script(&self, statements: &str) -> std::process::Output {
        let url = self.create_database();
        Command::new(self.0.bin.join("psql")).args([&url, "-qtA", "-c", statements]).output().expect("psql runs")
    }

    /// The folder of the cluster's files, if the suite started it.
    pub fn data(&self) -> Option<PathBuf> {
        self.0.folder.as_ref().map(|folder| folder.path().join("data"))
    }

    /// Stops the cluster if the suite started it.
    pub fn stop(&self) {
        if let Some(folder) = &self.0.folder {
            let stop = ["-m", "immediate", "stop"];
            run(unprivileged(&self.0.bin.join("pg_ctl")).arg("-D").arg(folder.path().join("data")).args(stop));
        }
    }
}

/// A cluster that accepts encrypted connections only. Dropping it stops the cluster.
pub struct TlsCluster {
    pub port: u16,
    bin: PathBuf,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts a second cluster with this certificate and key.
    pub fn start_tls_only(&self, certificate: &Path, key: &Path) -> Result<TlsCluster, libtest_mimic::Failed> {
        let folder = tempfile::Builder::new().prefix("switchboard-pg-tls").tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = folder.path().join("data");
        let bin = self.0.bin.clone();
        if is_root() {
            Command::new("chown").arg("nobody").arg(folder.path()).status()?;
        }
        run(unprivileged(&bin.join("initdb")).arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust"]))
            .ok_or("initdb failed")?;
        for (from, to) in [(certificate, "server.pem"), (key, "server.key")] {
            let to = data.join(to);
            std::fs::copy(from, &to)?;
            std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            if is_root() {
                Command::new("chown").arg("nobody").arg(&to).status()?;
            }
        }
        std::fs::write(
            data.join("pg_hba.conf"),
            "hostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\n",
        )?;
        let options = format!(
            "-p {port} -k {} -c listen_addresses=localhost -c ssl=on -c ssl_cert_file=server.pem \
             -c ssl_key_file=server.key",
            folder.path().display()
        );
        let mut start = unprivileged(&bin.join("pg_ctl"));
        start.arg("-D").arg(&data).arg("-o").arg(&options).arg("-l").arg(folder.path().join("log"));
        run(start.args(["-w", "start"])).ok_or("pg_ctl failed")?;
        Ok(TlsCluster { port, bin, folder })
    }
}

impl Drop for TlsCluster {
    fn drop(&mut self) {
        let stop = ["-m", "immediate", "stop"];
        run(unprivileged(&self.bin.join("pg_ctl")).arg("-D").arg(self.folder.path().join("data")).args(stop));
    }
}

fn find_binaries() -> Option<PathBuf> {
    let packaged =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    packaged
        .chain(on_path)
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists() && folder.join("psql").exists())
}

/// Whether the suite runs as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// A command that runs as an unprivileged user, because PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "nobody", "--"]).arg(program);
    command
}

fn run(command: &mut Command) -> Option<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::inherit()).current_dir("/tmp").status().ok()?;
    status.success().then_some(())
}
