//! What a case says: its first text, its heading, and its current context.

use super::CaseWork;
use crate::{context::Context, error::UseCaseError, odoo::CUSTOMER, words};
use desks::{NewCase, Requester};
use domain::fold::{Fact, Standing};
use serde::Deserialize;
use storage::{
    shipments::Loaded,
    work::{CaseRecord, ExceptionRecord},
};

/// Events in the context, newest first.
const EVENTS_MAX: usize = 6;

/// A shipment, as cases speak of it.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) loaded: &'a Loaded,
}

impl About<'_> {
    pub(super) fn heading(&self) -> String {
        let origin = self
            .loaded
            .shipment
            .origin
            .as_ref()
            .map(|o| format!(" for {}", words::foreign(o.order.as_deref().unwrap_or(&o.name))))
            .unwrap_or_default();
        format!("Shipment {}{origin}", self.number())
    }

    pub(super) fn number(&self) -> String {
        self.loaded.shipment.numbers.first().map_or_else(|| "without a number".into(), |n| words::foreign(&n.number))
    }

    /// The case's current context: status, estimate, why, the latest events and links. The same state makes the same text.
    pub(super) fn context_of(&self, exception: &ExceptionRecord) -> String {
        let (folded, origin) = (&self.loaded.shipment.folded, self.loaded.shipment.origin.as_ref());
        let mut lines = vec![format!("{} {}", self.heading(), desks::marks::CONTEXT_MARK)];
        let mut say = |what: &str, text: Option<String>| lines.extend(text.map(|text| format!("{what}: {text}")));
        let carrier = self.loaded.shipment.numbers.first().and_then(|number| number.carrier_label.as_deref());
        say("Carrier", carrier.map(words::foreign));
        say("Status", Some(folded.state.label().to_owned()));
        say("Delivered", folded.delivered_at.as_ref().map(words::event_time));
        say("ETA", folded.eta.as_ref().filter(|_| folded.delivered_at.is_none()).map(words::event_time));
        let closed = match exception.closed {
            Some((at, how)) => format!("over since {}: {}", words::instant(at), super::resolution_word(how)),
            None => format!("open since {}", words::instant(exception.opened_at)),
        };
        let what = format!(
            "{} ({}), responsible: {}, {closed}",
            exception.reason.label(),
            exception.severity.label(),
            exception.responsible.label()
        );
        say("Exception", Some(what));
        let facts = &self.loaded.input.facts;
        let decides = facts.iter().find(|fact| Some(fact.id) == folded.decided_by);
        say("Why", decides.map(|fact| format!("the latest event that changes the status: {}", event(fact))));
        let events = self.latest_events();
        if !events.is_empty() {
            lines.push("Latest events:".into());
            lines.extend(events.into_iter().map(|fact| format!("- {}", event(fact))));
        }
        let page = self.context.config.page_of(self.loaded.shipment.id);
        lines.push(format!("Timeline: {page}"));
        lines.extend(origin.and_then(|origin| origin.url.as_ref()).map(|url| format!("Order: {url}")));
        lines.join("\n")
    }

    /// The newest events that count.
    fn latest_events(&self) -> Vec<&Fact> {
        let counts = |standing: Standing| matches!(standing, Standing::Decides | Standing::Counts | Standing::Overlay);
        let verdicts = self.loaded.shipment.folded.verdicts.iter().filter(|verdict| counts(verdict.standing));
        let facts = &self.loaded.input.facts;
        let mut events: Vec<_> =
            verdicts.filter_map(|verdict| facts.iter().find(|fact| fact.id == verdict.fact)).collect();
        events.sort_by_key(|fact| std::cmp::Reverse((fact.observation.time.sort_key(), fact.id)));
        events.truncate(EVENTS_MAX);
        events
    }
}

impl CaseWork<'_> {
    pub(super) fn about(&self) -> About<'_> {
        About { context: self.context, loaded: self.loaded }
    }

    pub(super) fn text_of(&self, exception: &ExceptionRecord, case: &CaseRecord) -> NewCase {
        let page = self.context.config.page_of(self.shipment.id);
        let origin = self.shipment.origin.as_ref();
        let number = self.shipment.numbers.first();
        NewCase {
            external_key: case.external_key.clone(),
            subject: format!("{}: {}", exception.reason.label(), self.about().heading()),
            body: format!(
                "{}\n\nStatus: {}\nSeverity: {}\nResponsible: {}\nSince: {}\nTimeline and reasons: {page}{}",
                exception.reason.label(),
                self.shipment.folded.state.label(),
                exception.severity.label(),
                exception.responsible.label(),
                words::instant(exception.opened_at),
                case.follows.as_ref().map(|earlier| format!("\nFollows up ticket #{earlier}")).unwrap_or_default(),
            ),
            tracking_number: self.about().number(),
            carrier: number.and_then(|n| n.carrier_label.as_deref()).map(words::foreign).unwrap_or_default(),
            exception_code: exception.reason.code().to_owned(),
            severity: exception.severity,
            odoo_url: origin.and_then(|o| o.url.clone()),
            milepost_url: page,
            tags: vec!["milepost".into(), exception.reason.category().code().to_lowercase()],
            queue: None,
            follows: case.follows.clone(),
            requester: None,
        }
    }

    /// The customer, for a connection that is set to name customers; opened for the one call.
    pub(super) async fn requester(&self) -> Result<Option<Requester>, super::CaseError> {
        let connections = self.context.connections.now();
        if !connections.get(self.name).is_some_and(|desk| desk.requester) {
            return Ok(None);
        }
        let kept = self.context.store.shipments.customer(self.scope, self.shipment.id).await?;
        let Some((sealed, Some(key))) = kept else { return Ok(None) };
        let internal = |what: String| UseCaseError::Internal(format!("the customer cannot be opened: {what}"));
        let key = self.context.vault.unwrap(&key).map_err(|e| internal(e.to_string()))?;
        let plain = key.open(CUSTOMER, &sealed).map_err(|e| internal(e.to_string()))?;
        let Customer { name, email } = serde_json::from_slice(&plain).map_err(|e| internal(e.to_string()))?;
        let line = |text: Option<String>| text.map(|text| words::foreign(&text)).filter(|text| !text.trim().is_empty());
        Ok(line(email).map(|email| Requester { name: line(name).unwrap_or_else(|| email.clone()), email }))
    }
}

/// What of a sealed customer goes into a case.
#[derive(Deserialize)]
struct Customer {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

/// An event in one line.
fn event(fact: &Fact) -> String {
    let what = fact.reading.exception.map_or_else(|| fact.reading.milestone.label(), |reason| reason.label());
    let place = fact.observation.location.as_ref().map(domain::observation::Location::label);
    let place = place.filter(|place| !place.is_empty()).map(|place| format!(", {}", words::foreign(&place)));
    format!("{}: {what}{}", words::event_time(&fact.observation.time), place.unwrap_or_default())
}
