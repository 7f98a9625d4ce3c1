//! Shipments, for the pages: the list, one shipment with its timeline and reasons, one event's raw message.

use super::{
    Asker, cursor,
    exceptions::{question, ticket_status},
    id, named, raw, refused,
    times::{Placed, Times, span_words},
};
use app::contract::{
    ApiError, ApiResult,
    session::Permission,
    shipments::{
        CaseView, CustomerView, Entry, EntryKind, ExceptionView, Lateness, ListPage, ListQuery, Mark, NumberView,
        ProofView, RawView, Reason, Row, SameNumberView, ShipmentView, Standing, Step, StepStanding, Tab,
    },
};
use application::{
    audit::Opened,
    cases::agents::Names,
    context::Context,
    error::UseCaseError,
    governance::messages,
    odoo::{self, CUSTOMER},
    tracking::{
        normalise::{self, StatementText, TEXT},
        proof::{self, Proof},
    },
};
use async_trait::async_trait;
use connectors::odoo::Customer;
use domain::{
    Classifier, ExceptionReason, Milestone, Severity, State,
    fold::{self, Fact, Folded, Resolution, Standing as FactStanding, Verdict},
    ids::{MessageId, ObservationId, ShipmentId},
    numbers,
    observation::{Location, Observation},
    progress,
    punctuality::{self, Delay, Moment, Punctuality, punctuality},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use storage::{
    Actor, Scope,
    facts::ObservationRecord,
    figures::Span,
    jobs::{AttemptRecord, Outcome},
    limits::PAGE_ROWS,
    people::AuditRecord,
    shipments::{Freshness, Loaded, SameNumber, SeenIn, ShipmentQuery, ShipmentRow, ShipmentTab, TabCounts},
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

/// Moments offered under "as known at".
const MOMENTS_MAX: usize = 50;
/// A promise missed by less than this is a warning.
const A_LITTLE_LATE: SignedDuration = SignedDuration::from_hours(24);
/// Shipments.
pub struct ShipmentsPort(pub Asker);

#[async_trait]
impl app::contract::shipments::ShipmentsPort for ShipmentsPort {
    async fn list(&self, query: ListQuery) -> ApiResult<ListPage> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let times = self.0.times();
        let now = times.now;
        let personal = self.0.may(Permission::ReadPersonal);
        let words = Some(query.text.trim().to_owned()).filter(|t| !t.is_empty());
        let question = ShipmentQuery {
            tab: tab(&query.tab),
            // a person's name finds nothing for roles that may not read it
            tokens: words.iter().filter(|_| personal).map(|w| context.vault.token("customer", w)).collect(),
            text: words,
            states: State::from_code(&query.state).into_iter().collect(),
            linked: !query.linked.is_empty(),
            carrier: Some(query.carrier).filter(|carrier| !carrier.is_empty()),
            freshness: freshness(&query.fresh),
            delivered: query.delivered.parse().ok().map(|day| Span::day(day, &self.0.zone)),
            cursor: cursor(query.cursor),
        };
        let counts = context.store.shipments.counts(scope, now).await.map_err(|e| refused(context, e))?;
        let page = context.store.shipments.list(scope, question, now).await.map_err(|e| refused(context, e))?;
        let newest = page.rows.iter().filter_map(|row| row.heard_at).max();
        Ok(ListPage {
            tabs: tabs(counts),
            newest: newest.map(|at| times.ago(at)),
            cut_short: page.next.is_some() && page.rows.len() < PAGE_ROWS as usize,
            rows: page.rows.into_iter().map(|row| list_row(row, &times)).collect(),
            next: page.next,
        })
    }

    async fn get(&self, shipment: String, as_known_at: Option<String>) -> ApiResult<ShipmentView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let shipment: ShipmentId = id(&shipment)?;
        let at = moment(as_known_at)?;
        let fail = |e| refused(context, e);
        let mut loaded =
            context.store.shipments.load(scope, shipment, at).await.map_err(fail)?.ok_or(ApiError::NotFound)?;
        if let Some(target) = loaded.shipment.merged_into {
            loaded = context.store.shipments.load(scope, target, at).await.map_err(fail)?.ok_or(ApiError::NotFound)?;
        }
        let times = self.0.times();
        // the choice of moments stays the same while a past one is shown
        let whole = match at {
            Some(_) => context.store.shipments.load(scope, loaded.shipment.id, None).await.map_err(fail)?,
            None => None,
        };
        let moments = moments(&whole.as_ref().unwrap_or(&loaded).input.facts, &times);
        // read anew, so that the page says why even as of a past moment
        let folded = fold::fold(&loaded.input, at.unwrap_or(times.now));
        let page = Page::read(&self.0, scope, &loaded, &folded, times, at).await.map_err(|e| refused(context, e))?;
        Ok(ShipmentView { moments, ..page.view() })
    }

    async fn link(&self, claimed: String, unlinked: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        let (claimed, unlinked) = (id(&claimed)?, id(&unlinked)?);
        odoo::link(context, &caller, claimed, unlinked).await.map_err(|e| refused(context, e))
    }

    async fn raw(&self, shipment: String, observation: String) -> ApiResult<RawView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let (shipment, observation): (ShipmentId, ObservationId) = (id(&shipment)?, id(&observation)?);
        let found =
            context.store.facts.observation(scope, shipment, observation).await.map_err(|e| refused(context, e))?;
        let record = found.ok_or(ApiError::NotFound)?;
        // the message that the timeline names
        let seen = context.store.shipments.seen_in(scope, shipment).await.map_err(|e| refused(context, e))?;
        let first = seen.into_iter().find(|seen| seen.observation == observation).map(|seen| seen.message);
        // some carriers name who signed only in a later message
        let signed_by = match record.reading.milestone {
            Milestone::Delivered | Milestone::DeliveredPart => {
                proof::signatory(context, scope, shipment, observation).await.map_err(|e| refused(context, e))?
            }
            _ => None,
        };
        let may_read = self.0.may(Permission::ReadPersonal);
        raw_view(context, scope, record, (first, signed_by), may_read, &self.0.times())
            .await
            .map_err(|e| refused(context, e))
    }

    async fn find(&self, text: String) -> ApiResult<Option<String>> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        // as the number is kept, then as a source that knows its carrier may keep it, then as a name
        let mut found = Vec::new();
        for words in numbers::kept_under(&text, None).into_iter().chain([text.trim().to_owned()]) {
            found = context.store.shipments.find(scope, &words).await.map_err(|e| refused(context, e))?;
            if !found.is_empty() {
                break;
            }
        }
        Ok(match &found[..] {
            [only] => Some(only.to_string()),
            _ => None,
        })
    }
}

