//! The demo event for an empty database: service types, templates, accounts and extensions.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::app::core_type_names;
use accounts::rules::{self as account_rules, RegisterAccount};
use events::EventPhase;
use events::rules::{CreateCallPermission, CreateEvent, CreateNumberRange, create_permission};
use extensions::rules::{AssignExtension, assign};
use extensions::visibility::Visibility;
use platform::access::{Caller, Role};
use platform::error::{Error, InternalError};
use platform::passwords::{Password, PasswordCheck};
use platform::services::Services;
use service_types::ServiceBehaviour;
use service_types::demo::DEMO_TYPES;
use service_types::rules::{CreateServiceType, create_event, create_range, create_service_type};
use templates::SHIPPED_TEMPLATES;
use templates::rules::{SaveTemplate, save_template};

/// Password of all three accounts. It is well known, so the demo requires a loopback address.
const PASSWORD: &str = "numberwang";

/// The accounts: username, display name and role.
const ACCOUNTS: [(&str, &str, Role); 3] =
    [("admin", "Admin", Role::Admin), ("operator", "Operator", Role::Operator), ("user", "User", Role::User)];

/// A sample extension.
struct SampleExtension {
    number: &'static str,
    service_type: &'static str,
    label: &'static str,
    visibility: Visibility,
    /// Parameters as JSON.
    parameters: &'static str,
}

impl SampleExtension {
    const fn new(
        number: &'static str,
        service_type: &'static str,
        label: &'static str,
        visibility: Visibility,
        parameters: &'static str,
    ) -> Self {
        Self { number, service_type, label, visibility, parameters }
    }
}

