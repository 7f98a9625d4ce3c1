//! A small world for the tests: one company, ids that count, times that are minutes from a fixed morning.

use crate::{
    Actor, AuditEntry, AuditKey, Scope, Sealed, Store, WrappedKey,
    connections::ConnectionRecord,
    facts::{NewObservation, NewReport, NewSnapshot, Progress, Recorded, Recording, TrackerKey},
    inbox::{Accepted, MessageBody, MessageStatus, NewMessage},
    jobs::{Cause, ClaimRequest, Finish, JobKind, Lane, LeasedJob, NewJob, Wanted},
    orders::{Claim, ImportedShipment, Origin, OriginStanding, Transfer},
    shipments::{Commit, Committed},
};
use domain::{
    Classifier, ExceptionReason, Milestone, State,
    calendar::Calendar,
    commit::ExceptionChange,
    event_time::{EventTime, Precision},
    fold::{Folded, FoldedException, Plan, Trust},
    ids::{
        BindingId, CompanyId, CorrelationId, ExceptionId, JobId, MessageId, ObservationId, ShipmentId, SnapshotId,
        SourceId, SubjectId, TrackerId, content_id,
    },
    observation::{Codes, Observation, Origin as EventOrigin, ProviderCode, References},
    reading::Reading,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};
use uuid::Uuid;