/// A moment of the address.
fn moment(at: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(at) = at.filter(|at| !at.is_empty()) else { return Ok(None) };
    let wrong =
        |_| ApiError::Invalid { field: "at".into(), message: "This is no time: choose one from the list.".into() };
    at.parse().map(Some).map_err(wrong)
}

fn tab(text: &str) -> ShipmentTab {
    match text {
        "exceptions" => ShipmentTab::Exceptions,
        "late" => ShipmentTab::Late,
        "silent" => ShipmentTab::Silent,
        "delivered" => ShipmentTab::Delivered,
        "unclaimed" => ShipmentTab::Unclaimed,
        "all" => ShipmentTab::All,
        _ => ShipmentTab::Open,
    }
}

fn freshness(text: &str) -> Option<Freshness> {
    Some(match text {
        "current" => Freshness::Current,
        "outdated" => Freshness::Outdated,
        "received" => Freshness::Received,
        "not_received" => Freshness::NotReceived,
        _ => return None,
    })
}

fn tabs(counts: TabCounts) -> Vec<Tab> {
    let all = [
        ("open", "Open", counts.open),
        ("exceptions", "Exceptions", counts.exceptions),
        ("late", "Late", counts.late),
        ("silent", "No updates", counts.silent),
        ("delivered", "Delivered", counts.delivered),
        ("unclaimed", "Unlinked", counts.unclaimed),
        ("all", "All", counts.all),
    ];
    all.into_iter().map(|(key, label, count)| Tab { key: key.into(), label: label.into(), count }).collect()
}

