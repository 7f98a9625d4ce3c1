//! What goes wrong between us and the other system, before there is a whole answer.

use crate::{CallError, CallKind, ErrorClass};
use reqwest::Url;

/// Why no whole answer came: what happened, and what a person can do.
pub(crate) fn error(error: &reqwest::Error, kind: CallKind, url: &str) -> CallError {
    let class = match kind {
        _ if error.is_builder() => ErrorClass::Misconfigured,
        _ if error.is_connect() && error.is_timeout() => ErrorClass::TimeoutBeforeSend,
        _ if error.is_connect() => ErrorClass::Unreachable,
        CallKind::Command => ErrorClass::UnknownOutcome,
        CallKind::Query if error.is_timeout() => ErrorClass::NoAnswer,
        CallKind::Query => ErrorClass::Unreachable,
    };
    // scheme, host and port; the rest of the address may hold personal data
    let whom = Url::parse(url).map_or_else(|_| "the address".to_owned(), |url| endpoint(&url));
    let why = causes(error);
    let lower = why.to_lowercase();
    let (what, advice) = match () {
        () if error.is_builder() => (format!("{whom} cannot be called{why}"), "check the address"),
        () if lower.contains("dns") || lower.contains("lookup") => (format!("no such host: {whom}"), "check its name"),
        () if lower.contains("certificate") => (
            format!("the certificate of {whom} is not accepted{why}"),
            "check the certificate, and that the host is the right one",
        ),
        () if lower.contains("refused") => {
            (format!("nothing listens at {whom}"), "check that the system runs, the host and the port")
        }
        () if lower.contains("invalidcontenttype") || lower.contains("corrupt message") => {
            (format!("{whom} does not speak HTTPS"), "write http://, or the right port")
        }
        () if error.is_timeout() => {
            (format!("no answer from {whom} in time"), "check the network and the load of the system")
        }
        () if error.is_connect() => {
            (format!("{whom} cannot be reached{why}"), "check that the system runs, the address and the network")
        }
        () => (format!("{whom} did not answer{why}"), "check that the system runs, the address and the network"),
    };
    CallError::new(class, what).advising(advice)
}

/// Scheme, host and port, the usual port too.
fn endpoint(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The error with its causes, without the address.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let begin = if error.is_timeout() { "no answer in time" } else { "the call did not come through" };
    format!("{begin}{}", causes(error))
}

/// The causes of an error, each once.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    // errors do not nest deeper than this
    for _ in 0..8 {
        let Some(inner) = cause else { break };
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
