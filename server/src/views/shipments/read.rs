//! Everything that the page of a shipment shows, read together.

use crate::views::{Asker, times::Times};
use ::odoo::Customer;
use app::contract::shipments::{CustomerView, ProofView};
use application::{
    audit::Opened,
    cases::agents::Names,
    context::Context,
    error::UseCaseError,
    governance::messages,
    mask::Mask,
    odoo::{self, CUSTOMER},
    tracking::proof::{self, Proof},
};
use domain::{
    fold::{Fact, Folded, Verdict},
    ids::{ObservationId, ShipmentId, UserId},
    observation::Observation,
};
use jiff::Timestamp;
use std::collections::HashMap;
use storage::{
    Scope,
    jobs::AttemptRecord,
    people::AuditRecord,
    shipments::{Loaded, SameNumber, SeenIn},
    work::{CaseRecord, CaseStatus},
};

/// Everything that the page of a shipment shows, read together.
pub(super) struct Page<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) folded: &'a Folded,
    pub(super) times: Times,
    pub(super) at: Option<Timestamp>,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) seen: HashMap<ObservationId, SeenIn>,
    pub(super) audit: Vec<(AuditRecord, Option<String>)>,
    pub(super) agents: Names,
    pub(super) opened: Opened,
    pub(super) owners: HashMap<UserId, String>,
    /// The numbers of the tickets that calls made.
    pub(super) places: Places,
    pub(super) tickets: HashMap<AttemptId, String>,
    pub(super) connections: Arc<Snapshot>,
    pub(super) customer: Option<CustomerView>,
    pub(super) proofs: Vec<ProofView>,
    pub(super) unread_deliveries: usize,
    pub(super) same_number: Vec<SameNumber>,
}

impl<'a> Page<'a> {
    pub(super) async fn read(
        asker: &Asker,
        scope: Scope,
        loaded: &'a Loaded,
        folded: &'a Folded,
        times: Times,
        at: Option<Timestamp>,
    ) -> Result<Self, UseCaseError> {
        let context = &asker.context;
        let id = loaded.shipment.id;
        let users = context.store.people.users(scope).await?;
        let audit = context.store.people.audit_of(scope, id).await?;
        let (proofs, unread_deliveries) = proofs(context, scope, loaded, folded, &times).await?;
        if !times.mask.hides() && !proofs.is_empty() {
            messages::note_signatory_read(context, scope, id).await?;
        }
        let attempts = context.store.jobs.attempts_of(scope, id).await?;
        Ok(Self {
            places: Places::read(context, scope, times.mask, loaded.input.facts.iter()).await?,
            tickets: tickets::created(context, scope, &loaded.cases, &attempts).await?,
            attempts,
            connections: context.connections.now(),
            seen: context.store.shipments.seen_in(scope, id).await?.into_iter().map(|s| (s.observation, s)).collect(),
            agents: asker.agents(loaded.cases.iter(), audit.iter().map(|(line, _)| &line.entry)).await?,
            opened: Opened::read(context, scope, audit.iter().map(|(line, _)| &line.entry)).await?,
            audit,
            owners: users.into_iter().map(|u| (u.id, u.name)).collect(),
            customer: customer(context, scope, id, times.mask).await?,
            proofs,
            unread_deliveries,
            same_number: context.store.shipments.same_number(scope, id).await?,
            loaded,
            folded,
            times,
            at,
        })
    }

    /// The cases that were there at the moment that is looked at, as they stood then.
    pub(super) fn cases(&self) -> impl Iterator<Item = CaseRecord> {
        let until = self.at.unwrap_or(Timestamp::MAX);
        let then = self.loaded.cases.iter().filter(move |c| c.opened_at <= until);
        then.map(|case| self.at.map_or_else(|| case.clone(), |at| as_of(case, at)))
    }

    pub(super) fn place(&self, fact: &Fact) -> Option<String> {
        self.times.mask.place(self.places.of(fact)?)
    }

    pub(super) fn fact(&self, id: Option<ObservationId>) -> Option<&Fact> {
        self.loaded.input.facts.iter().find(|f| Some(f.id) == id)
    }

    pub(super) fn verdict(&self, id: ObservationId) -> Option<&Verdict> {
        self.folded.verdicts.iter().find(|v| v.fact == id)
    }
}

/// The case as it stood at a past moment. Of a ticket the record has one status, and since when: a ticket that was closed later
/// was open then.
fn as_of(case: &CaseRecord, at: Timestamp) -> CaseRecord {
    let closed = !matches!(case.status, CaseStatus::Pending | CaseStatus::Open);
    if closed && case.resolved_at.is_none_or(|since| since > at) {
        return CaseRecord { status: CaseStatus::Open, closed_by: None, resolved_at: None, ..case.clone() };
    }
    case.clone()
}

/// The customer; masked for roles that may not see personal data.
async fn customer(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
    mask: Mask,
) -> Result<Option<CustomerView>, UseCaseError> {
    let Some((sealed, key)) = context.store.shipments.customer(scope, shipment).await? else { return Ok(None) };
    let Some(key) = key else { return Ok(None) };
    let opened = context
        .vault
        .unwrap(&key)
        .and_then(|key| key.open(CUSTOMER, &sealed))
        .map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let customer: Customer = serde_json::from_slice(&opened).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    Ok(Some(CustomerView {
        name: customer.name.map(|name| mask.name(name)),
        place: Some([customer.city, customer.country].into_iter().flatten().collect::<Vec<_>>().join(", "))
            .filter(|p| !p.is_empty()),
        email: customer.email.map(|email| mask.name(email)),
        locale: locale(customer.language.as_deref(), customer.zone.as_deref(), context.now()),
        masked: mask.hides(),
    }))
}

/// Who signed, masked for roles that may not see personal data; and how many deliveries were not looked at.
async fn proofs(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    folded: &Folded,
    times: &Times,
) -> Result<(Vec<ProofView>, usize), UseCaseError> {
    let several = loaded.shipment.numbers.len() > 1;
    let shown = |proof: Proof| {
        let fact = loaded.input.facts.iter().find(|fact| fact.id == proof.fact)?;
        let number = odoo::number_of(loaded, fact.piece.as_deref(), &[fact.id]).filter(|_| several);
        Some(ProofView {
            signed_by: times.mask.name(proof.signed_by),
            masked: times.mask.hides(),
            when: times.event(&fact.observation.time),
            number: number.map(|number| number.number.clone()),
        })
    };
    let proofs = proof::of(context, scope, loaded, folded).await?;
    Ok((proofs.named.into_iter().filter_map(shown).collect(), proofs.unread))
}
