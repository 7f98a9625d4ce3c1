//! Cases at the service desk: one for each exception that lasts, never two for an open one. What agents do there is followed
//! by rule; what a poll sees of it comes in through `desk_poll`.
//!
//! | an agent | exception still open | exception over |
//! |---|---|---|
//! | resolves the ticket | where a person settles the reason, it is resolved; else it stays open and is questioned | the case is closed |
//! | rejects or deletes it, or moves it out of sight | it stays open and asks for a decision; a new ticket only when a person requests it | the case is closed |
//! | reopens it | it is no longer questioned | where the desk had resolved it, it is open again |
//!
//! Nothing is written to a ticket that an agent closed. A new episode reopens the ticket of the last seven days, or one that
//! is still open; else, and where that ticket was rejected, deleted or is out of sight, a new one follows it up.

mod activity;
pub mod agents;
mod by_rule;
pub mod desk_poll;
mod keep;
mod making;
pub mod reports;
pub mod routing;
mod shown;
pub mod sidebar;
mod texts;
pub mod tickets;
pub(crate) mod wanted;

use crate::caller::Caller;
use crate::{
    audit,
    context::Context,
    error::{Result as OursResult, UseCaseError},
    words,
};
use desks::{Desk, DeskStatus, Reopened, marks};
use domain::access::Permission;
use domain::{
    Severity,
    effects::{EffectOutcome, EffectTarget},
    exceptions::{case_key, case_key_after},
    fold::Resolution,
    ids::{CaseId, CompanyId, CorrelationId, ExceptionId},
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog};
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane},
    shipments::{EffectRecord, Loaded, ShipmentRecord},
    work::{CaseContext, CaseRecord, CaseStatus, ExceptionAction, ExceptionRecord, TicketFacts},
};

/// A new episode within this time reopens the same case.
const EPISODE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a case job came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// The desk agrees with us.
    Agreed,
    /// Nothing to do before this time.
    NotBefore(Timestamp),
    /// The case is at this desk, which was not called.
    Elsewhere(String),
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
    /// The desk is not in use: its work waits.
    #[error("the desk is not in use")]
    NotInUse,
}

impl From<storage::StoreError> for CaseError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// Brings one exception to a desk: opens, updates, resolves or reopens its case, each at most once. A case stays at its desk,
/// and no other one is called.
///
/// # Errors
/// When the desk is not in use, or the desk or the store fails.
pub async fn sync_case(
    context: &Context,
    scope: Scope,
    id: ExceptionId,
    destination: &str,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<CaseOutcome, CaseError> {
    let Some(found) = context.store.work.case_context(scope, id).await? else { return Ok(CaseOutcome::Agreed) };
    let Some(loaded) = context.store.shipments.load(scope, found.exception.shipment, None).await? else {
        return Ok(CaseOutcome::Agreed);
    };
    if let Some(case) = found.case.as_ref().filter(|case| case.desk != destination) {
        return Ok(CaseOutcome::Elsewhere(case.desk.clone()));
    }
    let desk = context.desk(destination).ok_or(CaseError::NotInUse)?;
    let work = CaseWork {
        context,
        scope,
        name: destination,
        desk: &*desk,
        calls,
        correlation,
        loaded: &loaded,
        shipment: &loaded.shipment,
        effects: &loaded.effects,
        exceptions: &loaded.exceptions,
    };
    let before = found.case.as_ref().map(shown::of);
    let outcome = match found.case.clone() {
        Some(case) => work.follow(found.exception.clone(), case).await,
        None => work.begin(found.clone()).await,
    };
    let after = context.store.work.case_context(scope, id).await?.and_then(|found| found.case);
    if after.as_ref().map(shown::of) != before {
        shown::follow(context, scope, &loaded.shipment, correlation).await?;
    }
    outcome
}

struct CaseWork<'a> {
    context: &'a Context,
    scope: Scope,
    /// The name of the desk's connection.
    name: &'a str,
    desk: &'a dyn Desk,
    calls: &'a dyn CallLog,
    correlation: CorrelationId,
    loaded: &'a Loaded,
    shipment: &'a ShipmentRecord,
    effects: &'a [EffectRecord],
    exceptions: &'a [ExceptionRecord],
}

