//! Checks of the text fields that admins write.

use platform::error::UserError;
use platform::text::characters::storable;

/// The largest description or instructions, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Checks a slug: `[a-z][a-z0-9-]{0,31}`.
///
/// # Errors
/// INVALID at `slug`.
pub fn clean_slug(input: &str) -> Result<String, UserError> {
    let is_valid = input.len() <= 32
        && input.starts_with(|first: char| first.is_ascii_lowercase())
        && input.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_valid {
        Ok(input.to_owned())
    } else {
        Err(UserError::invalid(
            "slug",
            "A slug begins with a letter a–z and has at most 32 letters, digits and hyphens.",
        ))
    }
}

/// Normalises a display name of 1 to 64 characters.
///
/// # Errors
/// INVALID at `field`.
pub fn clean_name(field: &str, input: &str) -> Result<String, UserError> {
    platform::text::name(input).map_err(|error| UserError::invalid(field, error.to_string()))
}

/// Checks a description or instructions.
///
/// # Errors
/// INVALID at `field` for more than 65,536 bytes, and for U+0000.
pub fn clean_text(field: &str, input: String) -> Result<String, UserError> {
    if input.len() > MAX_TEXT_BYTES {
        Err(UserError::invalid(field, "It has at most 65,536 bytes."))
    } else {
        storable(field, input)
    }
}
