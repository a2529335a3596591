//! The log on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Variable with the level, or levels of parts of the program.
const LOG_VARIABLE: &str = "SWITCHBOARD_LOG";

/// Starts the log.
///
/// # Errors
/// A sentence when `SWITCHBOARD_LOG` is invalid.
pub(super) fn init(format: LogFormat) -> Result<(), String> {
    let text = std::env::var(LOG_VARIABLE).ok().filter(|text| !text.is_empty());
    let filter = parse_filter(text.as_deref().unwrap_or("info"))?;
    let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(has_colours).with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // Fails if a test has initialized a subscriber already, which is then kept.
    drop(result);
    Ok(())
}

/// Parses the filter. A word that is no level would be the name of a part that does not exist, and nothing would be
/// logged.
fn parse_filter(text: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let invalid = || {
        format!(
            "{LOG_VARIABLE}: a level is required (error, warn, info, debug, trace, off), or PART=LEVEL, as in \
                 info,platform=debug"
        )
    };
    let is_known = |part: &str| match part.split_once('=') {
        Some((_, level)) => LEVELS.contains(&level.to_ascii_lowercase().as_str()),
        None => part.contains('[') || LEVELS.contains(&part.to_ascii_lowercase().as_str()),
    };
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if !parts.iter().all(|part| is_known(part)) {
        return Err(invalid());
    }
    EnvFilter::try_new(parts.join(",")).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_log_nothing() {
        for good in ["info", "DEBUG", "warn,platform=trace", "off", "info, agent=debug"] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
        for bad in ["verbose", "infos", "platform=loud", "info,,warn", "=", "platform"] {
            assert!(parse_filter(bad).is_err_and(|error| error.contains("SWITCHBOARD_LOG")), "{bad}");
        }
    }
}
