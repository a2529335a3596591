//! Implementation of the command-line commands.

mod import_export;
mod rotate_key;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::app::{self, App, Dependencies};
use crate::cli::{AdminCommand, AuditCommand, Cli, Command};
use crate::config::{Installation, LogFormat, Serving};
use crate::http::server::ConnectionLimits;
use crate::{background, demo, http};
use accounts::rules::{self as account_rules, RegisterAccount};
use platform::access::Caller;
use platform::audit::{self, Verification};
use platform::error::{Error, InternalError};
use platform::secrets::Secret;
use platform::services::Services;

/// Time that running requests have to complete after the shutdown signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(cli: Cli) -> Result<(), String> {
    let installation = &cli.installation;
    init_logging(installation.log_format);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(installation, cli.serving).await,
        Command::Migrate => open(installation).await.map(drop),
        Command::Schema { live: false } => {
            print!("{}", app::core_schema().sdl());
            Ok(())
        }
        Command::Schema { live: true } => {
            let app = App::new(installation, cli.serving, open(installation).await?).await.map_err(to_message)?;
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
            import_export::export(&open(installation).await?, &event, format, with_secrets).await
        }
        Command::Import { file, event, dry_run, partial } => {
            let options = import_export::ImportOptions { file, event, dry_run, partial };
            import_export::import(&open(installation).await?, options).await
        }
    }
}

/// Formats an error for the operator.
fn to_message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Describes the failure of an operation for the operator.
fn describe(error: Error) -> String {
    match error {
        Error::User(errors) => errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" "),
        Error::Internal(error) => InternalError::to_string(&error),
        Error::Auth(_) => "not allowed".to_owned(),
        Error::IdempotencyMismatch => "the idempotency key was used for another request".to_owned(),
        Error::BadRequest(message) => message,
    }
}

async fn open(installation: &Installation) -> Result<Services, String> {
    app::open(installation, Dependencies::system().map_err(to_message)?).await.map_err(to_message)
}

fn init_logging(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("SWITCHBOARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // Fails if a test has initialized a subscriber already, which is then kept.
    drop(result);
}

async fn serve(installation: &Installation, serving: Serving) -> Result<(), String> {
    serving.check()?;
    let listener = tokio::net::TcpListener::bind(serving.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", serving.listen))?;
    let address = listener.local_addr().map_err(to_message)?;
    let services = open(installation).await?;
    if serving.demo && demo::load(&services).await.map_err(describe)? {
        tracing::info!("the demo event is loaded: admin, operator and user sign in with the password numberwang");
    }
    let app = App::new(installation, serving, services).await.map_err(to_message)?;
    log_startup(installation, &app, address).await?;
    let tasks = background::start(&app);
    let shutdown = begin_shutdown_on_signal(Arc::clone(&app));
    let completed = async {
        http::server::serve(listener, Arc::clone(&app), ConnectionLimits::of_process(), shutdown).await;
        app.sockets.all_closed().await;
    };
    let mut stopping = app.stopping.subscribe();
    tokio::select! {
        () = completed => {}
        () = async {
            drop(stopping.wait_for(|stopping| *stopping).await);
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        } => {}
    }
    drop(tasks);
    tracing::info!("stopped");
    Ok(())
}

/// Logs the address, the database and the mail transport. On a database without accounts prints the link that creates
/// the first admin.
async fn log_startup(installation: &Installation, app: &App, address: SocketAddr) -> Result<(), String> {
    tracing::info!(address = %address, database = %installation.database().map_err(to_message)?, "listening");
    match app.serving.mail_server()? {
        Some(server) => tracing::info!(server = %server, "mail is sent to the mail server"),
        None => {
            let folder = installation.data_dir.join("mail");
            tracing::info!(folder = %folder.display(), "no --smtp-url: mail is written to files")
        }
    }
    if let Some(token) = account_rules::issue_setup_token(&app.services).await.map_err(describe)? {
        let public_url = app.serving.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        println!(
            "No account exists yet. Become the first admin within 30 minutes:\n\n  {public_url}/setup#token={}\n",
            token.reveal().expose()
        );
    }
    Ok(())
}

async fn begin_shutdown_on_signal(app: Arc<App>) {
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
    tracing::info!("shutting down: no new requests are accepted, running requests can complete");
    app.stopping.send_replace(true);
}

async fn create_admin(installation: &Installation, username: String, email: String) -> Result<(), String> {
    let password = match std::env::var("SWITCHBOARD_ADMIN_PASSWORD") {
        Ok(password) => password,
        Err(_) => rpassword::prompt_password("Password: ").map_err(to_message)?,
    };
    let email = if email.is_empty() { format!("{username}@localhost.localdomain") } else { email };
    let input = RegisterAccount { display_name: username.clone(), username, email, password };
    let services = open(installation).await?;
    account_rules::create_admin(&services, &Caller::system("admin create"), input).await.map_err(describe)?;
    println!("The admin can sign in now.");
    Ok(())
}

async fn backup(installation: &Installation, file: &std::path::Path) -> Result<(), String> {
    open(installation).await?.store.backup_into(file).await.map_err(to_message)?;
    println!(
        "Backup written to {}. The sealing key is not in it: keep a copy of {} separately.",
        file.display(),
        installation.data_dir.join("sealing.key").display()
    );
    Ok(())
}

async fn verify_audit(installation: &Installation) -> Result<(), String> {
    let services = open(installation).await?;
    audit::seal_all(&services.store).await.map_err(describe)?;
    match audit::verify(&services.store).await.map_err(describe)? {
        Verification::Intact { rows, last } => {
            println!("The audit is intact: {rows} rows, last link {}.", hex::encode(last));
            Ok(())
        }
        Verification::Broken { seq } => Err(format!(
            "The audit chain is broken at row {seq}: this row or an earlier one was modified, removed or inserted."
        )),
    }
}
