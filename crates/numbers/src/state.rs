//! The states of a number, and who may move it between them.

pub use numbering::NumberState;

/// On whose behalf a number moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mover {
    /// A user to whom the number is nothing yet.
    User,
    /// The account that the number is kept for: its extension's owner, the holder of a reservation, the last owner of
    /// a held number.
    Keeper,
    /// An operator or admin, whosever the number is.
    Operator,
    /// The server itself, when a time is over or the last telephone system has acknowledged.
    Clock,
}

const USER: u8 = 1;
const KEEPER: u8 = 2;
const OPERATOR: u8 = 4;
const CLOCK: u8 = 8;
const NOBODY: u8 = 0;

/// Rows: from; columns: to; cells: who may. In the order available, held, reserved, in service, ageing.
///
/// * An operator takes what is held, reserved or ageing for others by putting it in service (the audited override), not by
///   reserving it: a reservation would let its holder take the number before the telephone systems have forgotten it.
/// * In service → in service is a transfer or a swap. In service → ageing is a delete where an event holds nothing.
/// * Held → ageing by its keeper is giving up the hold; held → available by the clock is the end of a hold for which no
///   telephone system has to be waited.
#[rustfmt::skip]
const LOCAL: [[u8; 5]; 5] = [
    //               available          held               reserved  in service         ageing
    /* available  */ [NOBODY,           NOBODY,            OPERATOR, USER | OPERATOR,   NOBODY],
    /* held       */ [CLOCK,            NOBODY,            NOBODY,   KEEPER | OPERATOR, KEEPER | OPERATOR | CLOCK],
    /* reserved   */ [OPERATOR | CLOCK, NOBODY,            OPERATOR, KEEPER | OPERATOR, NOBODY],
    /* in service */ [NOBODY,           KEEPER | OPERATOR, NOBODY,   OPERATOR,          KEEPER | OPERATOR],
    /* ageing     */ [CLOCK,            NOBODY,            NOBODY,   OPERATOR,          NOBODY],
];

/// Whether `by` may move a number of the carrier `local` from one state to another. Numbers of a range know the first
/// five states only; every other move is refused to everybody. Phase, quota, range and bars are checked elsewhere.
pub fn may_move(from: NumberState, to: NumberState, by: Mover) -> bool {
    let (Some(from), Some(to)) = (local_index(from), local_index(to)) else { return false };
    let who = match by {
        Mover::User => USER,
        Mover::Keeper => KEEPER,
        Mover::Operator => OPERATOR,
        Mover::Clock => CLOCK,
    };
    LOCAL[from][to] & who != 0
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
    use super::NumberState::{Aging, Available, Held, InService, Reserved};
    use super::*;

    const MOVERS: [Mover; 4] = [Mover::User, Mover::Keeper, Mover::Operator, Mover::Clock];

    #[test]
    fn the_whole_table() {
        let mut lines = Vec::new();
        for from in NumberState::ALL.iter().copied() {
            for to in NumberState::ALL.iter().copied() {
                let who: Vec<_> = MOVERS.into_iter().filter(|&by| may_move(from, to, by)).collect();
                if !who.is_empty() {
                    lines.push(format!("{} to {}: {who:?}", from.as_str(), to.as_str()));
                }
            }
        }
        assert_eq!(
            lines,
            [
                "AVAILABLE to RESERVED: [Operator]",
                "AVAILABLE to IN_SERVICE: [User, Operator]",
                "HELD to AVAILABLE: [Clock]",
                "HELD to IN_SERVICE: [Keeper, Operator]",
                "HELD to AGING: [Keeper, Operator, Clock]",
                "RESERVED to AVAILABLE: [Operator, Clock]",
                "RESERVED to RESERVED: [Operator]",
                "RESERVED to IN_SERVICE: [Keeper, Operator]",
                "IN_SERVICE to HELD: [Keeper, Operator]",
                "IN_SERVICE to IN_SERVICE: [Operator]",
                "IN_SERVICE to AGING: [Keeper, Operator]",
                "AGING to AVAILABLE: [Clock]",
                "AGING to IN_SERVICE: [Operator]",
            ]
        );
    }

    #[test]
    fn a_user_takes_only_what_is_nobodys() {
        for from in [Held, Reserved, InService, Aging] {
            assert!(!may_move(from, InService, Mover::User));
        }
        assert!(may_move(Available, InService, Mover::User));
        assert!(may_move(Held, InService, Mover::Keeper));
        assert!(!may_move(Aging, InService, Mover::Keeper));
    }
}