/// Carrier and destination, as far as they are known.
pub(super) fn route(carrier: Option<&str>, destination: Option<&str>) -> String {
    [destination.map(|d| format!("to {d}")), carrier.map(str::to_owned)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

/// How an exception ended, in a word or two.
pub(super) fn resolution(how: Resolution) -> &'static str {
    match how {
        Resolution::Progress => "Cleared by later scan",
        Resolution::Delivered => "Auto-resolved by delivery",
        Resolution::Returned => "Auto-resolved by return",
        Resolution::Cancelled => "Auto-resolved by cancellation",
        Resolution::Explicit => "Resolved by carrier",
        Resolution::Person => "Resolved by a person",
        Resolution::Cleared => "Auto-resolved",
    }
}

fn list_row(row: ShipmentRow, times: &Times) -> Row {
    let severe =
        row.exception.is_some_and(|(reason, severity)| severity >= Severity::Major && reason != ExceptionReason::Late);
    let late = lateness(punctuality(&punctuality::Facts {
        state: row.state,
        in_trouble: severe,
        promised: row.promised_by.filter(|_| row.origin.is_some()).map(|at| Moment::promised(at, &times.zone)),
        delivered: row.delivered_at.as_ref().and_then(Moment::of),
        eta: row.eta.as_ref().and_then(Moment::of),
        now: times.now,
        zone: &times.zone,
    }));
    let delivered = row.delivered_at.is_some();
    let eta = row.eta.as_ref().filter(|_| !off_the_way(row.state));
    let number = row.numbers.first();
    let last = row.last_event;
    Row {
        id: row.id.to_string(),
        state: row.state,
        visibility: row.visibility,
        exception: row.exception.map(|(reason, severity)| (severity, reason.label().to_owned())),
        number: number.map_or_else(|| "no number yet".into(), |n| n.number.clone()),
        more_numbers: row.numbers.len().saturating_sub(1),
        carrier: number.and_then(|n| n.carrier_label.clone()).unwrap_or_else(|| "Unknown carrier".into()),
        order: row.origin.as_ref().and_then(|o| o.order.clone()),
        transfer: row.origin.as_ref().map(|o| o.name.clone()),
        destination: row.destination,
        eta: row.delivered_at.as_ref().or(eta).map(|time| times.event(time)),
        delivered,
        promise: row.promised_by.map(|at| times.promise(at)),
        late,
        last_event: last.as_ref().map(|e| match (&e.code, e.exception) {
            (Some(code), _) => format!("“{}”, kept as received", named::code(code, times.may_see)),
            (None, Some(exception)) if e.milestone == Milestone::Info => exception.label().to_owned(),
            (None, _) => e.milestone.label().to_owned(),
        }),
        last_place: last.as_ref().filter(|e| times.may_see || e.place_in_parts).and_then(|e| e.place.clone()),
        last_at: last.and_then(|e| match e.time {
            Some(time) => Some(times.event_ago(&time)),
            None => e.at.map(|at| times.ago(at)),
        }),
        case: row.case,
    }
}

/// It does not go to the recipient any more: an estimate of that is past.
const fn off_the_way(state: State) -> bool {
    matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed)
}

/// No estimate and no plan is to come true any more.
const fn nothing_is_expected(state: State) -> bool {
    off_the_way(state) || matches!(state, State::Delivered)
}

/// A promise that is kept or not, in a word or two; none where there is nothing to say.
fn lateness(said: Punctuality) -> Option<(Lateness, String)> {
    let words = |delay: Delay| match delay {
        Delay::Exact(span) => span_words(span),
        Delay::Days(days) => format!("{days} d"),
    };
    let how_bad = |delay: Delay| match delay {
        Delay::Exact(span) if span < A_LITTLE_LATE => Lateness::Warn,
        Delay::Exact(_) | Delay::Days(_) => Lateness::Bad,
    };
    Some(match said {
        Punctuality::NotApplicable | Punctuality::Open => return None,
        Punctuality::NoPromise => (Lateness::None, "no promise".into()),
        Punctuality::OnTime => (Lateness::OnTime, "on time".into()),
        Punctuality::ExpectedOnTime => (Lateness::OnTime, "on schedule".into()),
        Punctuality::Late(delay) => (how_bad(delay), format!("{} late", words(delay))),
        Punctuality::ExpectedLate(delay) => (how_bad(delay), format!("{} late expected", words(delay))),
        Punctuality::Overdue(delay) => (how_bad(delay), format!("{} overdue", words(delay))),
    })
}

