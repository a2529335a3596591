//! Rows of restrictions.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::clock::Timestamp;
use platform::ids::{AccountId, ExtensionId, NumberId, RestrictionId};
use platform::store::schema::restrictions;
use platform::store::types::Id;
use platform::text_enum;

text_enum! {
    /// Source of a restriction. Each source adds and lifts only its own restrictions.
    pub enum RestrictionSource {
        Ban = "BAN", Bar = "BAR", Lockdown = "LOCKDOWN", Dunning = "DUNNING", FairUse = "FAIR_USE", Admin = "ADMIN",
    }
}

text_enum! {
    /// Effect of a restriction.
    pub enum RestrictionEffect {
        NoSignIn = "NO_SIGN_IN", NoWrite = "NO_WRITE", NoCalls = "NO_CALLS", NoExternalCalls = "NO_EXTERNAL_CALLS",
    }
}

text_enum! {
    /// Kind of the restricted target.
    pub enum TargetKind { Account = "ACCOUNT", Number = "NUMBER", Extension = "EXTENSION" }
}

impl RestrictionSource {
    /// The effects of a restriction from this source.
    pub const fn effects(self) -> &'static [RestrictionEffect] {
        use RestrictionEffect::{NoCalls, NoExternalCalls, NoSignIn, NoWrite};
        match self {
            Self::Ban => &[NoSignIn, NoWrite, NoCalls],
            Self::Bar | Self::Lockdown | Self::Admin => &[NoCalls],
            Self::Dunning | Self::FairUse => &[NoExternalCalls],
        }
    }
}

/// Target of a restriction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    pub kind: TargetKind,
    /// Id of the row.
    pub id: Id,
}

impl From<AccountId> for Target {
    fn from(id: AccountId) -> Self {
        Self { kind: TargetKind::Account, id: Id(id.0) }
    }
}

impl From<NumberId> for Target {
    fn from(id: NumberId) -> Self {
        Self { kind: TargetKind::Number, id: Id(id.0) }
    }
}

impl From<ExtensionId> for Target {
    fn from(id: ExtensionId) -> Self {
        Self { kind: TargetKind::Extension, id: Id(id.0) }
    }
}

/// A restriction in effect.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = restrictions)]
pub struct Restriction {
    pub id: RestrictionId,
    pub target_kind: TargetKind,
    pub target_id: Id,
    pub source: RestrictionSource,
    effects: String,
    pub reason: String,
    pub created_at: Timestamp,
    pub created_by: Option<AccountId>,
}

impl Restriction {
    /// The effects of the restriction.
    pub fn effects(&self) -> Vec<RestrictionEffect> {
        self.effects.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether the restriction has this effect.
    pub fn has(&self, effect: RestrictionEffect) -> bool {
        self.effects.split(' ').any(|name| name == effect.as_str())
    }

    /// The restricted target.
    pub const fn target(&self) -> Target {
        Target { kind: self.target_kind, id: self.target_id }
    }
}

/// Row of a new restriction.
#[derive(Insertable)]
#[diesel(table_name = restrictions)]
pub struct NewRestriction {
    pub id: RestrictionId,
    pub target_kind: TargetKind,
    pub target_id: Id,
    pub source: RestrictionSource,
    pub effects: String,
    pub reason: String,
    pub created_at: Timestamp,
    pub created_by: Option<AccountId>,
}

impl NewRestriction {
    /// Creates a restriction of `target` with the effects of `source`.
    pub fn new(
        id: RestrictionId,
        target: Target,
        source: RestrictionSource,
        reason: &str,
        now: Timestamp,
        by: Option<AccountId>,
    ) -> Self {
        let effects: Vec<_> = source.effects().iter().map(|effect| effect.as_str()).collect();
        Self {
            id,
            target_kind: target.kind,
            target_id: target.id,
            source,
            effects: effects.join(" "),
            reason: reason.to_owned(),
            created_at: now,
            created_by: by,
        }
    }
}