/// So many minutes after eight in the morning of 1 March 2026.
pub fn at(minutes: i64) -> Timestamp {
    let morning: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    morning.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

/// A text as it is stored: sealed.
pub fn text(words: &str) -> Sealed {
    Sealed { subject: SubjectId(Uuid::from_u128(9)), bytes: words.as_bytes().to_vec() }
}

/// A time and so many seconds.
pub fn seconds(from: Timestamp, seconds: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// A company with its store.
pub struct World {
    pub store: Store,
    pub scope: Scope,
    next: AtomicU64,
}

/// A message to be recorded: what it says about one number.
#[derive(Clone, Debug)]
pub struct Said {
    pub carrier: Option<&'static str>,
    pub number: &'static str,
    pub codes: Vec<&'static str>,
    pub snapshot: Option<u8>,
    pub minutes: i64,
}

impl Said {
    /// Codes said of a number of the carrier `dhl`, at a time.
    pub fn of(number: &'static str, codes: &[&'static str], minutes: i64) -> Self {
        Self { carrier: Some("dhl"), number, codes: codes.to_vec(), snapshot: None, minutes }
    }

    /// By another carrier, or by nobody in particular.
    pub fn by(self, carrier: Option<&'static str>) -> Self {
        Self { carrier, ..self }
    }
}

impl World {
    pub async fn new(store: Store) -> Self {
        let company = store.people.company(CompanyId(Uuid::from_u128(7)), "Acme", at(0)).await.unwrap();
        Self { store, scope: Scope { company, actor: Actor::System }, next: AtomicU64::new(1) }
    }

    /// A new id.
    pub fn id<T: From<Uuid>>(&self) -> T {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(0x0100_0000_0000_0000_0000_0000_0000_0000 | u128::from(number)).into()
    }

    pub fn sealed(&self, bytes: &[u8]) -> (Sealed, WrappedKey) {
        let subject: SubjectId = self.id();
        (Sealed { subject, bytes: bytes.to_vec() }, WrappedKey { subject, bytes: vec![1, 2, 3] })
    }

    /// A key that is none, but of which every byte counts.
    pub fn audit_key(&self) -> AuditKey {
        AuditKey::new(|line| {
            let mut mac = [7_u8; 32];
            for (n, byte) in line.iter().enumerate() {
                let place = n % 32;
                mac[place] = mac[place].rotate_left(3) ^ byte ^ mac[(place + 31) % 32];
            }
            mac
        })
    }

    pub fn audit(&self, action: &'static str, subject: impl Into<String>, minutes: i64) -> AuditEntry {
        AuditEntry::new(self.audit_key(), at(minutes), action, subject).why(Some(self.sealed(b"because").0))
    }

    pub async fn source(&self, name: &str) -> SourceId {
        let (secrets, key) = self.sealed(b"secrets");
        let record = ConnectionRecord {
            scheme: "hmac".into(),
            ..ConnectionRecord::new(self.id(), name, "aftership", secrets, at(0))
        };
        let id = record.id;
        self.store
            .connections
            .put(self.scope, record, Some(key), self.audit("source.put", format!("source:{id}"), 0))
            .await
            .unwrap();
        id
    }

    /// A message of which a repetition is known by these words.
    pub fn message(&self, source: SourceId, said: &str, minutes: i64) -> NewMessage {
        let id: MessageId = self.id();
        let subject = SubjectId(id.0);
        NewMessage {
            id,
            source,
            correlation: self.id(),
            received_at: at(minutes),
            digest: content_id("message", &[source.0.as_bytes(), said.as_bytes()]),
            headers: "{}".into(),
            content_type: Some("application/json".into()),
            verified_by: "hmac".into(),
            size: 11,
            body: Sealed { subject, bytes: b"sealed body".to_vec() },
            key: WrappedKey { subject, bytes: vec![1, 2, 3] },
        }
    }

    pub fn job(&self, kind: JobKind, target: impl ToString, minutes: i64) -> NewJob {
        NewJob {
            id: self.id(),
            kind,
            target: target.to_string(),
            destination: destination_of(kind).map(str::to_owned),
            lane: Lane::RealTime,
            cause: Cause::Live,
            run_at: at(minutes),
            correlation: self.id(),
            shipment: None,
        }
    }

    pub async fn accept(&self, message: NewMessage) -> Accepted {
        let job = self.job(JobKind::NORMALISE, message.id, 0);
        self.store.inbox.accept(self.scope, message, job).await.unwrap()
    }

    pub async fn enqueue(&self, job: &NewJob) {
        self.store.jobs.enqueue(self.scope, vec![job.clone()]).await.unwrap();
    }

    /// A message's body.
    pub async fn body(&self, id: MessageId) -> Option<MessageBody> {
        self.store.inbox.message_and_body(self.scope, id).await.unwrap().unwrap().1
    }

    /// Claims for half a minute.
    pub async fn claim(&self, owner: &str, kinds: &[JobKind], now: Timestamp) -> Vec<LeasedJob> {
        self.claim_in(owner, Lane::RealTime, kinds, now).await
    }

    pub async fn claim_in(&self, owner: &str, lane: Lane, kinds: &[JobKind], now: Timestamp) -> Vec<LeasedJob> {
        self.claim_holding(owner, lane, kinds, now, Vec::new()).await
    }

    /// Claims while some work is still being done.
    pub async fn claim_holding(
        &self,
        owner: &str,
        lane: Lane,
        kinds: &[JobKind],
        now: Timestamp,
        held: Vec<JobId>,
    ) -> Vec<LeasedJob> {
        let until = seconds(now, 30);
        let wanted = kinds.iter().map(|kind| wanted(*kind, destination_of(*kind))).collect();
        let request = ClaimRequest { owner: owner.into(), lane, wanted, now, until, held };
        self.store.jobs.claim(request).await.unwrap()
    }

    /// Keeps a message and gives what it says.
    pub async fn recording(&self, source: SourceId, said: &[Said]) -> Recording {
        let words = self.id::<Uuid>().to_string();
        let minutes = said.first().map_or(0, |s| s.minutes);
        let accepted = self.accept(self.message(source, &words, minutes)).await;
        self.recording_of(accepted.message, source, said)
    }

    pub fn recording_of(&self, message: MessageId, source: SourceId, said: &[Said]) -> Recording {
        let observations = said.iter().map(|s| s.codes.len()).sum::<usize>();
        Recording {
            message,
            source,
            trust: Trust::Aggregator,
            correlation: self.id(),
            recorded_at: at(said.first().map_or(0, |s| s.minutes)),
            reports: said.iter().map(|s| self.report(source, s)).collect(),
            cause: Cause::Live,
            lane: Lane::RealTime,
            progress: Progress::Whole(MessageStatus::Normalised {
                observations: u32::try_from(observations).unwrap(),
                problems: 0,
            }),
        }
    }

    /// Keeps a message and records what it says.
    pub async fn say(&self, source: SourceId, said: Said) -> Recorded {
        let recording = self.recording(source, &[said]).await;
        self.store.facts.record(self.scope, recording).await.unwrap()
    }

    fn report(&self, source: SourceId, said: &Said) -> NewReport {
        let observations =
            said.codes.iter().zip(0..).map(|(code, position)| new_observation(said, code, position)).collect();
        NewReport {
            tracker: TrackerKey { carrier: said.carrier.map(str::to_owned), number: said.number.into() },
            tracker_id: self.id::<TrackerId>(),
            number_raw: said.number.to_lowercase(),
            carrier_label: said.carrier.map(str::to_uppercase),
            refs: References::default(),
            unclaimed_id: self.id(),
            binding_id: self.id::<BindingId>(),
            snapshot: said.snapshot.map(|stamp| NewSnapshot {
                id: SnapshotId(content_id("snapshot", &[source.0.as_bytes(), said.number.as_bytes(), &[stamp]])),
                object: Some("object".into()),
                stamp: Some(at(i64::from(stamp))),
                digest: format!("{stamp}"),
            }),
            observations,
        }
    }

    pub fn claimed(&self, carrier: Option<&str>, number: &str) -> Claim {
        Claim {
            tracker: TrackerKey { carrier: carrier.map(str::to_owned), number: number.into() },
            tracker_id: self.id(),
            binding_id: self.id(),
            piece: None,
            number_raw: number.to_lowercase(),
            carrier_label: carrier.map(str::to_uppercase),
        }
    }

    /// A delivery of the order system under numbers of `dhl`.
    pub fn order(&self, record: i64, numbers: &[&str]) -> ImportedShipment {
        let (customer, key) = self.sealed(b"customer");
        ImportedShipment {
            id: self.id(),
            origin: Origin {
                system: "odoo".into(),
                model: "stock.picking".into(),
                record,
                name: format!("WH/OUT/{record:05}"),
                order: Some(format!("S{record:05}")),
                order_record: Some(record + 1000),
                customer_record: None,
                value: None,
                segments: BTreeSet::new(),
                company: Some("Northwind".into()),
                url: None,
                transfer: Transfer::default(),
            },
            digest: format!("{record}:{numbers:?}"),
            claims: numbers.iter().map(|number| self.claimed(Some("dhl"), number)).collect(),
            plan: Plan { promised_by: Some(at(600)), ..Plan::default() },
            standing: OriginStanding::Open,
            destination: Some("Leipzig, DE".into()),
            customer: Some(customer),
            key: Some(key),
            tokens: vec![format!("token-{record}")],
            correlation: self.id(),
            cause: Cause::Import,
            kept: BTreeSet::new(),
        }
    }

    /// Takes in one delivery; its shipment.
    pub async fn import(&self, order: ImportedShipment, minutes: i64) -> ShipmentId {
        let name = order.origin.name.clone();
        self.store.shipments.import(self.scope, vec![order], at(minutes)).await.unwrap();
        self.store.shipments.find(self.scope, &name).await.unwrap()[0]
    }

    pub fn folded(&self, state: State) -> Folded {
        Folded { state, hash: state.code().into(), heard_at: Some(at(1)), ..Folded::default() }
    }

    pub fn commit(&self, shipment: ShipmentId, expected: u64, folded: Folded, minutes: i64) -> Commit {
        Commit {
            shipment,
            expected,
            cause: Cause::Live,
            correlation: self.id::<CorrelationId>(),
            at: at(minutes),
            folded,
            last_event: None,
            exceptions: Vec::new(),
            withheld: Vec::new(),
            effects: Vec::new(),
            jobs: Vec::new(),
            next_uses: Vec::new(),
            calendar: Calendar::default(),
            teams: BTreeMap::new(),
            unknown: None,
            contributed: None,
        }
    }

    /// Commits a state with exceptions that open; their ids.
    pub async fn trouble(&self, shipment: ShipmentId, reasons: &[ExceptionReason], minutes: i64) -> Vec<ExceptionId> {
        let revision = self.store.shipments.shipment(self.scope, shipment).await.unwrap().unwrap().revision;
        let mut commit = self.commit(shipment, revision, self.folded(State::InTransit), minutes);
        let ids: Vec<ExceptionId> = reasons.iter().map(|_| self.id()).collect();
        let opened = ids
            .iter()
            .zip(reasons)
            .map(|(id, reason)| ExceptionChange::Open { id: *id, exception: exception(*reason, minutes, &[minutes]) });
        commit.exceptions = opened.collect();
        assert!(matches!(self.store.shipments.commit(self.scope, commit).await.unwrap(), Committed::Done(_)));
        ids
    }

    /// Ends all jobs of a kind that wait, however long they would; which they were.
    pub async fn drain(&self, lane: Lane, kind: JobKind) -> Vec<JobId> {
        let mut ended = Vec::new();
        loop {
            let leased = self.claim_in("drain", lane, &[kind], at(100_000)).await;
            if leased.is_empty() {
                return ended;
            }
            for job in leased {
                self.store.jobs.finish("drain", job.job.id, Finish::Done, at(100_000)).await.unwrap();
                ended.push(job.job.id);
            }
        }
    }
}

/// Kinds of work inside and outside.
pub const KINDS: &[JobKind] = &[
    JobKind::NORMALISE,
    JobKind::FOLD,
    JobKind::SYNC_ORDER,
    JobKind::SYNC_CASE,
    JobKind::POLL_DESK,
    JobKind::IMPORT_ORDERS,
    JobKind::REREAD,
    JobKind::REPLAY,
];

/// What jobs of a kind call, unless a test says otherwise.
fn destination_of(kind: JobKind) -> Option<&'static str> {
    match kind {
        JobKind::SYNC_ORDER | JobKind::IMPORT_ORDERS => Some("odoo"),
        JobKind::SYNC_CASE | JobKind::POLL_DESK => Some("desk"),
        _ => None,
    }
}

