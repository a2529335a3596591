//! The enums of the API. Each mirrors an enum of a domain, so that the domains do not depend on GraphQL.

use async_graphql::Enum;

macro_rules! mirrored {
    ($($(#[$meta:meta])* $name:ident = $remote:literal { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? })+) => {
        $(
            $(#[$meta])*
            #[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug)]
            #[graphql(remote = $remote)]
            pub enum $name { $($(#[$variant_meta])* $variant),+ }
        )+
    };
}

mirrored! {
    /// What a person may do; each role may do all that the one before may.
    Role = "platform::access::Role" {
        /// Registers and looks after extensions of their own.
        User,
        /// Helps everyone else: assigns, bars, bans.
        Operator,
        /// Configures the installation.
        Admin,
    }
    /// READ_CONFIG: feeds without secrets. READ_DIGESTS: with SIP digests. READ_SECRETS: with clear secrets. WRITE_BACK: parameters marked for the consumer. READ_DIRECTORY: all listed entries. MANAGE_GROUPS: join and leave groups for a caller, as a voice menu does. READ_DIGESTS and READ_SECRETS each include READ_CONFIG; what is out of scope is `{}`.
    ApiKeyScope = "platform::access::ApiKeyScope" {
        /// Feeds without secrets.
        ReadConfig,
        /// Feeds with SIP digests.
        ReadDigests,
        /// Feeds with clear secrets.
        ReadSecrets,
        /// Parameters marked for the consumer may be written back.
        WriteBack,
        /// All listed entries of the directory.
        ReadDirectory,
        /// Groups are joined for a caller, as a voice menu does.
        ManageGroups,
    }
    /// Who restricts: each source adds and lifts only its own.
    RestrictionSource = "restrictions::RestrictionSource" {
        /// An operator banned the account.
        Ban,
        /// An operator barred the number.
        Bar,
        /// An emergency stops what is not needed.
        Lockdown,
        /// A bill is unpaid.
        Dunning,
        /// Use beyond what is fair.
        FairUse,
        /// An admin's own decision.
        Admin,
    }
    /// How a web hook fares.
    WebHookState = "provisioning::web_hooks::WebHookState" {
        /// What was called last was answered well.
        Working,
        /// It fails, and is tried again by itself.
        Failing,
        /// It has failed for a day: an operator replays it.
        Dead,
    }
    /// What a restriction stops.
    RestrictionEffect = "restrictions::RestrictionEffect" {
        /// The account cannot sign in.
        NoSignIn,
        /// The account cannot change anything.
        NoWrite,
        /// No calls.
        NoCalls,
        /// No calls to the outside.
        NoExternalCalls,
    }
    /// Where a number is in its life.
    NumberState = "numbers::state::NumberState" {
        /// In the pool, without an owner.
        Available,
        /// Kept for its last owner for a short time.
        Held,
        /// It has an owner and is not in use.
        Reserved,
        /// In use: routed.
        InService,
        /// Cooling off until the telephone systems have forgotten the old owner.
        Aging,
        /// Parked by policy instead of available.
        Released,
        /// A carrier offers it.
        Discovery,
        /// On its way from another carrier.
        PortIn,
        /// On its way to another carrier.
        PortOut,
    }
    /// PUBLIC: guests see it. MEMBERS: signed-in people. STAFF: operators. HIDDEN: owner and operators, in no directory.
    DirectoryVisibility = "extensions::visibility::Visibility" {
        /// Guests see it.
        Public,
        /// Signed-in people see it.
        Members,
        /// Operators see it.
        Staff,
        /// Owner and operators, in no directory.
        Hidden,
    }
    /// Whether a group rings a member yet.
    MembershipState = "extensions::groups::MembershipState" {
        /// Invited: the member's owner has not accepted yet, and the extension is in no feed as a member.
        Pending,
        /// The group rings it.
        Active,
    }
    /// What a telephone system has made of an extension.
    ProvisioningState = "provisioning::model::ProvisioningState" {
        /// Its latest state is not acknowledged yet.
        Pending,
        /// The system has it.
        Applied,
        /// The system has reported an error.
        Failed,
    }
    /// EXPIRED: older than the retention. EPOCH: the database was restored, or the cursor is another feed's. BULK: one transaction changed more than a page holds. CLOSED: the event is archived; keep the copy and stop following.
    ResetReason = "provisioning::model::ResetReason" {
        /// The cursor is older than the retention.
        Expired,
        /// The database was restored, or the cursor is another feed's.
        Epoch,
        /// One transaction changed more than a page holds.
        Bulk,
        /// The event is archived: keep the copy and stop following.
        Closed,
    }
    /// DRAFT: admins see it. STAFF: operators register. OPEN: everyone registers. FROZEN: users still change labels, visibility and secrets; registering, renumbering and deleting are for operators. ARCHIVED: read only, its feeds are closed.
    EventPhase = "events::EventPhase" {
        /// Admins see it.
        Draft,
        /// Operators register.
        Staff,
        /// Everyone registers.
        Open,
        /// Users still change labels, visibility and secrets.
        Frozen,
        /// Read only; its feeds are closed.
        Archived,
    }
    /// What an extension of a service type does.
    ServiceBehaviour = "service_types::ServiceBehaviour" {
        /// It is a device.
        Endpoint,
        /// It rings its members.
        CallGroup,
    }
    /// What a template yields: it decides how values are escaped.
    TemplateFormat = "templates::TemplateFormat" {
        /// Plain lines.
        Text,
        /// JSON (RFC 8259).
        Json,
        /// XML 1.0.
        Xml,
        /// Sections with `key = value`, as Asterisk reads them.
        Ini,
        /// SQL statements.
        Sql,
        /// Comma-separated values (RFC 4180).
        Csv,
        /// LDIF (RFC 2849).
        Ldif,
        /// vCard 4.0 (RFC 6350).
        Vcard,
    }
}
