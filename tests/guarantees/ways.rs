//! The ways of reading a feed, and what one of them cannot show.

/// How a telephone system reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Pages of GraphQL: `snapshot` and `changes`.
    Pages,
    /// Pages of a GraphQL snapshot, then the subscription, as an event stream.
    Subscription,
    /// The whole feed as newline-delimited JSON, then one poll after the other.
    LongPoll,
    /// Called, signed; a snapshot over HTTP when it is told to begin.
    WebHook,
    /// `switchboard agent`, a process, with its driver for SQL.
    Agent,
}

impl Way {
    pub const ALL: [Self; 5] = [Self::Pages, Self::Subscription, Self::LongPoll, Self::WebHook, Self::Agent];

    /// As tests are named.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Subscription => "subscription",
            Self::LongPoll => "long_poll",
            Self::WebHook => "web_hook",
            Self::Agent => "agent",
        }
    }

    /// Whether this part of a guarantee can be shown this way.
    pub fn shows(self, part: Part) -> bool {
        !LEFT_OUT.iter().any(|left_out| left_out.part == part && left_out.ways.contains(&self))
    }
}

/// A part of a guarantee that not every way has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    PageSize,
    CursorAheadOfTheDatabase,
    CursorHandedOver,
    Notifier,
}

/// What some ways cannot show, and why.
pub struct LeftOut {
    pub part: Part,
    /// The guarantee that it belongs to.
    pub guarantee: usize,
    pub ways: &'static [Way],
    pub what: &'static str,
    pub why: &'static str,
}

/// All that is left out; every guarantee is run for every other way. The README has the same table.
pub const LEFT_OUT: [LeftOut; 4] = [
    LeftOut {
        part: Part::CursorAheadOfTheDatabase,
        guarantee: 7,
        ways: &[Way::WebHook],
        what: "a restored database finds out the cursor before anything new has happened in it",
        why: "the position is the server's own and was restored too: the system sees with the next call that `since` is not its own",
    },
    LeftOut {
        part: Part::CursorHandedOver,
        guarantee: 7,
        ways: &[Way::WebHook, Way::Agent],
        what: "another feed's cursor, and a text that is none",
        why: "nobody hands a cursor over: the server and the agent keep their own, one for each feed",
    },
    LeftOut {
        part: Part::PageSize,
        guarantee: 8,
        ways: &[Way::Subscription, Way::WebHook, Way::Agent],
        what: "pages that are smaller than a transaction",
        why: "the size is not the system's to choose: 500 or 1,000 entries",
    },
    LeftOut {
        part: Part::Notifier,
        guarantee: 10,
        ways: &[Way::Pages],
        what: "the whole guarantee",
        why: "who asks when it likes is not rung",
    },
];

/// The rows of the README's table.
pub fn readme_rows() -> Vec<String> {
    let row = |left_out: &LeftOut| {
        let ways: Vec<String> = left_out.ways.iter().map(|way| format!("`{}`", way.name())).collect();
        format!("| {} | {} | {} | {} |", left_out.guarantee, ways.join(", "), left_out.what, left_out.why)
    };
    LEFT_OUT.iter().map(row).collect()
}
