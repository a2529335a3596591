//! Counts of refused proofs and privileges, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// The reason of a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    /// A wrong password, or a login without an account.
    WrongPassword,
    /// A password that was not checked, because too many were wrong before it.
    TooManyFailures,
    /// A password that was not hashed, because the quota of the address or account was used up.
    HashQuota,
    /// A registration or a mail beyond the quota.
    MailQuota,
    /// A token of a mail or of the setup link that is unknown, used or expired.
    UnknownToken,
    /// An operation that the caller's role or scopes do not allow.
    Forbidden,
}

impl RefusalReason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 6] = [
        Self::WrongPassword,
        Self::TooManyFailures,
        Self::HashQuota,
        Self::MailQuota,
        Self::UnknownToken,
        Self::Forbidden,
    ];

    /// Returns the name in metrics and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::TooManyFailures => "too_many_failures",
            Self::HashQuota => "hash_quota",
            Self::MailQuota => "mail_quota",
            Self::UnknownToken => "unknown_token",
            Self::Forbidden => "forbidden",
        }
    }
}

/// The counts of refusals since the start of the program.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; RefusalReason::ALL.len()]);

impl Refusals {
    /// Counts a refusal.
    pub fn record(&self, reason: RefusalReason) {
        self.counter(reason).fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the count of each reason.
    pub fn counts(&self) -> impl Iterator<Item = (RefusalReason, u64)> + '_ {
        RefusalReason::ALL.into_iter().map(|reason| (reason, self.counter(reason).load(Ordering::Relaxed)))
    }

    const fn counter(&self, reason: RefusalReason) -> &AtomicU64 {
        &self.0[reason as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_count() {
        let refusals = Refusals::default();
        for (index, reason) in RefusalReason::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| refusals.record(reason));
        }
        let counts: Vec<_> = refusals.counts().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
    }
}
