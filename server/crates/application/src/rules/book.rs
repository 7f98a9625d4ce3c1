//! The rules that run: the built-in ones, and what people made of them. Kept ready for some seconds, so that a fold does not read
//! them.

use super::guard::Guard;
use domain::{
    rule::{Content, RuleId, RuleVersion},
    rules::{Running, shipped},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use storage::{
    Result, Scope, Store,
    rules::{Halt, PublishedRule, RuleRecord},
};

/// For how long what was read is used; a change on this node is seen at once.
const KEPT: SignedDuration = SignedDuration::from_secs(5);

/// The rules that run, in their order, and those that are held back.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Those that run.
    pub running: Vec<Running>,
    /// Those that are published and do not run now.
    pub held: Vec<Held>,
}

/// A published rule that does not run now.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id.
    pub id: RuleId,
    /// What it says.
    pub content: Arc<Content>,
    /// Why it does not run.
    pub hold: Hold,
}

/// Why a rule does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A person paused it, until a time or until it is resumed; or this version does not understand its condition.
    Paused(Option<Timestamp>),
    /// It did harm.
    Stopped,
}

impl Book {
    /// A rule that runs.
    pub fn rule(&self, id: &RuleId) -> Option<&Running> {
        self.running.iter().find(|rule| rule.id == *id)
    }
}

/// The rules of this process: the book, and what is watched of it.
#[derive(Default)]
pub struct Rules {
    kept: Mutex<Option<(Timestamp, Arc<Book>)>>,
    /// What watches over it.
    pub guard: Guard,
}

impl Rules {
    /// The book.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn book(&self, store: &Store, scope: Scope, now: Timestamp) -> Result<Arc<Book>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, book)) = &kept
            && *at <= now
            && now.duration_since(*at) < KEPT
        {
            return Ok(Arc::clone(book));
        }
        let before = kept.map(|(_, book)| book).unwrap_or_default();
        let records = store.rules.all(scope).await?;
        let halted = self.guard.halted();
        let mut book = Book::default();
        for rule in all(records) {
            let stopped = halted.contains_key(&rule.id).then_some(Hold::Stopped);
            let hold = stopped.or_else(|| rule.hold(now));
            match rule.read(hold, &before) {
                None => {}
                Some(Ok(running)) => book.running.push(running),
                Some(Err(held)) => book.held.push(held),
            }
        }
        let book = Arc::new(book);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&book)));
        Ok(book)
    }

    /// What was read is read again.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A rule with what runs of it: built in, or as people made it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What people made of it; none where nobody touched it.
    pub record: Option<RuleRecord>,
    /// The version that runs, with its content and since when; none where it was never published.
    pub active: Option<(RuleVersion, Content, Option<PublishedRule>)>,
    /// Whether it ships with the product.
    pub shipped: bool,
}

impl Rule {
    /// Whether something stops it at this time.
    pub fn is_halted(&self, now: Timestamp) -> bool {
        self.hold(now).is_some()
    }

    /// What holds it back at this time.
    fn hold(&self, now: Timestamp) -> Option<Hold> {
        match self.record.as_ref()?.halt.as_ref()? {
            Halt::Paused { until, .. } => until.is_none_or(|until| until > now).then_some(Hold::Paused(*until)),
            Halt::Stopped { .. } => Some(Hold::Stopped),
        }
    }

    /// Ready to run, or held back; none where it was never published. One whose condition is no longer understood does not run,
    /// and stops none of the others.
    fn read(self, hold: Option<Hold>, before: &Book) -> Option<std::result::Result<Running, Held>> {
        let (version, content, published) = self.active?;
        if let Some(hold) = hold {
            return Some(Err(Held { id: self.id, content: Arc::new(content), hold }));
        }
        let since = published.map_or(Timestamp::MIN, |published| published.at);
        if let Some(same) = before.rule(&self.id).filter(|same| same.version == version && *same.content == content) {
            return Some(Ok(Running { since, ..same.clone() }));
        }
        Some(Running::new(self.id.clone(), version, content.clone(), since).map_err(|error| {
            tracing::warn!(rule = %self.id, version, "the rule does not run, correct its condition: {error}");
            Held { id: self.id, content: Arc::new(content), hold: Hold::Paused(None) }
        }))
    }
}

/// Every rule: those that ship in their order, then the others by id.
pub fn all(records: Vec<(RuleRecord, Option<PublishedRule>)>) -> Vec<Rule> {
    let mut records: BTreeMap<RuleId, _> =
        records.into_iter().map(|(record, active)| (record.id.clone(), (record, active))).collect();
    let mut rules = Vec::new();
    for (id, content) in shipped() {
        let (record, published) = records.remove(&id).map_or((None, None), |(record, active)| (Some(record), active));
        let active = match published {
            Some(published) => (published.version, published.content.clone(), Some(published)),
            None => (0, content, None),
        };
        rules.push(Rule { id, record, active: Some(active), shipped: true });
    }
    rules.extend(records.into_iter().map(|(id, (record, published))| {
        let active = published.map(|published| (published.version, published.content.clone(), Some(published)));
        Rule { id, record: Some(record), active, shipped: false }
    }));
    rules
}
