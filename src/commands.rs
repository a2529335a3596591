//! Implementation of the command-line commands.

mod import_export;
mod logging;
mod output;
mod restore;
mod rotate_key;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::output::print;
use crate::app::{self, App, Dependencies};
use crate::cli::{AdminCommand, AuditCommand, Cli, Command};
use crate::config::{Installation, Serving, create_data_dir};
use crate::http::server::ConnectionLimits;
use crate::{background, demo, http};
use accounts::rules::{self as account_rules, RegisterAccount};
use platform::access::Caller;
use platform::audit::{self, Verification};
use platform::error::{Error, InternalError};
use platform::secrets::Secret;
use platform::services::Services;
use platform::store::{ServerLock, Store};

/// Time that running requests have to complete after the shutdown signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(cli: Cli) -> Result<(), String> {
    let installation = &cli.installation;
    logging::init(installation.log_format)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(installation, cli.serving).await,
        Command::Migrate => migrate(installation).await,
        Command::Schema { live: false } => print(app::core_schema().sdl()),
        Command::Schema { live: true } => {
            let services = open_existing(installation).await?;
            let app = App::new(installation, cli.serving, services).await.map_err(to_message)?;
            print(app.schema.load().schema().sdl())
        }
        Command::Admin(AdminCommand::Create { username, email }) => create_admin(installation, username, email).await,
        Command::Backup { file } => backup(installation, &file).await,
        Command::Restore { file } => restore::restore(installation, &file).await,
        Command::Audit(AuditCommand::Verify) => verify_audit(installation).await,
        Command::Agent { config, dry_run, allow_prune, once, resync } => {
            let key = std::env::var("SWITCHBOARD_AGENT_KEY").ok().filter(|key| !key.is_empty()).map(Secret::new);
            agent::run(&config, key, agent::Options { dry_run, allow_prune, once, resync }).await
        }
        Command::RotateKey => rotate_key::rotate(&open_existing(installation).await?).await,
        Command::Export { event, format, with_secrets } => {
            import_export::export(&open_existing(installation).await?, &event, format, with_secrets).await
        }
        Command::Import { file, event, dry_run, partial } => {
            let options = import_export::ImportOptions { file, event, dry_run, partial };
            import_export::import(&open_existing(installation).await?, options).await
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

async fn open_existing(installation: &Installation) -> Result<Services, String> {
    app::open_existing(installation, Dependencies::system().map_err(to_message)?).await.map_err(to_message)
}

async fn migrate(installation: &Installation) -> Result<(), String> {
    let opened = app::open_or_create(installation, Dependencies::system().map_err(to_message)?).await;
    let migrations = opened.map_err(to_message)?.migrations;
    let database = installation.database()?;
    match migrations.as_slice() {
        [] => print(format!("{database} has every migration already.\n")),
        [one] => print(format!("Applied one migration to {database}: {one}.\n")),
        [.., last] => print(format!("Applied {} migrations to {database}, the last is {last}.\n", migrations.len())),
    }
}

async fn serve(installation: &Installation, serving: Serving) -> Result<(), String> {
    serving.check()?;
    let listener = tokio::net::TcpListener::bind(serving.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", serving.listen))?;
    let address = listener.local_addr().map_err(to_message)?;
    create_data_dir(&installation.data_dir)?;
    let _lock = ServerLock::acquire(&installation.database()?).map_err(to_message)?;
    let services = open(installation).await?;
    load_or_refuse_demo(&services, &serving).await?;
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

/// Logs the address, the database and the mail transport. On a database without an admin prints the link that creates
/// the first one.
async fn log_startup(installation: &Installation, app: &App, address: SocketAddr) -> Result<(), String> {
    let url = app.serving.public_url_at(address);
    tracing::info!(address = %address, url, database = %installation.database()?, "listening");
    for warning in app.serving.warnings() {
        tracing::warn!("{warning}");
    }
    match app.serving.mail_server()? {
        Some(server) => tracing::info!(server = %server, "mail is sent to the mail server"),
        None => {
            let folder = installation.data_dir.join("mail");
            tracing::info!(folder = %folder.display(), "no --smtp-url: mail is written to files")
        }
    }
    if let Some(token) = account_rules::issue_setup_token(&app.services).await.map_err(describe)? {
        let printed = print(format!(
            "No admin exists yet. Become the first admin within 30 minutes:\n\n  {url}/setup#token={}\n\n",
            token.reveal().expose()
        ));
        if let Err(error) = printed {
            tracing::warn!(error, "the link that creates the first admin could not be printed");
        }
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

/// Loads the demo event into an empty database. Without `--demo` refuses accounts with the demo's password, which a
/// database keeps that was once served with it.
async fn load_or_refuse_demo(services: &Services, serving: &Serving) -> Result<(), String> {
    if serving.demo {
        if demo::load(services).await.map_err(describe)? {
            tracing::info!("the demo event is loaded: admin, operator and user sign in with the password numberwang");
        } else {
            tracing::info!("the database is not empty: the demo event is not loaded, its accounts stay as they are");
        }
        return Ok(());
    }
    let known = demo::accounts_with_known_password(services).await.map_err(describe)?;
    if known.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the well-known password of the demo is that of: {}. Serve this database with --demo, or change the passwords \
         there first; a new database is better for a real event",
        known.join(", ")
    ))
}

async fn create_admin(installation: &Installation, username: String, email: String) -> Result<(), String> {
    let password = match std::env::var("SWITCHBOARD_ADMIN_PASSWORD") {
        Ok(password) => password,
        Err(_) => rpassword::prompt_password("Password: ")
            .map_err(|error| format!("cannot prompt for the password ({error}): set SWITCHBOARD_ADMIN_PASSWORD"))?,
    };
    let has_email = !email.is_empty();
    let email = if has_email { email } else { format!("{username}@localhost.localdomain") };
    let input = RegisterAccount { display_name: username.clone(), username, email, password };
    let services = open(installation).await?;
    account_rules::create_admin(&services, &Caller::system("admin create"), input).await.map_err(describe)?;
    print("The admin can sign in now.\n")?;
    if has_email {
        return Ok(());
    }
    print("Without --email a forgotten password cannot be reset by mail; an address can be set in the pages.\n")
}

async fn backup(installation: &Installation, file: &std::path::Path) -> Result<(), String> {
    app::demand_existing(installation).await.map_err(to_message)?;
    // Without migration: a backup before an upgrade is of the database as it is.
    let store = Store::connect(&installation.database()?).await.map_err(to_message)?;
    store.backup_into(file).await.map_err(to_message)?;
    print(format!(
        "Backup written to {}. The sealing key is not in it: keep a copy of {} separately.\n",
        file.display(),
        installation.data_dir.join("sealing.key").display()
    ))
}

async fn verify_audit(installation: &Installation) -> Result<(), String> {
    let services = open_existing(installation).await?;
    match audit::verify(&services).await.map_err(describe)? {
        Verification::Intact { rows, last, unsealed, anchored } => {
            audit::seal_all(&services).await.map_err(describe)?;
            let rows = rows + unsealed;
            let last = hex::encode(last);
            print(format!(
                "The audit is intact: {rows} rows, {unsealed} of them not in the chain before, last link {last}.\n"
            ))?;
            if anchored {
                return Ok(());
            }
            let anchor = services.audit.anchor().path().display().to_string();
            print(format!("There was no anchor in {anchor}: rows that were cut off at the end were not found.\n"))
        }
        Verification::Broken { seq } => Err(format!(
            "The audit chain is broken at row {seq}: this row or an earlier one was modified, removed or inserted."
        )),
        Verification::Forged { seq } => Err(format!("The audit row {seq} is forged: Switchboard did not write it.")),
        Verification::Cut { position, anchor } => Err(format!(
            "The audit was cut: its chain ends at link {position}, and {anchor} links were written according to {}. If \
             an older copy of the database was put in place by hand, remove that file; `switchboard restore` does so.",
            services.audit.anchor().path().display()
        )),
    }
}
