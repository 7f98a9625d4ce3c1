//! Mapping tables: what provider codes mean. Data with versions: a shipped base (version 0) and an admin's overlay.

use crate::{
    ExceptionReason, Milestone, State,
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reader, Reading, Resolves},
    vocabulary::Category,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The milestone; INFO where there is none.
    pub milestone: Milestone,
    /// What a plan or estimate of it is about, where that is another milestone.
    pub schedules: Option<Milestone>,
    /// The exception it reports.
    pub reason: Option<ExceptionReason>,
    /// The second exception that it reports.
    pub also: Option<ExceptionReason>,
    /// The exception that it ends.
    pub resolves: Option<Resolves>,
}

/// Why a mapping table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A meaning that is not `MILESTONE[>MILESTONE][|REASON[+REASON]]` or `MILESTONE|![REASON]` with known words.
    #[error(
        "{list}/{value}: {meaning:?} is no meaning; write MILESTONE, MILESTONE|REASON, MILESTONE|REASON+REASON or MILESTONE|!REASON"
    )]
    BadMeaning {
        /// The list.
        list: String,
        /// The code.
        value: String,
        /// The value there.
        meaning: String,
    },
}

impl Meaning {
    /// Reads `MILESTONE[>MILESTONE][|REASON[+REASON]]`, where `|!REASON` says that the trouble is over, and `|!` that any
    /// is.
    pub fn parse(text: &str) -> Option<Self> {
        let (milestone, trouble) = text.split_once('|').map_or((text, None), |(m, trouble)| (m, Some(trouble)));
        let (reason, also, resolves) = match trouble.map(|t| (t, t.strip_prefix('!'))) {
            None => (None, None, None),
            Some((_, Some(""))) => (None, None, Some(Resolves::Everything)),
            Some((_, Some(over))) => (None, None, Some(Resolves::Reason(ExceptionReason::from_code(over)?))),
            Some((reasons, None)) => match reasons.split_once('+') {
                Some((one, other)) => {
                    (Some(ExceptionReason::from_code(one)?), Some(ExceptionReason::from_code(other)?), None)
                }
                None => (Some(ExceptionReason::from_code(reasons)?), None, None),
            },
        };
        let (milestone, schedules) = match milestone.split_once('>') {
            Some((milestone, schedules)) => (milestone, Some(Milestone::from_code(schedules)?)),
            None => (milestone, None),
        };
        Some(Self { milestone: Milestone::from_code(milestone)?, schedules, reason, also, resolves })
    }
}

type Table = HashMap<String, HashMap<String, Meaning>>;

/// An admin's additions and changes: list → code → meaning.
pub type Overlay = BTreeMap<String, BTreeMap<String, String>>;

/// A published mapping version.
#[derive(Clone, Debug)]
pub struct Mapping {
    version: MappingVersion,
    base: Arc<Table>,
    overlay: Table,
}

#[derive(Deserialize)]
struct BaseFile {
    lists: Overlay,
}

static BASE: LazyLock<Arc<Table>> = LazyLock::new(|| {
    let file: BaseFile = serde_json::from_str(include_str!("base.json")).expect("the shipped table is JSON");
    Arc::new(table(&file.lists).expect("the shipped table has known words"))
});

fn table(lists: &Overlay) -> Result<Table, MappingError> {
    let mut table = Table::new();
    for (list, codes) in lists {
        let entries = table.entry(list.clone()).or_default();
        for (value, meaning) in codes {
            let bad =
                || MappingError::BadMeaning { list: list.clone(), value: value.clone(), meaning: meaning.clone() };
            entries.insert(value.clone(), Meaning::parse(meaning).ok_or_else(bad)?);
        }
    }
    Ok(table)
}

impl Mapping {
    /// The base that ships with the product.
    pub fn base() -> Self {
        Self { version: 0, base: Arc::clone(&BASE), overlay: Table::new() }
    }

    /// The base under an admin's overlay.
    ///
    /// # Errors
    /// When a meaning has words that do not exist.
    pub fn with_overlay(version: MappingVersion, overlay: &Overlay) -> Result<Self, MappingError> {
        Ok(Self { version, base: Arc::clone(&BASE), overlay: table(overlay)? })
    }

    /// The meaning of a code, if it is mapped.
    pub fn look_up(&self, code: &ProviderCode) -> Option<Meaning> {
        let of = |table: &Table| table.get(&code.list).and_then(|codes| codes.get(&code.value)).copied();
        of(&self.overlay).or_else(|| of(&self.base))
    }