/// Ten jobs of a kind for a destination.
pub fn wanted(kind: JobKind, destination: Option<&str>) -> Wanted {
    Wanted { kind, destination: destination.map(str::to_owned), at_most: 10 }
}

/// An exception as a fold gives it.
pub fn exception(reason: ExceptionReason, minutes: i64, evidence: &[i64]) -> FoldedException {
    FoldedException {
        reason,
        piece: None,
        severity: reason.severity(),
        opened: EventTime::instant("", at(minutes), Precision::Second),
        opened_recorded: at(minutes),
        closed: None,
        evidence: evidence.iter().map(|n| ObservationId(content_id("evidence", &[&n.to_be_bytes()]))).collect(),
        clock_stopped_minutes: 0,
    }
}

/// A statement: the code says what and when.
fn new_observation(said: &Said, code: &str, position: u32) -> NewObservation {
    let body = Observation {
        provider_event_id: None,
        retracts: None,
        codes: Codes {
            raw: code.into(),
            status: vec![ProviderCode::new("test.codes", code)],
            reason: None,
            coarse: None,
        },
        classifier: Classifier::Actual,
        time: EventTime::instant("", at(i64::try_from(code.len()).unwrap()), Precision::Second),
        stated_at: None,
        location: None,
        piece: None,
        stop: None,
        origin: EventOrigin::Event,
        description: None,
        signatory: None,
        documents: Vec::new(),
    };
    let id = body.id("test", &format!("{}:{}", said.carrier.unwrap_or("-"), said.number));
    NewObservation {
        id,
        position,
        reading: reading(0, Some(Milestone::InTransit).filter(|_| !code.starts_with('?'))),
        text: None,
        body,
    }
}

/// A reading of a mapping version; unmapped where there is no milestone.
pub fn reading(mapping: u32, milestone: Option<Milestone>) -> Reading {
    Reading {
        mapping,
        milestone: milestone.unwrap_or(Milestone::Info),
        schedules: None,
        exception: None,
        also: None,
        resolves: None,
        unmapped: milestone.is_none(),
        floor: None,
        doubt: None,
    }
}
