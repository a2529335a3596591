//! Loads the content of a page's extensions in a constant number of statements.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use serde_json::Value;

use platform::error::{Error, InternalError};
use platform::feed_log::Entry;
use platform::ids::{AccountId, EventId, ExtensionId, NumberId};
use platform::secrets::{SealContext, Sealer, SealingError};
use platform::store::Conn;
use platform::store::types::Id;
use platform::text::folding;
use restrictions::{Restriction, RestrictionEffect, RestrictionSource, TargetKind};
use service_types::schema::{DigestContext, DigestSet, Parameters, Viewer};

use super::queries::{self, MemberRow, OwnedExtension};
use crate::model::{EntryContent, MemberContent};
use crate::queries::CHUNK;
use crate::source::ContentReader;

/// Rows of other tables that the content of a page shows.
struct RelatedRows {
    permissions: HashMap<ExtensionId, Vec<String>>,
    fallback_numbers: HashMap<ExtensionId, String>,
    restrictions: RestrictionIndex,
    members: HashMap<ExtensionId, Vec<MemberRow>>,
}

/// Loads extensions for a reader.
pub(super) struct ExtensionReader<'a>(pub &'a ContentReader<'a>);

impl<'a> Deref for ExtensionReader<'a> {
    type Target = ContentReader<'a>;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl ExtensionReader<'_> {
    /// The content of the entries whose extensions exist, in the order of the entries.
    ///
    /// # Errors
    /// A database error, or a sealing key that is missing.
    pub(super) async fn load(&self, conn: &mut Conn, entries: &[&Entry]) -> Result<Vec<EntryContent>, Error> {
        let ids: Vec<ExtensionId> = entries.iter().map(|entry| ExtensionId(entry.entity_id.0)).collect();
        let mut extensions: HashMap<ExtensionId, OwnedExtension> =
            queries::extensions_of(conn, &ids).await?.into_iter().map(|owned| (owned.row.id, owned)).collect();
        let members = if self.context.is_group { queries::members_of(conn, &ids).await? } else { Vec::new() };
        let mut related = RelatedRows {
            permissions: group_by_extension(queries::permissions_of(conn, &ids).await?),
            fallback_numbers: fallback_numbers(conn, &extensions).await?,
            restrictions: RestrictionIndex::load(conn, self.context.event, &extensions, &members).await?,
            members: HashMap::new(),
        };
        for member in members {
            related.members.entry(member.group).or_default().push(member);
        }
        let mut contents = Vec::with_capacity(ids.len());
        for entry in entries {
            if let Some(extension) = extensions.remove(&ExtensionId(entry.entity_id.0)) {
                contents.push(self.content(entry, extension, &mut related)?);
            }
        }
        Ok(contents)
    }

    fn content(
        &self,
        entry: &Entry,
        extension: OwnedExtension,
        related: &mut RelatedRows,
    ) -> Result<EntryContent, Error> {
        let (secrets, digests) = self.secrets_and_digests(&extension)?;
        let OwnedExtension { row, owner_username } = extension;
        let (restrictions, effects) = related.restrictions.of_extension(row.id, &row.number, row.owner_id);
        let members = self.context.is_group.then(|| {
            let rows = related.members.remove(&row.id).unwrap_or_default();
            rows.into_iter().map(|member| related.restrictions.member_content(member)).collect()
        });
        let fallback_target = row.fallback_extension_id.and_then(|id| related.fallback_numbers.get(&id).cloned());
        Ok(EntryContent {
            entity: entry.entity(),
            slot: row.slot,
            ascii_label: folding::ascii_label(&row.label, &row.number),
            label: row.label,
            parameters: self.visible_parameters(row.parameters.0)?,
            secrets,
            digests,
            permissions: related.permissions.remove(&row.id).unwrap_or_default(),
            fallback_number: row.fallback_number.or(fallback_target),
            number: row.number,
            restrictions,
            effects,
            members,
            owner_username,
            visibility: row.visibility,
            version: entry.version(),
            updated_at: row.updated_at,
        })
    }

    /// The parameters that the reader may see. An API key usually sees all: their stored text is then returned
    /// unparsed.
    fn visible_parameters(&self, parameters: String) -> Result<String, Error> {
        let viewer = if self.scope.is_key() { Viewer::Consumer } else { Viewer::Operator };
        let schema = &self.context.schema;
        if schema.parameters().iter().all(|parameter| parameter.is_visible_to(viewer)) {
            return Ok(parameters);
        }
        let all: Parameters = serde_json::from_str(&parameters).map_err(InternalError::new)?;
        Ok(Value::Object(schema.visible(&all, viewer)).to_string())
    }

    /// The secrets and the digests that the scope covers. Secrets are opened only when it covers either.
    fn secrets_and_digests(
        &self,
        extension: &OwnedExtension,
    ) -> Result<(Parameters, BTreeMap<String, DigestSet>), Error> {
        let Some(sealed) = &extension.row.secrets else { return Ok(Default::default()) };
        if !self.scope.secrets() && !self.scope.digests() {
            return Ok(Default::default());
        }
        let secrets = open_secrets(self.sealer, extension.row.id, sealed)?;
        let digests = if self.scope.digests() { self.digests(extension, &secrets) } else { Default::default() };
        Ok((if self.scope.secrets() { secrets } else { Parameters::new() }, digests))
    }

    fn digests(&self, extension: &OwnedExtension, secrets: &Parameters) -> BTreeMap<String, DigestSet> {
        let OwnedExtension { row, owner_username } = extension;
        let settings = &self.context.settings;
        let context = DigestContext { number: &row.number, username: owner_username, slot: row.slot, settings };
        self.context.schema.digests(secrets, &context).unwrap_or_else(|error| {
            tracing::error!(
                extension.id = %row.id.global(), error = %error,
                "the digests of an extension cannot be derived; its feed shows none"
            );
            Default::default()
        })
    }
}

fn open_secrets(sealer: &Sealer, id: ExtensionId, sealed: &[u8]) -> Result<Parameters, Error> {
    match sealer.open(&SealContext::of("extensions", &id.0, "secrets"), sealed) {
        // The error of the parser is dropped: it could quote a part of a secret.
        Ok(plain) => {
            Ok(serde_json::from_slice(&plain).map_err(|_| InternalError::new("sealed secrets are no JSON object"))?)
        }
        Err(SealingError::Damaged) => {
            tracing::error!(
                extension.id = %id.global(),
                "the secrets of an extension are damaged; its feed shows none"
            );
            Ok(Parameters::new())
        }
        Err(error) => Err(InternalError::from(error).into()),
    }
}

fn group_by_extension(pairs: Vec<(ExtensionId, String)>) -> HashMap<ExtensionId, Vec<String>> {
    let mut groups: HashMap<ExtensionId, Vec<String>> = HashMap::new();
    for (id, value) in pairs {
        groups.entry(id).or_default().push(value);
    }
    groups
}

async fn fallback_numbers(
    conn: &mut Conn,
    extensions: &HashMap<ExtensionId, OwnedExtension>,
) -> Result<HashMap<ExtensionId, String>, Error> {
    let targets: BTreeSet<ExtensionId> =
        extensions.values().filter_map(|owned| owned.row.fallback_extension_id).collect();
    let targets: Vec<ExtensionId> = targets.into_iter().collect();
    Ok(queries::numbers_of(conn, &targets).await?.into_iter().collect())
}

/// The restrictions that apply to a page, by target.
#[derive(Default)]
struct RestrictionIndex {
    extensions: HashMap<Id, Vec<Restriction>>,
    accounts: HashMap<Id, Vec<Restriction>>,
    numbers: HashMap<String, Vec<Restriction>>,
}

impl RestrictionIndex {
    async fn load(
        conn: &mut Conn,
        event: EventId,
        extensions: &HashMap<ExtensionId, OwnedExtension>,
        members: &[MemberRow],
    ) -> Result<Self, Error> {
        if let Some(all) = restrictions::all_if_few(conn, CHUNK).await? {
            return Self::of_all(conn, event, all).await;
        }
        let (mut ids, mut owners, mut numbers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for OwnedExtension { row, .. } in extensions.values() {
            ids.insert(Id(row.id.0));
            owners.insert(Id(row.owner_id.0));
            numbers.insert(row.number.as_str());
        }
        for member in members {
            ids.insert(Id(member.extension.0));
            owners.insert(Id(member.owner.0));
            numbers.insert(member.number.as_str());
        }
        let numbers: Vec<&str> = numbers.into_iter().collect();
        let numbers = queries::number_rows(conn, event, &numbers).await?;
        let number_ids = numbers.iter().map(|(id, _)| Id(id.0)).collect();
        let mut found = restrictions_of(conn, TargetKind::Number, number_ids).await?;
        found.extend(restrictions_of(conn, TargetKind::Extension, ids.into_iter().collect()).await?);
        found.extend(restrictions_of(conn, TargetKind::Account, owners.into_iter().collect()).await?);
        Ok(Self::new(found, &numbers))
    }

    /// The index over every restriction of the installation.
    async fn of_all(conn: &mut Conn, event: EventId, all: Vec<Restriction>) -> Result<Self, Error> {
        let numbers = all.iter().filter(|restriction| restriction.target_kind == TargetKind::Number);
        let numbers: Vec<NumberId> = numbers.map(|restriction| NumberId(restriction.target_id.0)).collect();
        let numbers =
            if numbers.is_empty() { Vec::new() } else { queries::numbers_by_id(conn, event, &numbers).await? };
        Ok(Self::new(all, &numbers))
    }

    /// Indexes restrictions. A restricted number that is not in `numbers` belongs to another event and is left out.
    fn new(restrictions: Vec<Restriction>, numbers: &[(NumberId, String)]) -> Self {
        let numbers: HashMap<Id, &String> = numbers.iter().map(|(id, number)| (Id(id.0), number)).collect();
        let mut index = Self::default();
        for restriction in restrictions {
            let of_target = match restriction.target_kind {
                TargetKind::Extension => index.extensions.entry(restriction.target_id).or_default(),
                TargetKind::Account => index.accounts.entry(restriction.target_id).or_default(),
                TargetKind::Number => match numbers.get(&restriction.target_id) {
                    Some(number) => index.numbers.entry((*number).clone()).or_default(),
                    None => continue,
                },
            };
            of_target.push(restriction);
        }
        index
    }

    /// The sources and the effects of the restrictions of an extension, of its number and of its owner.
    fn of_extension(
        &self,
        extension: ExtensionId,
        number: &str,
        owner: AccountId,
    ) -> (Vec<RestrictionSource>, Vec<RestrictionEffect>) {
        let of_extension = self.extensions.get(&Id(extension.0));
        let lists = [of_extension, self.numbers.get(number), self.accounts.get(&Id(owner.0))];
        let (mut sources, mut effects) = (BTreeSet::new(), BTreeSet::new());
        for restriction in lists.into_iter().flatten().flatten() {
            sources.insert(restriction.source);
            effects.extend(restriction.effects());
        }
        (sources.into_iter().collect(), effects.into_iter().collect())
    }

    fn member_content(&self, row: MemberRow) -> MemberContent {
        let (_, effects) = self.of_extension(row.extension, &row.number, row.owner);
        let active = !effects.contains(&RestrictionEffect::NoCalls);
        MemberContent { number: row.number, delay_seconds: row.delay_seconds, paused: row.paused, active }
    }
}

async fn restrictions_of(conn: &mut Conn, kind: TargetKind, ids: Vec<Id>) -> Result<Vec<Restriction>, Error> {
    let mut found = Vec::new();
    for ids in ids.chunks(CHUNK) {
        found.extend(restrictions::of_targets(conn, kind, ids).await?);
    }
    Ok(found)
}