const EXTENSIONS: [SampleExtension; 12] = [
    SampleExtension::new("5000", "sip", "Front Desk", Visibility::Public, "{}"),
    SampleExtension::new("5001", "dect", "Zebra Lounge", Visibility::Public, "{}"),
    SampleExtension::new("5002", "dect", "First Aid", Visibility::Public, "{}"),
    SampleExtension::new("5003", "sip", "Radio Studio", Visibility::Public, "{}"),
    SampleExtension::new("5004", "cellular", "Site Team", Visibility::Members, "{}"),
    SampleExtension::new("5005", "dect", "Café Zoë", Visibility::Public, "{}"),
    SampleExtension::new("5006", "pots", "Payphone by the Lake", Visibility::Public, r#"{"line_port": "1/1/1"}"#),
    SampleExtension::new("5007", "pager", "Power Team Pager", Visibility::Staff, r#"{"ric": 133701}"#),
    SampleExtension::new("5008", "sip", "Workshop Tent", Visibility::Public, "{}"),
    SampleExtension::new("5009", "dect", "Lost and Found", Visibility::Public, "{}"),
    SampleExtension::new("5010", "group", "Volunteers", Visibility::Public, "{}"),
    SampleExtension::new("5011", "cellular", "Night Watch", Visibility::Hidden, "{}"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceTypeFile {
    slug: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    instructions: String,
    parameter_schema: Value,
    behaviour: ServiceBehaviour,
    #[serde(default)]
    privileged: bool,
    #[serde(default)]
    group_capable: bool,
    #[serde(default)]
    member_limit: Option<i32>,
    #[serde(default)]
    settings: Option<Value>,
}

/// Loads the demo event into an empty database; returns whether the database was empty.
///
/// # Errors
/// When the database fails or a file of the demo is invalid, which a test excludes.
pub async fn load(services: &Services) -> Result<bool, Error> {
    let mut conn = services.store.read().await?;
    let is_empty = !accounts::has_accounts(&mut conn).await?
        && events::all_events(&mut conn).await?.is_empty()
        && service_types::all_service_types(&mut conn).await?.is_empty();
    drop(conn);
    if !is_empty {
        return Ok(false);
    }
    let caller = Caller::system("demo");
    create_service_types(services, &caller).await?;
    create_templates(services, &caller).await?;
    create_demo_event(services, &caller).await?;
    create_accounts(services, &caller).await?;
    create_extensions(services, &caller).await?;
    Ok(true)
}

/// Returns the demo's accounts that still have its password, which everyone knows.
///
/// # Errors
/// When the database fails.
pub async fn accounts_with_known_password(services: &Services) -> Result<Vec<&'static str>, Error> {
    let mut known = Vec::new();
    for (username, _, _) in ACCOUNTS {
        let account = accounts::account_by_username(&mut *services.store.read().await?, username).await?;
        let Some(account) = account else { continue };
        match services.hasher.verify(None, &Password::from_input(PASSWORD), &account.password_hash).await? {
            PasswordCheck::Match | PasswordCheck::MatchNeedsRehash => known.push(username),
            PasswordCheck::Mismatch => {}
        }
    }
    Ok(known)
}

async fn create_service_types(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    for (_, text) in DEMO_TYPES {
        let file: ServiceTypeFile = serde_json::from_str(text).map_err(InternalError::new)?;
        let input = CreateServiceType {
            slug: file.slug,
            name: file.name,
            description: file.description,
            instructions: file.instructions,
            parameter_schema: file.parameter_schema,
            behaviour: file.behaviour,
            privileged: file.privileged,
            group_capable: file.group_capable,
            quota: None,
            member_limit: file.member_limit,
            settings: file.settings,
        };
        create_service_type(services, caller, input, core_type_names().to_vec()).await?;
    }
    Ok(())
}

async fn create_templates(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    for shipped in SHIPPED_TEMPLATES {
        let input = SaveTemplate {
            service_type: shipped.service_type.to_owned(),
            name: shipped.name.to_owned(),
            content_type: shipped.content_type.to_owned(),
            format: shipped.format,
            source: shipped.source.to_owned(),
        };
        save_template(services, caller, input).await?;
    }
    Ok(())
}

async fn create_demo_event(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    let slugs = ["dect", "sip", "cellular", "pots", "pager", "group", "deskphone"];
    let event = CreateEvent {
        slug: "demo".to_owned(),
        name: "Demo".to_owned(),
        starts_at: None,
        ends_at: None,
        time_zone: "UTC".to_owned(),
        phase: EventPhase::Open,
        hold_seconds: 1800,
        reserved_prefixes: vec!["112".to_owned(), "999".to_owned()],
        copy_from: None,
    };
    create_event(services, caller, event, slugs.map(str::to_owned).to_vec()).await?;
    for (first, last, label, privileged) in [("1000", "1999", "Services", true), ("2000", "8999", "Everyone", false)] {
        let range = CreateNumberRange {
            event: "demo".to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            label: label.to_owned(),
            privileged,
        };
        create_range(services, caller, range, Vec::new()).await?;
    }
    for (slug, name, highlights) in [
        ("external", "External calls", false),
        ("international", "International calls", false),
        ("orga", "Organisation", true),
    ] {
        let permission = CreateCallPermission {
            slug: slug.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            highlights_in_directory: highlights,
        };
        create_permission(services, caller, permission).await?;
    }
    Ok(())
}

async fn create_accounts(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    for (username, name, role) in ACCOUNTS {
        let input = RegisterAccount {
            username: username.to_owned(),
            display_name: name.to_owned(),
            email: format!("{username}@example.org"),
            password: PASSWORD.to_owned(),
        };
        account_rules::create_admin(services, caller, input).await?;
        if role != Role::Admin {
            account_rules::set_role(services, caller, username, role).await?;
        }
    }
    Ok(())
}

async fn create_extensions(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    for sample in EXTENSIONS {
        let input = AssignExtension {
            event: "demo".to_owned(),
            service_type: sample.service_type.to_owned(),
            number: sample.number.to_owned(),
            owner: "operator".to_owned(),
            label: sample.label.to_owned(),
            visibility: sample.visibility,
            parameters: Some(serde_json::from_str(sample.parameters).map_err(InternalError::new)?),
            permissions: None,
            override_reservation: false,
        };
        assign(services, caller, input).await?;
    }
    Ok(())
}
