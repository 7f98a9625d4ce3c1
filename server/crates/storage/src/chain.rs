//! The chain of the audit trail, walked from line to line.

use crate::{
    Result, Scope,
    audit::{ACCEPTED, AuditKey, BEGUN_ANEW, Line},
    people::People,
};

/// Lines read at once when the chain is walked.
const WALK_LINES: u32 = 500;

/// A place in the chain: a line and its MAC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line; 0 before the first.
    pub seq: i64,
    /// Its MAC; empty before the first.
    pub mac: Vec<u8>,
}

/// Whether the chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every line follows from the one before; so many lines.
    Sound(u64),
    /// This line does not.
    Broken(u64),
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walked {
    /// At the newest line; every one on the way follows from the one before, or was accepted.
    Through(Position),
    /// This line does not match, and it was not accepted.
    Broken(i64),
    /// No line has a MAC; so many lines.
    NotBegun(i64),
}

/// Walks the chain from a place to its newest line.
///
/// # Errors
/// When the store fails.
pub async fn walk<P: People + ?Sized>(people: &P, scope: Scope, key: &AuditKey, from: Position) -> Result<Walked> {
    let mut chain = Chain { unsealed: from == Position::default(), all: from.mac.clone(), at: from, broken: None };
    loop {
        let after = (chain.at != Position::default()).then_some(chain.at.seq);
        let lines = people.audit_lines(scope, after, WALK_LINES).await?;
        if lines.is_empty() {
            return Ok(chain.end());
        }
        lines.iter().for_each(|line| chain.take(line, key));
    }
}

/// Walks the whole chain.
///
/// # Errors
/// When the store fails.
pub async fn check<P: People + ?Sized>(people: &P, scope: Scope, key: &AuditKey) -> Result<ChainCheck> {
    Ok(match walk(people, scope, key, Position::default()).await? {
        Walked::Through(place) => ChainCheck::Sound(place.seq.unsigned_abs()),
        Walked::Broken(line) | Walked::NotBegun(line) => ChainCheck::Broken(line.unsigned_abs()),
    })
}

struct Chain {
    at: Position,
    /// The MAC of all lines so far as they are, whatever MACs they carry: as [`covering`].
    all: Vec<u8>,
    /// Whether no line so far has a MAC.
    unsealed: bool,
    /// The first line that does not follow.
    broken: Option<i64>,
}

impl Chain {
    fn take(&mut self, line: &Line, key: &AuditKey) {
        let next = self.at.seq + 1;
        let mac = line.mac_behind(&self.at.mac, key).to_vec();
        self.all = line.mac_behind(&self.all, key).to_vec();
        let begins = self.at.seq == 0 || !self.unsealed || line.action == BEGUN_ANEW;
        let follows = match &line.mac {
            Some(kept) => *kept == mac && begins,
            None => self.unsealed,
        };
        if line.action == ACCEPTED && line.mac.as_ref() == Some(&self.all) {
            self.broken = None;
        } else if !follows || line.seq != next {
            // a line that is missing is found as the gap in the numbers
            self.broken.get_or_insert(next);
        }
        self.unsealed &= line.mac.is_none();
        self.at = Position { seq: line.seq, mac: line.mac.clone().unwrap_or(mac) };
    }

    fn end(self) -> Walked {
        match self.broken {
            Some(line) => Walked::Broken(line),
            // nothing vouches for lines without MACs
            None if self.unsealed && self.at.seq > 0 => Walked::NotBegun(self.at.seq),
            None => Walked::Through(self.at),
        }
    }
}
