//! What the telephone systems report about a person's extensions, in the export of the person's data.

use accounts::hooks::{AccountHooks, Export, Holdings, Section};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::{AccountId, ExtensionId};
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::Tx;
use serde_json::{Value, json};

use super::statuses_of;

/// Provisioning's part in the hooks of accounts.
pub struct ProvisioningHooks;

impl AccountHooks for ProvisioningHooks {
    fn holdings<'t>(&'t self, _: &'t mut Conn, _: AccountId) -> BoxFuture<'t, Result<Holdings, Error>> {
        async { Ok(Holdings::default()) }.boxed()
    }

    /// Nothing: a feed entry ends with its extension.
    fn delete<'t, 'c: 't>(
        &'t self,
        _: &'t mut Tx<'c>,
        _: &'t Permit,
        _: AccountId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async { Ok(()) }.boxed()
    }

    fn export<'t>(&'t self, _: &'t mut Export<'_>) -> BoxFuture<'t, Result<Vec<Section>, Error>> {
        async { Ok(Vec::new()) }.boxed()
    }

    /// Adds to each extension what each consumer of its feed reports.
    fn annotate_export<'t>(
        &'t self,
        services: &'t Services,
        export: &'t mut Value,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for extension in export["extensions"].as_array_mut().into_iter().flatten() {
                let id = extension["id"].as_str().and_then(ExtensionId::from_global);
                let Some(id) = id else { continue };
                let statuses = statuses_of(services, id).await?.into_iter();
                extension["provisioning"] = statuses
                    .map(|status| {
                        json!({
                            "consumer": status.consumer,
                            "state": status.state.as_str(),
                            "at": status.at.map(|at| at.to_string()),
                            "message": status.message,
                        })
                    })
                    .collect();
            }
            Ok(())
        }
        .boxed()
    }
}
