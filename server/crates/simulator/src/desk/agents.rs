//! What agents do at the sandbox's Request Tracker, and the reports that it sends of it.

use super::{
    QUEUE, SandboxDesk, Ticket,
    control::{Access, Act, Control, On, Report, Seen},
};
use crate::faults::Fault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Map, json};

impl SandboxDesk {
    /// What an agent does to a ticket.
    pub fn set_status(&self, number: u64, status: &str) {
        self.set_status_as(number, status, "agent");
    }

    /// What this agent does to a ticket.
    pub fn set_status_as(&self, number: u64, status: &str, agent: &str) {
        self.inner.lock().set_status(number, status, agent);
    }

    /// An agent moves a ticket to a queue that the integration may not see, or back.
    pub fn hide(&self, number: u64, hidden: bool) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        if let Some(ticket) = data.tickets.get_mut(&number) {
            (ticket.hidden, ticket.last_updated) = (hidden, at);
        }
    }

    /// An agent writes in a ticket: `Correspond` to the customer, `Comment` internally.
    pub fn write(&self, number: u64, kind: &'static str) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        if let Some(ticket) = data.tickets.get_mut(&number) {
            ticket.by_agents.push((kind, at));
            ticket.last_updated = at;
        }
    }

    /// The customer answers a mail of the desk.
    fn customer_writes(&self, number: u64) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        if let Some(ticket) = data.tickets.get_mut(&number) {
            ticket.by_customer.push(at);
            ticket.last_updated = at;
        }
    }

    /// An agent adds a tag.
    pub fn tag(&self, number: u64, tag: &str) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        if let Some(ticket) = data.tickets.get_mut(&number) {
            ticket.fields.entry("Tags".into()).or_default().push(tag.to_owned());
            ticket.last_updated = at;
        }
    }

    /// An agent takes a ticket over.
    pub fn assign(&self, number: u64, agent: &str) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        if let Some(ticket) = data.tickets.get_mut(&number) {
            (ticket.owner, ticket.last_updated) = (Some(agent.to_owned()), at);
        }
    }

    /// An agent merges a ticket into another: it answers under that one's number, and no search shows it.
    pub fn merge(&self, number: u64, into: u64) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        for one in [number, into] {
            if let Some(ticket) = data.tickets.get_mut(&one) {
                ticket.last_updated = at;
            }
        }
        if let Some(ticket) = data.tickets.get_mut(&number) {
            ticket.merged_into = Some(into);
        }
    }

    /// An agent changes many tickets within one second.
    pub fn touch_all(&self) {
        let mut data = self.inner.lock();
        let at = data.stamp();
        data.tickets.values_mut().for_each(|ticket| ticket.last_updated = at);
    }
}

impl Control for SandboxDesk {
    fn access(&self) -> Access {
        Access {
            connector: "request_tracker",
            url: self.url(),
            secret: self.token(),
            queue: QUEUE.into(),
            options: Map::new(),
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.tickets().iter().map(seen).collect()
    }

    fn act(&self, number: &str, act: &Act) -> bool {
        let Ok(number) = number.parse() else { return false };
        match act {
            Act::Reply => self.write(number, "Correspond"),
            Act::Answer => self.customer_writes(number),
            Act::Note => self.write(number, "Comment"),
            Act::Tag(tag) => self.tag(number, tag),
            Act::Resolve => self.set_status(number, "resolved"),
            Act::Reopen => self.set_status(number, "open"),
            Act::Delete => self.set_status(number, "deleted"),
            Act::Assign(name) => self.assign(number, name),
            Act::MergeInto(other) => match other.parse() {
                Ok(other) => self.merge(number, other),
                Err(_) => return false,
            },
            Act::Hide => self.hide(number, true),
            Act::Reject => self.set_status(number, "rejected"),
            // its closed tickets open again
            Act::CloseForGood => return false,
        }
        true
    }

    fn fail(&self, on: On, fault: &Fault, count: usize) {
        let operation = match on {
            On::Create => Some("POST ticket"),
            On::Change => Some("POST comment"),
            On::Find => Some("GET tickets"),
            On::Any => None,
        };
        Self::fail(self, operation, fault, count);
    }

    fn expire_tokens(&self) -> bool {
        false
    }

    fn lag(&self, _lags: bool) -> bool {
        false
    }

    fn report(&self, number: &str, secret: &str, at: i64) -> Report {
        let number = number.parse::<u64>().unwrap_or_default();
        let body = json!({"event": "ticket.status", "event_id": format!("rt-txn-{number}"), "ticket": {"id": number}})
            .to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = STANDARD.encode(hmac::sign(&key, format!("{at}{body}").as_bytes()));
        let headers = vec![("x-desk-signature", tag), ("x-desk-signature-timestamp", at.to_string())];
        Report { headers, body: body.into_bytes() }
    }
}

fn seen(ticket: &Ticket) -> Seen {
    let field = |name: &str| ticket.fields.get(name).cloned().unwrap_or_default();
    Seen {
        number: ticket.number.to_string(),
        subject: ticket.subject.clone(),
        open: matches!(ticket.status.as_str(), "new" | "open" | "stalled"),
        gone: ticket.status == "deleted" || ticket.merged_into.is_some(),
        notes: ticket.texts.iter().skip(1).map(|(_, text)| text.clone()).collect(),
        public: 0,
        context: field("Shipment Context").first().cloned(),
        tags: field("Tags"),
        priority: field("Severity").concat(),
        requester: ticket.requestor.clone(),
        follows: ticket.refers_to.first().cloned(),
    }
}
