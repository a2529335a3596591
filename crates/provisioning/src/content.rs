//! From the entries of a page to what their extensions show, in a constant number of statements.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::content_queries::{self as queries, ExtensionRow, MemberRow};
use super::model::{Content, Member, Place};
use super::queries::CHUNK;
use platform::access::FeedScope;
use platform::error::{Error, InternalError};
use platform::feed_log::Entry;
use platform::ids::{AccountId, EventId, ExtensionId, NumberId};
use restrictions::{Restriction, RestrictionEffect, RestrictionSource, TargetKind};
use platform::secrets::{SealContext, Sealer, SealingError};
use service_types::schema::{DigestContext, ParameterSchema, Parameters, Viewer};
use platform::store::Conn;
use platform::store::types::Id;
use platform::text::folding;

/// Whoever reads: how far, under which schema, and with what secrets are opened.
pub struct Reading<'a> {
    pub scope: FeedScope,
    pub place: &'a Place,
    pub schema: &'a ParameterSchema,
    pub sealer: &'a Sealer,
}

/// The content of the entries that are present, in their order. An entry whose extension is not there is left out and logged:
/// one bad record does not block the rest.
///
/// # Errors
/// When the database refuses, or the sealing keys do not open what they sealed.
pub async fn load(conn: &mut Conn, reading: &Reading<'_>, entries: &[Entry]) -> Result<Vec<Content>, Error> {
    let ids: Vec<ExtensionId> = entries.iter().filter(|entry| entry.present).map(|entry| entry.extension_id).collect();
    let mut rows: HashMap<ExtensionId, (ExtensionRow, String)> =
        queries::extensions_of(conn, &ids).await?.into_iter().map(|row| (row.0.id, row)).collect();
    let members = if reading.place.is_group { queries::members_of(conn, &ids).await? } else { Vec::new() };
    let mut beside = Beside {
        permissions: grouped(queries::permissions_of(conn, &ids).await?),
        fallbacks: fallbacks(conn, &rows).await?,
        overlay: Overlay::load(conn, reading.place.event, &rows, &members).await?,
        members: HashMap::new(),
    };
    for member in members {
        beside.members.entry(member.group).or_default().push(member);
    }
    let mut contents = Vec::with_capacity(ids.len());
    for entry in entries.iter().filter(|entry| entry.present) {
        match rows.remove(&entry.extension_id) {
            Some((row, owner)) => contents.push(content(reading, entry, row, owner, &mut beside)?),
            None => {
                tracing::error!(extension.id = %entry.extension_id.global(), "a feed shows an extension that is not there")
            }
        }
    }
    Ok(contents)
}

/// What stands in other tables than the extension's own.
struct Beside {
    permissions: HashMap<ExtensionId, Vec<String>>,
    fallbacks: HashMap<ExtensionId, String>,
    overlay: Overlay,
    members: HashMap<ExtensionId, Vec<MemberRow>>,
}

fn content(
    reading: &Reading<'_>,
    entry: &Entry,
    row: ExtensionRow,
    owner: String,
    beside: &mut Beside,
) -> Result<Content, Error> {
    let (secrets, digests) = match &row.secrets {
        Some(sealed) if reading.scope.secrets() || reading.scope.digests() => {
            let secrets = open(reading.sealer, row.id, sealed)?;
            let digests =
                if reading.scope.digests() { digests(reading, &row, &owner, &secrets) } else { Default::default() };
            (if reading.scope.secrets() { secrets } else { Parameters::new() }, digests)
        }
        _ => Default::default(),
    };
    let (restrictions, effects) = beside.overlay.of(row.id, &row.number, row.owner_id);
    let members = reading.place.is_group.then(|| {
        let rows = beside.members.remove(&row.id).unwrap_or_default();
        rows.into_iter().map(|member| beside.overlay.member(member)).collect()
    });
    Ok(Content {
        id: row.id,
        slot: row.slot,
        ascii_label: folding::ascii_label(&row.label, &row.number),
        label: row.label,
        parameters: visible(reading, row.parameters.0)?,
        secrets,
        digests,
        permissions: beside.permissions.remove(&row.id).unwrap_or_default(),
        fallback_number: row.fallback_number.or_else(|| beside.fallbacks.get(&row.fallback_extension_id?).cloned()),
        number: row.number,
        restrictions,
        effects,
        members,
        owner_username: owner,
        visibility: row.visibility,
        version: entry.version(),
        updated_at: row.updated_at,
    })
}

