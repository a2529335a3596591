//! Query conditions for extensions that may not make calls.
//!
//! They are macros because a page of a list is one statement over the tables of several domains, whose type depends on the
//! database.

/// The pattern of the effect NO_CALLS in `restrictions.effects`.
pub(crate) const NO_CALLS: &str = "%NO_CALLS%";

/// The ids of the targets of one kind that may not make calls.
macro_rules! restricted_targets {
    ($kind:literal) => {
        restrictions::table
            .filter(restrictions::target_kind.eq($kind))
            .filter(restrictions::effects.like($crate::restricted::NO_CALLS))
            .select(restrictions::target_id)
    };
}

/// Whether a target may not make calls.
macro_rules! is_restricted {
    ($kind:literal, $target:expr) => {
        exists(
            restrictions::table
                .filter(restrictions::target_id.eq($target))
                .filter(restrictions::target_kind.eq($kind))
                .filter(restrictions::effects.like($crate::restricted::NO_CALLS)),
        )
    };
}

/// Whether an extension may make calls: no restriction of the extension, its owner or its number has the effect NO_CALLS.
macro_rules! is_callable {
    () => {
        not(is_restricted!("EXTENSION", extensions::id))
            .and(not(is_restricted!("ACCOUNT", extensions::owner_id)))
            .and(not(exists(
                numbers::table
                    .filter(numbers::event_id.eq(extensions::event_id.nullable()))
                    .filter(numbers::number.eq(extensions::number))
                    .filter(is_restricted!("NUMBER", numbers::id)),
            )))
            // E.164 numbers are on no event's plan. They begin with `+`, which sorts before every digit.
            .and(
                extensions::number.ge("0").or(not(exists(
                    numbers::table
                        .filter(numbers::event_id.is_null())
                        .filter(numbers::number.eq(extensions::number))
                        .filter(is_restricted!("NUMBER", numbers::id)),
                ))),
            )
    };
}

pub(crate) use {is_callable, is_restricted, restricted_targets};
