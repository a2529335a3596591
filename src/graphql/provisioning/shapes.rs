//! The types of the feed, as the schema declares them.

use std::sync::Arc;

use async_graphql::{ID, Json, Object, SimpleObject, Union};
use serde_json::Value;

use super::splice::{Changes, Entries};
use platform::error::InternalError;
use platform::feed_log::Keys;
use crate::graphql::enums::{DirectoryVisibility, ResetReason, RestrictionEffect, RestrictionSource};
use crate::graphql::paging::PageInfo;
use crate::graphql::scalars::{DateTime, FeedCursor, PhoneNumber};
use provisioning::cursor::SnapshotCursor;
use provisioning::model::{Change, ChangesPage, Content, FeedAnswer, Member, SnapshotPage};

/// Keys by which a system finds what to change or delete. Never one that another extension holds by now: where a keyset is
/// another's in part, the rest is told, with the extension's present number, or `000000000000000`, in place of a taken one.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedKeys {
    /// A number that the extension has borne.
    pub number: PhoneNumber,
    /// Those parameters that the schema marks `x-unique`, secrets apart.
    pub parameters: Json<Value>,
}

/// A member that a call group rings.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedMember {
    /// The member's number.
    pub number: PhoneNumber,
    /// Seconds before it rings, 0 to 600.
    pub delay_seconds: i32,
    /// Whether the member does not want to be rung now.
    pub paused: bool,
    /// Whether calls to the member are let through.
    pub active: bool,
}

/// An extension as a telephone system needs it, secrets as far as the key is scoped.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedExtension {
    /// `Extension.id`.
    pub id: ID,
    /// A small stable integer, unique in its event, for systems that number their users.
    pub slot: i32,
    /// Its number.
    pub number: PhoneNumber,
    /// What telephones show.
    pub label: String,
    /// The label in printable ASCII, for systems that show nothing else.
    pub ascii_label: String,
    /// The parameters without secrets and without what systems report about themselves.
    pub parameters: Json<Value>,
    /// Secret parameters by name; `{}` without READ_SECRETS.
    pub secrets: Json<Value>,
    /// SIP digests by secret parameter; `{}` without READ_DIGESTS.
    pub digests: Json<Value>,
    /// Slugs of its call permissions.
    pub permissions: Vec<String>,
    /// Where calls go when it does not answer.
    pub fallback_number: Option<PhoneNumber>,
    /// Whether calls are let through: no restriction has the effect NO_CALLS.
    pub active: bool,
    /// Who restricts it, its number or its owner.
    pub restrictions: Vec<RestrictionSource>,
    /// What those restrictions stop.
    pub effects: Vec<RestrictionEffect>,
    /// Whom a call group rings; null for what is no group.
    pub members: Option<Vec<FeedMember>>,
    /// Its owner.
    pub owner_username: String,
    /// Who finds it in the directory.
    pub visibility: DirectoryVisibility,
    /// Opaque: differs after every change of anything that shows here, a ban too.
    pub version: String,
    /// When its own row was changed last.
    pub updated_at: DateTime,
}

/// An extension is there, in this state.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedUpsert {
    /// Its state.
    pub extension: FeedExtension,
    /// Every other key under which the consumer may know it.
    pub previous: Vec<FeedKeys>,
}

/// An extension is gone.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedRemoval {
    /// `Extension.id`.
    pub id: ID,
    /// Its slot, which nobody gets again.
    pub slot: i32,
    /// Every key under which the consumer may know it.
    pub keys: Vec<FeedKeys>,
}

/// What has happened to one extension.
#[derive(Union, Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is an upsert")]
pub enum FeedChange {
    Upsert(FeedUpsert),
    Removal(FeedRemoval),
}

/// Changes cannot be told from this cursor: take a snapshot, unless CLOSED.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedReset {
    /// Why.
    pub reason: ResetReason,
}

/// What has changed, or why that cannot be told.
#[derive(Union)]
pub enum FeedEvent {
    Page(FeedPage),
    Reset(FeedReset),
}

/// Changes in the order of their transactions, each extension once, at its latest state. First delete whatever stands under
/// all `keys` and `previous`, then write all upserts; an upsert takes its keys from whoever has them.
pub struct FeedPage(Arc<ChangesPage>);

#[Object]
impl FeedPage {
    /// The changes of whole transactions: there may be more than asked for.
    async fn changes(&self) -> Changes {
        Changes(Arc::clone(&self.0))
    }

