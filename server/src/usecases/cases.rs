//! Cases at the service desk: one for each exception that lasts, never two for an open one.

use super::{UseCaseError, fold::announcement_key, orders::page_of};
use crate::{config::Rules, tower::Tower};
use connectors::{
    call::{CallError, CallLog},
    desks::{Desk, NewCase},
};
use domain::{
    Severity,
    ids::{CaseId, ExceptionId, content_id},
};
use jiff::{SignedDuration, Timestamp};
use storage::{
    Scope,
    shipments::{EffectKind, EffectRecord, ShipmentRecord},
    work::{CaseContext, CaseRecord, CaseStatus, ExceptionRecord},
};

/// A new episode within this time reopens the same case.
const EPISODE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a case job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// The desk agrees with us.
    Agreed,
    /// Nothing to do before this time.
    NotBefore(Timestamp),
}

/// Why a case job did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The desk.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for CaseError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// How long an exception may heal by itself before a case is opened; none where no case is ever opened.
pub fn grace(rules: &Rules, severity: Severity) -> Option<SignedDuration> {
    let hours = |h: u64| SignedDuration::from_hours(i64::try_from(h).unwrap_or(i64::MAX / 3600));
    let minutes = |m: u64| SignedDuration::from_mins(i64::try_from(m).unwrap_or(i64::MAX / 60));
    match severity {
        Severity::Info => None,
        Severity::Minor => Some(hours(rules.minor_hours)),
        Severity::Major => Some(minutes(rules.major_grace_minutes)),
        Severity::Critical => Some(SignedDuration::ZERO),
    }
}

/// Brings one exception to the desk: opens, tells, resolves or reopens its case, each at most once.
///
/// # Errors
/// When the desk or the store fails.
pub async fn sync_case(
    tower: &Tower,
    scope: Scope,
    id: ExceptionId,
    calls: &dyn CallLog,
) -> Result<CaseOutcome, CaseError> {
    let Some(desk) = &tower.desk else { return Ok(CaseOutcome::Agreed) };
    let Some(context) = tower.store.work.case_context(scope, id).await? else { return Ok(CaseOutcome::Agreed) };
    let Some(loaded) = tower.store.shipments.load(scope, context.exception.shipment, None).await? else {
        return Ok(CaseOutcome::Agreed);
    };
    let work = CaseWork { tower, scope, desk: &**desk, calls, shipment: &loaded.shipment, effects: &loaded.effects };
    match context.case.clone() {
        Some(case) => work.follow(context.exception, case).await,
        None => work.begin(context).await,
    }
}

struct CaseWork<'a> {
    tower: &'a Tower,
    scope: Scope,
    desk: &'a dyn Desk,
    calls: &'a dyn CallLog,
    shipment: &'a ShipmentRecord,
    effects: &'a [EffectRecord],
}

