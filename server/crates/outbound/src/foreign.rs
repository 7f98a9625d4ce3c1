//! A text that another system wrote: it may name customers, or hold our own key. Neither `Display` nor `Debug` shows it, so
//! that no log line and no error can carry it by accident.

use super::secrets;
use std::fmt;

/// A text of another system. Known secrets are taken out of it when it is made.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Foreign(String);

impl Foreign {
    /// The text, for those who may read it, and for the vault.
    pub fn open(&self) -> &str {
        &self.0
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Foreign {
    fn from(text: String) -> Self {
        Self(secrets::hidden(&text).into_owned())
    }
}

impl From<&str> for Foreign {
    fn from(text: &str) -> Self {
        Self(secrets::hidden(text).into_owned())
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} characters)", self.0.chars().count())
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_opens_it_reads_it() {
        let text = Foreign::from("Jane Doe has no e-mail");
        assert_eq!(
            format!("{text} {text:?} {:?}", Some(&text)),
            "(22 characters) (22 characters) Some((22 characters))"
        );
        assert_eq!(text.open(), "Jane Doe has no e-mail");
    }
}
