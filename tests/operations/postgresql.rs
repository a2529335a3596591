//! Connections to PostgreSQL: TLS, refusals with their cause, and a pooler that keeps no sessions.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use libtest_mimic::{Failed, Trial};

use super::{Suite, refusal, run, success};
use crate::postgres::Cluster;

/// The program of PgBouncer in Debian's package.
const PGBOUNCER: &str = "/usr/sbin/pgbouncer";

/// Adds the tests; without PostgreSQL or PgBouncer they are skipped and named, in CI they fail.
pub fn add(suite: &mut Suite, cluster: Option<&Cluster>, is_ci: bool) {
    let mut add = |name: &str, missing: Option<&str>, test: fn(&Cluster) -> Result<(), Failed>| {
        let name = format!("operations::postgresql::{name}");
        let (cluster, is_skipped) = (cluster.cloned(), missing.is_some() && !is_ci);
        if let Some(missing) = missing.filter(|_| is_skipped) {
            suite.skipped.push(format!("{name} (no {missing})"));
        }
        let trial = Trial::test(name, move || test(&cluster.ok_or("PostgreSQL is not installed")?));
        suite.trials.push(trial.with_ignored_flag(is_skipped));
    };
    let missing = cluster.is_none().then_some("PostgreSQL");
    add("a_failed_connection_names_its_cause", missing, a_failed_connection_names_its_cause);
    add("tls_is_used_and_verified_as_sslmode_says", missing, tls_is_used_and_verified_as_sslmode_says);
    let missing = missing.or((!Path::new(PGBOUNCER).exists()).then_some("PgBouncer"));
    add("transaction_pooling_is_refused", missing, transaction_pooling_is_refused);
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres_tls").join(name)
}

fn free_port() -> Result<u16, Failed> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Runs `migrate` on this URL, as an installation of its own.
fn migrate(url: &str) -> std::process::Output {
    migrate_in(tempfile::tempdir().unwrap().path(), url)
}

fn migrate_in(folder: &Path, url: &str) -> std::process::Output {
    run(folder, &["migrate", "--database-url", url], &[])
}

fn a_failed_connection_names_its_cause(cluster: &Cluster) -> Result<(), Failed> {
    let url = cluster.create_database();
    let (server, _) = url.rsplit_once('/').ok_or("no database")?;
    let port = free_port()?;
    for (url, expected) in [
        (format!("{server}/no_such_database"), "refused the connection: database \"no_such_database\" does not exist"),
        (url.replace("postgres@", "nobody:hunter22@"), "refused the connection: role \"nobody\" does not exist"),
        (format!("postgres://u:hunter22@127.0.0.1:{port}/x"), "cannot be reached: Connection refused"),
        (
            "postgres://u:hunter22@no-such-host.invalid/x".to_owned(),
            "PostgreSQL at no-such-host.invalid:5432 cannot be reached",
        ),
        (format!("{url}?sslmode=require"), "TLS with PostgreSQL at"),
    ] {
        let began = std::time::Instant::now();
        let error = refusal(&migrate(&url));
        assert!(error.contains(expected) && !error.contains("hunter22") && !error.contains("bb8"), "{url}: {error}");
        assert!(began.elapsed() < std::time::Duration::from_secs(15), "{url}: {:?}", began.elapsed());
    }
    Ok(())
}

fn tls_is_used_and_verified_as_sslmode_says(cluster: &Cluster) -> Result<(), Failed> {
    let tls = cluster.start_tls_only(&certificate("server.pem"), &certificate("server.key"))?;
    let (trusted, other) = (certificate("authority.pem"), certificate("other.pem"));
    let (trusted, other) = (trusted.display(), other.display());
    let folder = tempfile::tempdir()?;
    let by_name = format!("postgres://postgres@localhost:{}/postgres", tls.port);
    let by_address = by_name.replace("localhost", "127.0.0.1");
    for url in [
        by_address.clone(),
        format!("{by_address}?sslmode=prefer"),
        format!("{by_address}?sslmode=require"),
        format!("{by_address}?sslmode=verify-ca&sslrootcert={trusted}"),
        format!("{by_name}?sslmode=verify-full&sslrootcert={trusted}"),
    ] {
        success(&migrate_in(folder.path(), &url));
        let encrypted = agent_session(&url)?;
        assert_eq!(encrypted, "t", "the agent's connection is in clear: {url}");
    }
    for (url, expected) in [
        (format!("{by_address}?sslmode=disable"), "no encryption"),
        (format!("{by_name}?sslmode=verify-full"), "invalid peer certificate: UnknownIssuer"),
        (format!("{by_name}?sslmode=verify-ca&sslrootcert={other}"), "invalid peer certificate"),
        (format!("{by_name}?sslmode=require&sslrootcert={other}"), "invalid peer certificate"),
        (format!("{by_address}?sslmode=verify-full&sslrootcert={trusted}"), "not valid for name"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert=/nowhere.pem"), "sslrootcert=/nowhere.pem: No such file"),
    ] {
        let error = refusal(&migrate(&url));
        assert!(error.contains(expected), "{url}: {error}");
    }
    Ok(())
}

/// Connects as the agent does and returns whether the server sees an encrypted connection.
fn agent_session(url: &str) -> Result<String, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = platform::store::PostgresUrl::parse(url)?.connect().await?;
        tokio::spawn(connection);
        let rows = client.simple_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await?;
        let value = rows.iter().find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(value.unwrap_or_default().to_owned())
    })
}

/// A PgBouncer in front of a database, killed when dropped.
struct Pooler {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start(url: &str, mode: &str, robin: u8) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let (server, database) = url.rsplit_once('/').ok_or("no database")?;
        let server_port = server.rsplit_once(':').ok_or("no port")?.1;
        let port = free_port()?;
        let settings = format!(
            "[databases]\n{database} = host=127.0.0.1 port={server_port} user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = 20\nserver_round_robin = {robin}\nignore_startup_parameters = extra_float_digits\n"
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings)?;
        // PgBouncer refuses to run as root.
        let mut command = Command::new(PGBOUNCER);
        if crate::postgres::is_root() {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
            command.args(["-u", "nobody"]);
        }
        let log = std::fs::File::create(folder.path().join("log"))?;
        let child = command.arg(&file).stdout(Stdio::null()).stderr(log).spawn()?;
        let pooler = Self { child, url: format!("postgres://postgres@127.0.0.1:{port}/{database}"), _folder: folder };
        let began = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < std::time::Duration::from_secs(10), "PgBouncer does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn transaction_pooling_is_refused(cluster: &Cluster) -> Result<(), Failed> {
    let url = cluster.create_database();
    for (mode, robin) in [("transaction", 0), ("transaction", 1), ("statement", 0)] {
        let pooler = Pooler::start(&url, mode, robin)?;
        for _ in 0..3 {
            let error = refusal(&migrate(&pooler.url));
            assert!(error.contains("connection pooler") && error.contains("pool_mode=session"), "{mode}: {error}");
        }
    }
    let pooler = Pooler::start(&url, "session", 0)?;
    success(&migrate(&pooler.url));
    Ok(())
}
