//! How often, and for how much, each kind of caller may ask.

use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use super::browsers::Browser;
use super::gateway::Known;
use crate::access::Actor;
use crate::access::rates::{Buckets, Rate, RateAddress, RetryAfter};
use crate::clock::Clock;
use crate::graphql::limits::{Charge, Tier};
use crate::ids::{AccountId, ApiKeyId};

/// Requests a minute of a guest: of an address, and of a browser with a cookie of ours.
const OF_GUESTS: u32 = 600;
/// Requests a minute of somebody signed in.
const OF_PEOPLE: u32 = 300;
/// Requests a minute of a key.
const OF_KEYS: u32 = 600;
/// For how many browsers' requests a minute one address is good.
const BROWSERS: u32 = 20;
/// How many requests of the greatest cost that one may have fit into a minute.
const DEAREST: u32 = 40;
/// How many rows of feeds somebody may read in a minute: a feed of a million extensions, whole.
const ROWS: u32 = 1_000_000;
/// How many callers are remembered in each set of buckets.
const REMEMBERED: usize = 100_000;

/// Where requests are counted; each instance counts for itself.
pub struct Rates {
    /// Guests without a cookie of ours.
    addresses: Allowances<Option<RateAddress>>,
    /// Guests with one: many people are behind one address.
    browsers: Allowances<Browser>,
    /// All browsers of an address together: whoever gathers cookies gets no more than this.
    networks: Allowances<Option<RateAddress>>,
    people: Allowances<AccountId>,
    keys: Allowances<ApiKeyId>,
    /// Rows of feeds, by account or key.
    rows: Buckets<Uuid>,
}

impl Rates {
    /// Buckets that begin full.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            addresses: Allowances::new(OF_GUESTS, Tier::Guest, 1, clock),
            browsers: Allowances::new(OF_GUESTS, Tier::Guest, 1, clock),
            networks: Allowances::new(OF_GUESTS, Tier::Guest, BROWSERS, clock),
            people: Allowances::new(OF_PEOPLE, Tier::User, 1, clock),
            keys: Allowances::new(OF_KEYS, Tier::Key, 1, clock),
            rows: buckets(ROWS, clock),
        }
    }

    /// Takes one request and its charge.
    ///
    /// # Errors
    /// When one of the buckets does not hold so much.
    pub fn take(&self, known: &Known, charge: Charge) -> Result<(), RetryAfter> {
        let caller = &known.caller;
        if !caller.is_rated {
            return Ok(());
        }
        match (&caller.actor, known.browser) {
            (Actor::Guest, None) => self.addresses.take(caller.address, charge.cost)?,
            (Actor::Guest, Some(browser)) => {
                self.browsers.take(browser, charge.cost)?;
                self.networks.take(caller.address, charge.cost)?;
            }
            (Actor::Person(person), _) => self.people.take(person.id, charge.cost)?,
            (Actor::Key(key), _) => self.keys.take(key.id, charge.cost)?,
            (Actor::System(_), _) => {}
        }
        self.take_rows(known, charge.feed_rows)
    }

    /// Takes rows of a feed.
    ///
    /// # Errors
    /// When the bucket does not hold so many.
    pub fn take_rows(&self, known: &Known, rows: u64) -> Result<(), RetryAfter> {
        let reader = match &known.caller.actor {
            Actor::Person(person) => person.id.0,
            Actor::Key(key) => key.id.0,
            Actor::Guest | Actor::System(_) => return Ok(()),
        };
        if rows == 0 || !known.caller.is_rated {
            return Ok(());
        }
        self.rows.take(reader, u32::try_from(rows).unwrap_or(u32::MAX))
    }
}

/// The two buckets of each caller of a kind.
struct Allowances<K> {
    requests: Buckets<K>,
    cost: Buckets<K>,
}

impl<K: Eq + Hash + Copy> Allowances<K> {
    fn new(requests: u32, tier: Tier, callers: u32, clock: &Arc<dyn Clock>) -> Self {
        let dearest = u32::try_from(tier.cost()).unwrap_or(u32::MAX).saturating_mul(DEAREST);
        Self { requests: buckets(requests * callers, clock), cost: buckets(dearest.saturating_mul(callers), clock) }
    }

    fn take(&self, caller: K, cost: u64) -> Result<(), RetryAfter> {
        self.requests.take(caller, 1)?;
        // What is no operation of GraphQL's has no cost.
        if cost == 0 {
            return Ok(());
        }
        self.cost.take(caller, u32::try_from(cost).unwrap_or(u32::MAX))
    }
}

fn buckets<K: Eq + Hash + Clone>(a_minute: u32, clock: &Arc<dyn Clock>) -> Buckets<K> {
    Buckets::new(Rate::per_minute(a_minute), REMEMBERED, Arc::clone(clock))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::access::Caller;
    use crate::clock::{ManualClock, Timestamp};

    const FREE: Charge = Charge { cost: 0, feed_rows: 0 };

    fn guest(browser: Option<u128>) -> Known {
        let caller = Caller {
            actor: Actor::Guest,
            request_id: None,
            idempotency: None,
            address: Some(RateAddress::from(IpAddr::V4(Ipv4Addr::LOCALHOST))),
            is_rated: true,
            user_agent: None,
        };
        Known { browser: browser.map(|id| Browser::known(id.to_be_bytes())), ..Known::made(Arc::new(caller)) }
    }

    #[test]
    fn cookies_do_not_add_up_without_end() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        let rates = Rates::new(&(Arc::clone(&clock) as Arc<dyn Clock>));
        let granted = (0..u128::from(2 * BROWSERS))
            .map(|browser| (0..=OF_GUESTS).take_while(|_| rates.take(&guest(Some(browser)), FREE).is_ok()).count())
            .collect::<Vec<_>>();
        let (full, empty) = granted.split_at(usize::try_from(BROWSERS).unwrap());
        assert!(full.iter().all(|requests| *requests == usize::try_from(OF_GUESTS).unwrap()), "{granted:?}");
        assert!(empty.iter().all(|requests| *requests == 0), "{granted:?}");
        // Whoever has no cookie is none of them.
        assert_eq!(rates.take(&guest(None), FREE), Ok(()));
    }

    #[test]
    fn dear_requests_are_fewer() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        let rates = Rates::new(&(Arc::clone(&clock) as Arc<dyn Clock>));
        let dearest = Charge { cost: Tier::Guest.cost(), feed_rows: 0 };
        for _ in 0..DEAREST {
            assert_eq!(rates.take(&guest(None), dearest), Ok(()));
        }
        assert_eq!(rates.take(&guest(None), dearest), Err(RetryAfter { seconds: 2 }));
        assert_eq!(rates.take(&guest(None), FREE), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(rates.take(&guest(None), dearest), Ok(()));
    }
}
