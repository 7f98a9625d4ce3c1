//! What a simulated desk has: tickets, tokens, faults to come, and a search that may lag.

use super::control::{Act, On, Seen};
use crate::faults::{Fault, Faults, spoiled};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The login of the integration.
pub const US: &str = "milepost";
/// The login of the agent.
pub const AGENT: &str = "agent";
/// Who a ticket is about.
pub const CUSTOMER: &str = "customer";
/// What the customer writes.
pub const ANSWER: &str = "It lay in the rain for hours, says Jane.";
/// Where a desk's own clock begins, 2100: it is not ours.
const CLOCK: i64 = 4_102_444_800;

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stands {
    /// At work.
    #[default]
    Open,
    /// Settled; it can be opened again.
    Resolved,
    /// Nothing is done about it; it can be opened again.
    Rejected,
    /// Closed for good.
    Closed,
    /// Thrown away.
    Deleted,
    /// Merged into this one.
    Merged(u64),
    /// Out of the integration's sight.
    Hidden,
}

/// A text in a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub by: String,
    /// Whether the customer sees it.
    pub public: bool,
    /// What it says.
    pub body: String,
    /// When.
    pub at: Timestamp,
    /// The key under which it was posted, where the desk keeps one.
    pub key: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticket {
    /// Its number.
    pub id: u64,
    /// Our key.
    pub key: String,
    /// Its subject.
    pub subject: String,
    /// Where it stands.
    pub stands: Stands,
    /// Who gave it that.
    pub by: String,
    /// When.
    pub moved: Timestamp,
    /// Who changed it last, whatever of it.
    pub writer: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its priority.
    pub priority: String,
    /// Its texts, oldest first.
    pub texts: Vec<Text>,
    /// Who has it.
    pub assignee: Option<String>,
    /// The group that has it.
    pub team: String,
    /// The customer's address.
    pub requester: Option<String>,
    /// The one that it follows up.
    pub follows: Option<String>,
    /// Its other fields.
    pub fields: Map<String, Value>,
    /// When it changed.
    pub updated: Timestamp,
    /// Whether searches find it.
    pub indexed: bool,
}

impl Ticket {
    /// Adds tags, each once.
    pub fn add_tags<'a>(&mut self, tags: impl Iterator<Item = &'a str>) {
        for tag in tags {
            if !self.tags.iter().any(|had| had == tag) {
                self.tags.push(tag.to_owned());
            }
        }
    }
}

/// What a desk has.
#[derive(Default)]
pub struct Data {
    /// Its tickets.
    pub tickets: BTreeMap<u64, Ticket>,
    /// Tokens that are good.
    pub tokens: BTreeSet<String>,
    /// Tokens given out so far.
    pub given: u64,
    /// The names of tags that were made, where tickets name tags by id.
    pub tags: Vec<String>,
    /// Whether searches lag.
    pub lags: bool,
    ticks: i64,
    ids: u64,
}

impl Data {
    /// The time of a change: a second after the one before.
    pub fn stamp(&mut self) -> Timestamp {
        self.ticks += 1;
        Timestamp::from_second(CLOCK + self.ticks).unwrap_or(Timestamp::MAX)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(CLOCK + self.ticks).unwrap_or(Timestamp::MAX)
    }

    /// Time passes.
    pub fn pass(&mut self, time: SignedDuration) {
        self.ticks += time.as_secs();
    }

    /// Another id.
    pub fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Keeps a new ticket; its number.
    pub fn add(&mut self, ticket: Ticket) -> u64 {
        let (id, updated) = (self.id(), self.stamp());
        let (by, writer) = (US.to_owned(), US.to_owned());
        let indexed = !self.lags;
        self.tickets.insert(id, Ticket { id, updated, by, moved: updated, writer, indexed, ..ticket });
        id
    }

    /// Adds a text.
    pub fn write(&mut self, number: u64, by: &str, public: bool, body: &str, key: Option<String>) -> u64 {
        let (id, at) = (self.id(), self.stamp());
        if let Some(ticket) = self.tickets.get_mut(&number) {
            ticket.texts.push(Text { id, by: by.to_owned(), public, body: body.to_owned(), at, key });
            ticket.updated = at;
        }
        id
    }

    /// Somebody changes a ticket.
    pub fn change(&mut self, number: u64, by: &str, change: impl FnOnce(&mut Ticket)) {
        let at = self.stamp();
        if let Some(ticket) = self.tickets.get_mut(&number) {
            let before = ticket.stands;
            change(ticket);
            ticket.updated = at;
            by.clone_into(&mut ticket.writer);
            if ticket.stands != before {
                by.clone_into(&mut ticket.by);
                ticket.moved = at;
            }
        }
    }

