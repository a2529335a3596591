//! The transports that a feed is read over, and the aspects of a guarantee that do not apply to one of them.

/// How a telephone system reads a feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Pages of GraphQL: `snapshot` and `changes`.
    Pages,
    /// Pages of a GraphQL snapshot, then the subscription as an event stream.
    Subscription,
    /// The full feed as newline-delimited JSON, then long polls.
    LongPoll,
    /// Signed deliveries to a web hook; a snapshot over HTTP after a reset.
    WebHook,
    /// `switchboard agent` as a process, with its SQL driver.
    Agent,
}

impl Transport {
    pub const ALL: [Self; 5] = [Self::Pages, Self::Subscription, Self::LongPoll, Self::WebHook, Self::Agent];

    /// The name in test names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Subscription => "subscription",
            Self::LongPoll => "long_poll",
            Self::WebHook => "web_hook",
            Self::Agent => "agent",
        }
    }

    /// Whether this aspect of a guarantee applies to the transport.
    pub fn supports(self, aspect: Aspect) -> bool {
        !EXCLUSIONS.iter().any(|exclusion| exclusion.aspect == aspect && exclusion.transports.contains(&self))
    }
}

/// An aspect of a guarantee that does not apply to every transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aspect {
    PageSize,
    CursorAheadOfDatabase,
    ForeignCursor,
    Notification,
}

/// An aspect that is not tested for some transports, with the reason.
pub struct Exclusion {
    pub aspect: Aspect,
    /// The number of the guarantee that the aspect belongs to.
    pub guarantee: usize,
    pub transports: &'static [Transport],
    pub description: &'static str,
    pub reason: &'static str,
}

/// Every exclusion; each guarantee runs for all other transports. The README has the same table.
pub const EXCLUSIONS: [Exclusion; 4] = [
    Exclusion {
        aspect: Aspect::CursorAheadOfDatabase,
        guarantee: 7,
        transports: &[Transport::WebHook],
        description: "a restored database rejects a cursor ahead of its head before the first new change",
        reason: "the server stores the position, so it is restored too; the receiver detects the gap by `since` of \
            the next delivery",
    },
    Exclusion {
        aspect: Aspect::ForeignCursor,
        guarantee: 7,
        transports: &[Transport::WebHook, Transport::Agent],
        description: "another feed's cursor, and a malformed cursor",
        reason: "no caller passes a cursor: the server and the agent store one per feed",
    },
    Exclusion {
        aspect: Aspect::PageSize,
        guarantee: 8,
        transports: &[Transport::Subscription, Transport::WebHook, Transport::Agent],
        description: "pages smaller than a transaction",
        reason: "the page size is fixed: 500 or 1,000 entries",
    },
    Exclusion {
        aspect: Aspect::Notification,
        guarantee: 10,
        transports: &[Transport::Pages],
        description: "the complete guarantee",
        reason: "a reader that polls receives no notification",
    },
];

/// The rows of the README's table.
pub fn readme_rows() -> Vec<String> {
    let row = |exclusion: &Exclusion| {
        let names: Vec<String> =
            exclusion.transports.iter().map(|transport| format!("`{}`", transport.name())).collect();
        let (number, description, reason) = (exclusion.guarantee, exclusion.description, exclusion.reason);
        format!("| {number} | {} | {description} | {reason} |", names.join(", "))
    };
    EXCLUSIONS.iter().map(row).collect()
}
