//! Simulated shipments in any number: what an order system and a platform would have said of each, folded as it would have
//! been. Nothing random: a number gives the same shipment each time.

use crate::{context::Context, destinations::ODOO, tracking::normalise};
use anyhow::{Context as _, Result};
use domain::{
    calendar::Calendar,
    carriers as directory,
    commit::{self, ExceptionChange},
    fold::{self, DeliveryStanding, Fact, FoldInput, Folded, Plan, PromiseSource, Sighting, Snapshot},
    ids::{
        BindingId, CaseId, CorrelationId, JobId, MessageId, ShipmentId, SourceId, SubjectId, TrackerId, content_id,
        content_id_at,
    },
    numbers,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::transfer::Filled;
use storage::{
    facts::{Progress, Recording, TrackerKey},
    inbox::{MessageRecord, MessageStatus},
    jobs::{Cause, JobKind, Lane, NewJob},
    orders::{Claim, ImportedShipment, Origin, OriginStanding, Transfer},
    shipments::{Commit, LastEvent},
    work::{CaseRecord, CaseStatus},
};

const CONNECTOR: &str = "aftership";
/// Carriers as the platform and a person name them, with how many shipments of a hundred they have.
const CARRIERS: &[(&str, &str, u64)] = &[
    ("dhl", "DHL", 34),
    ("ups", "UPS", 18),
    ("dpd", "DPD", 15),
    ("gls", "GLS", 12),
    ("fedex", "FedEx", 11),
    ("usps", "USPS", 9),
    ("tnt", "TNT", 1),
];
const CITIES: &[(&str, &str)] = &[
    ("Lyon", "FR"),
    ("Leipzig", "DE"),
    ("Rotterdam", "NL"),
    ("Milano", "IT"),
    ("Gdansk", "PL"),
    ("Valencia", "ES"),
    ("Antwerpen", "BE"),
    ("Graz", "AT"),
];
/// What may go wrong on the way, as the platform says it.
const TROUBLES: &[&str] =
    &["Exception_002", "Exception_004", "AttemptFail_002", "Exception_007", "Exception_012", "Exception_016"];
/// Days over which ended shipments are spread.
const PAST_DAYS: u64 = 180;
/// Each customer has so many shipments, about.
const SHIPMENTS_OF_A_CUSTOMER: u64 = 12;
/// Finished work is swept after two weeks.
const KEPT_JOBS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How many there are already.
    pub first: u64,
    /// How many.
    pub shipments: u64,
    /// How many of a hundred are on their way.
    pub open_percent: u64,
    /// How many of those on their way have an open exception.
    pub exceptions: u64,
    /// Another one makes other shipments.
    pub seed: u64,
}

/// Makes them.
pub struct Simulation {
    context: Arc<Context>,
    source: SourceId,
    wanted: Wanted,
    now: Timestamp,
}

/// What becomes of a shipment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Story {
    Delivered,
    Returned,
    Cancelled,
    OnItsWay,
    /// On its way, and something was reported.
    Trouble,
    /// On its way past its promise.
    Late,
    /// On its way, and nothing is heard.
    Silent,
}

/// Numbers that follow from a shipment's.
struct Dice(u64);

impl Dice {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn up_to(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.up_to(of.len() as u64)).unwrap_or_default()]
    }

    /// So many minutes from one number of hours to another.
    fn hours(&mut self, from: u64, to: u64) -> SignedDuration {
        SignedDuration::from_mins(i64::try_from(from * 60 + self.up_to((to - from) * 60)).unwrap_or_default())
    }
}

/// What was said, and when.
struct Sent {
    subtag: &'static str,
    at: Timestamp,
}

impl Simulation {
    /// As wanted, as of now.
    pub fn new(context: Arc<Context>, source: SourceId, wanted: Wanted) -> Self {
        let now = context.now();
        Self { context, source, wanted, now }
    }

