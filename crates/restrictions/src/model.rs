//! The rows of restrictions.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::ids::{AccountId, ExtensionId, NumberId, RestrictionId};
use platform::store::schema::restrictions;
use platform::store::types::Id;
use platform::text_enum;

text_enum! {
    /// Who restricts: each source adds and lifts only its own.
    pub enum RestrictionSource {
        Ban = "BAN", Bar = "BAR", Lockdown = "LOCKDOWN", Dunning = "DUNNING", FairUse = "FAIR_USE", Admin = "ADMIN",
    }
}

text_enum! {
    /// What a restriction stops.
    pub enum RestrictionEffect {
        NoSignIn = "NO_SIGN_IN", NoWrite = "NO_WRITE", NoCalls = "NO_CALLS", NoExternalCalls = "NO_EXTERNAL_CALLS",
    }
}

text_enum! {
    /// What kind of thing is restricted.
    pub enum TargetKind { Account = "ACCOUNT", Number = "NUMBER", Extension = "EXTENSION" }
}

impl RestrictionSource {
    /// What a restriction from this source stops. BAN: no sign-in, no write, no calls. BAR: no calls.
    pub const fn effects(self) -> &'static [RestrictionEffect] {
        use RestrictionEffect as E;
        match self {
            Self::Ban => &[E::NoSignIn, E::NoWrite, E::NoCalls],
            Self::Bar | Self::Lockdown | Self::Admin => &[E::NoCalls],
            Self::Dunning | Self::FairUse => &[E::NoExternalCalls],
        }
    }
}

/// What is restricted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// Its kind.
    pub kind: TargetKind,
    /// Its row.
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

/// A restriction that is in force.
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
    /// What it stops.
    pub fn effects(&self) -> Vec<RestrictionEffect> {
        self.effects.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether it stops this.
    pub fn has(&self, effect: RestrictionEffect) -> bool {
        self.effects.split(' ').any(|name| name == effect.as_str())
    }

    /// What it restricts.
    pub const fn target(&self) -> Target {
        Target { kind: self.target_kind, id: self.target_id }
    }
}

/// A restriction to be put on something.
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
    /// A restriction of `target` by `source`, with the effects that the source has.
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