    /// What a search for our key finds, oldest first.
    pub fn with_key(&self, key: &str) -> Vec<&Ticket> {
        let shown = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden | Stands::Merged(_));
        self.tickets.values().filter(shown).filter(|ticket| ticket.indexed && ticket.key == key).collect()
    }

    /// Another token.
    pub fn give_token(&mut self) -> String {
        self.given += 1;
        let token = format!("access-{:04}-of-the-simulated-desk", self.given);
        self.tokens.insert(token.clone());
        token
    }
}

/// A desk: what it has, and the faults to come.
#[derive(Default)]
pub struct Base {
    data: Mutex<Data>,
    faults: Faults,
}

impl Base {
    /// What it has.
    pub fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call, or spoils it. Operations are named `create`, `change`, `find`, and otherwise anything.
    pub async fn answer(&self, operation: &str, apply: impl FnOnce(&mut Data) -> Response + Send) -> Response {
        spoiled(self.faults.take(operation), || apply(&mut self.lock())).await
    }

    /// As [`super::control::Control::fail`].
    pub fn fail(&self, on: On, fault: &Fault, count: usize) {
        let operation = match on {
            On::Create => Some("create"),
            On::Change => Some("change"),
            On::Find => Some("find"),
            On::Any => None,
        };
        self.faults.order(operation, fault, count);
    }

    /// As [`super::control::Control::lag`].
    pub fn lag(&self, lags: bool) {
        let mut data = self.lock();
        data.lags = lags;
        if !lags {
            data.tickets.values_mut().for_each(|ticket| ticket.indexed = true);
        }
    }

    /// As [`super::control::Control::seen`], of the tickets with a key of ours; numbers in the platform's words.
    pub fn seen(&self, number: impl Fn(u64) -> String) -> Vec<Seen> {
        let data = self.lock();
        let ours = data.tickets.values().filter(|ticket| ticket.key.starts_with("mp-"));
        ours.map(|ticket| Seen { number: number(ticket.id), ..seen(ticket) }).collect()
    }

    /// What every desk can do.
    pub fn act(&self, number: &str, act: &Act) -> bool {
        let Ok(number) = number.parse::<u64>() else { return false };
        let mut data = self.lock();
        match act {
            Act::Reply => drop(data.write(number, AGENT, true, "We are looking into it.", None)),
            Act::Answer => drop(data.write(number, CUSTOMER, true, ANSWER, None)),
            Act::Note => drop(data.write(number, AGENT, false, "Called the carrier.", None)),
            Act::Tag(tag) => data.change(number, AGENT, |ticket| ticket.tags.push((*tag).to_owned())),
            Act::Resolve => data.change(number, AGENT, |ticket| ticket.stands = Stands::Resolved),
            // few have it
            Act::Reject => return false,
            Act::Reopen => data.change(number, AGENT, |ticket| ticket.stands = Stands::Open),
            Act::CloseForGood => data.change(number, "automation", |ticket| ticket.stands = Stands::Closed),
            Act::Delete => data.change(number, AGENT, |ticket| ticket.stands = Stands::Deleted),
            Act::Assign(name) => data.change(number, AGENT, |ticket| ticket.assignee = Some((*name).to_owned())),
            Act::MergeInto(other) => {
                let Ok(other) = other.parse::<u64>() else { return false };
                data.change(number, AGENT, |ticket| ticket.stands = Stands::Merged(other));
                data.change(other, AGENT, |_| {});
            }
            Act::Hide => data.change(number, AGENT, |ticket| ticket.stands = Stands::Hidden),
        }
        true
    }
}

fn seen(ticket: &Ticket) -> Seen {
    let internal = ticket.texts.iter().skip(1).filter(|text| !text.public);
    let is_context = |text: &&Text| text.body.contains("[mp:context]");
    let in_field = ticket.fields.get("context").and_then(Value::as_str).map(str::to_owned);
    Seen {
        number: String::new(),
        subject: ticket.subject.clone(),
        open: ticket.stands == Stands::Open,
        gone: matches!(ticket.stands, Stands::Deleted | Stands::Merged(_)),
        notes: internal.clone().filter(|text| !is_context(text)).map(|text| text.body.clone()).collect(),
        public: ticket.texts.iter().filter(|text| text.public).count(),
        context: in_field.or_else(|| internal.clone().rfind(is_context).map(|text| text.body.clone())),
        tags: ticket.tags.clone(),
        priority: ticket.priority.clone(),
        requester: ticket.requester.clone(),
        follows: ticket.follows.clone(),
    }
}
