//! Which addresses may be called.

use crate::config::{Config, Mode};
use outbound::is_in_clear;

/// Why an address may not be called, where it may not: keys and customers' data do not travel readable, and the demo calls
/// nothing but this machine. It holds for what is set now and for what was set before the last start.
pub(super) fn refused(config: &Config, url: &str) -> Option<String> {
    let mail = url.starts_with("smtp");
    let url = &url.replacen("smtps://", "https://", 1).replacen("smtp://", "http://", 1);
    if config.mode == Mode::Demo && is_in_clear(&url.replacen("https://", "http://", 1)) {
        Some("the demo calls systems on this machine only".to_owned())
    } else if is_in_clear(url) && !config.allow_plain_http && mail {
        Some("the mail server would get the password and the mails readable: choose STARTTLS or TLS".to_owned())
    } else if is_in_clear(url) && !config.allow_plain_http {
        Some(format!(
            "{url} would send keys and customers' data readable: write https:// (or start Milepost with --allow-plain-http)"
        ))
    } else {
        None
    }
}
