//! What is sent: a headline and some lines, in words that need no channel. A channel escapes them in its own way.

use domain::{Severity, alerts::machine::Notice, visible::visible_line};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Maximum length of a headline in characters: Slack's header has 150.
pub const HEADLINE_CHARS_MAX: usize = 150;
/// Maximum length of a line in characters.
pub const LINE_CHARS_MAX: usize = 500;
/// Maximum number of lines.
pub const LINES_MAX: usize = 20;

/// Why it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something happened to an alert.
    Alert(Notice),
    /// A person tests the channel.
    Test,
}

impl Kind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Alert(notice) => notice.code(),
            Self::Test => "test",
        }
    }
}

/// A message. The same id is the same message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What it belongs to: messages with one thread are about one alert.
    pub thread: String,
    /// Why it is sent.
    pub kind: Kind,
    /// How much a person is needed.
    pub severity: Severity,
    /// The kind of alert, by its code.
    pub about: String,
    /// One line.
    pub title: String,
    /// What, why, since when.
    pub lines: Vec<String>,
    /// What to do first; empty where there is nothing to do.
    pub first_step: String,
    /// The page that shows it.
    pub link: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Message {
    /// The message of a test.
    pub fn test(id: &str, public_url: &str, at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            thread: id.to_owned(),
            kind: Kind::Test,
            severity: Severity::Info,
            about: "test".into(),
            title: "Milepost reaches this channel".into(),
            lines: vec!["A person tested this channel. There is nothing to do.".into()],
            first_step: String::new(),
            link: format!("{public_url}/alerts"),
            at,
        }
    }

    /// One line that says how it stands.
    pub fn headline(&self) -> String {
        let title = visible_line(&self.title);
        let text = match self.kind {
            Kind::Alert(Notice::Opened) => format!("{}: {title}", self.severity.label()),
            Kind::Alert(Notice::Raised) => format!("Now {}: {title}", self.severity.label().to_lowercase()),
            Kind::Alert(Notice::Escalated) => format!("Not acknowledged: {title}"),
            Kind::Alert(Notice::Back) => format!("Still open: {title}"),
            Kind::Alert(Notice::Resolved) => format!("Resolved: {title}"),
            Kind::Test => format!("Test: {title}"),
        };
        cut(&text, HEADLINE_CHARS_MAX)
    }

    /// The lines below it, each within its limit; what deceives unseen is shown.
    pub fn body(&self) -> Vec<String> {
        let line = |line: &String| cut(&visible_line(line), LINE_CHARS_MAX);
        let mut lines: Vec<_> = self.lines.iter().filter(|line| !line.is_empty()).take(LINES_MAX).map(line).collect();
        if !self.first_step.is_empty() {
            lines.push(cut(&format!("First step: {}", visible_line(&self.first_step)), LINE_CHARS_MAX));
        }
        lines
    }

    /// As programs read it.
    pub fn data(&self) -> Value {
        json!({
            "type": format!("alert.{}", self.kind.code()),
            "timestamp": self.at.to_string(),
            "data": {
                "id": self.id,
                "thread": self.thread,
                "kind": self.about,
                "severity": self.severity.code(),
                "title": cut(&visible_line(&self.title), LINE_CHARS_MAX),
                "text": self.body().join("\n"),
                "first_step": self.first_step,
                "url": self.link,
            },
        })
    }
}

/// A text within its limit in characters.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_within_its_limits_and_on_its_line() {
        let long = "x".repeat(10_000);
        let mut message = Message::test("id", "https://milepost.example", Timestamp::UNIX_EPOCH);
        message.title = format!("Warehouse\r\nBcc: all@example.com {long}");
        message.lines = vec![long.clone(); 100];
        message.first_step = long;
        let headline = message.headline();
        assert!(headline.chars().count() == HEADLINE_CHARS_MAX && !headline.contains(['\r', '\n']), "{headline}");
        let body = message.body();
        assert_eq!(body.len(), LINES_MAX + 1);
        assert!(body.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX));
    }
}
