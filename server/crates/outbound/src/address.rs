//! Addresses of systems, as people give them.

use crate::{CallError, ErrorClass};
use reqwest::Url;
use std::net::IpAddr;

/// The address of a system out of one of its pages: what people copy from the browser. Everything from the first of these
/// path segments on is left out, and so are query and fragment.
pub fn site_of(address: &str, pages: &[&str]) -> String {
    let address = address.trim();
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    let segments: Vec<String> = url.path_segments().into_iter().flatten().map(str::to_owned).collect();
    let Some(page) = segments.iter().position(|segment| pages.contains(&segment.as_str())) else {
        return address.trim_end_matches('/').to_owned();
    };
    url.set_path(&segments[..page].join("/"));
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether what goes to this address can be read on the way: it is not https, and on another machine.
pub fn is_in_clear(address: &str) -> bool {
    let Ok(url) = Url::parse(address.trim()) else { return true };
    // a name is compared whole: localhost.example.com is another machine
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    url.scheme() != "https" && !here
}

/// An address as configured, without the slash at its end.
///
/// # Errors
/// `misconfigured` where it is no http(s) address, or holds a user, a query or a fragment.
pub fn base_url(text: &str) -> Result<String, CallError> {
    plain_url(text).map_err(|wrong| CallError::new(ErrorClass::Misconfigured, format!("the address {wrong}")))
}

/// The same; what is wrong goes on from what the address is called.
pub(crate) fn plain_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("cannot be read: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must hold no user, password, query or fragment".into());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