    /// One of them.
    ///
    /// # Errors
    /// When what is made cannot be read, which would be a fault.
    pub fn shipment(&self, number: u64) -> Result<Filled> {
        let story = self.story(number);
        let number = self.wanted.first + number;
        let mut dice = Dice(self.wanted.seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let (slug, label) = carrier(&mut dice);
        let tracking = format!("{}{:010}", if slug == "ups" { "1Z9Q4" } else { "0034" }, scrambled(number));
        let (city, country) = dice.one_of(CITIES);
        let (shipped, sent) = self.course(story, &mut dice);
        let heard =
            sent.last().map_or(shipped, |sent| sent.at).checked_add(SignedDuration::from_mins(3))?.min(self.now);
        let plan = Plan {
            promised_by: Some(self.promise(story, shipped, &sent, &mut dice)?),
            promise: Some(PromiseSource::Commitment),
            standing: if story == Story::Cancelled { DeliveryStanding::Cancelled } else { DeliveryStanding::Done },
            standing_since: Some(heard),
            expected_from: Some(shipped),
            silence_after_hours: Some(self.context.config.rules.silence_hours),
            ..Plan::default()
        };
        let correlation = CorrelationId(content_id_at(heard, "simulated correlation", &[&number.to_be_bytes()]));
        let body = body(&tracking, slug, city, country, &sent, heard)?;
        let recording = self.recording(number, heard, correlation, &body)?;
        let shipment = self.imported(number, &tracking, (slug, label), (city, country), plan, story, correlation);
        let input = input(&shipment, &recording);
        let folded = fold::fold(&input, self.now);
        let commit = self.commit(&shipment, &input, folded, heard, correlation);
        let case = self.case(&commit, &mut dice);
        let done = self.done(number, &commit, correlation);
        Ok(Filled { shipment, size: body.len() as u64, recording, commit, case, done })
    }

    fn story(&self, number: u64) -> Story {
        let Wanted { shipments, open_percent, exceptions, .. } = self.wanted;
        let (hundred, rest) = (number / 100, number % 100);
        if rest >= open_percent {
            return match number % 50 {
                1 => Story::Returned,
                2 => Story::Cancelled,
                _ => Story::Delivered,
            };
        }
        // spread evenly over those on their way
        let (of, place) = ((shipments / 100 * open_percent).max(open_percent), hundred * open_percent + rest);
        let before = |place: u64| place * exceptions / of;
        if before(place) == before(place + 1) {
            return Story::OnItsWay;
        }
        match before(place) % 4 {
            0 => Story::Late,
            1 => Story::Silent,
            _ => Story::Trouble,
        }
    }

    /// When it left the house, and what was said then.
    fn course(&self, story: Story, dice: &mut Dice) -> (Timestamp, Vec<Sent>) {
        let back = |at: Timestamp, by: SignedDuration| at.checked_sub(by).unwrap_or(at);
        let silence = u64::from(self.context.config.rules.silence_hours);
        let last = match story {
            Story::Delivered | Story::Returned | Story::Cancelled => back(self.now, dice.hours(3, PAST_DAYS * 24)),
            Story::Silent => back(self.now, dice.hours(silence + 1, silence + 72)),
            _ => back(self.now, dice.hours(0, 60.min(silence.saturating_sub(1)).max(1))),
        };
        let shipped = back(last, dice.hours(20, 70));
        let steps: &[&'static str] = match story {
            Story::Delivered => &["Delivered_001"],
            Story::Returned => &["Exception_011"],
            Story::Cancelled => &[],
            Story::Trouble => &["InTransit_001", "InTransit_003"],
            _ => dice.one_of(&[
                &["InTransit_001", "InTransit_003"][..],
                &["InTransit_001", "InTransit_003", "OutForDelivery_001"][..],
                &["InfoReceived_001"][..],
                &["InTransit_001", "AvailableForPickup_001"][..],
            ]),
        };
        let mut sent: Vec<Sent> = Vec::new();
        let mut at = last;
        if story == Story::Trouble {
            sent.push(Sent { subtag: dice.one_of(TROUBLES), at });
            at = back(at, dice.hours(1, 6));
        }
        for subtag in steps.iter().rev() {
            sent.push(Sent { subtag, at });
            at = back(at, dice.hours(1, 8));
        }
        sent.reverse();
        (shipped.min(at), sent)
    }

    fn promise(&self, story: Story, shipped: Timestamp, sent: &[Sent], dice: &mut Dice) -> Result<Timestamp> {
        Ok(match story {
            Story::Late => self.now.checked_sub(dice.hours(1, 90))?,
            Story::OnItsWay | Story::Trouble | Story::Silent => self.now.checked_add(dice.hours(2, 90))?,
            // one in twelve came too late
            _ => {
                let ended = sent.last().map_or(shipped, |sent| sent.at);
                if dice.up_to(12) == 0 {
                    ended.checked_sub(dice.hours(1, 30))?
                } else {
                    ended.checked_add(dice.hours(1, 60))?
                }
            }
        })
    }

    fn recording(&self, number: u64, heard: Timestamp, correlation: CorrelationId, body: &[u8]) -> Result<Recording> {
        let carrier = carriers::by_id(CONNECTOR).context("the connector")?;
        let settings = carriers::Settings::default();
        let decoded = carriers::read(carrier, &settings, body).map_err(|e| anyhow::anyhow!("{e}"))?;
        let reports: Vec<_> = decoded.reports.into_iter().filter(|report| !report.observations.is_empty()).collect();
        let id = MessageId(content_id_at(heard, "simulated message", &[&number.to_be_bytes()]));
        let status = MessageStatus::Normalised {
            observations: u32::try_from(reports.iter().map(|r| r.observations.len()).sum::<usize>())?,
            problems: 0,
        };
        let (key, _) = self.context.vault.new_key(SubjectId(id.0));
        let message = MessageRecord {
            id,
            source: self.source,
            source_name: String::new(),
            connector: CONNECTOR.into(),
            settings: "{}".into(),
            correlation,
            received_at: heard,
            verified_by: String::new(),
            size: 0,
            repeats: 0,
            status: MessageStatus::Received,
            cursor: 0,
            read_before: false,
            erased: false,
            rewritten: false,
        };
        let reading = normalise::Reading { message, carrier, key, cause: Cause::History };
        let progress = Progress::Whole(status);
        let recording = normalise::recording(&self.context, &reading, reports, Lane::Batch, progress);
        let mut recording = Recording { recorded_at: heard, ..recording };
        for said in recording.reports.iter_mut().flat_map(|report| &mut report.observations) {
            // its key is not kept
            said.text = None;
        }
        Ok(recording)
    }

    #[expect(clippy::too_many_arguments, reason = "what one record is made of")]
    fn imported(
        &self,
        number: u64,
        tracking: &str,
        (slug, label): (&str, &str),
        (city, country): (&str, &str),
        plan: Plan,
        story: Story,
        correlation: CorrelationId,
    ) -> ImportedShipment {
        let record = i64::try_from(number + 1).unwrap_or(i64::MAX);
        let digest = self.context.vault.digest(format!("simulated {number}").as_bytes());
        let name = |what| content_id(what, &[&digest]);
        let customer = format!("Customer {:06}", number / SHIPMENTS_OF_A_CUSTOMER);
        ImportedShipment {
            id: ShipmentId(name("simulated shipment")),
            origin: Origin {
                system: "odoo".into(),
                model: "stock.picking".into(),
                record,
                name: format!("WH/OUT/{record:07}"),
                order: Some(format!("S{record:07}")),
                order_record: Some(record),
                customer_record: None,
                value: None,
                segments: BTreeSet::new(),
                company: None,
                url: None,
                transfer: Transfer::default(),
            },
            digest: digest.iter().map(|b| format!("{b:02x}")).collect(),
            claims: vec![Claim {
                tracker: tracker_key(tracking, slug),
                tracker_id: TrackerId(name("simulated tracker")),
                binding_id: BindingId(name("simulated binding")),
                piece: None,
                number_raw: tracking.to_owned(),
                carrier_label: Some(label.to_owned()),
            }],
            standing: match story {
                Story::Cancelled => OriginStanding::Cancelled,
                _ => OriginStanding::Done,
            },
            plan,
            destination: Some(format!("{city}, {country}")),
            customer: None,
            key: None,
            tokens: vec![self.context.vault.token("customer", &customer)],
            correlation,
            cause: Cause::History,
            kept: BTreeSet::new(),
        }
    }

    fn commit(
        &self,
        shipment: &ImportedShipment,
        input: &FoldInput,
        folded: Folded,
        heard: Timestamp,
        correlation: CorrelationId,
    ) -> Commit {
        let last = input.facts.iter().find(|fact| Some(fact.id) == folded.last_event);
        let exceptions = commit::reconcile(shipment.id, &[], &folded.exceptions);
        let opened_ids = exceptions
            .iter()
            .filter_map(|change| match change {
                ExceptionChange::Open { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        // the fold that opens what the clock opens is one of its time
        let opened = folded.exceptions.iter().filter_map(|e| e.opened.sort_key()).max().unwrap_or(heard);
        Commit {
            shipment: shipment.id,
            expected: 0,
            cause: Cause::History,
            correlation,
            at: heard.max(opened).min(self.now),
            last_event: last.map(|fact| LastEvent {
                milestone: fact.reading.milestone,
                exception: fact.reading.exception,
                code: fact.reading.unmapped.then(|| fact.observation.codes.raw.clone()),
                place: fact.observation.location.as_ref().map(domain::observation::Location::label),
                place_in_parts: fact
                    .observation
                    .location
                    .as_ref()
                    .is_some_and(domain::observation::Location::is_in_parts),
                at: fact.observation.time.sort_key(),
                time: Some(fact.observation.time.clone()),
            }),
            folded,
            exceptions,
            withheld: opened_ids,
            effects: Vec::new(),
            calendar: Calendar::default(),
            teams: BTreeMap::new(),
            unknown: None,
            jobs: Vec::new(),
            next_uses: Vec::new(),
        }
    }

    /// Every other open exception of some weight has a case.
    fn case(&self, commit: &Commit, dice: &mut Dice) -> Option<CaseRecord> {
        let (id, _) = commit.exceptions.iter().find_map(|change| match change {
            ExceptionChange::Open { id, exception }
                if exception.closed.is_none() && exception.severity >= domain::Severity::Major =>
            {
                Some((*id, exception))
            }
            _ => None,
        })?;
        (dice.up_to(2) == 0).then(|| CaseRecord {
            id: CaseId(content_id("simulated case", &[id.0.as_bytes()])),
            exception: id,
            shipment: commit.shipment,
            desk: "request_tracker".into(),
            external_key: format!("milepost:{id}"),
            number: Some((10_000 + dice.up_to(900_000)).to_string()),
            url: None,
            status: CaseStatus::Open,
            opened_at: commit.at,
            resolved_at: None,
            notes: Vec::new(),
            closed_by: None,
            follows: None,
            seen: None,
            ticket: storage::work::TicketFacts::default(),
            revision: 0,
        })
    }

    /// What was written to the order system lately.
    fn done(&self, number: u64, commit: &Commit, correlation: CorrelationId) -> Vec<NewJob> {
        if self.now.duration_since(commit.at) > KEPT_JOBS {
            return Vec::new();
        }
        vec![NewJob {
            id: JobId(content_id_at(commit.at, "simulated job", &[&number.to_be_bytes()])),
            kind: JobKind::SYNC_ORDER,
            target: commit.shipment.to_string(),
            destination: Some(ODOO.into()),
            lane: Lane::Batch,
            cause: Cause::History,
            run_at: commit.at,
            correlation,
            shipment: Some(commit.shipment),
        }]
    }
}

fn carrier(dice: &mut Dice) -> (&'static str, &'static str) {
    let mut left = dice.up_to(CARRIERS.iter().map(|(.., share)| share).sum());
    for (slug, label, share) in CARRIERS {
        match left.checked_sub(*share) {
            Some(rest) => left = rest,
            None => return (slug, label),
        }
    }
    (CARRIERS[0].0, CARRIERS[0].1)
}

/// Ten digits, other ones for each number, and in no order.
fn scrambled(number: u64) -> u64 {
    const DIGITS: u128 = 10_000_000_000;
    u64::try_from(u128::from(number) * 3_141_592_653 % DIGITS).unwrap_or_default()
}

fn body(
    number: &str,
    slug: &str,
    city: &str,
    country: &str,
    sent: &[Sent],
    heard: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let tag = |subtag: &str| subtag.split('_').next().unwrap_or_default().to_owned();
    let list: Vec<_> = sent
        .iter()
        .map(|sent| {
            serde_json::json!({"tag": tag(sent.subtag), "subtag": sent.subtag, "city": city, "country_region": country,
                "checkpoint_time": sent.at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()})
        })
        .collect();
    let last = sent.last().map_or("Pending_001", |sent| sent.subtag);
    let stamp = heard.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    serde_json::to_vec(
        &serde_json::json!({"event_id": number, "msg": {"id": number, "tracking_number": number, "slug": slug,
        "tag": tag(last), "subtag": last, "updated_at": stamp, "checkpoints": list}}),
    )
}

fn tracker_key(number: &str, slug: &str) -> TrackerKey {
    let carrier = directory::known(CONNECTOR, slug).map(|entry| entry.family.clone());
    let key = numbers::normalise_of(number, carrier.as_deref());
    TrackerKey { number: key.unwrap_or_else(|_| number.to_owned()), carrier }
}

/// What the fold would read of it.
fn input(shipment: &ImportedShipment, recording: &Recording) -> FoldInput {
    let tracker = shipment.claims.first().map_or(TrackerId(shipment.id.0), |claim| claim.tracker_id);
    let mut input = FoldInput { plan: shipment.plan.clone(), ..FoldInput::default() };
    for report in &recording.reports {
        let snapshot = report.snapshot.as_ref();
        input.snapshots.extend(snapshot.map(|snapshot| Snapshot {
            id: snapshot.id,
            source: recording.source,
            tracker,
            object: snapshot.object.clone(),
            stamp: snapshot.stamp,
            digest: snapshot.digest.clone(),
            recorded_at: recording.recorded_at,
        }));
        input.facts.extend(report.observations.iter().map(|said| Fact {
            id: said.id,
            observation: said.body.clone(),
            reading: said.reading.clone(),
            tracker,
            piece: None,
            source: recording.source,
            trust: recording.trust,
            sightings: vec![Sighting {
                snapshot: snapshot.map(|snapshot| snapshot.id),
                position: said.position,
                recorded_at: recording.recorded_at,
            }],
        }));
    }
    input
}
