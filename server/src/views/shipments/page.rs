//! The page of a shipment: where it is on its way and why, its exceptions and cases.

use super::{
    list::{self, nothing_is_expected, off_the_way},
    read::Page,
};
use crate::views::{
    named,
    times::Times,
    words::{question, resolution, resolver, sentence, ticket_status},
};
use app::contract::shipments::{
    CaseView, ExceptionView, NumberView, Reason, Row, SameNumberView, ShipmentView, Standing, Step, StepStanding,
};
use domain::{
    Milestone, Severity, State,
    fold::{self, Fact, Standing as FactStanding},
    observation::Location,
    progress,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{
    shipments::ShipmentRow,
    work::{CaseRecord, ExceptionRecord},
};

/// Moments offered under "as known at".
const MOMENTS_MAX: usize = 50;

impl Page<'_> {
    pub(super) fn view(self) -> ShipmentView {
        let shipment = &self.loaded.shipment;
        let mut exceptions: Vec<ExceptionView> = self.loaded.exceptions.iter().map(|e| self.exception(e)).collect();
        exceptions.sort_by_key(|e| (e.closed.is_some(), std::cmp::Reverse(e.severity)));
        ShipmentView {
            row: self.row(),
            revision: shipment.revision,
            numbers: shipment
                .numbers
                .iter()
                .map(|n| NumberView { number: n.number.clone(), carrier: n.carrier_label.clone() })
                .collect(),
            pieces: self.folded.pieces.iter().map(|(piece, state)| (piece.clone(), *state)).collect(),
            steps: self.steps(),
            timeline: self.timeline(),
            why: self.why(),
            facts: self.loaded.input.facts.len(),
            hash: self.folded.hash.clone(),
            anomalies: self.anomalies(),
            exceptions,
            order_url: shipment.origin.as_ref().and_then(|o| o.url.clone()),
            customer: self.customer.clone(),
            proofs: self.proofs.clone(),
            unread_deliveries: self.unread_deliveries,
            cases: self.cases().map(|c| self.case(&c)).collect(),
            same_number: self.same_number(),
            as_known_at: self.at.map(|at| self.times.dated(at)),
            moments: Vec::new(),
        }
    }

    fn row(&self) -> Row {
        let shipment = &self.loaded.shipment;
        let open = self.folded.exceptions.iter().filter(|e| e.closed.is_none()).max_by_key(|e| e.severity);
        let last = self.fact(self.folded.last_event);
        let promised = shipment.plan.promised_by;
        let row = ShipmentRow {
            id: shipment.id,
            revision: shipment.revision,
            origin: shipment.origin.clone(),
            numbers: shipment.numbers.clone(),
            destination: shipment.destination.clone(),
            state: self.folded.state,
            visibility: self.folded.visibility,
            exception: open.map(|e| (e.reason, e.severity)),
            eta: self.folded.eta.clone(),
            promised_by: promised,
            delivered_at: self.folded.delivered_at.clone(),
            last_event: last.map(|f| storage::shipments::LastEvent {
                milestone: f.reading.milestone,
                exception: f.reading.exception,
                code: f.reading.unmapped.then(|| f.observation.codes.raw.clone()),
                place: f.observation.location.as_ref().map(Location::label),
                place_in_parts: f.observation.location.as_ref().is_some_and(Location::is_in_parts),
                at: f.observation.time.sort_key(),
                time: Some(f.observation.time.clone()),
            }),
            heard_at: self.folded.heard_at,
            case: self.cases().find_map(|c| c.number),
        };
        list::row(row, &self.times)
    }

    /// The way in steps, with what was reached and what is expected.
    fn steps(&self) -> Vec<Step> {
        let trouble = self.folded.exceptions.iter().any(|e| e.closed.is_none() && e.severity >= Severity::Major);
        let state = self.folded.state;
        let steps = progress::steps(self.folded, &self.loaded.input);
        let step = |step: progress::Step| {
            let standing = match step.standing {
                progress::StepStanding::Reached => StepStanding::Done,
                progress::StepStanding::Current if trouble || off_the_way(state) => StepStanding::Trouble,
                progress::StepStanding::Current => StepStanding::Here,
                progress::StepStanding::Skipped => StepStanding::Skipped,
                progress::StepStanding::Ahead => StepStanding::Todo,
            };
            let expects = step.state == State::Delivered && !nothing_is_expected(state);
            let expected = self.folded.eta.as_ref().filter(|_| expects);
            let (at, estimated) = match standing {
                StepStanding::Skipped => (None, false),
                StepStanding::Todo => (expected, true),
                _ => (step.at.as_ref(), false),
            };
            Step { label: step.state.label().into(), at: at.map(|at| self.times.event(at)), estimated, standing }
        };
        steps.into_iter().map(step).collect()
    }

    /// The deciding fact first, then what lies over the state, what lost, what counts.
    fn why(&self) -> Vec<Reason> {
        const SHOWN: usize = 12;
        let mut reasons: Vec<(u8, Option<Timestamp>, Reason)> = self
            .folded
            .verdicts
            .iter()
            .filter_map(|verdict| {
                let fact = self.fact(Some(verdict.fact))?;
                let (order, standing) = match verdict.standing {
                    FactStanding::Decides => (0, Standing::Decides),
                    FactStanding::Overlay => (1, Standing::Overlay),
                    FactStanding::Counts => (3, Standing::Counts),
                    // it happened, only earlier or less far on
                    FactStanding::Overruled => (2, Standing::Counts),
                    _ => (2, Standing::Lost),
                };
                let place = self.place(fact).map(|l| format!(", {l}")).unwrap_or_default();
                let milestone = fact.reading.milestone;
                let title = if milestone == Milestone::Info {
                    named::exceptions(&fact.reading).map_or_else(
                        || self.times.mask.code(&fact.observation.codes.raw).to_owned(),
                        |(_, labels)| labels,
                    )
                } else {
                    named::title(&fact.observation, &fact.reading, self.times.mask)
                };
                let reason = Reason {
                    title,
                    detail: format!("{place}, {}", self.times.event(&fact.observation.time).shown),
                    because: verdict.because.clone(),
                    rule: format!("{:?}", verdict.rule),
                    standing,
                };
                Some((order, fact.observation.time.sort_key(), reason))
            })
            .collect();
        reasons.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        reasons.into_iter().take(SHOWN).map(|(.., reason)| reason).collect()
    }

    fn exception(&self, e: &ExceptionRecord) -> ExceptionView {
        ExceptionView {
            id: e.id.to_string(),
            label: e.reason.label().to_owned(),
            severity: e.severity,
            responsible: e.responsible.label().to_owned(),
            opened: self.times.ago(e.opened_at),
            question: self
                .cases()
                .find(|c| c.exception == e.id && e.closed.is_none())
                .and_then(|c| question(&c, &self.agents)),
            closed: e
                .closed
                .map(|(at, how)| (resolution(how, resolver(&self.audit, e.id, &self.agents)), self.times.ago(at))),
            owner: e.owner.and_then(|owner| self.owners.get(&owner).cloned()),
            acknowledged: e.acknowledged_at.is_some(),
        }
    }

    fn case(&self, case: &CaseRecord) -> CaseView {
        CaseView {
            number: case.number.clone(),
            url: case.url.clone(),
            status: sentence(&ticket_status(case, &self.agents)),
            opened: self.times.ago(case.opened_at),
        }
    }

    /// Only now: what was proposed at another time may be linked by now.
    fn same_number(&self) -> Vec<SameNumberView> {
        let own = self.loaded.shipment.id.to_string();
        let others = self.same_number.iter().filter(|_| self.at.is_none());
        others
            .map(|other| {
                let id = other.shipment.to_string();
                let of_order = other.origin.as_ref().map(|origin| origin.order.clone().unwrap_or(origin.name.clone()));
                let (claimed, unlinked) =
                    if of_order.is_some() { (id.clone(), own.clone()) } else { (own.clone(), id.clone()) };
                let carrier = other.carrier_label.clone();
                SameNumberView { id, claimed, unlinked, order: of_order, number: other.number.clone(), carrier }
            })
            .collect()
    }

    /// What is odd about the shipment, and what of its delivery could not be read.
    fn anomalies(&self) -> Vec<String> {
        let odd = self.folded.anomalies.iter().map(|odd| anomaly(*odd).to_owned());
        let plan = &self.loaded.shipment.plan;
        let doubts = plan.doubts.iter().filter(|_| self.folded.heard_at.is_none());
        odd.chain(plan.unread.iter().chain(doubts).cloned()).collect()
    }
}

