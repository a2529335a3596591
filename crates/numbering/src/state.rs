//! The states of a number. Only the names are here, because errors contain them too; the `numbers` crate has the
//! transitions.

use platform::text_enum;

text_enum! {
    /// State of a number, with its name in GraphQL and in the database.
    pub enum NumberState {
        /// Not assigned. A number of a range without a row is available.
        Available = "AVAILABLE",
        /// Kept for its last owner for a limited time after a delete or a renumbering.
        Held = "HELD",
        /// Kept for an account, not in use.
        Reserved = "RESERVED",
        /// In use: routed.
        InService = "IN_SERVICE",
        /// Not available to new owners until the telephone systems have deleted the old assignment.
        Aging = "AGING",
        /// Kept out of the available numbers by policy.
        Released = "RELEASED",
        /// Offered by a carrier, not acquired.
        Discovery = "DISCOVERY",
        /// Being ported from another carrier.
        PortIn = "PORT_IN",
        /// Being ported to another carrier.
        PortOut = "PORT_OUT",
    }
}