/// A person requests a ticket again that an agent closed while the exception is still open: one that was resolved is reopened,
/// else a new one follows it up, at another desk where that of the earlier one is no longer in use.
///
/// # Errors
/// When there is no such exception, it is over, its ticket is not closed, or no desk in use can have the ticket.
pub async fn ask_for_ticket(
    context: &Context,
    caller: &Caller,
    id: ExceptionId,
    why: Option<String>,
) -> OursResult<()> {
    caller.require(Permission::Act)?;
    let (scope, why) = (caller.scope(), audit::given(why)?);
    let Some(CaseContext { exception, case, .. }) = context.store.work.case_context(scope, id).await? else {
        return Err(UseCaseError::NotFound("exception"));
    };
    let Some(mut case) = case.filter(|case| exception.closed.is_none() && case.is_left_closed()) else {
        let message = "the exception is over, or its ticket is not closed: there is nothing to reopen".into();
        return Err(UseCaseError::Invalid { field: "ticket", message });
    };
    let before = case.number.clone().unwrap_or_default();
    let desk = routing::desk_again(context, scope, &exception, &case).await?;
    match case.status {
        CaseStatus::Resolved => (case.closed_by, case.ticket.closed_by_rule) = (None, None),
        _ => start_over(&mut case, context.company, desk),
    }
    let why = why.unwrap_or_else(|| format!("ticket #{before} was closed at the service desk"));
    let why = audit::reason_about(context, scope, exception.shipment, &why).await?;
    let audit = context.audit("case.asked", format!("exception:{id}")).why(Some(why));
    let job = context
        .job(JobKind::SYNC_CASE, id, Cause::Live, context.correlation(), Some(exception.shipment))
        .to(&case.desk);
    context.store.work.move_case(scope, case, None, audit, vec![job]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// Another ticket is wanted: the one so far is no use any more.
fn start_over(case: &mut CaseRecord, company: CompanyId, desk: String) {
    let number = case.number.take().unwrap_or_default();
    // a number means something at its own desk only
    let number = if case.desk == desk { number } else { format!("{number} at {}", case.desk) };
    case.desk = desk;
    case.external_key = case_key_after(company, case.exception, &number);
    case.follows = Some(number);
    case.status = CaseStatus::Pending;
    (case.url, case.resolved_at, case.closed_by, case.seen) = (None, None, None, None);
    case.ticket = TicketFacts::default();
    // what was reported is in the new ticket's own text; what comes to its own end begins anew
    case.notes.retain(|key| !key.starts_with("closed/") && !key.starts_with("reopened/"));
}

/// The status as we keep it.
pub(crate) fn status_of(status: DeskStatus) -> CaseStatus {
    match status {
        DeskStatus::Open => CaseStatus::Open,
        DeskStatus::Resolved => CaseStatus::Resolved,
        DeskStatus::Rejected => CaseStatus::Rejected,
        DeskStatus::Gone => CaseStatus::Deleted,
        DeskStatus::Hidden => CaseStatus::Hidden,
    }
}

fn known(status: CaseStatus) -> DeskStatus {
    match status {
        CaseStatus::Pending | CaseStatus::Open => DeskStatus::Open,
        CaseStatus::Resolved => DeskStatus::Resolved,
        CaseStatus::Rejected => DeskStatus::Rejected,
        CaseStatus::Deleted => DeskStatus::Gone,
        CaseStatus::Hidden => DeskStatus::Hidden,
    }
}

impl CaseWork<'_> {
    async fn begin(&self, found: CaseContext) -> Result<CaseOutcome, CaseError> {
        let exception = found.exception;
        let Some(wanted) = wanted::wanted(self.context, self.scope, self.loaded, &exception).await? else {
            self.no_change_needed(exception.id).await?;
            return Ok(CaseOutcome::Agreed);
        };
        if let Some(desk) = wanted.desk.as_ref().filter(|desk| *desk != self.name) {
            return Ok(CaseOutcome::Elsewhere(desk.clone()));
        }
        let due = wanted.due(&exception);
        if self.context.now() < due {
            return Ok(CaseOutcome::NotBefore(due));
        }
        let mut case = match found.earlier {
            Some(earlier) if self.same_ticket(&earlier) => CaseRecord {
                id: CaseId(self.context.clock.id()),
                exception: exception.id,
                closed_by: None,
                seen: None,
                revision: 0,
                ticket: TicketFacts { closed_by_rule: None, ..earlier.ticket },
                ..earlier
            },
            earlier => {
                // a number means something at its own desk only
                let here = earlier.filter(|earlier| earlier.desk == self.name);
                self.decided(&exception, here.and_then(|earlier| earlier.number))
            }
        };
        // the decision is durable before the call: after a crash the case is looked up, not made again
        self.keep(&mut case).await?;
        self.follow(exception, case).await
    }

    /// Whether a new episode is added to the ticket of the last one.
    fn same_ticket(&self, earlier: &CaseRecord) -> bool {
        let ended = earlier.resolved_at.unwrap_or(earlier.opened_at);
        let fresh = match earlier.status {
            CaseStatus::Pending | CaseStatus::Open => true,
            CaseStatus::Resolved => self.context.now().duration_since(ended) <= EPISODE,
            CaseStatus::Rejected | CaseStatus::Deleted | CaseStatus::Hidden => false,
        };
        earlier.number.is_some() && fresh && earlier.desk == self.name
    }

    fn decided(&self, exception: &ExceptionRecord, follows: Option<String>) -> CaseRecord {
        CaseRecord {
            id: CaseId(self.context.clock.id()),
            exception: exception.id,
            shipment: exception.shipment,
            desk: self.name.to_owned(),
            external_key: case_key(self.context.company, exception.id),
            number: None,
            url: None,
            status: CaseStatus::Pending,
            opened_at: self.context.now(),
            resolved_at: None,
            // what is known now is in the case's own text. What comes before its number is known (the desk is away,
            // a crash between its making and our knowing) may not, and is added
            notes: self.noted().map(|(key, _)| key).collect(),
            closed_by: None,
            follows,
            seen: None,
            ticket: TicketFacts::default(),
            revision: 0,
        }
    }

    /// Looks, then acts: what was cut short before is found here and not done twice.
    async fn follow(&self, exception: ExceptionRecord, mut case: CaseRecord) -> Result<CaseOutcome, CaseError> {
        if case.number.is_some() && self.has_work(&exception, &case) {
            let by_agent = self.look(&exception, &mut case).await?;
            // what we hold of the exception is older than the agent's word: where it opens again, its fold comes back here
            if by_agent && exception.closed.is_some() {
                return Ok(CaseOutcome::Agreed);
            }
        }
        if case.number.is_none() {
            if exception.closed.is_some() && self.desk.find(&case.external_key, self.calls).await?.is_none() {
                case.status = CaseStatus::Resolved;
                case.resolved_at = Some(self.context.now());
                self.keep(&mut case).await?;
                return Ok(CaseOutcome::Agreed);
            }
            let opened = self.open(&exception, &mut case).await?;
            if opened != CaseOutcome::Agreed {
                return Ok(opened);
            }
        }
        // the decision of an agent or a rule holds until a person or a new episode changes it
        if case.is_left_closed() {
            self.no_change_needed(exception.id).await?;
        } else {
            if let Some(wait) = self.reopen(&exception, &mut case).await? {
                return Ok(wait);
            }
            self.post_notes(&exception, &mut case).await?;
            self.set_context(&exception, &mut case).await?;
            self.rank(&exception, &mut case).await?;
            let later = self.follow_rules(&exception, &mut case).await?;
            self.resolve(&exception, &mut case).await?;
            if let Some(later) = later {
                return Ok(CaseOutcome::NotBefore(later));
            }
        }
        Ok(CaseOutcome::Agreed)
    }

    /// Whether the desk has to be called.
    fn has_work(&self, exception: &ExceptionRecord, case: &CaseRecord) -> bool {
        case.is_to_be_looked_at()
            || (!case.is_left_closed()
                && (self.is_to_be_reopened(exception, case)
                    || self.is_to_be_ranked(exception, case)
                    || self.wanted_changes(exception.id).next().is_some()
                    || is_to_be_resolved(exception, case)
                    || self.fresh_context(exception, case).is_some()
                    || (case.status == CaseStatus::Open && self.fresh(case).next().is_some())))
    }

    /// What the ticket really is at the desk, and whether an agent moved it. Memory alone would comment on a ticket that an
    /// agent closed.
    async fn look(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<bool, CaseError> {
        let Some(number) = case.number.clone() else { return Ok(false) };
        let look = self.desk.look(&number, known(case.status), self.calls).await?;
        let status = status_of(look.case.status);
        let polled = case.seen.take().is_some();
        let merged = look.case.number != number;
        if merged {
            (case.number, case.url) = (Some(look.case.number.clone()), Some(look.case.url));
        }
        let acted = self.follow_activity(exception, case, &number, look.activity).await?;
        match look.by {
            _ if status == case.status => {
                if polled || merged || acted {
                    self.keep(case).await?;
                }
                Ok(false)
            }
            // the agent who closed the ticket of the last episode did not know of this one
            _ if self.is_untold_episode(exception, case) => {
                match status {
                    CaseStatus::Pending | CaseStatus::Open | CaseStatus::Resolved => case.status = status,
                    CaseStatus::Rejected | CaseStatus::Deleted | CaseStatus::Hidden => {
                        start_over(case, self.context.company, self.name.to_owned());
                    }
                }
                self.keep(case).await?;
                Ok(false)
            }
            // our own change: the process died while making it
            None => {
                case.status = status;
                case.resolved_at = (status != CaseStatus::Open).then(|| self.context.now());
                self.keep(case).await?;
                Ok(false)
            }
            Some(agent) => {
                self.moved(exception, case, status, agent).await?;
                Ok(true)
            }
        }
    }

    /// An agent gave the ticket another status: what follows for the exception commits with it.
    async fn moved(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
        status: CaseStatus,
        agent: String,
    ) -> Result<(), CaseError> {
        let ticket = format!("ticket #{}", case.number.as_deref().unwrap_or_default());
        let by_desk = case.status == CaseStatus::Resolved && case.closed_by.is_some();
        let settled_there = by_desk && matches!(exception.closed, Some((_, Resolution::Person)));
        let open = exception.closed.is_none();
        let action = match status {
            CaseStatus::Open if settled_there && !self.has_open_twin(exception) => Some(ExceptionAction::Reopen),
            CaseStatus::Resolved if open && exception.reason.settled_by_person() => Some(ExceptionAction::Resolve),
            _ => None,
        };
        let (word, what) = match status {
            CaseStatus::Pending | CaseStatus::Open => ("case.reopened", "reopened"),
            CaseStatus::Resolved => ("case.resolved", "resolved"),
            CaseStatus::Rejected => ("case.rejected", "rejected"),
            CaseStatus::Deleted => ("case.deleted", "deleted"),
            CaseStatus::Hidden => ("case.hidden", "moved out of sight"),
        };
        let follows = match (&action, status) {
            (Some(ExceptionAction::Reopen), _) => "; the exception is open again",
            (Some(_), _) => "; the exception is resolved",
            (None, CaseStatus::Pending | CaseStatus::Open) => "",
            (None, _) if open => "; the exception is still open",
            (None, _) => "",
        };
        case.status = status;
        let (agent, after) = agents::sealed(self.context, self.scope, self.desk.manifest().id, &agent, status).await?;
        case.closed_by = (status != CaseStatus::Open).then_some(agent);
        case.ticket.closed_by_rule = None;
        case.resolved_at = (status != CaseStatus::Open).then(|| self.context.now());
        let left_open = status == CaseStatus::Open && !open && action.is_none();
        let noted = closed_key(exception, case);
        if left_open && !case.notes.contains(&noted) {
            case.notes.push(noted);
        }
        let why = format!("{ticket} {what} at the service desk{follows}");
        let why = audit::reason(self.context, self.scope, &why).await?;
        let audit = self.context.audit(word, format!("exception:{}", exception.id)).after(after).why(Some(why));
        let moved = case.clone();
        self.context.store.work.move_case(self.scope, moved, action, audit, vec![self.fold()]).await?;
        case.revision += 1;
        self.context.notifier.work(Lane::RealTime);
        self.context.notifier.changed();
        Ok(())
    }

    /// Whether another episode of the same trouble is open: of one reason and piece one is.
    fn has_open_twin(&self, exception: &ExceptionRecord) -> bool {
        self.exceptions.iter().any(|other| {
            other.id != exception.id
                && other.closed.is_none()
                && (other.reason, &other.piece) == (exception.reason, &exception.piece)
        })
    }

    /// Whether this is a new episode in the ticket of an earlier one, and not added there yet.
    fn is_untold_episode(&self, exception: &ExceptionRecord, case: &CaseRecord) -> bool {
        let company = self.context.company;
        let own = case.external_key == case_key(company, exception.id)
            || case.follows.as_ref().is_some_and(|n| case.external_key == case_key_after(company, exception.id, n));
        !own && reopened(exception, case) == 0
    }

    fn is_to_be_reopened(&self, exception: &ExceptionRecord, case: &CaseRecord) -> bool {
        let told_over = case.notes.contains(&closed_key(exception, case));
        exception.closed.is_none()
            && (case.status == CaseStatus::Resolved || told_over || self.is_untold_episode(exception, case))
    }

    /// A new episode of a settled case is added there, and so is one that a person reopened.
    /// Where the ticket cannot be opened again, another one follows it up; then this may have to wait.
    async fn reopen(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
    ) -> Result<Option<CaseOutcome>, CaseError> {
        let wanted = self.is_to_be_reopened(exception, case);
        let Some(number) = case.number.clone().filter(|_| wanted) else { return Ok(None) };
        let key = numbered("reopened", exception, reopened(exception, case));
        let body = format!("{} again: {}.", exception.reason.label(), self.about().heading());
        if self.desk.reopen(&number, &key, &body, self.calls).await? == Reopened::FollowUp {
            start_over(case, self.context.company, self.name.to_owned());
            self.keep(case).await?;
            return Ok(Some(self.open(exception, case).await?).filter(|outcome| *outcome != CaseOutcome::Agreed));
        }
        case.notes.push(key);
        case.status = CaseStatus::Open;
        (case.resolved_at, case.ticket.closed_by_rule) = (None, None);
        self.keep(case).await?;
        Ok(None)
    }

    /// Keeps the current context in the ticket, where it differs from what it was given last.
    async fn set_context(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let Some((text, digest)) = self.fresh_context(exception, case) else { return Ok(()) };
        let Some(number) = case.number.clone() else { return Ok(()) };
        self.desk.set_context(&number, &text, self.calls).await?;
        case.ticket.context = Some(digest);
        self.keep(case).await
    }

    /// The context and its digest, where the ticket is at work and has another one.
    fn fresh_context(&self, exception: &ExceptionRecord, case: &CaseRecord) -> Option<(String, String)> {
        let text = self.about().context_of(exception);
        let digest = marks::key(&text);
        (case.status == CaseStatus::Open && case.ticket.context.as_ref() != Some(&digest)).then_some((text, digest))
    }

    /// Milestones that are not in the case yet.
    fn fresh(&self, case: &CaseRecord) -> impl Iterator<Item = (String, String)> {
        self.noted().filter(move |(key, _)| !case.notes.contains(key))
    }

    async fn post_notes(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let Some(number) = case.number.clone() else { return Ok(()) };
        if case.status == CaseStatus::Resolved && exception.closed.is_some() {
            return Ok(());
        }
        let fresh: Vec<_> = self.fresh(case).collect();
        for (key, text) in fresh {
            self.desk.note(&number, &key, &text, self.calls).await?;
            case.notes.push(key);
            self.keep(case).await?;
        }
        Ok(())
    }

    /// Resolved by rule, except critical ones: those a person closes.
    async fn resolve(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let wanted = is_to_be_resolved(exception, case);
        let (Some(number), Some((closed_at, how))) = (case.number.clone().filter(|_| wanted), exception.closed) else {
            return Ok(());
        };
        let key = closed_key(exception, case);
        let body =
            format!("{} is over ({}), {}.", exception.reason.label(), resolution_word(how), words::instant(closed_at));
        if exception.severity == Severity::Critical && how != Resolution::Person {
            self.desk.note(&number, &key, &format!("{body} A person has to close this case."), self.calls).await?;
            case.notes.push(key);
            return self.keep(case).await;
        }
        self.desk.resolve(&number, &key, &body, self.calls).await?;
        case.notes.push(key);
        case.status = CaseStatus::Resolved;
        case.resolved_at = Some(self.context.now());
        self.keep(case).await
    }

    /// Milestones for the case, with the key under which each is added once. What came out of old messages, read again or
    /// imported, is not added here either.
    fn noted(&self) -> impl Iterator<Item = (String, String)> {
        let withheld = |key: &str| {
            let note = self.effects.iter().find(|effect| effect.target == EffectTarget::OrderNote && effect.key == key);
            note.is_some_and(|note| note.outcome == EffectOutcome::Withheld)
        };
        let keyed = self.shipment.folded.announcements.iter().map(|a| (a.key(), a));
        keyed.filter(move |(key, _)| !withheld(key)).map(|(key, announcement)| {
            (key, format!("{}: {}.", self.about().heading(), words::announcement(announcement)))
        })
    }
}

/// How often the case was reopened for the exception.
fn reopened(exception: &ExceptionRecord, case: &CaseRecord) -> usize {
    let first = numbered("reopened", exception, 0);
    let again = format!("{first}/");
    case.notes.iter().filter(|key| **key == first || key.starts_with(&again)).count()
}

/// The key of a note that may come again.
fn numbered(what: &str, exception: &ExceptionRecord, before: usize) -> String {
    match before {
        0 => format!("{what}/{}", exception.id),
        n => format!("{what}/{}/{n}", exception.id),
    }
}

/// The key of the closing comment.
fn closed_key(exception: &ExceptionRecord, case: &CaseRecord) -> String {
    numbered("closed", exception, reopened(exception, case))
}

/// Whether the closing comment is still to be made. An agent who opens the ticket again afterwards is left alone.
fn is_to_be_resolved(exception: &ExceptionRecord, case: &CaseRecord) -> bool {
    exception.closed.is_some() && case.status == CaseStatus::Open && !case.notes.contains(&closed_key(exception, case))
}

fn resolution_word(how: Resolution) -> &'static str {
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
