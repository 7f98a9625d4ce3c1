//! Simulated shipments as they would lie here had they come in: what an order system and platforms said of each goes through the
//! decoder and the fold, at the moments at which it would have. Nothing random: a shipment gives the same rows each time.

use crate::{context::Context, exceptions::calendar, kpi::unit::contributed, tracking::normalise};
use anyhow::{Context as _, Result};
use domain::{
    calendar::{Calendar, CompanyCalendar},
    carriers as directory,
    commit::{self, ExceptionChange},
    exceptions::usual::{Lane, ShippedTable, UsualTimes},
    fold::{
        self, DeliveryStanding, Fact, Feed, FoldInput, Folded, FoldedException, Plan, PromiseSource, Promised,
        Resolution, Sighting, Snapshot, Watch,
    },
    ids::{
        BindingId, CaseId, CorrelationId, ExceptionId, JobId, MessageId, ShipmentId, SourceId, SubjectId, TrackerId,
        content_id, content_id_at,
    },
    numbers,
    punctuality::Moment,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::transfer::{Filled, FilledStep};
use storage::{
    facts::{Progress, Recording, TrackerKey},
    inbox::{MessageRecord, MessageStatus},
    jobs::{Cause, JobKind, Lane as JobLane, NewJob},
    orders::{Claim, ImportedShipment, Origin, OriginStanding, Transfer},
    rollups::{NewContribution, Stored},
    shipments::{Commit, LastEvent, Loaded, ShipmentRecord, UnknownChange},
    trackers::NumberRecord,
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

/// Finished work is swept after two weeks.
const KEPT_JOBS: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Folds that the clock alone asks for between two messages.
const REVIEWS_MAX: usize = 40;
/// An exception heals by itself within this time, or gets a ticket.
const GRACE: SignedDuration = SignedDuration::from_hours(2);

/// What became of a shipment, as its order system and platforms said it.
#[derive(Clone, Debug)]
pub struct Story {
    /// Counted from 0; another one is another shipment.
    pub number: u64,
    /// The name of its delivery.
    pub delivery: String,
    /// The name of its order.
    pub order: String,
    /// The company.
    pub company: String,
    /// The customer's segment.
    pub segment: String,
    /// The customer's name, under which it is found.
    pub customer: String,
    /// City and country of destination.
    pub to: (String, String),
    /// The country that it leaves.
    pub from_country: String,
    /// The carrier, as the order system calls it.
    pub carrier: String,
    /// The tracking numbers; several are pieces.
    pub numbers: Vec<String>,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// When it left, if it has.
    pub left: Option<Timestamp>,
    /// When it was cancelled, if it was.
    pub cancelled: Option<Timestamp>,
    /// What was promised, with its last moment.
    pub promised: Option<(Moment, Timestamp)>,
    /// What was received, by time.
    pub messages: Vec<Received>,
    /// Minutes until a person first acts on a ticket, and until it is solved; none where no tickets are made.
    pub desk: Option<(i64, i64)>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// The platform's connector.
    pub connector: &'static str,
    /// As it was sent.
    pub body: Vec<u8>,
}

/// Makes rows of stories.
pub struct Simulation {
    context: Arc<Context>,
    /// The sources, by their connectors.
    sources: BTreeMap<String, SourceId>,
    /// The order system.
    system: String,
    company: Arc<CompanyCalendar>,
    calendar: Calendar,
    now: Timestamp,
}

/// A shipment while it is lived through.
struct Living<'a> {
    simulation: &'a Simulation,
    story: &'a Story,
    /// As the store would load it.
    loaded: Loaded,
    correlation: CorrelationId,
    /// The trackers by what names them.
    trackers: BTreeMap<TrackerKey, (TrackerId, Option<String>)>,
    steps: Vec<FilledStep>,
}

impl Simulation {
    /// As of now, of this order system, with the sources by their connectors.
    ///
    /// # Errors
    /// When the company's calendar cannot be read.
    pub async fn new(context: Arc<Context>, system: &str, sources: BTreeMap<String, SourceId>) -> Result<Self> {
        let (now, scope) = (context.now(), context.scope());
        let company = calendar::company(&context, scope).await?;
        Ok(Self { calendar: company.own(), company, context, sources, system: system.to_owned(), now })
    }

    /// A shipment of this story.
    ///
    /// # Errors
    /// When a message cannot be read, or comes from an unknown source: a fault of who wrote it.
    pub fn filled(&self, story: &Story) -> Result<Filled> {
        let shipment = self.imported(story)?;
        let mut living = Living::new(self, story, &shipment);
        let mut messages = story.messages.iter().filter(|message| message.at <= self.now).peekable();
        let mut reviews = 0;
        loop {
            let received = messages.peek().map(|message| message.at);
            let review = living.folded().review_at.filter(|at| *at <= self.now && reviews < REVIEWS_MAX);
            match (received, review) {
                (None, None) => break,
                (at, Some(review)) if at.is_none_or(|at| review < at) => {
                    reviews += 1;
                    living.fold(review);
                }
                _ => {
                    let Some(message) = messages.next() else { break };
                    reviews = 0;
                    living.receive(message)?;
                    living.fold(message.at);
                }
            }
        }
        living.end();
        let done = self.done(story, &living);
        let Living { steps, loaded, .. } = living;
        Ok(Filled { imported_at: story.ordered, steps, cases: loaded.cases, done, shipment })
    }

    fn imported(&self, story: &Story) -> Result<ImportedShipment> {
        let record = i64::try_from(story.number + 1)?;
        let digest = self.context.vault.digest(format!("simulated {} {}", self.system, story.number).as_bytes());
        let name = |what: &str, piece: usize| content_id(what, &[&digest, &piece.to_be_bytes()]);
        let family = directory::resolve("odoo", &story.carrier).family;
        let keys: Vec<TrackerKey> = story.numbers.iter().map(|number| tracker_key(number, &family)).collect();
        let in_pieces = keys.len() > 1;
        let claims = keys.iter().zip(&story.numbers).enumerate().map(|(piece, (key, number))| Claim {
            tracker: key.clone(),
            tracker_id: TrackerId(name("simulated tracker", piece)),
            binding_id: BindingId(name("simulated binding", piece)),
            piece: in_pieces.then(|| key.number.clone()),
            number_raw: number.clone(),
            carrier_label: Some(story.carrier.clone()),
        });
        let claims = claims.collect();
        let (city, country) = &story.to;
        let correlation = content_id_at(story.ordered, "simulated correlation", &[&digest]);
        Ok(ImportedShipment {
            id: ShipmentId(name("simulated shipment", 0)),
            origin: Origin {
                system: self.system.clone(),
                model: "stock.picking".into(),
                record,
                name: story.delivery.clone(),
                order: Some(story.order.clone()),
                order_record: Some(record),
                customer_record: None,
                value: None,
                segments: [story.segment.clone()].into(),
                company: Some(story.company.clone()),
                url: None,
                transfer: Transfer::default(),
            },
            digest: digest.iter().map(|b| format!("{b:02x}")).collect(),
            claims,
            standing: match self.standing(story).0 {
                DeliveryStanding::Cancelled | DeliveryStanding::Deleted => OriginStanding::Cancelled,
                DeliveryStanding::Done => OriginStanding::Done,
                DeliveryStanding::Open => OriginStanding::Open,
            },
            plan: self
                .plan(story, if in_pieces { keys.into_iter().map(|key| key.number).collect() } else { Vec::new() }),
            destination: Some(format!("{city}, {country}")),
            customer: None,
            key: None,
            tokens: vec![self.context.vault.token("customer", &story.customer)],
            correlation: CorrelationId(correlation),
            cause: Cause::History,
            kept: BTreeSet::new(),
        })
    }

    fn standing(&self, story: &Story) -> (DeliveryStanding, Option<Timestamp>) {
        match (story.cancelled.filter(|at| *at <= self.now), story.left.filter(|at| *at <= self.now)) {
            (Some(at), _) => (DeliveryStanding::Cancelled, Some(at)),
            (None, Some(at)) => (DeliveryStanding::Done, Some(at)),
            (None, None) => (DeliveryStanding::Open, None),
        }
    }

    fn plan(&self, story: &Story, pieces: Vec<String>) -> Plan {
        let (standing, standing_since) = self.standing(story);
        let promised = |(due, _): &(Moment, Timestamp)| Promised { due: Some(*due), recorded: story.ordered };
        Plan {
            pieces,
            promised_by: story.promised.map(|(_, by)| by),
            promise: story.promised.map(|_| PromiseSource::Commitment),
            promises: story.promised.iter().map(promised).collect(),
            standing,
            standing_since,
            expected_from: (standing == DeliveryStanding::Done).then_some(standing_since).flatten(),
            silence_after_hours: Some(self.context.config.rules.silence_hours),
            to: Some(story.to.1.clone()),
            ..Plan::default()
        }
    }

    /// A message, read as its platform's are.
    fn recording(&self, number: u64, nth: usize, message: &Received) -> Result<Recording> {
        let carrier = carriers::by_id(message.connector).context("the connector")?;
        let source = *self.sources.get(message.connector).context("the source")?;
        let decoded = carriers::read(carrier, &carriers::Settings::default(), &message.body)
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        let reports: Vec<_> = decoded.reports.into_iter().filter(|report| !report.observations.is_empty()).collect();
        let (system, number) = (self.system.as_bytes(), number.to_be_bytes());
        let named = |what| content_id_at(message.at, what, &[system, &number, &nth.to_be_bytes()]);
        let id = MessageId(named("simulated message"));
        let status = MessageStatus::Normalised {
            observations: u32::try_from(reports.iter().map(|r| r.observations.len()).sum::<usize>())?,
            problems: 0,
        };
        let (key, _) = self.context.vault.new_key(SubjectId(id.0));
        let record = MessageRecord {
            id,
            source,
            source_name: String::new(),
            connector: message.connector.into(),
            settings: "{}".into(),
            correlation: CorrelationId(named("simulated correlation")),
            received_at: message.at,
            verified_by: String::new(),
            size: 0,
            repeats: 0,
            status: MessageStatus::Received,
            cursor: 0,
            read_before: false,
            erased: false,
            rewritten: false,
        };
        let reading = normalise::Reading { message: record, carrier, key, cause: Cause::History };
        let progress = Progress::Whole(status);
        let recording = normalise::recording(&self.context, &reading, reports, JobLane::Batch, progress);
        let mut recording = Recording { recorded_at: message.at, ..recording };
        for said in recording.reports.iter_mut().flat_map(|report| &mut report.observations) {
            // its key is not kept
            said.text = None;
        }
        Ok(recording)
    }

    /// What was written to the order system lately.
    fn done(&self, story: &Story, living: &Living<'_>) -> Vec<NewJob> {
        let last = living.folded().heard_at.unwrap_or(story.ordered);
        if self.now.duration_since(last) > KEPT_JOBS {
            return Vec::new();
        }
        let number = story.number.to_be_bytes();
        vec![NewJob {
            id: JobId(content_id_at(last, "simulated job", &[self.system.as_bytes(), &number])),
            kind: JobKind::SYNC_ORDER,
            target: living.loaded.shipment.id.to_string(),
            destination: Some(self.system.clone()),
            lane: JobLane::Batch,
            cause: Cause::History,
            run_at: last,
            correlation: living.correlation,
            shipment: Some(living.loaded.shipment.id),
        }]
    }
}

impl<'a> Living<'a> {
    fn new(simulation: &'a Simulation, story: &'a Story, imported: &ImportedShipment) -> Self {
        let carrier = imported.claims.first().and_then(|claim| claim.tracker.carrier.clone());
        let lane = Lane { carrier, from: Some(story.from_country.clone()), to: Some(story.to.1.clone()) };
        let usual = ShippedTable.usual(&lane);
        let watch = Watch { calendar: simulation.calendar.clone(), usual, late_from: None, feed: Feed::Running };
        let tracker = |claim: &Claim| (claim.tracker.clone(), (claim.tracker_id, claim.piece.clone()));
        let bound: BTreeMap<TrackerId, Timestamp> =
            imported.claims.iter().map(|claim| (claim.tracker_id, story.ordered)).collect();
        let number = |claim: &Claim| NumberRecord {
            tracker: claim.tracker_id,
            number: claim.tracker.number.clone(),
            carrier: claim.tracker.carrier.clone(),
            carrier_label: claim.carrier_label.clone(),
            piece: claim.piece.clone(),
        };
        let shipment = ShipmentRecord {
            id: imported.id,
            revision: 0,
            origin: Some(imported.origin.clone()),
            standing: imported.standing,
            numbers: imported.claims.iter().map(number).collect(),
            destination: imported.destination.clone(),
            plan: imported.plan.clone(),
            folded: Folded::default(),
            written: None,
            written_at: None,
            sandbox: false,
            created_at: story.ordered,
            updated_at: story.ordered,
            merged_into: None,
        };
        let loaded = Loaded {
            shipment,
            input: FoldInput { plan: imported.plan.clone(), watch: Some(watch), ..FoldInput::default() },
            bound_last: bound.clone(),
            bound_at: bound,
            exceptions: Vec::new(),
            effects: Vec::new(),
            cases: Vec::new(),
            contributed: Stored::default(),
        };
        let trackers = imported.claims.iter().map(tracker).collect();
        Self { simulation, story, loaded, correlation: imported.correlation, trackers, steps: Vec::new() }
    }

    const fn folded(&self) -> &Folded {
        &self.loaded.shipment.folded
    }

    /// What a message adds to what the fold reads.
    fn receive(&mut self, message: &Received) -> Result<()> {
        let recording = self.simulation.recording(self.story.number, self.steps.len(), message)?;
        for report in &recording.reports {
            let (tracker, piece) =
                self.trackers.get(&report.tracker).context("a message about another number")?.clone();
            let snapshot = report.snapshot.as_ref();
            self.loaded.input.snapshots.extend(snapshot.map(|snapshot| Snapshot {
                id: snapshot.id,
                source: recording.source,
                tracker,
                object: snapshot.object.clone(),
                stamp: snapshot.stamp,
                digest: snapshot.digest.clone(),
                recorded_at: recording.recorded_at,
            }));
            for said in &report.observations {
                let sighting = Sighting {
                    snapshot: snapshot.map(|snapshot| snapshot.id),
                    position: said.position,
                    recorded_at: recording.recorded_at,
                };
                if let Some(known) = self.loaded.input.facts.iter_mut().find(|fact| fact.id == said.id) {
                    known.sightings.push(sighting);
                    continue;
                }
                self.loaded.input.facts.push(Fact {
                    id: said.id,
                    observation: said.body.clone(),
                    reading: said.reading.clone(),
                    tracker,
                    piece: piece.clone(),
                    source: recording.source,
                    trust: recording.trust,
                    sightings: vec![sighting],
                });
            }
        }
        let size = message.body.len() as u64;
        self.steps.push(FilledStep::Received { recording: Box::new(recording), size });
        Ok(())
    }

    /// Folds as of then; commits where exceptions change, as the state between is replaced by what follows.
    fn fold(&mut self, at: Timestamp) {
        let folded = fold::fold(&self.loaded.input, at);
        let changes = self.changes(&folded);
        if changes.is_empty() {
            self.loaded.shipment.folded = folded;
        } else {
            self.commit(at, folded, changes, None);
        }
    }

    /// The state as it is now, with what it adds to figures.
    fn end(&mut self) {
        let now = self.simulation.now;
        let folded = fold::fold(&self.loaded.input, now);
        let changes = self.changes(&folded);
        let heard = folded.heard_at.unwrap_or(self.story.ordered);
        let at = if changes.is_empty() { heard.max(self.loaded.shipment.updated_at) } else { now };
        let all = contributed(&self.loaded, &folded, &changes, &self.simulation.company, at);
        let adds = NewContribution::since(all, &self.loaded.contributed).expect("it is of this run");
        self.commit(at, folded, changes, adds);
    }

    fn changes(&self, folded: &Folded) -> Vec<ExceptionChange> {
        let committed: Vec<_> = self.loaded.exceptions.iter().map(ExceptionRecord::committed).collect();
        commit::reconcile(self.loaded.shipment.id, &committed, &folded.exceptions)
    }

    fn commit(
        &mut self,
        at: Timestamp,
        folded: Folded,
        exceptions: Vec<ExceptionChange>,
        contributed: Option<NewContribution>,
    ) {
        let opened = |change: &ExceptionChange| match change {
            ExceptionChange::Open { id, .. } => Some(*id),
            ExceptionChange::Keep { .. } | ExceptionChange::Close { .. } => None,
        };
        let withheld = exceptions.iter().filter_map(opened).collect();
        for change in &exceptions {
            self.keep(change, at);
        }
        let before = self.committed_unknown();
        let shipment = &mut self.loaded.shipment;
        let expected = shipment.revision;
        (shipment.revision, shipment.updated_at, shipment.folded) = (expected + 1, at, folded.clone());
        let commit = Commit {
            shipment: shipment.id,
            expected,
            cause: Cause::History,
            correlation: self.correlation,
            at,
            unknown: (before != folded.unknown)
                .then(|| folded.unknown.map_or(UnknownChange::Known, UnknownChange::Because)),
            last_event: self.last_event(),
            folded,
            exceptions,
            withheld,
            effects: Vec::new(),
            calendar: self.simulation.calendar.clone(),
            teams: BTreeMap::new(),
            jobs: Vec::new(),
            next_uses: Vec::new(),
            contributed,
        };
        self.steps.push(FilledStep::Folded(Box::new(commit)));
    }

    /// Why nothing current was known at the last commit.
    fn committed_unknown(&self) -> Option<domain::unknown::Cause> {
        self.steps.iter().rev().find_map(|step| match step {
            FilledStep::Folded(commit) => Some(commit.folded.unknown),
            FilledStep::Received { .. } => None,
        })?
    }

    fn last_event(&self) -> Option<LastEvent> {
        let fact = self.loaded.input.facts.iter().find(|fact| Some(fact.id) == self.folded().last_event)?;
        let location = fact.observation.location.as_ref();
        Some(LastEvent {
            milestone: fact.reading.milestone,
            exception: fact.reading.exception,
            code: fact.reading.unmapped.then(|| fact.observation.codes.raw.clone()),
            place: location.map(domain::observation::Location::label).filter(|label| !label.is_empty()),
            place_in_parts: location.is_some_and(domain::observation::Location::is_in_parts),
            at: fact.observation.time.sort_key(),
            time: Some(fact.observation.time.clone()),
        })
    }

    /// A row of an exception as the store keeps it, and its ticket.
    fn keep(&mut self, change: &ExceptionChange, at: Timestamp) {
        let shipment = self.loaded.shipment.id;
        let rows = &mut self.loaded.exceptions;
        match change {
            ExceptionChange::Open { id, exception } => {
                rows.push(opened((*id, shipment), exception, at));
                self.open_ticket(*id, exception, at);
            }
            ExceptionChange::Keep { id, exception } => {
                let Some(row) = rows.iter_mut().find(|row| row.id == *id) else { return };
                row.severity = exception.severity;
                row.evidence = exception.evidence.clone();
                let is_closed = exception.closed.is_some();
                row.closed = row.closed.filter(|_| is_closed).or_else(|| closed_of(exception, at));
                row.closed_recorded_at = row.closed_recorded_at.or(Some(at)).filter(|_| is_closed);
            }
            ExceptionChange::Close { id, at: ended, resolution } => {
                let ended = ended.as_ref().and_then(domain::event_time::EventTime::sort_key).unwrap_or(at);
                if let Some(row) = rows.iter_mut().find(|row| row.id == *id) {
                    (row.closed, row.closed_recorded_at) = (Some((ended, *resolution)), Some(at));
                }
            }
        }
    }

    /// Every other exception of some weight that lasts has a ticket.
    fn open_ticket(&mut self, id: ExceptionId, exception: &FoldedException, at: Timestamp) {
        let opened_at = at.checked_add(GRACE).unwrap_or(at);
        let Some((first_action, solution)) = self.story.desk else { return };
        let is_wanted = exception.closed.is_none() && exception.severity >= domain::Severity::Major;
        let one_of_two = id.0.as_bytes().last().is_some_and(|byte| byte % 2 == 0);
        if !is_wanted || !one_of_two || opened_at > self.simulation.now {
            return;
        }
        let after = |minutes| opened_at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(opened_at);
        let (acted, solved) = (after(first_action), after(solution));
        let is_past = |at: &Timestamp| *at <= self.simulation.now;
        let number = id.0.as_bytes().iter().take(4).fold(0_u64, |sum, byte| sum * 256 + u64::from(*byte));
        self.loaded.cases.push(CaseRecord {
            id: CaseId(content_id("simulated case", &[id.0.as_bytes()])),
            exception: id,
            shipment: self.loaded.shipment.id,
            desk: "request_tracker".into(),
            external_key: format!("milepost:{id}"),
            number: Some((10_000 + number % 900_000).to_string()),
            url: None,
            status: if is_past(&solved) { CaseStatus::Resolved } else { CaseStatus::Open },
            opened_at,
            resolved_at: Some(solved).filter(is_past),
            notes: Vec::new(),
            closed_by: None,
            follows: None,
            seen: None,
            ticket: storage::work::TicketFacts {
                agent_at: Some(acted).filter(is_past),
                replies: u32::from(is_past(&acted)),
                severity: Some(exception.severity),
                ..storage::work::TicketFacts::default()
            },
            revision: 0,
        });
    }
}

fn closed_of(exception: &FoldedException, at: Timestamp) -> Option<(Timestamp, Resolution)> {
    exception.closed.as_ref().map(|(time, how)| (time.sort_key().unwrap_or(at), *how))
}

fn opened((id, shipment): (ExceptionId, ShipmentId), exception: &FoldedException, at: Timestamp) -> ExceptionRecord {
    let closed = closed_of(exception, at);
    ExceptionRecord {
        id,
        shipment,
        reason: exception.reason,
        piece: exception.piece.clone(),
        severity: exception.severity,
        responsible: exception.reason.responsible(),
        opened_at: exception.opened.sort_key().unwrap_or(at),
        recorded_at: at,
        closed_recorded_at: closed.map(|_| at),
        closed,
        evidence: exception.evidence.clone(),
        owner: None,
        team: None,
        acknowledged_at: None,
        snoozed_until: None,
        due_at: at,
        withheld: true,
    }
}

fn tracker_key(number: &str, family: &str) -> TrackerKey {
    let key = numbers::normalise_of(number, Some(family));
    TrackerKey { number: key.unwrap_or_else(|_| number.to_owned()), carrier: Some(family.to_owned()) }
}
