//! The steps that a change takes in the order system beside notes and fields: a delivery is validated, a proof attached, an
//! order invoiced, a return made. Each follows the change alone that leads to it, and only one that was received live since
//! the number is the shipment's: of anything else it is recorded as withheld, and no later fold takes it.

use super::{Change, Intent};
use crate::{
    Classifier, Milestone, State,
    cause::Cause,
    effects::{EffectBody, EffectTarget},
    fold::{Announcement, Fact, Folded, Standing},
    ids::ObservationId,
};

/// The key of a step that a shipment takes once.
const ONCE: &str = "1";

impl Change<'_> {
    /// The goods are scanned for the first time: they have left.
    pub(super) fn first_scan(&self) -> Option<Intent> {
        if self.scans(self.before).next().is_some() {
            return None;
        }
        let scans: Vec<&Fact> = self.scans(self.after).collect();
        let live = scans.iter().all(|scan| self.is_live(scan.id));
        let step = || self.effect(EffectTarget::OrderValidation, ONCE.into(), EffectBody::FirstScan, live);
        (!scans.is_empty()).then(step)
    }

    /// The scans that count of goods that have left.
    fn scans(&self, folded: &Folded) -> impl Iterator<Item = &Fact> {
        let counts = |standing: Standing| {
            matches!(standing, Standing::Decides | Standing::Counts | Standing::Overruled | Standing::Overlay)
        };
        let counting = folded.verdicts.iter().filter(move |verdict| counts(verdict.standing));
        let facts: Vec<&Fact> = counting.filter_map(|verdict| self.fact(verdict.fact)).collect();
        facts.into_iter().filter(|fact| {
            let milestone = fact.reading.milestone;
            let has_left = milestone.is_physical() && milestone.state().is_some_and(State::has_left);
            fact.observation.classifier == Classifier::Actual && has_left
        })
    }

    /// A proof for each delivery that is announced.
    pub(super) fn proofs(&self) -> impl Iterator<Item = Intent> {
        let delivers = |one: &&Announcement| matches!(one.milestone, Milestone::Delivered | Milestone::DeliveredPart);
        self.after.announcements.iter().filter(delivers).map(|announcement| {
            let body = EffectBody::Proof { fact: announcement.fact };
            self.effect(EffectTarget::OrderProof, announcement.key(), body, self.is_live(announcement.fact))
        })
    }

    /// All of the goods have arrived.
    pub(super) fn arrived(&self, body: EffectBody) -> Option<Intent> {
        self.becomes(&[State::Delivered])
            .then(|| self.effect(EffectTarget::OrderInvoice, ONCE.into(), body, self.is_decided_live()))
    }

    /// The goods are on their way back, or are back.
    pub(super) fn comes_back(&self) -> Option<Intent> {
        self.becomes(&[State::Returning, State::Returned]).then(|| {
            self.effect(EffectTarget::OrderReturn, ONCE.into(), EffectBody::Return { by: None }, self.is_decided_live())
        })
    }

    /// A step that a rule wants at this moment, whatever led to it. It is the same one as that of the change that usually leads to
    /// it: a shipment takes it once.
    pub(super) fn wanted(&self, target: EffectTarget, body: EffectBody) -> Intent {
        self.effect(target, ONCE.into(), body, true)
    }

    /// The delivery for which an invoice was made is retracted.
    pub(super) fn invoice_in_doubt(&self) -> Option<Intent> {
        let (from, to) = self.retracted().filter(|(from, _)| self.invoiced && *from == State::Delivered)?;
        let key = format!("invoice/{}", self.revision);
        let body = EffectBody::InvoiceInDoubt { from, to };
        Some(self.effect(EffectTarget::OrderActivity, key, body, self.cause == Cause::Live))
    }

    fn becomes(&self, states: &[State]) -> bool {
        states.contains(&self.after.state) && !states.contains(&self.before.state)
    }

    fn is_decided_live(&self) -> bool {
        self.after.decided_by.is_some_and(|fact| self.is_live(fact))
    }

    /// Whether it was received live, since the number is the shipment's.
    fn is_live(&self, fact: ObservationId) -> bool {
        self.cause == Cause::Live && !self.is_received_before(fact)
    }
}