    /// Where to go on.
    async fn cursor(&self) -> FeedCursor {
        self.0.cursor.encode().into()
    }

    /// Whether there is more already.
    async fn has_more(&self) -> bool {
        self.0.has_more
    }
}

/// A page of everything that is there.
pub struct FeedSnapshot {
    page: Arc<SnapshotPage>,
    has_previous: bool,
}

impl FeedSnapshot {
    /// The page; whether it was asked for by a cursor.
    pub fn new(page: SnapshotPage, has_previous: bool) -> Self {
        Self { page: Arc::new(page), has_previous }
    }

    fn cursor_of(&self, content: Option<&Content>) -> Option<String> {
        let head = self.page.head;
        let cursor = |content: &Content| SnapshotCursor {
            feed: head.feed,
            epoch: head.epoch,
            head: head.position,
            tag: head.tag,
            last: content.id.0,
        };
        content.map(|content| cursor(content).encode())
    }
}

#[Object]
impl FeedSnapshot {
    /// The extensions, by id.
    async fn entries(&self) -> Entries {
        Entries(Arc::clone(&self.page))
    }

    /// Where the page stands.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.cursor_of(self.page.entries.first()),
            end_cursor: self.cursor_of(self.page.entries.last()),
        }
    }

    /// The first page's head: from it `changes` brings any copy of the pages into step.
    async fn head(&self) -> FeedCursor {
        self.page.head.encode().into()
    }

    /// How many extensions the feed has now.
    async fn total_count(&self) -> i32 {
        i32::try_from(self.page.total).unwrap_or(i32::MAX)
    }
}

/// What a template makes of a feed.
#[derive(SimpleObject, Clone, Debug)]
pub struct RenderedDocument {
    /// The template's content type.
    pub content_type: String,
    /// The text.
    pub body: String,
    /// The instant that it shows.
    pub head: FeedCursor,
}

impl From<FeedAnswer> for FeedEvent {
    fn from(answer: FeedAnswer) -> Self {
        match answer {
            FeedAnswer::Page(page) => Self::Page(FeedPage(page)),
            FeedAnswer::Reset(reason) => Self::Reset(FeedReset { reason: reason.into() }),
        }
    }
}

impl From<&Keys> for FeedKeys {
    fn from(keys: &Keys) -> Self {
        Self { number: keys.number.clone().into(), parameters: Json(keys.parameters.clone()) }
    }
}

impl From<&Member> for FeedMember {
    fn from(member: &Member) -> Self {
        let Member { number, delay_seconds, paused, active } = member.clone();
        Self { number: number.into(), delay_seconds, paused, active }
    }
}

impl TryFrom<&Content> for FeedExtension {
    type Error = InternalError;

    /// The ordinary way to the same answer: what [`super::splice`] writes is compared with it.
    fn try_from(content: &Content) -> Result<Self, InternalError> {
        Ok(Self {
            id: ID(content.id.global()),
            slot: content.slot,
            number: content.number.clone().into(),
            label: content.label.clone(),
            ascii_label: content.ascii_label.clone(),
            parameters: Json(serde_json::from_str(&content.parameters).map_err(InternalError::new)?),
            secrets: Json(Value::Object(content.secrets.clone())),
            digests: Json(serde_json::to_value(&content.digests).map_err(InternalError::new)?),
            permissions: content.permissions.clone(),
            fallback_number: content.fallback_number.clone().map(Into::into),
            active: content.active(),
            restrictions: content.restrictions.iter().map(|source| (*source).into()).collect(),
            effects: content.effects.iter().map(|effect| (*effect).into()).collect(),
            members: content.members.as_ref().map(|members| members.iter().map(Into::into).collect()),
            owner_username: content.owner_username.clone(),
            visibility: content.visibility.into(),
            version: content.version.clone(),
            updated_at: content.updated_at.into(),
        })
    }
}

impl TryFrom<&Change> for FeedChange {
    type Error = InternalError;

    fn try_from(change: &Change) -> Result<Self, InternalError> {
        Ok(match change {
            Change::Upsert { content, previous } => Self::Upsert(FeedUpsert {
                extension: content.as_ref().try_into()?,
                previous: previous.iter().map(Into::into).collect(),
            }),
            Change::Removal { id, slot, keys } => Self::Removal(FeedRemoval {
                id: ID(id.global()),
                slot: *slot,
                keys: keys.iter().map(Into::into).collect(),
            }),
        })
    }
}
