//! Quotas of what costs the server or other people more than a request: password hashes, registrations, mails and
//! guesses.
//!
//! They are in memory, as the rates are: each instance counts for itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::Caller;
use super::rates::{Buckets, RateAddress, RetryAfter};
use crate::clock::Clock;
use crate::ids::AccountId;

/// Password hashes a minute of all callers at one address, whichever operation needs them.
const HASHES_PER_ADDRESS: u32 = 20;
/// Password hashes a minute of one signed-in account.
const HASHES_PER_ACCOUNT: u32 = 20;
/// Registrations an hour of one address. Everyone at a camp can be behind the address of one NAT.
const REGISTRATIONS_PER_ADDRESS: u32 = 200;
/// Mails an hour that callers at one address cause.
const MAILS_PER_ADDRESS: u32 = 300;
/// Mails an hour that one signed-in account causes.
const MAILS_PER_ACCOUNT: u32 = 5;
/// Mails an hour to one recipient that callers at one address cause.
const MAILS_PER_PAIR: u32 = 5;
/// Mails an hour to one recipient in total.
const MAILS_PER_RECIPIENT: u32 = 20;

/// The SHA-256 of a recipient's address.
type Recipient = [u8; 32];

/// The quotas of an installation.
pub struct Quotas {
    hashes_per_address: Buckets<Option<RateAddress>>,
    hashes_per_account: Buckets<AccountId>,
    registrations_per_address: Buckets<Option<RateAddress>>,
    mails_per_address: Buckets<Option<RateAddress>>,
    mails_per_account: Buckets<AccountId>,
    mails_per_pair: Buckets<(Option<RateAddress>, Recipient)>,
    mails_per_recipient: Buckets<Recipient>,
    /// Password checks that have not ended.
    pub guesses: Reservations<[u8; 32]>,
}

/// Whether a mail may be sent to its recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailQuota {
    Available,
    /// The recipient gets no more mails for now. The caller is not told: another caller has used the quota.
    Exhausted,
}

impl Quotas {
    /// Quotas of which nothing is used.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            hashes_per_address: Buckets::per_minute(HASHES_PER_ADDRESS, clock),
            hashes_per_account: Buckets::per_minute(HASHES_PER_ACCOUNT, clock),
            registrations_per_address: Buckets::per_hour(REGISTRATIONS_PER_ADDRESS, clock),
            mails_per_address: Buckets::per_hour(MAILS_PER_ADDRESS, clock),
            mails_per_account: Buckets::per_hour(MAILS_PER_ACCOUNT, clock),
            mails_per_pair: Buckets::per_hour(MAILS_PER_PAIR, clock),
            mails_per_recipient: Buckets::per_hour(MAILS_PER_RECIPIENT, clock),
            guesses: Reservations::default(),
        }
    }

    /// Takes the hashes of an operation that any caller may request from the quota of its address.
    ///
    /// # Errors
    /// When the quota is used up.
    pub fn take_hashes_of_address(&self, caller: &Caller, hashes: u32) -> Result<(), RetryAfter> {
        if caller.is_rated { self.hashes_per_address.take(caller.address, hashes) } else { Ok(()) }
    }

    /// Takes the hashes of an operation on the caller's own account from the quota of the account. Other callers at the
    /// same address cannot use it up.
    ///
    /// # Errors
    /// When the quota is used up.
    pub fn take_hashes_of_account(&self, caller: &Caller, account: AccountId, hashes: u32) -> Result<(), RetryAfter> {
        if caller.is_rated { self.hashes_per_account.take(account, hashes) } else { Ok(()) }
    }

    /// Takes one registration.
    ///
    /// # Errors
    /// When the quota is used up.
    pub fn take_registration(&self, caller: &Caller) -> Result<(), RetryAfter> {
        if caller.is_rated { self.registrations_per_address.take(caller.address, 1) } else { Ok(()) }
    }

    /// Takes a mail that an operation without a sign-in causes. `recipient` is the canonical address.
    ///
    /// # Errors
    /// When callers at this address have caused too many mails, to this recipient or in total.
    pub fn take_mail_of_address(&self, caller: &Caller, recipient: &str) -> Result<MailQuota, RetryAfter> {
        let recipient = recipient_key(recipient);
        if caller.is_rated {
            self.mails_per_address.take(caller.address, 1)?;
        }
        self.mails_per_pair.take((caller.address, recipient), 1)?;
        Ok(self.take_recipient(recipient))
    }

    /// Takes a mail that a signed-in account causes. `recipient` is the canonical address.
    ///
    /// # Errors
    /// When the account has caused too many mails.
    pub fn take_mail_of_account(&self, account: AccountId, recipient: &str) -> Result<MailQuota, RetryAfter> {
        self.mails_per_account.take(account, 1)?;
        Ok(self.take_recipient(recipient_key(recipient)))
    }

    fn take_recipient(&self, recipient: Recipient) -> MailQuota {
        match self.mails_per_recipient.take(recipient, 1) {
            Ok(()) => MailQuota::Available,
            Err(_) => MailQuota::Exhausted,
        }
    }
}

