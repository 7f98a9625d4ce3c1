//! What a test does at a simulated desk, whichever it is: one shape, so that one contract test holds for all.

use crate::faults::Fault;
use serde_json::{Map, Value};

/// How a desk is connected.
#[derive(Clone, Debug)]
pub struct Access {
    /// The connector.
    pub connector: &'static str,
    /// The address.
    pub url: String,
    /// The secret of the integration.
    pub secret: String,
    /// The queue, group, team or project.
    pub queue: String,
    /// The connector's own settings.
    pub options: Map<String, Value>,
}

/// A ticket with our key, as a person at the desk sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub number: String,
    /// Its subject.
    pub subject: String,
    /// Whether it is at work.
    pub open: bool,
    /// Whether it was deleted, or merged into another.
    pub gone: bool,
    /// Internal notes, oldest first, without the context.
    pub notes: Vec<String>,
    /// How many texts went to the customer.
    pub public: usize,
    /// What is kept as its context.
    pub context: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its priority, in the desk's words.
    pub priority: String,
    /// The customer's address.
    pub requester: Option<String>,
    /// The ticket that it follows up, where it says so.
    pub follows: Option<String>,
}

/// What an agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answers the customer.
    Reply,
    /// The customer writes in it; no agent's doing.
    Answer,
    /// Adds an internal note.
    Note,
    /// Adds a tag of the agent's own.
    Tag(&'static str),
    /// Settles it.
    Resolve,
    /// Decides that nothing is done about it, where the desk has that.
    Reject,
    /// Opens it again.
    Reopen,
    /// The desk closes it for good, where it does that.
    CloseForGood,
    /// Throws it away.
    Delete,
    /// Takes it over.
    Assign(&'static str),
    /// Merges it into the ticket with this number.
    MergeInto(String),
    /// Moves it out of the integration's sight.
    Hide,
}

/// Which calls a fault is ordered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Making a ticket.
    Create,
    /// Any change of a ticket that is there.
    Change,
    /// Looking a ticket up by its key.
    Find,
    /// Every call.
    Any,
}

/// A report of a change, as the platform sends it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A simulated desk under a test's control.
pub trait Control: Send + Sync {
    /// How it is connected.
    fn access(&self) -> Access;
    /// Every ticket with our key, oldest first, deleted and merged ones too.
    fn seen(&self) -> Vec<Seen>;
    /// An agent named `agent` does this. What the platform cannot do is left undone: whether it can.
    fn act(&self, number: &str, act: &Act) -> bool;
    /// The next calls of this kind go wrong.
    fn fail(&self, on: On, fault: &Fault, count: usize);
    /// Every token that was given out ends now; whether the desk has such.
    fn expire_tokens(&self) -> bool;
    /// From now on new tickets are missing from searches, until this is undone; whether the desk's searches lag.
    fn lag(&self, lags: bool) -> bool;
    /// Whether a case can name the customer without a mail to them.
    fn names_customers(&self) -> bool {
        true
    }
    /// A report that this ticket was changed by `agent`, sent at this time (seconds since 1970), signed with this secret.
    fn report(&self, number: &str, secret: &str, at: i64) -> Report;
}