/// When something was recorded: what a page can be asked for as of. A page shows seconds, so that there is one choice for
/// each, its last moment, with the title of what was recorded then for the first time.
pub(super) fn moments(facts: &[Fact], times: &Times) -> Vec<(String, String)> {
    let mut seconds: BTreeMap<i64, (Timestamp, Option<&Fact>)> = BTreeMap::new();
    for fact in facts {
        let first = fact.sightings.iter().map(|s| s.recorded_at).min();
        for at in fact.sightings.iter().map(|s| s.recorded_at) {
            let (last, named) = seconds.entry(at.as_second()).or_insert((at, None));
            *last = at.max(*last);
            // what happened before what is expected, then the newest
            let weight = |fact: &Fact| (fact.observation.classifier, fact.observation.time.sort_key());
            if first == Some(at) && named.is_none_or(|other| weight(fact) > weight(other)) {
                *named = Some(fact);
            }
        }
    }
    let choice = |(at, fact): (Timestamp, Option<&Fact>)| {
        let title = fact.map(|fact| format!(" · {}", named::title(&fact.observation, &fact.reading, times.mask)));
        (at.to_string(), format!("{}{}", times.exact(at), title.unwrap_or_default()))
    };
    seconds.into_values().rev().take(MOMENTS_MAX).map(choice).collect()
}

fn anomaly(anomaly: fold::Anomaly) -> &'static str {
    match anomaly {
        fold::Anomaly::ProgressAfterDelivery => "progress after the delivery",
        fold::Anomaly::DeliveredAgain => "delivered a second time on another day",
        fold::Anomaly::ScanAfterCancellation => "a scan after the cancellation",
        fold::Anomaly::ScanAfterLoss => "a scan after the loss",
        fold::Anomaly::UnexpectedPiece => "a piece that is not in the order",
        fold::Anomaly::ImpossibleTime => "an impossible time",
        fold::Anomaly::Contradiction => "status and code contradict each other",
        fold::Anomaly::UnmappedCode => "an unmapped code",
        fold::Anomaly::NumberOfAnother => "its number belongs to another delivery that was shipped",
    }
}
