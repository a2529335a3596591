//! The states of a number: a word that problems share with the numbers themselves, who alone know what it means.

use platform::text_enum;

text_enum! {
    /// Where a number is in its life, under its name in GraphQL and in the database.
    pub enum NumberState {
        /// In the pool, nobody's. An untouched number of a range is available without a row.
        Available = "AVAILABLE",
        /// Kept for its last owner for a short time after a delete or a renumbering.
        Held = "HELD",
        /// Somebody's, not in use.
        Reserved = "RESERVED",
        /// In use: routed.
        InService = "IN_SERVICE",
        /// Cooling off: kept from new owners until the telephone systems have forgotten the old one.
        Aging = "AGING",
        /// Parked by policy instead of available.
        Released = "RELEASED",
        /// A carrier offers it; not ours.
        Discovery = "DISCOVERY",
        /// On its way from another carrier.
        PortIn = "PORT_IN",
        /// On its way to another carrier.
        PortOut = "PORT_OUT",
    }
}
