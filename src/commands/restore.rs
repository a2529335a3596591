//! The command `restore`: puts a backup in place of the embedded database.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use super::output::print;
use super::{describe, to_message};
use crate::app::{self, Dependencies};
use crate::config::{self, Installation};
use platform::access::{Caller, RESTORE};
use platform::audit::{self, Verification};
use platform::clock::{Clock as _, SystemClock, SystemRng};
use platform::secrets::{self, Sealer, SealingError, Secret};
use platform::services::Services;
use platform::store::{CheckedBackup, DatabaseUrl, ServerLock, Store};
use platform::transact;
use platform::transaction::Mode;

/// Restores a backup: checks it and the sealing key, moves the present database aside, and migrates the restored one.
///
/// # Errors
/// A sentence for the operator. Nothing was changed, unless it says so.
pub(super) async fn restore(installation: &Installation, file: &Path) -> Result<(), String> {
    let url = installation.database()?;
    let DatabaseUrl::Sqlite(target) = &url else {
        return Err("PostgreSQL is restored with its own pg_restore or psql".to_owned());
    };
    config::create_data_dir(&installation.data_dir)?;
    let lock = ServerLock::acquire(&url).map_err(to_message)?;
    let backup = CheckedBackup::copy(file, target).map_err(to_message)?;
    demand_sealing_key(installation, &backup, file).await?;
    let now = SystemClock.now();
    let replaced = backup.install(&now.0.div_euclid(1_000_000).to_string()).map_err(to_message)?;
    let opened = Dependencies::system().map_err(to_message)?;
    let services = app::open(installation, opened).await.map_err(to_message)?;
    let audit = record(&services, file).await?;
    drop(lock);
    let mut text = format!("{} was restored from {}.\n", target.display(), file.display());
    if let Some(replaced) = replaced {
        text.push_str(&format!("The database before is {}.\n", replaced.display()));
    }
    text.push_str(&audit);
    print(text)
}

/// Checks that the sealing key of the backup is there. On a terminal a missing one is asked for.
async fn demand_sealing_key(installation: &Installation, backup: &CheckedBackup, file: &Path) -> Result<(), String> {
    let (data_dir, variable) = (&installation.data_dir, installation.sealing_key());
    let load = || Sealer::load(data_dir, variable.as_ref(), Arc::new(SystemRng));
    // A connection without migration: the backup of an earlier version has fewer tables.
    let store = Store::connect(&backup.url()).await.map_err(to_message)?;
    let mut conn = store.read().await.map_err(to_message)?;
    if !secrets::has_sealed_values(&mut conn).await.map_err(describe)? {
        return Ok(());
    }
    let (sealer, entered) = match load() {
        Ok(sealer) => (sealer, None),
        Err(SealingError::Missing(path)) => {
            let entered = ask_for_key(&path, file)?;
            let sealer = Sealer::load_or_create(data_dir, Some(&entered), Arc::new(SystemRng)).map_err(to_message)?;
            (sealer, Some(entered))
        }
        Err(error) => return Err(error.to_string()),
    };
    secrets::check_sealing_key(&mut conn, &sealer).await.map_err(describe)?;
    match entered {
        Some(entered) => secrets::install_key_file(data_dir, &entered, &SystemRng).map_err(to_message),
        None => Ok(()),
    }
}

fn ask_for_key(path: &str, file: &Path) -> Result<Secret, String> {
    let needed = format!(
        "{} has sealed values, and its sealing key is missing: put the key file that belongs to it at {path}, or set \
         SWITCHBOARD_SEALING_KEY",
        file.display()
    );
    if !std::io::stdin().is_terminal() {
        return Err(needed);
    }
    let entered = rpassword::prompt_password("Sealing key of the backup (the line of its sealing.key): ");
    entered.map(Secret::new).map_err(|_| needed)
}

/// Verifies the restored audit, records the restoration in it, and sets the anchor to its end.
async fn record(services: &Services, file: &Path) -> Result<String, String> {
    // The anchor is that of the database before.
    services.audit.anchor().remove().map_err(to_message)?;
    let verified = audit::verify(services).await.map_err(describe)?;
    let summary = format!("restored the database from {}", file.display());
    transact!(services, &Caller::system("restore"), RESTORE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        tx.audit(&permit, None, summary).await
    })
    .await
    .map_err(describe)?;
    audit::seal_all(services).await.map_err(describe)?;
    Ok(match verified {
        Verification::Intact { rows, .. } => format!("Its audit was intact: {rows} rows.\n"),
        _ => "Its audit is NOT intact: run `switchboard audit verify`.\n".to_owned(),
    })
}
