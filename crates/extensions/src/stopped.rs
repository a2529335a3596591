//! Which extensions make no calls, as conditions of a query.
//!
//! They are macros, since a page of a list is one statement over the tables of several domains, and its type differs from
//! one database to the other.

/// An effect that stops an extension, as a pattern over the names in `restrictions.effects`.
pub(crate) const NO_CALLS: &str = "%NO_CALLS%";

/// The targets of one kind that make no calls.
macro_rules! stopped {
    ($kind:literal) => {
        restrictions::table
            .filter(restrictions::target_kind.eq($kind))
            .filter(restrictions::effects.like($crate::stopped::NO_CALLS))
            .select(restrictions::target_id)
    };
}

/// Whether a target makes no calls.
macro_rules! is_stopped {
    ($kind:literal, $target:expr) => {
        exists(
            restrictions::table
                .filter(restrictions::target_id.eq($target))
                .filter(restrictions::target_kind.eq($kind))
                .filter(restrictions::effects.like($crate::stopped::NO_CALLS)),
        )
    };
}

/// Extensions that nothing stops: no restriction of their own, of their owners' or of their numbers'.
macro_rules! is_callable {
    () => {
        not(is_stopped!("EXTENSION", extensions::id))
            .and(not(is_stopped!("ACCOUNT", extensions::owner_id)))
            .and(not(exists(
                numbers::table
                    .filter(numbers::event_id.eq(extensions::event_id.nullable()))
                    .filter(numbers::number.eq(extensions::number))
                    .filter(is_stopped!("NUMBER", numbers::id)),
            )))
            // An international number is on no event's plan: it begins with `+`, which sorts before every digit.
            .and(
                extensions::number.ge("0").or(not(exists(
                    numbers::table
                        .filter(numbers::event_id.is_null())
                        .filter(numbers::number.eq(extensions::number))
                        .filter(is_stopped!("NUMBER", numbers::id)),
                ))),
            )
    };
}

pub(crate) use {is_callable, is_stopped, stopped};