    /// How many lists and codes there are.
    pub fn size(&self) -> (usize, usize) {
        (
            self.base.len(),
            self.base.values().map(HashMap::len).sum::<usize>()
                + self.overlay.values().map(HashMap::len).sum::<usize>(),
        )
    }
}

impl Reader for Mapping {
    fn version(&self) -> MappingVersion {
        self.version
    }

    fn read(&self, observation: &Observation) -> Reading {
        let codes = &observation.codes;
        let detail = codes.status.iter().find_map(|code| self.look_up(code));
        let coarse = codes.coarse.as_ref().and_then(|code| self.look_up(code));
        let floor = coarse.and_then(|c| c.milestone.state());
        let mut reading = match (detail, coarse) {
            (Some(detail), Some(coarse)) if contradict(detail.milestone, coarse.milestone) => Reading {
                doubt: Some(format!(
                    "the code says {}, the status {}",
                    detail.milestone.label().to_lowercase(),
                    coarse.milestone.label().to_lowercase()
                )),
                ..self.reading(coarse, None)
            },
            (Some(detail), _) => self.reading(detail, floor),
            (None, Some(coarse)) if codes.status.is_empty() => self.reading(coarse, None),
            // never guessed: what the coarse status vouches for is all there is
            (None, coarse) => Reading {
                unmapped: !codes.status.is_empty(),
                floor,
                ..self.reading(
                    Meaning {
                        milestone: Milestone::Info,
                        schedules: None,
                        reason: coarse.and_then(|c| c.reason),
                        also: None,
                        resolves: None,
                    },
                    None,
                )
            },
        };
        let reason = codes.reason.as_ref().and_then(|code| self.look_up(code)).and_then(|m| m.reason);
        let of_status = reading.exception;
        reading.exception = refine(of_status, reason, reading.milestone);
        let kept = of_status.zip(reading.exception).filter(|(status, refined)| apart(*status, *refined));
        reading.also = reading.also.or(kept.map(|(status, _)| status)).filter(|also| reading.exception != Some(*also));
        reading
    }
}

impl Mapping {
    fn reading(&self, meaning: Meaning, floor: Option<State>) -> Reading {
        Reading {
            mapping: self.version,
            milestone: meaning.milestone,
            schedules: meaning.schedules,
            exception: meaning.reason,
            also: meaning.also,
            resolves: meaning.resolves,
            unmapped: false,
            floor: floor.filter(|_| meaning.milestone == Milestone::Info),
            doubt: None,
        }
    }
}

/// A reason refines the exception that the status reports, or adds one. "Other" says nothing that the status does not
/// say better.
fn refine(
    status: Option<ExceptionReason>,
    reason: Option<ExceptionReason>,
    milestone: Milestone,
) -> Option<ExceptionReason> {
    match (status, reason) {
        (_, Some(reason)) if reason != ExceptionReason::Unspecified => Some(reason),
        (None, Some(reason)) if milestone == Milestone::Info => Some(reason),
        (status, _) => status,
    }
}

/// Troubles of which one does not refine the other: goods that are damaged or lost, and a recipient who refuses them.
fn apart(status: ExceptionReason, reason: ExceptionReason) -> bool {
    let goods = |said: ExceptionReason| matches!(said.category(), Category::Damage | Category::Loss);
    let refused = |said| said == ExceptionReason::ConsigneeRefused;
    goods(status) && refused(reason) || refused(status) && goods(reason)
}

/// How journeys end; the pair of a coarse status and its detail must agree on it.
#[derive(PartialEq, Eq)]
enum Ending {
    UnderWay,
    Delivered,
    Back,
    Cancelled,
    Failed,
}

fn ending(state: State) -> Ending {
    match state {
        State::Delivered => Ending::Delivered,
        State::Returning | State::Returned => Ending::Back,
        State::Cancelled => Ending::Cancelled,
        State::Failed => Ending::Failed,
        _ => Ending::UnderWay,
    }
}

