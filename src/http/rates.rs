//! The rates of each kind of caller: requests, cost of GraphQL operations, rows of feeds and directories.

use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use crate::graphql::limits::{Charge, Tier};
use platform::access::rates::{Buckets, RateAddress, RetryAfter};
use platform::access::{Actor, Caller};
use platform::clock::Clock;
use platform::ids::{AccountId, ApiKeyId};

/// Requests a minute of all guests at one address. Everyone at a camp can be behind the address of one NAT.
const GUEST_REQUESTS: u32 = 3_000;
/// Requests a minute of an account.
const USER_REQUESTS: u32 = 300;
/// Requests a minute of an API key.
const KEY_REQUESTS: u32 = 600;
/// How many operations of a guest's maximal cost fit into a minute of one address.
const GUEST_COSTLIEST: u32 = 200;
/// How many operations of the tier's maximal cost fit into a minute of an account or key.
const COSTLIEST: u32 = 40;
/// Rows of feeds and directories a minute of an account, a key or all guests at one address: one feed of a million
/// extensions.
const ROWS: u32 = 1_000_000;

/// The rates of an installation. Each instance counts for itself.
pub struct Rates {
    guests: Allowances<Option<RateAddress>>,
    users: Allowances<AccountId>,
    keys: Allowances<ApiKeyId>,
    /// By account or key.
    rows: Buckets<Uuid>,
    /// Guests read the rows of directories.
    guest_rows: Buckets<Option<RateAddress>>,
}

impl Rates {
    /// Rates whose buckets are full.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            guests: Allowances::new(GUEST_REQUESTS, Tier::Guest, GUEST_COSTLIEST, clock),
            users: Allowances::new(USER_REQUESTS, Tier::User, COSTLIEST, clock),
            keys: Allowances::new(KEY_REQUESTS, Tier::Key, COSTLIEST, clock),
            rows: Buckets::per_minute(ROWS, clock),
            guest_rows: Buckets::per_minute(ROWS, clock),
        }
    }

    /// Takes one request and its charge.
    ///
    /// # Errors
    /// When one of the caller's buckets holds less.
    pub fn take(&self, caller: &Caller, charge: Charge) -> Result<(), RetryAfter> {
        if !caller.is_rated {
            return Ok(());
        }
        match &caller.actor {
            Actor::Guest => self.guests.take(caller.address, charge.cost)?,
            Actor::Person(person) => self.users.take(person.id, charge.cost)?,
            Actor::Key(key) => self.keys.take(key.id, charge.cost)?,
            Actor::System(_) => {}
        }
        self.take_rows(caller, charge.feed_rows)
    }

    /// Takes one request from the bucket of an address, before anything is read for it.
    ///
    /// # Errors
    /// When the bucket is empty.
    pub fn take_of_address(&self, caller: &Caller) -> Result<(), RetryAfter> {
        if caller.is_rated { self.guests.requests.take(caller.address, 1) } else { Ok(()) }
    }

    /// Gives back what [`Self::take_of_address`] took, for a caller with a bucket of its own.
    pub fn give_back_to_address(&self, caller: &Caller) {
        if caller.is_rated {
            self.guests.requests.give_back(&caller.address, 1);
        }
    }

    /// As [`Self::take`] for a request that the bucket of its address has paid for.
    ///
    /// # Errors
    /// When the bucket of cost or of rows holds less.
    pub fn take_prepaid(&self, caller: &Caller, charge: Charge) -> Result<(), RetryAfter> {
        if caller.is_rated {
            self.guests.take_cost(caller.address, charge.cost)?;
        }
        self.take_rows(caller, charge.feed_rows)
    }

    /// Takes rows of a feed or a directory.
    ///
    /// # Errors
    /// When the caller's bucket holds less.
    pub fn take_rows(&self, caller: &Caller, rows: u64) -> Result<(), RetryAfter> {
        if rows == 0 || !caller.is_rated {
            return Ok(());
        }
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        match &caller.actor {
            Actor::Person(person) => self.rows.take(person.id.0, rows),
            Actor::Key(key) => self.rows.take(key.id.0, rows),
            Actor::Guest => self.guest_rows.take(caller.address, rows),
            Actor::System(_) => Ok(()),
        }
    }
}

/// The buckets for requests and for cost of one kind of caller.
struct Allowances<K> {
    requests: Buckets<K>,
    cost: Buckets<K>,
}

impl<K: Eq + Hash + Copy> Allowances<K> {
    /// Buckets of `requests` a minute and of the cost of `costliest` operations at the tier's maximum.
    fn new(requests: u32, tier: Tier, costliest: u32, clock: &Arc<dyn Clock>) -> Self {
        let cost = u32::try_from(tier.cost()).unwrap_or(u32::MAX).saturating_mul(costliest);
        Self { requests: Buckets::per_minute(requests, clock), cost: Buckets::per_minute(cost, clock) }
    }