fn recipient_key(address: &str) -> Recipient {
    Sha256::digest(address.to_lowercase()).into()
}

/// Counts of actions that have begun and not ended, by key.
pub struct Reservations<K>(Arc<Mutex<HashMap<K, usize>>>);

/// An action that has begun. Dropping it ends the reservation.
pub struct Reservation<K: Eq + Hash> {
    key: K,
    /// Number of the other reservations of the key when this one was made.
    others: usize,
    reservations: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K> Default for Reservations<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Reservations<K> {
    /// Makes a reservation.
    pub fn reserve(&self, key: K) -> Reservation<K> {
        let mut counts = lock(&self.0);
        let count = counts.entry(key.clone()).or_default();
        let others = *count;
        *count += 1;
        Reservation { key, others, reservations: Arc::clone(&self.0) }
    }
}

impl<K: Eq + Hash> Reservation<K> {
    /// Returns the number of other reservations of the key that were open when this one was made.
    pub const fn others(&self) -> usize {
        self.others
    }
}

impl<K: Eq + Hash> Drop for Reservation<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.reservations);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

fn lock<K>(counts: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn quotas() -> Quotas {
        Quotas::new(&(Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000))) as Arc<dyn Clock>))
    }

    fn caller(address: &str) -> Caller {
        let address = Some(RateAddress::from(address.parse::<IpAddr>().unwrap()));
        Caller { address, is_rated: true, ..Arc::unwrap_or_clone(Caller::system("test")) }
    }

    #[test]
    fn an_address_and_a_recipient_have_quotas_of_mails() {
        let quotas = quotas();
        let take = |address: &str, to: &str| quotas.take_mail_of_address(&caller(address), to);
        for _ in 0..5 {
            assert_eq!(take("192.0.2.1", "victim@example.org"), Ok(MailQuota::Available));
        }
        assert!(take("192.0.2.1", "VICTIM@example.org").is_err(), "the sixth from one address");
        assert_eq!(take("192.0.2.1", "other@example.org"), Ok(MailQuota::Available));
        for number in 0..15 {
            let address = format!("192.0.2.{}", 2 + number / 5);
            assert_eq!(take(&address, "victim@example.org"), Ok(MailQuota::Available));
        }
        assert_eq!(take("192.0.2.9", "victim@example.org"), Ok(MailQuota::Exhausted), "the 21st in total");
        let account = AccountId(uuid::Uuid::from_u128(1));
        for number in 0..5 {
            let to = format!("a{number}@example.org");
            assert_eq!(quotas.take_mail_of_account(account, &to), Ok(MailQuota::Available));
        }
        assert!(quotas.take_mail_of_account(account, "a9@example.org").is_err());
    }

    #[test]
    fn an_exempt_caller_has_no_quota_of_hashes() {
        let quotas = quotas();
        let exempt = Caller { is_rated: false, ..caller("127.0.0.1") };
        for _ in 0..20 {
            assert_eq!(quotas.take_hashes_of_address(&caller("192.0.2.1"), 1), Ok(()));
        }
        assert!(quotas.take_hashes_of_address(&caller("192.0.2.1"), 1).is_err());
        for _ in 0..1_000 {
            assert_eq!(quotas.take_hashes_of_address(&exempt, 1), Ok(()));
        }
    }

    #[test]
    fn a_reservation_counts_until_it_is_dropped() {
        let reservations = Reservations::default();
        let first = reservations.reserve(1);
        let second = reservations.reserve(1);
        assert_eq!((first.others(), second.others(), reservations.reserve(2).others()), (0, 1, 0));
        drop(first);
        assert_eq!(reservations.reserve(1).others(), 1);
        drop(second);
        assert_eq!(reservations.reserve(1).others(), 0);
        assert!(lock(&reservations.0).is_empty());
    }
}