/// Everything that the page of a shipment shows, read together.
struct Page<'a> {
    loaded: &'a Loaded,
    folded: &'a Folded,
    times: Times,
    at: Option<Timestamp>,
    attempts: Vec<AttemptRecord>,
    seen: HashMap<ObservationId, SeenIn>,
    audit: Vec<(AuditRecord, Option<String>)>,
    agents: Names,
    opened: Opened,
    owners: HashMap<domain::ids::UserId, String>,
    customer: Option<CustomerView>,
    proofs: Vec<ProofView>,
    unread_deliveries: usize,
    may_see: bool,
    same_number: Vec<SameNumber>,
}

impl<'a> Page<'a> {
    async fn read(
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
        let may_see = asker.may(Permission::ReadPersonal);
        let (proofs, unread_deliveries) = proofs(context, scope, loaded, folded, &times, may_see).await?;
        if may_see && !proofs.is_empty() {
            messages::note_signatory_read(context, scope, id).await?;
        }
        Ok(Self {
            attempts: context.store.jobs.attempts_of(scope, id).await?,
            seen: context.store.shipments.seen_in(scope, id).await?.into_iter().map(|s| (s.observation, s)).collect(),
            agents: asker.agents(loaded.cases.iter(), audit.iter().map(|(line, _)| &line.entry)).await?,
            opened: Opened::read(context, scope, audit.iter().map(|(line, _)| &line.entry)).await?,
            audit,
            owners: users.into_iter().map(|u| (u.id, u.name)).collect(),
            customer: customer(context, scope, id, may_see).await?,
            proofs,
            unread_deliveries,
            may_see,
            same_number: context.store.shipments.same_number(scope, id).await?,
            loaded,
            folded,
            times,
            at,
        })
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

    fn view(self) -> ShipmentView {
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

    /// What is odd about the shipment, and what of its delivery could not be read.
    fn anomalies(&self) -> Vec<String> {
        let odd = self.folded.anomalies.iter().map(|odd| anomaly(*odd).to_owned());
        let plan = &self.loaded.shipment.plan;
        let doubts = plan.doubts.iter().filter(|_| self.folded.heard_at.is_none());
        odd.chain(plan.unread.iter().chain(doubts).cloned()).collect()
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
        list_row(row, &self.times)
    }

    /// The cases that were there at the moment that is looked at, as they stood then.
    fn cases(&self) -> impl Iterator<Item = CaseRecord> {
        let until = self.at.unwrap_or(Timestamp::MAX);
        let then = self.loaded.cases.iter().filter(move |c| c.opened_at <= until);
        then.map(|case| self.at.map_or_else(|| case.clone(), |at| as_of(case, at)))
    }

    fn place(&self, said: &Observation) -> Option<String> {
        place(said.location.as_ref()?, self.may_see)
    }

    fn fact(&self, id: Option<ObservationId>) -> Option<&Fact> {
        self.loaded.input.facts.iter().find(|f| Some(f.id) == id)
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

    fn verdict(&self, id: ObservationId) -> Option<&Verdict> {
        self.folded.verdicts.iter().find(|v| v.fact == id)
    }

    fn timeline(&self) -> Vec<Entry> {
        let mut entries: Vec<(Timestamp, Entry)> = self.loaded.input.facts.iter().map(|f| self.of_fact(f)).collect();
        let until = self.at.unwrap_or(Timestamp::MAX);
        entries.extend(
            self.attempts
                .iter()
                .filter(|a| a.started_at <= until && worth_showing(a))
                .map(|a| (a.started_at, of_attempt(a, &self.times))),
        );
        entries.extend(
            self.audit
                .iter()
                .filter(|(line, _)| line.entry.at <= until)
                .map(|(line, who)| (line.entry.at, self.of_person(line, who.as_deref()))),
        );
        entries.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.key.cmp(&a.1.key)));
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn of_person(&self, line: &AuditRecord, who: Option<&str>) -> Entry {
        let what = match line.entry.action.as_str() {
            "exception.acknowledge" => "Acknowledged",
            "shipment.link" => "Tracking number linked to the order",
            "exception.assign" => "Assignment changed",
            "exception.snooze" => "Exception snoozed",
            "exception.resolve" => "Exception resolved",
            "exception.reopen" => "Exception reopened",
            "case.resolved" => "Ticket resolved at the service desk",
            "case.reopened" => "Ticket reopened at the service desk",
            "case.rejected" => "Ticket rejected at the service desk",
            "case.deleted" => "Ticket deleted at the service desk",
            "case.hidden" => "Ticket no longer readable",
            "case.asked" => "Ticket asked for again",
            "customer.erase" => "Customer data erased",
            other => other,
        };
        let agent = self.agents.of_line(&line.entry);
        // what is known of a ticket without a name is an agent's doing too
        let at_desk = who.is_none() && line.entry.action.starts_with("case.");
        let by = match who.or(agent.as_deref()) {
            Some(name) => Some(format!("by {name}")),
            None => (!at_desk).then(|| "by the system".to_owned()),
        };
        // a person's words may name somebody
        let is_erasure = line.entry.action == "customer.erase";
        let why = self.opened.why(line.entry.why.as_ref());
        // and the reason for an erasure names who asked for it
        let why = why.filter(|_| (self.may_see || line.actor == Actor::System) && !is_erasure);
        let detail = [by, why].into_iter().flatten().collect::<Vec<_>>().join(": ");
        system_entry(
            format!("audit-{}", line.seq),
            EntryKind::Person,
            self.times.instant(line.entry.at),
            what.to_owned(),
            detail,
            "",
            Mark::System,
            None,
        )
    }

    fn of_fact(&self, fact: &Fact) -> (Timestamp, Entry) {
        let observation = &fact.observation;
        let recorded = fact.sightings.iter().map(|s| s.recorded_at).min().unwrap_or_default();
        let key = observation
            .time
            .sort_key()
            .filter(|_| !observation.time.sentinel)
            .or(observation.stated_at)
            .unwrap_or(recorded);
        let verdict = self.verdict(fact.id);
        let seen = self.seen.get(&fact.id);
        let standing = verdict.map_or(FactStanding::Counts, |v| v.standing);
        let (mut mark, mut word) = drawn(fact, standing);
        let mut placed = self.times.placed(&observation.time, key);
        placed.when.full = format!("{} · received {}", placed.when.full, self.times.dated(recorded).full);
        let (mut key, mut expected) = (key, String::new());
        if observation.classifier != Classifier::Actual && nothing_is_expected(self.folded.state) {
            if !matches!(mark, Mark::Void | Mark::System) {
                (mark, word) = (Mark::Void, "superseded");
            }
            // it stands where it was received: what it expected is not to come any more
            if key > recorded {
                expected = format!("for {} · ", placed.when.shown);
                key = recorded;
                placed = Placed { remark: "received", ..self.times.instant(recorded) };
            }
        }
        let source = seen.map_or("", |s| s.source_name.as_str());
        let piece = fact.piece.as_ref().map(|p| format!(" · piece {p}")).unwrap_or_default();
        let entry = Entry {
            key: fact.id.to_string(),
            kind: EntryKind::Carrier,
            day: placed.day,
            clock: placed.clock,
            remark: placed.remark.into(),
            when: placed.when,
            title: named::title(observation, &fact.reading, self.may_see),
            place: self.place(observation),
            detail: format!(
                "{expected}{source} · code {}{piece} · received {}",
                named::code(&observation.codes.raw, self.may_see),
                self.times.relative(recorded)
            ),
            standing: word.to_owned(),
            mark,
            exception: named::exceptions(&fact.reading),
            observation: Some(fact.id.to_string()),
            correlation: seen.map(|s| s.correlation.to_string()),
        };
        (key, entry)
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
                let place = self.place(&fact.observation).map(|l| format!(", {l}")).unwrap_or_default();
                let milestone = fact.reading.milestone;
                let title = if milestone == Milestone::Info {
                    named::exceptions(&fact.reading).map_or_else(
                        || named::code(&fact.observation.codes.raw, self.may_see).to_owned(),
                        |(_, labels)| labels,
                    )
                } else {
                    named::title(&fact.observation, &fact.reading, self.may_see)
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
            closed: e.closed.map(|(at, how)| (resolution(how).to_owned(), self.times.ago(at))),
            owner: e.owner.and_then(|owner| self.owners.get(&owner).cloned()),
            acknowledged: e.acknowledged_at.is_some(),
        }
    }

    fn case(&self, case: &CaseRecord) -> CaseView {
        CaseView {
            number: case.number.clone(),
            url: case.url.clone(),
            status: ticket_status(case, &self.agents),
            opened: self.times.ago(case.opened_at),
        }
    }
}

/// When something was recorded: what a page can be asked for as of. A page shows seconds, so that there is one choice for
/// each, its last moment, with the title of what was recorded then for the first time.
fn moments(facts: &[Fact], times: &Times) -> Vec<(String, String)> {
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
        let title = fact.map(|fact| format!(" · {}", named::title(&fact.observation, &fact.reading, times.may_see)));
        (at.to_string(), format!("{}{}", times.exact(at), title.unwrap_or_default()))
    };
    seconds.into_values().rev().take(MOMENTS_MAX).map(choice).collect()
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

fn drawn(fact: &Fact, standing: FactStanding) -> (Mark, &'static str) {
    match (standing, fact.observation.classifier) {
        (FactStanding::Superseded, _) => (Mark::Void, "replaced by a newer list"),
        (FactStanding::Retracted, _) => (Mark::Void, "retracted"),
        (FactStanding::Retraction, _) => (Mark::Void, "retracts an event"),
        (FactStanding::Quarantined, _) => (Mark::Void, "impossible time"),
        (FactStanding::OtherUse, _) => (Mark::Void, "another parcel"),
        (FactStanding::Merged, _) => (Mark::Actual, "same event, other source"),
        (FactStanding::Feed, _) => (Mark::System, "about the feed"),
        (_, Classifier::Planned) => (Mark::Planned, "planned"),
        (_, Classifier::Estimated) => (Mark::Estimated, "estimated"),
        (FactStanding::Decides, _) => (Mark::Deciding, "actual · sets status"),
        (_, Classifier::Actual) if fact.reading.exceptions().any(|e| e.severity() >= Severity::Major) => {
            (Mark::Trouble, "actual")
        }
        (_, Classifier::Actual) => (Mark::Actual, "actual"),
    }
}

/// What a call changed, and what it is called where that is not certain; none for one that only read.
fn change(attempt: &AttemptRecord) -> Option<(&'static str, &'static str)> {
    Some(match attempt.operation.as_str() {
        "stock.picking/write" => ("Odoo updated", "Odoo update"),
        "stock.picking/message_post" => ("Note posted in Odoo", "Note in Odoo"),
        "stock.picking/activity_schedule" => ("Activity created in Odoo", "Activity in Odoo"),
        "mail.activity/action_feedback" => ("Activity completed in Odoo", "End of an activity in Odoo"),
        "ticket/create" => ("Ticket created", "New ticket"),
        "ticket/comment" => ("Comment added to the ticket", "Comment on the ticket"),
        "ticket/status" => ("Ticket status changed", "New status of the ticket"),
        _ => return None,
    })
}

/// A read before a write nearly always succeeds and is no event; the job's page has every call.
fn worth_showing(attempt: &AttemptRecord) -> bool {
    attempt.outcome != Outcome::Ok || change(attempt).is_some()
}

fn of_attempt(attempt: &AttemptRecord, times: &Times) -> Entry {
    let (kind, read) = if attempt.destination == "odoo" {
        (EntryKind::Odoo, "Query to Odoo")
    } else {
        (EntryKind::Desk, "Query to the service desk")
    };
    let title = match (change(attempt), attempt.outcome) {
        (Some((changed, _)), Outcome::Ok) => changed,
        (Some((_, uncertain)), _) => uncertain,
        (None, _) => read,
    };
    let mut placed = times.instant(attempt.started_at);
    placed.when.full = format!("{} · {}", placed.when.full, attempt.operation);
    let status = attempt.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let (word, mark) = match attempt.outcome {
        Outcome::Ok => ("OK", Mark::System),
        Outcome::Failed => ("failed", Mark::System),
        Outcome::Unknown => ("unknown", Mark::System),
    };
    system_entry(
        attempt.id.to_string(),
        kind,
        placed,
        title.to_owned(),
        format!("{status} · {} ms", attempt.duration_ms),
        word,
        mark,
        Some(attempt.correlation.to_string()),
    )
}

#[expect(clippy::too_many_arguments, reason = "one entry has this many columns, and two callers name them in order")]
fn system_entry(
    key: String,
    kind: EntryKind,
    placed: Placed,
    title: String,
    detail: String,
    standing: &str,
    mark: Mark,
    correlation: Option<String>,
) -> Entry {
    Entry {
        key,
        kind,
        day: placed.day,
        clock: placed.clock,
        remark: placed.remark.into(),
        when: placed.when,
        title,
        place: None,
        detail,
        standing: standing.to_owned(),
        mark,
        exception: None,
        observation: None,
        correlation,
    }
}

fn anomaly(anomaly: fold::Anomaly) -> &'static str {
    match anomaly {
        fold::Anomaly::ProgressAfterDelivery => "progress after the delivery",
        fold::Anomaly::DeliveredAgain => "delivered a second time on another day",
        fold::Anomaly::ScanAfterCancellation => "a scan after the cancellation",
        fold::Anomaly::ScanAfterLoss => "a scan after the loss",
        fold::Anomaly::UnexpectedPiece => "a piece that the order does not have",
        fold::Anomaly::ImpossibleTime => "an impossible time",
        fold::Anomaly::Contradiction => "status and code contradict each other",
        fold::Anomaly::UnmappedCode => "a code that nobody has mapped",
        fold::Anomaly::NumberOfAnother => "its number is another delivery’s that left the house",
    }
}

/// The customer; masked for roles that may not see personal data.
async fn customer(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
    may_see: bool,
) -> Result<Option<CustomerView>, UseCaseError> {
    let Some((sealed, key)) = context.store.shipments.customer(scope, shipment).await? else { return Ok(None) };
    let Some(key) = key else { return Ok(None) };
    let opened = context
        .vault
        .unwrap(&key)
        .and_then(|key| key.open(CUSTOMER, &sealed))
        .map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let customer: Customer = serde_json::from_slice(&opened).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let shown = |text: Option<String>| text.map(|t| if may_see { t } else { masked(&t) });
    Ok(Some(CustomerView {
        name: shown(customer.name),
        place: Some([customer.city, customer.country].into_iter().flatten().collect::<Vec<_>>().join(", "))
            .filter(|p| !p.is_empty()),
        email: shown(customer.email),
        locale: Some([customer.language, customer.zone].into_iter().flatten().collect::<Vec<_>>().join(", "))
            .filter(|l| !l.is_empty()),
        masked: !may_see,
    }))
}

/// Who signed, masked for roles that may not see personal data; and how many deliveries were not looked at.
async fn proofs(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    folded: &Folded,
    times: &Times,
    may_see: bool,
) -> Result<(Vec<ProofView>, usize), UseCaseError> {
    let several = loaded.shipment.numbers.len() > 1;
    let shown = |proof: Proof| {
        let fact = loaded.input.facts.iter().find(|fact| fact.id == proof.fact)?;
        let number = odoo::number_of(loaded, fact.piece.as_deref(), &[fact.id]).filter(|_| several);
        Some(ProofView {
            signed_by: if may_see { proof.signed_by } else { masked(&proof.signed_by) },
            masked: !may_see,
            when: times.event(&fact.observation.time),
            number: number.map(|number| number.number.clone()),
        })
    };
    let proofs = proof::of(context, scope, loaded, folded).await?;
    Ok((proofs.named.into_iter().filter_map(shown).collect(), proofs.unread))
}

/// Where something happened, without free text for roles that may not read it.
fn place(location: &Location, may_see: bool) -> Option<String> {
    let label = if may_see { location.label() } else { location.in_parts().label() };
    Some(label).filter(|label| !label.is_empty())
}

/// Each word's first letter, then dots: never the look of a value.
fn masked(text: &str) -> String {
    let word = |w: &str| w.chars().take(1).chain("••••".chars()).collect::<String>();
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

async fn raw_view(
    context: &Context,
    scope: Scope,
    record: ObservationRecord,
    (first, signed_by): (Option<MessageId>, Option<String>),
    may_read: bool,
    times: &Times,
) -> Result<RawView, UseCaseError> {
    let named = record.seen.iter().rfind(|(message, ..)| first.is_none_or(|first| first == *message));
    let (message, _, received) = named.or(record.seen.last()).copied().ok_or(UseCaseError::NotFound("message"))?;
    let mut later: Vec<MessageId> =
        record.seen.iter().map(|(message, ..)| *message).filter(|m| *m != message).collect();
    later.dedup();
    let (kept, body) = normalise::opened(context, scope, message).await?.ok_or(UseCaseError::NotFound("message"))?;
    if may_read {
        messages::note_read(context, scope, message).await?;
    }
    let ((raw, masked), text) = match body {
        None => (("The message's body is no longer kept.".to_owned(), false), None),
        Some((key, body)) => {
            let text = record.text.as_ref().filter(|t| t.subject.0 == message.0).and_then(|t| key.open(TEXT, t).ok());
            (raw::shown(&body, may_read), text.and_then(|t| serde_json::from_slice::<StatementText>(&t).ok()))
        }
    };
    let mut text = text.unwrap_or_default();
    text.signatory = text.signatory.or(signed_by);
    Ok(RawView {
        observation: record.id.to_string(),
        raw,
        masked,
        verified: format!("Signature verified ({})", kept.verified_by.replace('_', " ")),
        received: times.ago(received),
        message: message.to_string(),
        later: later.first().map(MessageId::to_string),
        later_messages: later.len(),
        correlation: kept.correlation.to_string(),
        canonical: canonical(&record, text, may_read, times),
        mapping: match record.reading.mapping {
            0 => "Built-in mapping".to_owned(),
            version => format!("Mapping version {version}"),
        },
    })
}

fn canonical(record: &ObservationRecord, text: StatementText, may_read: bool, times: &Times) -> Vec<(String, String)> {
    let (said, reading) = (&record.body, &record.reading);
    let time = times.event(&said.time);
    let as_received = text.time.as_ref().unwrap_or(&said.time.raw);
    let location = text.location.as_ref().or(said.location.as_ref());
    let signatory = text.signatory.map(|s| if may_read { s } else { masked(&s) });
    let rows = [
        ("Milestone", Some(format!("{} ({})", reading.milestone.label(), reading.milestone.code()))),
        ("Exception", reading.exception.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Second exception", reading.also.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Not mapped", reading.unmapped.then(|| format!("{}: no mapping", named::code(&said.codes.raw, may_read)))),
        ("Data warning", reading.doubt.clone()),
        ("Event type", Some(said.classifier.label().to_owned())),
        ("Event time", Some(if may_read { format!("{} (as received: {as_received})", time.full) } else { time.full })),
        ("Location", location.and_then(|location| place(location, may_read))),
        (
            "Codes",
            Some(
                said.codes
                    .status
                    .iter()
                    .chain(&said.codes.coarse)
                    .map(|c| format!("{}/{}", c.list, named::code(&c.value, may_read)))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ),
        ("Carrier text", text.description.filter(|_| may_read)),
        ("Signed by", signatory),
        ("Number", Some(record.number.clone())),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value.filter(|v| !v.is_empty())?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event_time::{EventTime, Precision};

    #[test]
    fn masks_never_look_like_values() {
        assert_eq!(masked("Jane Doe"), "J•••• D••••");
    }

    #[test]
    fn no_arrival_is_estimated_of_what_is_not_on_its_way_to_the_recipient() {
        let now: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        let times = Times { now, zone: jiff::tz::TimeZone::UTC, may_see: true };
        let eta = EventTime::instant("", now + SignedDuration::from_hours(30), Precision::Second);
        for state in State::ALL.iter().copied() {
            let row = ShipmentRow {
                id: ShipmentId(uuid::Uuid::from_u128(1)),
                revision: 0,
                origin: None,
                numbers: Vec::new(),
                destination: None,
                state,
                visibility: domain::Visibility::default(),
                exception: None,
                eta: Some(eta.clone()),
                promised_by: None,
                delivered_at: None,
                last_event: None,
                heard_at: None,
                case: None,
            };
            let ended = matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed);
            assert_eq!(list_row(row, &times).eta.is_none(), ended, "{state:?}");
        }
    }
}
