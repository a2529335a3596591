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
    /// The role of a person. Each role includes the privileges of the ones before it.
    Role = "platform::access::Role" {
        /// Registers and manages own extensions.
        User,
        /// Manages all extensions: assigns, bars, bans.
        Operator,
        /// Configures the installation.
        Admin,
    }
    /// READ_CONFIG: feeds without secrets. READ_DIGESTS: with SIP digests. READ_SECRETS: with clear secrets. WRITE_BACK: parameters marked for the consumer. READ_DIRECTORY: all listed entries. MANAGE_GROUPS: join and leave groups for a caller, as a voice menu does. READ_METRICS: read `/metrics`. READ_DIGESTS and READ_SECRETS each include READ_CONFIG; what is out of scope is `{}`.
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
        /// Joins and leaves groups for a caller, as a voice menu does.
        ManageGroups,
        /// Reads `/metrics`, which names all events and telephone systems.
        ReadMetrics,
    }
    /// The source of a restriction. Each source adds and lifts only its own.
    RestrictionSource = "restrictions::RestrictionSource" {
        /// An operator banned the account.
        Ban,
        /// An operator barred the number.
        Bar,
        /// An emergency suspends inessential services.
        Lockdown,
        /// A bill is unpaid.
        Dunning,
        /// The fair-use limit was exceeded.
        FairUse,
        /// An admin restricted the target.
        Admin,
    }
    /// The delivery state of a web hook.
    WebHookState = "provisioning::web_hooks::WebHookState" {
        /// The last call succeeded.
        Working,
        /// Calls fail and are retried.
        Failing,
        /// Calls have failed for a day. An operator can replay them.
        Dead,
    }
    /// The effect of a restriction.
    RestrictionEffect = "restrictions::RestrictionEffect" {
        /// The account cannot sign in.
        NoSignIn,
        /// The account cannot change anything.
        NoWrite,
        /// No calls.
        NoCalls,
        /// No external calls.
        NoExternalCalls,
    }
    /// The state of a number in its life cycle.
    NumberState = "numbering::NumberState" {
        /// In the pool, without an owner.
        Available,
        /// Kept for the last owner for a short time.
        Held,
        /// It has an owner and is not in use.
        Reserved,
        /// In use: routed.
        InService,
        /// Unavailable until the telephone systems have removed the last owner.
        Aging,
        /// Parked by policy instead of available.
        Released,
        /// A carrier offers it.
        Discovery,
        /// Being ported from another carrier.
        PortIn,
        /// Being ported to another carrier.
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
    /// The state of a group membership.
    MembershipState = "extensions::groups::MembershipState" {
        /// Invited: the member's owner has not accepted yet, and the extension is in no feed as a member.
        Pending,
        /// Accepted: the group rings the member.
        Active,
    }
    /// The state of an extension in a telephone system.
    ProvisioningState = "provisioning::model::ProvisioningState" {
        /// The latest change is not acknowledged.
        Pending,
        /// The system has applied the latest change.
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
    /// DRAFT: admins see it. STAFF: operators register. OPEN: users register. FROZEN: users still change labels, visibility and secrets; registering, renumbering and deleting are for operators. ARCHIVED: read only, its feeds are closed.
    EventPhase = "events::EventPhase" {
        /// Admins see it.
        Draft,
        /// Operators register.
        Staff,
        /// Users register.
        Open,
        /// Users still change labels, visibility and secrets.
        Frozen,
        /// Read only; its feeds are closed.
        Archived,
    }
    /// The behaviour of the extensions of a service type.
    ServiceBehaviour = "service_types::ServiceBehaviour" {
        /// A device.
        Endpoint,
        /// A group that rings its members.
        CallGroup,
    }
    /// The output format of a template, which determines how values are escaped.
    TemplateFormat = "templates::TemplateFormat" {
        /// Plain lines.
        Text,
        /// JSON (RFC 8259).
        Json,
        /// XML 1.0.
        Xml,
        /// Sections with `key = value`, as Asterisk reads them.
        Ini,
        /// SQL statements, which PostgreSQL, SQLite, MySQL and MariaDB read alike. A value is a literal, or an
        /// expression of literals if it has a backslash.
        Sql,
        /// Comma-separated values (RFC 4180).
        Csv,
        /// LDIF (RFC 2849).
        Ldif,
        /// vCard 4.0 (RFC 6350).
        Vcard,
    }
}