fn contradict(detail: Milestone, coarse: Milestone) -> bool {
    match (detail.state(), coarse.state()) {
        (Some(State::PartiallyDelivered), Some(State::Delivered)) => false,
        (Some(detail), Some(coarse)) => ending(detail) != ending(coarse),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Classifier,
        event_time::EventTime,
        observation::{Codes, Origin},
    };

    fn observed(status: &[(&str, &str)], coarse: Option<(&str, &str)>, reason: Option<(&str, &str)>) -> Observation {
        let code = |(list, value): (&str, &str)| ProviderCode::new(list, value);
        Observation {
            provider_event_id: None,
            retracts: None,
            codes: Codes {
                raw: "x".into(),
                status: status.iter().copied().map(code).collect(),
                reason: reason.map(code),
                coarse: coarse.map(code),
            },
            classifier: Classifier::Actual,
            time: EventTime::unknown(""),
            stated_at: None,
            location: None,
            piece: None,
            stop: None,
            origin: Origin::Event,
            description: None,
            signatory: None,
            documents: Vec::new(),
        }
    }

    #[test]
    fn every_list_is_shipped() {
        let (lists, codes) = Mapping::base().size();
        assert!(lists >= 24 && codes >= 732, "{lists} lists, {codes} codes");
    }

    #[test]
    fn the_first_known_code_decides_and_a_reason_refines() {
        let base = Mapping::base();
        let read = base.read(&observed(&[("x12.1650", "A9")], None, Some(("x12.1651", "AK"))));
        assert_eq!((read.milestone, read.exception), (Milestone::Info, Some(ExceptionReason::DamagedRepacked)));
        let read = base.read(&observed(&[("x12.1650", "A3")], None, Some(("x12.1651", "BT"))));
        assert_eq!((read.milestone, read.exception), (Milestone::Returned, None), "'returned to shipper' adds nothing");
    }

    #[test]
    fn an_unknown_code_is_never_guessed() {
        let read = Mapping::base().read(&observed(
            &[("aftership.subtag", "InTransit_013")],
            Some(("aftership.tag", "InTransit")),
            None,
        ));
        assert_eq!((read.milestone, read.unmapped, read.floor), (Milestone::Info, true, Some(State::InTransit)));
        let read = Mapping::base().read(&observed(&[("nobody.list", "GDS-77")], None, None));
        assert_eq!((read.milestone, read.unmapped, read.floor), (Milestone::Info, true, None));
    }

    #[test]
    fn where_the_pair_contradicts_the_coarse_status_wins_with_a_doubt() {
        let read = Mapping::base().read(&observed(
            &[("shippo.substatus", "information_received")],
            Some(("shippo.status", "DELIVERED")),
            None,
        ));
        assert_eq!(read.milestone, Milestone::Delivered);
        assert!(read.doubt.is_some());
    }

    #[test]
    fn a_meaning_may_say_that_trouble_is_over() {
        let resolves = |text: &str| Meaning::parse(text).map(|m| m.resolves);
        assert_eq!(resolves("IN_TRANSIT|!"), Some(Some(Resolves::Everything)));
        assert_eq!(resolves("INFO|!HOLD_CARRIER"), Some(Some(Resolves::Reason(ExceptionReason::HoldCarrier))));
        assert_eq!(resolves("INFO|HOLD_CARRIER"), Some(None));
        assert_eq!(resolves("INFO|!NONSENSE"), None);
    }

    #[test]
    fn a_meaning_may_report_two_exceptions() {
        let two = Meaning::parse("DELIVERY_ATTEMPTED|DAMAGED+CONSIGNEE_REFUSED").unwrap();
        assert_eq!((two.reason, two.also), (Some(ExceptionReason::Damaged), Some(ExceptionReason::ConsigneeRefused)));
        assert_eq!(Meaning::parse("INFO|DAMAGED+"), None);
        let read = Mapping::base().read(&observed(&[("mfs.close_type", "Damaged - Refused")], None, None));
        assert_eq!(read.exceptions().count(), 2);
    }

    #[test]
    fn an_overlay_adds_and_changes() {
        let overlay = Overlay::from([("nobody.list".into(), BTreeMap::from([("GDS-77".into(), "DAMAGED?".into())]))]);
        assert!(Mapping::with_overlay(1, &overlay).is_err());
        let overlay =
            Overlay::from([("nobody.list".into(), BTreeMap::from([("GDS-77".into(), "INFO|DAMAGED".into())]))]);
        let read =
            Mapping::with_overlay(1, &overlay).unwrap().read(&observed(&[("nobody.list", "GDS-77")], None, None));
        assert_eq!((read.mapping, read.exception, read.unmapped), (1, Some(ExceptionReason::Damaged), false));
    }
}