impl CaseWork<'_> {
    async fn begin(&self, context: CaseContext) -> Result<CaseOutcome, CaseError> {
        let exception = context.exception;
        if exception.closed.is_some() || exception.withheld {
            return Ok(CaseOutcome::Agreed);
        }
        let Some(wait) = grace(&self.tower.config.rules, exception.severity) else { return Ok(CaseOutcome::Agreed) };
        let due = exception.recorded_at.checked_add(wait).unwrap_or(exception.recorded_at);
        if self.tower.now() < due {
            return Ok(CaseOutcome::NotBefore(due));
        }
        let case = match context.earlier.filter(|earlier| self.same_episode(earlier)) {
            Some(earlier) => CaseRecord { id: CaseId(self.tower.clock.id()), exception: exception.id, ..earlier },
            None => self.decided(&exception),
        };
        // the decision is durable before the call: after a crash the case is looked up, not made again
        self.tower.store.work.put_case(self.scope, case.clone()).await?;
        self.follow(exception, case).await
    }

    fn same_episode(&self, earlier: &CaseRecord) -> bool {
        let ended = earlier.resolved_at.unwrap_or(earlier.opened_at);
        earlier.number.is_some() && self.tower.now().duration_since(ended) <= EPISODE
    }

    fn decided(&self, exception: &ExceptionRecord) -> CaseRecord {
        CaseRecord {
            id: CaseId(self.tower.clock.id()),
            exception: exception.id,
            shipment: exception.shipment,
            desk: self.desk.manifest().id.to_owned(),
            external_key: content_id("case", &[self.tower.company.0.as_bytes(), exception.id.0.as_bytes()])
                .simple()
                .to_string(),
            number: None,
            url: None,
            status: CaseStatus::Pending,
            opened_at: self.tower.now(),
            resolved_at: None,
            // what is known now stands in the case's own text. What comes before its number is known (the desk is away,
            // a crash between its making and our knowing) may not, and is told
            notes: self.told().map(|(key, _)| key).collect(),
        }
    }

    /// Looks, then acts: whatever was cut short before is found here and not done twice.
    async fn follow(&self, exception: ExceptionRecord, mut case: CaseRecord) -> Result<CaseOutcome, CaseError> {
        if case.number.is_none() {
            if exception.closed.is_some() && self.desk.find(&case.external_key, self.calls).await?.is_none() {
                case.status = CaseStatus::Resolved;
                case.resolved_at = Some(self.tower.now());
                self.keep(&case).await?;
                return Ok(CaseOutcome::Agreed);
            }
            self.open(&exception, &mut case).await?;
        }
        self.reopen(&exception, &mut case).await?;
        self.tell(&exception, &mut case).await?;
        self.resolve(&exception, &mut case).await?;
        Ok(CaseOutcome::Agreed)
    }

    async fn open(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let made = match self.desk.find(&case.external_key, self.calls).await? {
            Some(found) => found,
            None => self.desk.create(&self.text_of(exception, case), self.calls).await?,
        };
        case.number = Some(made.number);
        case.url = Some(made.url);
        case.status = CaseStatus::Open;
        self.keep(case).await
    }

    /// A new episode of a settled case is told there.
    async fn reopen(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let Some(number) =
            case.number.clone().filter(|_| exception.closed.is_none() && case.status == CaseStatus::Resolved)
        else {
            return Ok(());
        };
        let key = format!("reopened/{}", exception.id);
        let body = format!("{} again: {}.", exception.reason.label(), self.heading());
        self.desk.reopen(&number, &key, &body, self.calls).await?;
        case.notes.push(key);
        case.status = CaseStatus::Open;
        case.resolved_at = None;
        self.keep(case).await
    }

    async fn tell(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let Some(number) = case.number.clone() else { return Ok(()) };
        if case.status == CaseStatus::Resolved && exception.closed.is_some() {
            return Ok(());
        }
        let fresh: Vec<_> = self.told().filter(|(key, _)| !case.notes.contains(key)).collect();
        for (key, text) in fresh {
            self.desk.note(&number, &key, &text, self.calls).await?;
            case.notes.push(key);
            self.keep(case).await?;
        }
        Ok(())
    }

    /// Resolved by rule, except critical ones: those a person closes.
    async fn resolve(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let (Some(number), Some((closed_at, how))) = (case.number.clone(), exception.closed) else { return Ok(()) };
        if case.status == CaseStatus::Resolved {
            return Ok(());
        }
        let key = format!("closed/{}", exception.id);
        let body = format!(
            "{} is over ({}), {}.",
            exception.reason.label(),
            resolution_word(how),
            crate::words::instant(closed_at)
        );
        let by_person = how == domain::fold::Resolution::Person;
        if exception.severity == Severity::Critical && !by_person {
            if !case.notes.contains(&key) {
                self.desk.note(&number, &key, &format!("{body} A person has to close this case."), self.calls).await?;
                case.notes.push(key);
                self.keep(case).await?;
            }
            return Ok(());
        }
        self.desk.resolve(&number, &key, &body, self.calls).await?;
        case.notes.push(key);
        case.status = CaseStatus::Resolved;
        case.resolved_at = Some(self.tower.now());
        self.keep(case).await
    }

    /// Milestones worth telling, with the key under which each is told once. What came out of old messages, read again or
    /// imported, is no news: it is not told here either.
    fn told(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let withheld = |key: &str| {
            let note = self.effects.iter().find(|effect| effect.kind == EffectKind::OrderNote && effect.key == key);
            note.is_some_and(EffectRecord::is_withheld)
        };
        let keyed = self.shipment.folded.announcements.iter().map(|a| (announcement_key(a), a));
        keyed.filter(move |(key, _)| !withheld(key)).map(|(key, announcement)| {
            (key, format!("{}: {}.", self.heading(), crate::words::announcement(announcement)))
        })
    }

    fn heading(&self) -> String {
        let origin = self
            .shipment
            .origin
            .as_ref()
            .map(|o| format!(" for {}", o.order.as_deref().unwrap_or(&o.name)))
            .unwrap_or_default();
        format!("Shipment {}{origin}", self.number())
    }

    fn number(&self) -> &str {
        self.shipment.numbers.first().map_or("without a number", |n| n.number.as_str())
    }

    fn text_of(&self, exception: &ExceptionRecord, case: &CaseRecord) -> NewCase {
        let page = page_of(&self.tower.config, self.shipment.id);
        let origin = self.shipment.origin.as_ref();
        let number = self.shipment.numbers.first();
        NewCase {
            external_key: case.external_key.clone(),
            subject: format!("{}: {}", exception.reason.label(), self.heading()),
            body: format!(
                "{}\n\nState: {}\nSeverity: {}\nAnswerable: {}\nSince: {}\nTimeline and reasons: {page}",
                exception.reason.label(),
                self.shipment.folded.state.label(),
                exception.severity.label(),
                exception.responsible.label(),
                crate::words::instant(exception.opened_at),
            ),
            tracking_number: self.number().to_owned(),
            carrier: number.and_then(|n| n.carrier_label.clone()).unwrap_or_default(),
            exception_code: exception.reason.code().to_owned(),
            severity: exception.severity,
            odoo_url: origin.and_then(|o| o.url.clone()),
            milepost_url: page,
            tags: vec!["milepost".into(), exception.reason.category().code().to_lowercase()],
        }
    }

    async fn keep(&self, case: &CaseRecord) -> Result<(), CaseError> {
        Ok(self.tower.store.work.put_case(self.scope, case.clone()).await?)
    }
}

fn resolution_word(how: domain::fold::Resolution) -> &'static str {
    use domain::fold::Resolution;
    match how {
        Resolution::Progress => "the shipment moved on",
        Resolution::Delivered => "delivered",
        Resolution::Returned => "returned",
        Resolution::Cancelled => "cancelled",
        Resolution::Explicit => "settled by the carrier",
        Resolution::Person => "settled by a person",
        Resolution::Cleared => "no longer so",
    }
}
