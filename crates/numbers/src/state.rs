//! The transitions between the states of a number, and the triggers that each permits.

use numbering::NumberState;

/// On whose behalf a transition takes place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trigger {
    /// A user without any relation to the number.
    User,
    /// The account that the number belongs to: the owner of its extension, the account of a reservation, or the last
    /// owner of a held number.
    Holder,
    /// An operator or admin.
    Operator,
    /// The server: a period ended, or the last consumer acknowledged a removal.
    Scheduler,
}

const NONE: u8 = 0;
const USER: u8 = 1;
const HOLDER: u8 = 2;
const OPERATOR: u8 = 4;
const SCHEDULER: u8 = 8;

/// The triggers of each transition, as a bit set. Rows: from; columns: to; both in the order available, held, reserved, in
/// service, ageing.
///
/// * An operator overrides a hold, a reservation or ageing by putting the number into service, which is audited, not by
///   reserving it: the account of a reservation could register the number before the telephone systems have removed it.
/// * In service → in service is a transfer or a swap. In service → ageing is a deletion in an event without a hold period.
/// * Held → ageing by the holder is the release of the hold; held → available by the scheduler is the end of a hold without
///   pending acknowledgements.
#[rustfmt::skip]
const LOCAL: [[u8; 5]; 5] = [
    //               available             held               reserved  in service         ageing
    /* available  */ [NONE,                 NONE,              OPERATOR, USER | OPERATOR,   NONE],
    /* held       */ [SCHEDULER,            NONE,              NONE,     HOLDER | OPERATOR, HOLDER | OPERATOR | SCHEDULER],
    /* reserved   */ [OPERATOR | SCHEDULER, NONE,              OPERATOR, HOLDER | OPERATOR, NONE],
    /* in service */ [NONE,                 HOLDER | OPERATOR, NONE,     OPERATOR,          HOLDER | OPERATOR],
    /* ageing     */ [SCHEDULER,            NONE,              NONE,     OPERATOR,          NONE],
];

/// Whether `trigger` permits a transition of a number of the carrier `local`. Numbers of a range have the first five states
/// only; every other transition is refused. Phase, quota, range and bars are checked elsewhere.
pub fn may_transition(from: NumberState, to: NumberState, trigger: Trigger) -> bool {
    let (Some(from), Some(to)) = (local_index(from), local_index(to)) else { return false };
    let bit = match trigger {
        Trigger::User => USER,
        Trigger::Holder => HOLDER,
        Trigger::Operator => OPERATOR,
        Trigger::Scheduler => SCHEDULER,
    };
    LOCAL[from][to] & bit != 0
}

const fn local_index(state: NumberState) -> Option<usize> {
    match state {
        NumberState::Available => Some(0),
        NumberState::Held => Some(1),
        NumberState::Reserved => Some(2),
        NumberState::InService => Some(3),
        NumberState::Aging => Some(4),
        NumberState::Released | NumberState::Discovery | NumberState::PortIn | NumberState::PortOut => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numbering::NumberState::{Aging, Available, Held, InService, Reserved};

    const TRIGGERS: [Trigger; 4] = [Trigger::User, Trigger::Holder, Trigger::Operator, Trigger::Scheduler];

    #[test]
    fn every_transition_has_its_triggers() {
        let mut lines = Vec::new();
        for from in NumberState::ALL.iter().copied() {
            for to in NumberState::ALL.iter().copied() {
                let permitted: Vec<_> =
                    TRIGGERS.into_iter().filter(|&trigger| may_transition(from, to, trigger)).collect();
                if !permitted.is_empty() {
                    lines.push(format!("{} to {}: {permitted:?}", from.as_str(), to.as_str()));
                }
            }
        }
        assert_eq!(
            lines,
            [
                "AVAILABLE to RESERVED: [Operator]",
                "AVAILABLE to IN_SERVICE: [User, Operator]",
                "HELD to AVAILABLE: [Scheduler]",
                "HELD to IN_SERVICE: [Holder, Operator]",
                "HELD to AGING: [Holder, Operator, Scheduler]",
                "RESERVED to AVAILABLE: [Operator, Scheduler]",
                "RESERVED to RESERVED: [Operator]",
                "RESERVED to IN_SERVICE: [Holder, Operator]",
                "IN_SERVICE to HELD: [Holder, Operator]",
                "IN_SERVICE to IN_SERVICE: [Operator]",
                "IN_SERVICE to AGING: [Holder, Operator]",
                "AGING to AVAILABLE: [Scheduler]",
                "AGING to IN_SERVICE: [Operator]",
            ]
        );
    }

    #[test]
    fn a_user_registers_available_numbers_only() {
        for from in [Held, Reserved, InService, Aging] {
            assert!(!may_transition(from, InService, Trigger::User));
        }
        assert!(may_transition(Available, InService, Trigger::User));
        assert!(may_transition(Held, InService, Trigger::Holder));
        assert!(!may_transition(Aging, InService, Trigger::Holder));
    }
}
