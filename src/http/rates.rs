//! How often, and for how much, each kind of caller may ask.

use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use super::browsers::Browser;
use super::gateway::Known;
use platform::access::Actor;
use platform::access::rates::{Buckets, RateAddress, RetryAfter};
use platform::clock::Clock;
use crate::graphql::limits::{Charge, Tier};
use platform::ids::{AccountId, ApiKeyId};

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

/// Where requests are counted; each instance counts for itself.
pub struct Rates {
    /// Guests without a cookie of ours.
    addresses: Allowances<Option<RateAddress>>,
    /// Guests with one: many people are behind one address.
    browsers: Allowances<Browser>,
    /// All browsers of an address together: whoever gathers cookies gets no more than this.
    networks: Allowances<Option<RateAddress>>,
    /// Cookies for new browsers of an address.
    greetings: Buckets<Option<RateAddress>>,
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
            greetings: Buckets::per_minute(OF_GUESTS, clock),
            people: Allowances::new(OF_PEOPLE, Tier::User, 1, clock),
            keys: Allowances::new(OF_KEYS, Tier::Key, 1, clock),
            rows: Buckets::per_minute(ROWS, clock),
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

    /// Takes a cookie for a new browser: not out of the bucket of its address, which others may have emptied.
    ///
    /// # Errors
    /// When the address has been given many in this minute.
    pub fn take_greeting(&self, guest: &Known) -> Result<(), RetryAfter> {
        self.greetings.take(guest.caller.address, 1)
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
        Self {
            requests: Buckets::per_minute(requests * callers, clock),
            cost: Buckets::per_minute(dearest.saturating_mul(callers), clock),
        }
    }

    fn take(&self, caller: K, cost: u64) -> Result<(), RetryAfter> {
        self.requests.take(caller, 1)?;
        // Only what runs as GraphQL has a cost.
        if cost == 0 {
            return Ok(());
        }
        self.cost.take(caller, u32::try_from(cost).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use platform::access::{Caller, Key, Person, Role};
    use platform::clock::{ManualClock, Timestamp};
    use platform::ids::SessionId;

    const FREE: Charge = Charge { cost: 0, feed_rows: 0 };

    fn asking(actor: Actor) -> Known {
        let address = Some(RateAddress::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let system = Arc::unwrap_or_clone(Caller::system("test"));
        Known::made(Arc::new(Caller { actor, address, is_rated: true, ..system }))
    }

    fn guest(browser: u32) -> Known {
        asking(Actor::Guest).in_browser(Browser::known(u128::from(browser).to_be_bytes()))
    }

    fn person(id: u128) -> Known {
        asking(Actor::Person(Arc::new(Person {
            id: AccountId(Uuid::from_u128(id)),
            username: String::new(),
            role: Role::Operator,
            session: SessionId(Uuid::nil()),
            reauthenticated_at: Timestamp(0),
            email_verified: true,
        })))
    }

    fn key(id: u128) -> Known {
        asking(Actor::Key(Arc::new(Key {
            id: ApiKeyId(Uuid::from_u128(id)),
            prefix: String::new(),
            scopes: Vec::new(),
            service_types: Vec::new(),
            events: Vec::new(),
            all_events: true,
        })))
    }

    fn rates() -> (Rates, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        (Rates::new(&(Arc::clone(&clock) as Arc<dyn Clock>)), clock)
    }

    /// How many requests of this charge are granted at once, at most `most`.
    fn granted(rates: &Rates, known: &Known, charge: Charge, most: u32) -> u32 {
        (0..most).take_while(|_| rates.take(known, charge).is_ok()).fold(0, |count, _| count + 1)
    }

    #[test]
    fn cookies_do_not_add_up_without_end() {
        let (rates, _) = rates();
        for browser in 0..2 * BROWSERS {
            let wanted = if browser < BROWSERS { OF_GUESTS } else { 0 };
            assert_eq!(granted(&rates, &guest(browser), FREE, OF_GUESTS + 1), wanted, "{browser}");
        }
        // Whoever has no cookie is none of them, and a new browser is greeted all the same.
        assert_eq!(granted(&rates, &asking(Actor::Guest), FREE, OF_GUESTS + 1), OF_GUESTS);
        assert_eq!(rates.take_greeting(&asking(Actor::Guest)), Ok(()));
        let greeted = (0..OF_GUESTS).take_while(|_| rates.take_greeting(&asking(Actor::Guest)).is_ok()).count();
        assert_eq!(u32::try_from(greeted), Ok(OF_GUESTS - 1));
    }

    #[test]
    fn everyone_has_a_rate_of_his_own() {
        let (rates, _) = rates();
        for id in [1, 2] {
            assert_eq!(granted(&rates, &person(id), FREE, 1000), 300);
            assert_eq!(granted(&rates, &key(id), FREE, 1000), 600);
        }
    }

    #[test]
    fn dear_requests_are_fewer() {
        let (rates, clock) = rates();
        for (known, tier) in [(asking(Actor::Guest), Tier::Guest), (person(1), Tier::User), (key(1), Tier::Key)] {
            let dearest = Charge { cost: tier.cost(), feed_rows: 0 };
            assert_eq!(granted(&rates, &known, dearest, 1000), DEAREST, "{tier:?}");
            assert_eq!(rates.take(&known, dearest), Err(RetryAfter { seconds: 2 }));
            assert_eq!(rates.take(&known, FREE), Ok(()));
            clock.advance(Duration::from_secs(2));
            assert_eq!(rates.take(&known, dearest), Ok(()));
        }
    }

    #[test]
    fn a_feed_of_a_million_is_read_once_a_minute() {
        let (rates, clock) = rates();
        assert_eq!(rates.take_rows(&key(1), 1_000_000), Ok(()));
        assert_eq!(rates.take(&key(1), Charge { cost: 1, feed_rows: 5000 }), Err(RetryAfter { seconds: 1 }));
        assert_eq!(rates.take_rows(&key(2), 1_000_000), Ok(()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(rates.take_rows(&key(1), 1_000_000), Ok(()));
    }
}
