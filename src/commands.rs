//! What each command does.

mod files;
mod rotate_key;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::app::{self, App, Parts};
use crate::cli::{AdminCommand, AuditCommand, Cli, Command};
use crate::config::{Installation, LogFormat, Serving};
use crate::{background, demo, http};
use accounts::rules::{self as account_rules, RegisterAccount};
use platform::access::Caller;
use platform::audit::{self, Verification};
use platform::error::{Error, InternalError};
use platform::secrets::Secret;

/// How long requests that run may take to end when the program stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// A sentence for whoever started the program.
pub async fn run(cli: Cli) -> Result<(), String> {
    let installation = &cli.installation;
    start_log(installation.log_format);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(installation, cli.serving).await,
        Command::Migrate => open(installation).await.map(drop),
        Command::Schema { live: false } => {
            print!("{}", app::core_schema().sdl());
            Ok(())
        }
        Command::Schema { live: true } => {
            let app = App::new(installation, cli.serving, open(installation).await?).await.map_err(say)?;
            print!("{}", app.schema.load().schema().sdl());
            Ok(())
        }
        Command::Admin(AdminCommand::Create { username, email }) => create_admin(installation, username, email).await,
        Command::Backup { file } => backup(installation, &file).await,
        Command::Audit(AuditCommand::Verify) => verify_audit(installation).await,
        Command::Agent { config, dry_run, allow_prune, once, resync } => {
            let key = std::env::var("SWITCHBOARD_AGENT_KEY").ok().filter(|key| !key.is_empty()).map(Secret::new);
            agent::run(&config, key, agent::Options { dry_run, allow_prune, once, resync }).await
        }
        Command::RotateKey => rotate_key::rotate(&open(installation).await?).await,
        Command::Export { event, format, with_secrets } => {
            files::export(&open(installation).await?, &event, format, with_secrets).await
        }
        Command::Import { file, event, dry_run, partial } => {
            let wanted = files::Wanted { file, event, dry_run, partial };
            files::import(&open(installation).await?, wanted).await
        }
    }
}

fn say(fault: impl std::fmt::Display) -> String {
    fault.to_string()
}

async fn open(installation: &Installation) -> Result<platform::services::Services, String> {
    app::open(installation, Parts::of_this_machine().map_err(say)?).await.map_err(say)
}

fn start_log(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("SWITCHBOARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // A test may have started a log already; one is enough.
    drop(started);
}

async fn serve(installation: &Installation, serving: Serving) -> Result<(), String> {
    serving.check()?;
    let listener = tokio::net::TcpListener::bind(serving.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", serving.listen))?;
    let address = listener.local_addr().map_err(say)?;
    let services = open(installation).await?;
    if serving.demo && demo::load(&services).await.map_err(tell)? {
        tracing::info!("the demo event is loaded: admin, operator and user sign in with the password numberwang");
    }
    let app = App::new(installation, serving, services).await.map_err(say)?;
    greet(installation, &app, address).await?;
    let duties = background::start(&app);
    let served =
        axum::serve(listener, http::router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stop_on_signal(Arc::clone(&app)))
            .into_future();
    let drained = async {
        let outcome = served.await;
        app.sockets.all_closed().await;
        outcome
    };
    let mut stopping = app.stopping.subscribe();
    let outcome = tokio::select! {
        outcome = drained => outcome.map_err(say),
        () = async {
            drop(stopping.wait_for(|stopping| *stopping).await);
            tokio::time::sleep(DRAIN).await;
        } => Ok(()),
    };
    drop(duties);
    tracing::info!("stopped");
    outcome
}

/// Tells where the server is, where mails go, and, on an empty database, how to become the first admin.
async fn greet(installation: &Installation, app: &App, address: SocketAddr) -> Result<(), String> {
    tracing::info!(address = %address, database = %installation.database().map_err(say)?, "listening");
    match app.serving.mail_server()? {
        Some(server) => tracing::info!(server = %server, "mails go to the mail server"),
        None => {
            tracing::info!(folder = %installation.data_dir.join("mail").display(), "no --smtp-url: mails are written as files")
        }
    }
    if let Some(token) = account_rules::setup_token(&app.services).await.map_err(tell)? {
        let public_url = app.serving.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        println!(
            "No account exists yet. Become the first admin within 30 minutes:\n\n  {public_url}/setup#token={}\n",
            token.reveal().expose()
        );
    }
    Ok(())
}

async fn stop_on_signal(app: Arc<App>) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tracing::info!("stopping: no new requests, running ones may end");
    app.stopping.send_replace(true);
}

async fn create_admin(installation: &Installation, username: String, email: String) -> Result<(), String> {
    let password = match std::env::var("SWITCHBOARD_ADMIN_PASSWORD") {
        Ok(password) => password,
        Err(_) => rpassword::prompt_password("Password: ").map_err(say)?,
    };
    let email = if email.is_empty() { format!("{username}@localhost.localdomain") } else { email };
    let input = RegisterAccount { display_name: username.clone(), username, email, password };
    let services = open(installation).await?;
    account_rules::create_admin(&services, &Caller::system("admin create"), input).await.map_err(tell)?;
    println!("The admin may sign in now.");
    Ok(())
}

async fn backup(installation: &Installation, file: &std::path::Path) -> Result<(), String> {
    open(installation).await?.store.backup_into(file).await.map_err(say)?;
    println!(
        "Written to {}. The sealing key is not in it: keep a copy of {} apart.",
        file.display(),
        installation.data_dir.join("sealing.key").display()
    );
    Ok(())
}

async fn verify_audit(installation: &Installation) -> Result<(), String> {
    let services = open(installation).await?;
    audit::seal_all(&services.store).await.map_err(tell)?;
    match audit::verify(&services.store).await.map_err(tell)? {
        Verification::Whole { rows, last } => {
            println!("The audit is whole: {rows} rows, last link {}.", hex::encode(last));
            Ok(())
        }
        Verification::Broken { seq } => {
            Err(format!("The audit is broken at row {seq}: it or a row before it was changed, taken out or put in."))
        }
    }
}

/// What stopped an operation, for whoever typed the command.
fn tell(stop: Error) -> String {
    match stop {
        Error::User(problems) => problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" "),
        Error::Internal(fault) => InternalError::to_string(&fault),
        Error::Auth(_) => "not allowed".to_owned(),
        Error::IdempotencyMismatch => "the idempotency key stands for another request".to_owned(),
        Error::BadRequest(message) => message,
    }
}