    /// A cost of 0 belongs to plain HTTP, which has no cost.
    fn take(&self, caller: K, cost: u64) -> Result<(), RetryAfter> {
        self.requests.take(caller, 1)?;
        self.take_cost(caller, cost)
    }

    fn take_cost(&self, caller: K, cost: u64) -> Result<(), RetryAfter> {
        if cost == 0 {
            return Ok(());
        }
        self.cost.take(caller, u32::try_from(cost).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::*;
    use platform::access::{Key, Person, Role};
    use platform::clock::{ManualClock, Timestamp};
    use platform::ids::SessionId;

    const FREE: Charge = Charge { cost: 0, feed_rows: 0 };

    fn caller(actor: Actor, address: &str) -> Caller {
        let address = Some(RateAddress::from(address.parse::<IpAddr>().unwrap()));
        let system = Arc::unwrap_or_clone(Caller::system("test"));
        Caller { actor, address, is_rated: true, ..system }
    }

    fn guest(address: &str) -> Caller {
        caller(Actor::Guest, address)
    }

    fn person(id: u128) -> Caller {
        let person = Person {
            id: AccountId(Uuid::from_u128(id)),
            username: String::new(),
            role: Role::Operator,
            session: SessionId(Uuid::nil()),
            reauthenticated_at: Timestamp(0),
            email_verified: true,
        };
        caller(Actor::Person(Arc::new(person)), "192.0.2.1")
    }

    fn key(id: u128) -> Caller {
        let key = Key {
            id: ApiKeyId(Uuid::from_u128(id)),
            prefix: String::new(),
            scopes: Vec::new(),
            service_types: Vec::new(),
            events: Vec::new(),
            all_events: true,
        };
        caller(Actor::Key(Arc::new(key)), "192.0.2.1")
    }

    fn rates() -> (Rates, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        (Rates::new(&(Arc::clone(&clock) as Arc<dyn Clock>)), clock)
    }

    /// How many requests of this charge are granted in a row, at most 5,000.
    fn granted(rates: &Rates, caller: &Caller, charge: Charge) -> usize {
        (0..5_000).take_while(|_| rates.take(caller, charge).is_ok()).count()
    }

    #[test]
    fn each_caller_has_a_bucket_of_requests() {
        let (rates, clock) = rates();
        for id in [1, 2] {
            assert_eq!(granted(&rates, &person(id), FREE), 300);
            assert_eq!(granted(&rates, &key(id), FREE), 600);
        }
        for address in ["192.0.2.1", "192.0.2.2", "2001:db8:1:2::1", "2001:db8:1:3::1"] {
            assert_eq!(granted(&rates, &guest(address), FREE), 3_000, "{address}");
            assert_eq!(rates.take(&guest(address), FREE), Err(RetryAfter { seconds: 1 }));
        }
        assert_eq!(granted(&rates, &guest("2001:db8:1:2:ffff::9"), FREE), 0, "a /64 is one client");
        clock.advance(Duration::from_secs(1));
        assert_eq!(granted(&rates, &guest("192.0.2.1"), FREE), 50);
    }

    #[test]
    fn a_caller_without_rates_is_never_refused() {
        let (rates, _) = rates();
        let local = Caller { is_rated: false, ..guest("127.0.0.1") };
        assert_eq!(granted(&rates, &local, Charge { cost: 5_000, feed_rows: 0 }), 5_000);
    }

    #[test]
    fn cost_has_a_bucket_of_its_own() {
        let (rates, clock) = rates();
        for (caller, tier, costliest, wait) in
            [(guest("192.0.2.1"), Tier::Guest, 200, 1), (person(1), Tier::User, 40, 2), (key(1), Tier::Key, 40, 2)]
        {
            let charge = Charge { cost: tier.cost(), feed_rows: 0 };
            assert_eq!(granted(&rates, &caller, charge), costliest, "{tier:?}");
            assert_eq!(rates.take(&caller, charge), Err(RetryAfter { seconds: wait }));
            assert_eq!(rates.take(&caller, FREE), Ok(()));
            clock.advance(Duration::from_secs(wait.into()));
            assert_eq!(rates.take(&caller, charge), Ok(()));
        }
    }

    #[test]
    fn a_feed_of_a_million_rows_is_read_once_a_minute() {
        let (rates, clock) = rates();
        assert_eq!(rates.take_rows(&key(1), 1_000_000), Ok(()));
        assert_eq!(rates.take(&key(1), Charge { cost: 1, feed_rows: 5000 }), Err(RetryAfter { seconds: 1 }));
        assert_eq!(rates.take_rows(&key(2), 1_000_000), Ok(()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(rates.take_rows(&key(1), 1_000_000), Ok(()));
    }
}