/// The parameters that the reader may see. Telephone systems see all, so that their text is passed on unread.
fn visible(reading: &Reading<'_>, parameters: String) -> Result<String, Error> {
    let viewer = if reading.scope.is_key() { Viewer::Consumer } else { Viewer::Operator };
    if reading.schema.parameters().iter().all(|parameter| parameter.is_visible_to(viewer)) {
        return Ok(parameters);
    }
    let all: Parameters = serde_json::from_str(&parameters).map_err(InternalError::new)?;
    Ok(Value::Object(reading.schema.visible(&all, viewer)).to_string())
}

fn open(sealer: &Sealer, id: ExtensionId, sealed: &[u8]) -> Result<Parameters, Error> {
    match sealer.open(&SealContext::of("extensions", &id.0, "secrets"), sealed) {
        // The parser's own words would show the place in a secret.
        Ok(plain) => {
            Ok(serde_json::from_slice(&plain).map_err(|_| InternalError::new("sealed secrets are no JSON object"))?)
        }
        Err(SealingError::Damaged) => {
            tracing::error!(extension.id = %id.global(), "the secrets of an extension are damaged; its feed shows none");
            Ok(Parameters::new())
        }
        Err(error) => Err(InternalError::from(error).into()),
    }
}

fn digests(
    reading: &Reading<'_>,
    row: &ExtensionRow,
    owner: &str,
    secrets: &Parameters,
) -> std::collections::BTreeMap<String, service_types::schema::DigestSet> {
    let context =
        DigestContext { number: &row.number, username: owner, slot: row.slot, settings: &reading.place.settings };
    reading.schema.digests(secrets, &context).unwrap_or_else(|error| {
        tracing::error!(extension.id = %row.id.global(), error = %error, "the digests of an extension cannot be derived; its feed shows none");
        Default::default()
    })
}

fn grouped(pairs: Vec<(ExtensionId, String)>) -> HashMap<ExtensionId, Vec<String>> {
    let mut groups: HashMap<ExtensionId, Vec<String>> = HashMap::new();
    for (id, value) in pairs {
        groups.entry(id).or_default().push(value);
    }
    groups
}

async fn fallbacks(
    conn: &mut Conn,
    rows: &HashMap<ExtensionId, (ExtensionRow, String)>,
) -> Result<HashMap<ExtensionId, String>, Error> {
    let targets: BTreeSet<ExtensionId> = rows.values().filter_map(|(row, _)| row.fallback_extension_id).collect();
    let targets: Vec<ExtensionId> = targets.into_iter().collect();
    Ok(queries::numbers_of(conn, &targets).await?.into_iter().collect())
}

/// The restrictions of everything that a page shows.
struct Overlay {
    extensions: HashMap<Id, Vec<Restriction>>,
    accounts: HashMap<Id, Vec<Restriction>>,
    numbers: HashMap<String, Vec<Restriction>>,
}

