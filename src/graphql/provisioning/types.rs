//! The types of the feed in the GraphQL schema.

use std::sync::Arc;

use async_graphql::{ID, Json, Object, SimpleObject, Union};
use serde_json::Value;

use super::raw_json::{Changes, Entries};
use crate::graphql::enums::{DirectoryVisibility, ResetReason, RestrictionEffect, RestrictionSource};
use crate::graphql::paging::PageInfo;
use crate::graphql::scalars::{DateTime, FeedCursor, PhoneNumber};
use platform::error::InternalError;
use platform::feed_log::EntryKeys;
use provisioning::cursor::SnapshotCursor;
use provisioning::model::{Change, ChangesPage, ChangesResponse, EntryContent, MemberContent, SnapshotPage};

/// Keys by which a system finds the record to change or delete. Never a key that another extension of the feed holds
/// now: where only a part of a keyset does, the rest is listed, with the extension's current number, or
/// `000000000000000`, in place of a taken number.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedKeys {
    /// A number that the extension has had.
    pub number: PhoneNumber,
    /// The parameters that the schema annotates with `x-unique`, without secrets.
    pub parameters: Json<Value>,
}

/// A member of a call group.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedMember {
    /// The member's number.
    pub number: PhoneNumber,
    /// The delay before the member is called, in seconds: 0 to 600.
    pub delay_seconds: i32,
    /// Whether the member is paused and is not called.
    pub paused: bool,
    /// Whether calls are let through to the member.
    pub active: bool,
}

/// An extension as a telephone system needs it, with the secrets that the key's scopes cover.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedExtension {
    /// `Extension.id`.
    pub id: ID,
    /// A small stable integer, unique in its event, for systems that number their users.
    pub slot: i32,
    /// Its number.
    pub number: PhoneNumber,
    /// The name that telephones display.
    pub label: String,
    /// The label in printable ASCII, for systems that support nothing else.
    pub ascii_label: String,
    /// The parameters without secrets and without those that telephone systems report as status.
    pub parameters: Json<Value>,
    /// Secret parameters by name; `{}` without READ_SECRETS.
    pub secrets: Json<Value>,
    /// SIP digests by secret parameter; `{}` without READ_DIGESTS.
    pub digests: Json<Value>,
    /// Slugs of its call permissions.
    pub permissions: Vec<String>,
    /// The number that calls are forwarded to when the extension does not answer.
    pub fallback_number: Option<PhoneNumber>,
    /// Whether calls are let through: no restriction has the effect NO_CALLS.
    pub active: bool,
    /// The sources of the restrictions of the extension, of its number and of its owner.
    pub restrictions: Vec<RestrictionSource>,
    /// The effects of those restrictions.
    pub effects: Vec<RestrictionEffect>,
    /// The active members of a call group; null for every other extension.
    pub members: Option<Vec<FeedMember>>,
    /// The user name of its owner.
    pub owner_username: String,
    /// Its visibility in the directory.
    pub visibility: DirectoryVisibility,
    /// Opaque: differs after every change of anything shown here, including restrictions.
    pub version: String,
    /// When the extension itself was last changed.
    pub updated_at: DateTime,
}

/// An extension that was created or changed.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedUpsert {
    /// Its latest state.
    pub extension: FeedExtension,
    /// Every other key under which the consumer may hold it.
    pub previous: Vec<FeedKeys>,
}

/// An extension that was deleted.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedRemoval {
    /// `Extension.id`.
    pub id: ID,
    /// Its slot, which is not assigned again.
    pub slot: i32,
    /// Every key under which the consumer may hold it.
    pub keys: Vec<FeedKeys>,
}

/// The net change of one extension.
#[derive(Union, Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is an upsert")]
pub enum FeedChange {
    Upsert(FeedUpsert),
    Removal(FeedRemoval),
}

/// The feed cannot give changes from this cursor: take a snapshot, unless the reason is CLOSED.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedReset {
    /// The reason.
    pub reason: ResetReason,
}

/// A page of changes, or the reason why the feed cannot give one.
#[derive(Union)]
pub enum FeedEvent {
    Page(FeedPage),
    Reset(FeedReset),
}

/// Changes in the order of their transactions, each extension once, at its latest state. First delete every record
/// under any of the `keys` and `previous`, then write all upserts; an upsert replaces a record that has its keys.
pub struct FeedPage(Arc<ChangesPage>);

#[Object]
impl FeedPage {
    /// The changes of whole transactions: there may be more than requested.
    async fn changes(&self) -> Changes {
        Changes(Arc::clone(&self.0))
    }

    /// The cursor from which to read the next page.
    async fn cursor(&self) -> FeedCursor {
        self.0.cursor.encode().into()
    }

    /// Whether more changes are available now.
    async fn has_more(&self) -> bool {
        self.0.has_more
    }
}

/// A page of all extensions of the feed.
pub struct FeedSnapshot {
    page: Arc<SnapshotPage>,
    has_previous: bool,
}

impl FeedSnapshot {
    /// The page; `has_previous` is whether it was requested with a cursor.
    pub fn new(page: SnapshotPage, has_previous: bool) -> Self {
        Self { page: Arc::new(page), has_previous }
    }

    fn cursor_of(&self, content: Option<&EntryContent>) -> Option<String> {
        let head = self.page.head;
        let cursor = |content: &EntryContent| SnapshotCursor {
            feed: head.feed,
            epoch: head.epoch,
            head: head.position,
            tag: head.tag,
            last: content.entity.id.0,
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

    /// The position of the page.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.cursor_of(self.page.entries.first()),
            end_cursor: self.cursor_of(self.page.entries.last()),
        }
    }

    /// The first page's head: `changes` from it bring a copy of the pages up to date.
    async fn head(&self) -> FeedCursor {
        self.page.head.encode().into()
    }

    /// The number of extensions that the feed has now.
    async fn total_count(&self) -> i32 {
        i32::try_from(self.page.total).unwrap_or(i32::MAX)
    }
}

/// A feed rendered through a template.
#[derive(SimpleObject, Clone, Debug)]
pub struct RenderedDocument {
    /// The template's content type.
    pub content_type: String,
    /// The text of the document.
    pub body: String,
    /// The cursor of the instant that it shows.
    pub head: FeedCursor,
}

impl From<ChangesResponse> for FeedEvent {
    fn from(response: ChangesResponse) -> Self {
        match response {
            ChangesResponse::Page(page) => Self::Page(FeedPage(page)),
            ChangesResponse::Reset(reason) => Self::Reset(FeedReset { reason: reason.into() }),
        }
    }
}

impl From<&EntryKeys> for FeedKeys {
    fn from(keys: &EntryKeys) -> Self {
        Self { number: keys.number.clone().into(), parameters: Json(keys.parameters.clone()) }
    }
}

impl From<&MemberContent> for FeedMember {
    fn from(member: &MemberContent) -> Self {
        let MemberContent { number, delay_seconds, paused, active } = member.clone();
        Self { number: number.into(), delay_seconds, paused, active }
    }
}

impl TryFrom<&EntryContent> for FeedExtension {
    type Error = InternalError;

    /// The reference implementation: a test compares the output of [`super::raw_json`] with it.
    fn try_from(content: &EntryContent) -> Result<Self, InternalError> {
        Ok(Self {
            id: ID(content.entity.global()),
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
            Change::Removal { entity, slot, keys } => Self::Removal(FeedRemoval {
                id: ID(entity.global()),
                slot: *slot,
                keys: keys.iter().map(Into::into).collect(),
            }),
        })
    }
}
