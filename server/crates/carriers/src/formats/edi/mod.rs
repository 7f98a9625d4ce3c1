//! Electronic data interchange: tolerant readers that the EDI connectors share. What is wrong with an envelope is a
//! problem to be shown, never a reason to lose the statuses in it. Nothing is copied while reading: a file of
//! [`FILE_MAX_BYTES`](super::FILE_MAX_BYTES) costs its own size and what it states.

pub(crate) mod charset;
pub(crate) mod edifact;
pub(crate) mod ports;
pub(crate) mod x12;

use crate::{DecodeError, formats::times};
use domain::observation::{Decoded, Problem, TrackerReport};

/// Problems of one file that are listed; what follows is only said to exist.
const PROBLEMS_MAX: usize = 1_000;
/// Messages or transaction sets of one file that are read.
const MESSAGES_MAX: usize = 500_000;

/// The beginning of a text, at most this many characters: what looks for delimiters never scans a whole file.
fn head(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

/// Says what is wrong, and where; not without end.
pub(crate) fn say(problems: &mut Vec<Problem>, at: impl Into<String>, message: impl Into<String>) {
    match problems.len() {
        0..PROBLEMS_MAX => problems.push(Problem { at: at.into(), message: message.into() }),
        PROBLEMS_MAX => problems.push(Problem { at: String::new(), message: "more problems are not listed".into() }),
        _ => {}
    }
}

/// The sender of a message, as its envelope names it; none where it names none. Event ids that senders give
/// are their own: the same number from another sender is another event.
pub(crate) fn sender(parts: [Option<&str>; 2]) -> Option<String> {
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// An id under its sender's name.
pub(crate) fn said_by(sender: Option<&str>, id: &str) -> String {
    sender.map_or_else(|| id.to_owned(), |sender| format!("{sender}|{id}"))
}

/// What the messages of a file come to: those without content are left out, those of another kind are none of ours,
/// and one that cannot be read costs no other.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    decoded: Decoded,
    other: Option<String>,
    refused: Option<DecodeError>,
}

impl Reading {
    /// Begins with what is wrong with the envelopes.
    pub fn new(problems: Vec<Problem>) -> Self {
        Self { decoded: Decoded { reports: Vec::new(), problems }, ..Self::default() }
    }

    /// Where readers report problems.
    pub fn problems(&mut self) -> &mut Vec<Problem> {
        &mut self.decoded.problems
    }

    /// A message of another kind.
    pub fn other(&mut self, what: String) {
        self.other.get_or_insert(what);
    }

    /// The content of a message; that of a test is marked.
    pub fn add(&mut self, reports: Result<Vec<TrackerReport>, DecodeError>, test: bool) {
        match reports {
            Ok(reports) => {
                let telling = reports.into_iter().filter(|r| !r.observations.is_empty());
                self.decoded.reports.extend(telling.map(|report| TrackerReport { test, ..report }));
            }
            Err(error) => {
                if let DecodeError::Incomplete { at, reason } = &error {
                    say(&mut self.decoded.problems, at.as_str(), reason.as_str());
                }
                self.refused.get_or_insert(error);
            }
        }
    }

    /// All of it; an error where nothing came of any message.
    ///
    /// # Errors
    /// The first reason, or that no message is about tracking.
    pub fn finish(self, expected: &'static str) -> Result<Decoded, DecodeError> {
        let Self { mut decoded, other, refused } = self;
        if decoded.reports.is_empty() {
            match (refused, other) {
                (Some(error), _) => return Err(error),
                (None, Some(what)) if decoded.problems.is_empty() => return Err(DecodeError::NotTracking(what)),
                (None, None) if decoded.problems.is_empty() => {
                    return Err(DecodeError::NotTracking(format!("{expected} without a status")));
                }
                _ => {}
            }
        }
        times::days_in_disguise(&mut decoded);
        Ok(decoded)
    }
}

/// A serial shipping container code without its application identifier: `00` before eighteen digits, in brackets or behind
/// the symbology identifier of a scanner (`]C1`, `]d2`, …; GS1 General Specifications, 3.2 and 5.1.2). Other marks are as
/// they are.
pub(crate) fn sscc(mark: &str) -> &str {
    let scanned = ["]C1", "]e0", "]d2", "]Q3", "]J1"].iter().find_map(|symbology| mark.strip_prefix(symbology));
    let code = scanned.unwrap_or(mark);
    let rest = code.strip_prefix("(00)").or_else(|| code.strip_prefix("00")).map(str::trim_start);
    match rest {
        Some(rest) if rest.len() == 18 && rest.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => mark,
    }
}

/// A container's number from its parts. Where the check digit is left out, it follows from the others (ISO 6346,
/// annex A); a number that is none of a container is joined as it is.
pub(crate) fn container(initial: Option<&str>, number: Option<&str>, check: Option<&str>) -> Option<String> {
    let number = number?;
    let mut all = format!("{}{number}", initial.unwrap_or_default());
    if all.len() == 10 && initial.is_some_and(|i| i.len() == 4) {
        match check
            .filter(|c| c.len() == 1 && c.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_owned)
            .or_else(|| check_digit(&all))
        {
            Some(digit) => all.push_str(&digit),
            None => return Some(all),
        }
    }
    Some(all)
}

/// Letters count 10, 12, … without multiples of 11; each place weighs twice the one before.
fn check_digit(number: &str) -> Option<String> {
    let mut sum = 0;
    for (place, byte) in number.bytes().enumerate() {
        let value = match byte {
            b'0'..=b'9' if place >= 4 => u32::from(byte - b'0'),
            b'A'..=b'Z' if place < 4 => {
                let nth = u32::from(byte - b'A');
                10 + nth + nth.div_ceil(10)
            }
            _ => return None,
        };
        sum += value << place;
    }
    Some((sum % 11 % 10).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_containers_and_pallets() {
        assert_eq!(container(Some("CSQU"), Some("305438"), None).as_deref(), Some("CSQU3054383"), "ISO 6346's example");
        assert_eq!(container(Some("HASU"), Some("431617"), Some("0")).as_deref(), Some("HASU4316170"));
        assert_eq!(container(Some("GMCU"), Some("6094137"), None).as_deref(), Some("GMCU6094137"));
        assert_eq!(container(None, Some("53430"), None).as_deref(), Some("53430"));
        assert_eq!(container(Some("ABCD"), None, None), None);
        assert_eq!(sscc("00376123450000000011"), "376123450000000011");
        assert_eq!(sscc("0012"), "0012");
        for dress in ["(00)376123450000000011", "]C100376123450000000011", "(00) 376123450000000011"] {
            assert_eq!(sscc(dress), "376123450000000011", "{dress}");
        }
    }

    #[test]
    fn problems_end() {
        let mut problems = Vec::new();
        (0..PROBLEMS_MAX * 2).for_each(|n| say(&mut problems, n.to_string(), "x"));
        assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    }
}