impl Overlay {
    async fn load(
        conn: &mut Conn,
        event: EventId,
        rows: &HashMap<ExtensionId, (ExtensionRow, String)>,
        members: &[MemberRow],
    ) -> Result<Self, Error> {
        if let Some(all) = restrictions::all_if_few(conn, CHUNK).await? {
            return Self::of_all(conn, event, all).await;
        }
        let shown = rows.values().map(|(row, _)| (row.id, row.owner_id, row.number.as_str()));
        let shown: Vec<(ExtensionId, AccountId, &str)> = shown
            .chain(members.iter().map(|member| (member.extension, member.owner, member.number.as_str())))
            .collect();
        let extensions: BTreeSet<Id> = shown.iter().map(|(id, _, _)| Id(id.0)).collect();
        let accounts: BTreeSet<Id> = shown.iter().map(|(_, id, _)| Id(id.0)).collect();
        let numbers: BTreeSet<&str> = shown.iter().map(|(_, _, number)| *number).collect();
        let numbers: Vec<&str> = numbers.into_iter().collect();
        let numbers = queries::number_rows(conn, event, &numbers).await?;
        let ids = numbers.iter().map(|(id, _)| Id(id.0)).collect();
        let mut all = targets(conn, TargetKind::Number, ids).await?;
        all.extend(targets(conn, TargetKind::Extension, extensions.into_iter().collect()).await?);
        all.extend(targets(conn, TargetKind::Account, accounts.into_iter().collect()).await?);
        Ok(Self::gather(all, &numbers))
    }

    /// From every restriction of the installation.
    async fn of_all(conn: &mut Conn, event: EventId, all: Vec<Restriction>) -> Result<Self, Error> {
        let numbers = all.iter().filter(|restriction| restriction.target_kind == TargetKind::Number);
        let numbers: Vec<NumberId> = numbers.map(|restriction| NumberId(restriction.target_id.0)).collect();
        let numbers =
            if numbers.is_empty() { Vec::new() } else { queries::numbers_by_id(conn, event, &numbers).await? };
        Ok(Self::gather(all, &numbers))
    }

    fn gather(all: Vec<Restriction>, numbers: &[(NumberId, String)]) -> Self {
        let numbers: HashMap<Id, &String> = numbers.iter().map(|(id, number)| (Id(id.0), number)).collect();
        let mut overlay = Self { extensions: HashMap::new(), accounts: HashMap::new(), numbers: HashMap::new() };
        for restriction in all {
            let place = match restriction.target_kind {
                TargetKind::Extension => overlay.extensions.entry(restriction.target_id).or_default(),
                TargetKind::Account => overlay.accounts.entry(restriction.target_id).or_default(),
                TargetKind::Number => match numbers.get(&restriction.target_id) {
                    Some(number) => overlay.numbers.entry((*number).clone()).or_default(),
                    None => continue,
                },
            };
            place.push(restriction);
        }
        overlay
    }

    /// Who restricts the extension, and what is stopped: its own restrictions, its number's and its owner's.
    fn of(
        &self,
        extension: ExtensionId,
        number: &str,
        owner: AccountId,
    ) -> (Vec<RestrictionSource>, Vec<RestrictionEffect>) {
        let own = self.extensions.get(&Id(extension.0));
        let all = [own, self.numbers.get(number), self.accounts.get(&Id(owner.0))];
        let (mut sources, mut effects) = (BTreeSet::new(), BTreeSet::new());
        for restriction in all.into_iter().flatten().flatten() {
            sources.insert(restriction.source);
            effects.extend(restriction.effects());
        }
        (sources.into_iter().collect(), effects.into_iter().collect())
    }

    fn member(&self, row: MemberRow) -> Member {
        let (_, effects) = self.of(row.extension, &row.number, row.owner);
        let active = !effects.contains(&RestrictionEffect::NoCalls);
        Member { number: row.number, delay_seconds: row.delay_seconds, paused: row.paused, active }
    }
}

async fn targets(conn: &mut Conn, kind: TargetKind, ids: Vec<Id>) -> Result<Vec<Restriction>, Error> {
    let mut found = Vec::new();
    for ids in ids.chunks(CHUNK) {
        found.extend(restrictions::of_targets(conn, kind, ids).await?);
    }
    Ok(found)
}
