//! Addresses: the state of a page lives in its URL.

use std::fmt::Write as _;

/// Percent-encodes everything that is not unreserved (RFC 3986), so that it fits any part of a URL.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // writing to a string cannot fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Builds `path?a=b&c=d` from what is set.
#[derive(Clone, Debug)]
pub struct Address {
    path: String,
    query: String,
    fragment: String,
}

impl Address {
    /// A page.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: String::new(), fragment: String::new() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(&encode(value.as_ref()));
        self
    }

    /// Adds a parameter if there is a value that is not empty.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) if !value.as_ref().is_empty() => self.with(name, value),
            _ => self,
        }
    }

    /// Leads to a place on the page.
    #[must_use]
    pub fn at(mut self, fragment: impl Into<String>) -> Self {
        self.fragment = fragment.into();
        self
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", self.fragment)?;
        }
        Ok(())
    }
}

/// A page of this site to go to after signing in; anything else is answered with nothing (no open redirect).
pub fn local_path(text: &str) -> Option<&str> {
    let fine = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\') && text.chars().all(|c| c.is_ascii_graphic());
    (fine && !text.starts_with("/sign-in") && !text.starts_with("/set-up")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_any_text() {
        let url = Address::new("/shipments").with("q", "ä &=/").maybe("state", None::<&str>).maybe("after", Some("")).with("tab", "late").at("x");
        assert_eq!(url.to_string(), "/shipments?q=%C3%A4%20%26%3D%2F&tab=late#x");
    }

    #[test]
    fn only_pages_of_this_site_are_gone_to() {
        assert_eq!(local_path("/shipments?tab=late"), Some("/shipments?tab=late"));
        for bad in ["https://evil.test", "//evil.test", "/\\evil.test", "shipments", "/sign-in", "/a\r\nb", "/ä"] {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }
}
