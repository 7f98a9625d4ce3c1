//! Where the purchase of a label stands. What is about to be sent is kept before it is sent; after an answer that does not say
//! whether it was done there is one way: look. No event leads from there to a second purchase but the platform's proof that the
//! first was not made, or a person.

use crate::{labels::LabelState, money::Money};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// After a purchase of unknown outcome a carrier may still take it from a queue: only after this time its absence proves anything.
pub const QUIET_PERIOD: SignedDuration = SignedDuration::from_mins(15);
/// The waits before the first, second, … look; the last one goes on.
const GAPS: &[SignedDuration] = &[
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
];
/// So long a purchase is looked for, or waited for; then a person decides.
const LOOKED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How often one purchase is sent; then a person decides.
const ATTEMPTS_MAX: u32 = 3;
/// The code of a rate that is no longer offered: others are asked for.
const RATE: &str = "rate";
/// How often a void is looked at, and for how long.
const VOID_EVERY: SignedDuration = SignedDuration::from_hours(24);
const VOID_WATCHED: SignedDuration = SignedDuration::from_hours(35 * 24);
/// A request to void of unknown outcome is looked at after so long.
const VOID_SETTLES: SignedDuration = SignedDuration::from_mins(2);

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is sent; it may be sent.
    #[default]
    Planned,
    /// It is sent, or about to be: what became of it is not known yet.
    Sending,
    /// The platform works on it.
    Pending,
    /// No answer says whether it was done.
    Unknown,
    /// A person decides.
    Undecided,
    /// The platform does not do it.
    Refused,
    /// There is a label.
    Booked,
    /// The label is no longer wanted; whether it is void is not settled.
    Voiding,
    /// The label is void.
    Voided,
    /// The label stays paid, though it is no longer wanted.
    NotVoided,
    /// It was given up before anything was bought.
    Cancelled,
}

impl Phase {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Planned,
        Self::Sending,
        Self::Pending,
        Self::Unknown,
        Self::Undecided,
        Self::Refused,
        Self::Booked,
        Self::Voiding,
        Self::Voided,
        Self::NotVoided,
        Self::Cancelled,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
            Self::Booked => "booked",
            Self::Voiding => "voiding",
            Self::Voided => "voided",
            Self::NotVoided => "not_voided",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Planned => "Booking planned",
            Self::Sending | Self::Pending => "Booking in progress",
            Self::Unknown => "Booking not confirmed",
            Self::Undecided => "Booking needs a decision",
            Self::Refused => "Booking refused",
            Self::Booked => "Label booked",
            Self::Voiding => "Label void requested",
            Self::Voided => "Label voided",
            Self::NotVoided => "Label not voided",
            Self::Cancelled => "Booking cancelled",
        }
    }

    /// In the words of the list of shipments; none where no label is wanted.
    pub const fn state(self) -> Option<LabelState> {
        Some(match self {
            Self::Planned | Self::Sending | Self::Pending | Self::Unknown => LabelState::InProgress,
            Self::Undecided => LabelState::Undecided,
            Self::Refused => LabelState::Refused,
            Self::Booked => LabelState::Booked,
            Self::Voiding => LabelState::Voiding,
            Self::Voided => LabelState::Voided,
            Self::NotVoided => LabelState::NotVoided,
            Self::Cancelled => return None,
        })
    }

    /// Whether it is proven that no label of this purchase is valid: another one may follow.
    pub const fn has_no_label(self) -> bool {
        matches!(self, Self::Refused | Self::Voided | Self::Cancelled)
    }
}

/// What a label is known by at the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRef {
    /// The platform's id of the shipment.
    pub shipment: String,
    /// The platform's id of the label.
    pub label: String,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What the platform knows it by; none of one that a person entered.
    pub reference: Option<LabelRef>,
    /// The tracking number.
    pub number: String,
    /// The carrier, as the platform calls it.
    pub carrier: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// What is charged.
    pub charged: Option<Money>,
    /// Whether the platform tracks it already.
    pub tracked: bool,
}

/// A rate that is to be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The platform's id of the shipment.
    pub shipment: String,
    /// The platform's id of the rate.
    pub rate: String,
    /// The carrier.
    pub carrier: String,
    /// The service.
    pub service: String,
    /// What it costs.
    pub price: Money,
}

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The stable code.
    pub code: String,
    /// What happened, in our own words.
    pub what: String,
    /// What a person can do.
    pub todo: String,
}

/// What became of a request to void a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Void {
    /// It is not asked for at the platform.
    NotRequested,
    /// The carrier decides.
    Requested,
    /// The label is void.
    Voided,
    /// Refused: it stays paid.
    Rejected,
    /// The carrier bills what it scans: unused, nothing is paid.
    NotApplicable,
    /// The platform does not ask the carrier: a person does.
    NotAtCarrier,
}

/// A purchase as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Where it stands.
    pub phase: Phase,
    /// How often it was sent.
    #[serde(default)]
    pub attempts: u32,
    /// The rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Found>,
    /// What the platform knows work by that it has not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// When it was last sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// How often it was looked for since.
    #[serde(default)]
    pub looks: u32,
    /// When something is to be done next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Further labels of the same purchase, which are not wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<LabelRef>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// The label is no longer wanted.
    #[serde(default)]
    pub unwanted: bool,
    /// What became of the request to void it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<Void>,
    /// When that was first made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void_at: Option<Timestamp>,
    /// What was typed over the label's number; none where nothing ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed_over: Option<TypedOver>,
}

/// A number that a person typed over that of a label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedOver {
    /// The tracking reference that is there instead; none where the label's number is back, or the label is not wanted any more.
    pub number: Option<String>,
    /// How often a person was asked which is right.
    pub times: u32,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Create the shipment and choose a rate.
    Rate,
    /// Keep [`Event::Sending`], then buy.
    Buy,
    /// Look what became of the purchase; whether its quiet period is over.
    Look(bool),
    /// Keep [`Event::Voiding`], then ask for the void.
    Void,
    /// Look what became of that.
    LookAtVoid,
    /// Nothing before this time.
    Wait(Timestamp),
    /// Nothing.
    Nothing,
}

/// How the call to buy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is a label.
    Done(Label),
    /// The platform works on it.
    Pending {
        /// What it knows the work by.
        handle: Option<String>,
        /// When to look.
        after: SignedDuration,
    },
    /// Certainly not done.
    Refused(Refused),
    /// Certainly not done; it may be sent again.
    NotSent,
    /// Not known.
    Unknown,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Labels, oldest first.
    Labels(Vec<Label>),
    /// It was refused.
    Refused(Refused),
    /// Not there yet.
    NotYet,
    /// Proven not to be done.
    Absent,
    /// The platform cannot say.
    CannotTell,
}

/// What happens to a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A rate was chosen.
    Rated(Found),
    /// There is none, or the platform refused the shipment.
    NotRated(Refused),
    /// It is about to be sent.
    Sending,
    /// It was sent.
    Answered(Answer),
    /// It was looked for.
    Looked(Look),
    /// The delivery is cancelled, or a person gives the booking up.
    Unwanted,
    /// The void is about to be asked for.
    Voiding,
    /// What became of that; none: not known.
    VoidIs(Option<Void>),
    /// A person entered the number of a label that exists.
    Adopted(Label),
    /// A person found that there is no label, or settled what it was refused for: it is sent again.
    SendAgain,
    /// A person found that there is no label, and none is wanted.
    GivenUp,
}

/// An event that does not fit where the purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a booking that is {} cannot do that", .0.code())]
pub struct Wrong(pub Phase);

impl Purchase {
    /// What is to be done now.
    pub fn todo(&self, now: Timestamp) -> Todo {
        if let Some(at) = self.next_at.filter(|at| *at > now) {
            return Todo::Wait(at);
        }
        match self.phase {
            Phase::Planned if self.rate.is_none() => Todo::Rate,
            Phase::Planned => Todo::Buy,
            Phase::Sending | Phase::Pending | Phase::Unknown => Todo::Look(self.is_quiet(now)),
            Phase::Booked if self.unwanted && self.label.as_ref().is_some_and(|label| label.reference.is_some()) => {
                Todo::Void
            }
            Phase::Voiding => match self.void {
                Some(Void::NotRequested) => Todo::Void,
                _ => Todo::LookAtVoid,
            },
            Phase::Booked | Phase::Undecided | Phase::Refused | Phase::Voided | Phase::NotVoided | Phase::Cancelled => {
                Todo::Nothing
            }
        }
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        self.sent_at.is_none_or(|sent| now.duration_since(sent) >= QUIET_PERIOD)
    }

    /// The same after an event.
    ///
    /// # Errors
    /// Where the event does not fit: then nothing changes.
    pub fn after(&self, event: Event, now: Timestamp) -> Result<Self, Wrong> {
        use Phase::{Booked, Pending, Planned, Sending, Undecided, Unknown, Voiding};
        let wrong = Err(Wrong(self.phase));
        let mut next = Self { next_at: None, ..self.clone() };
        match (event, self.phase) {
            (Event::Rated(rate), Planned) if self.rate.is_none() => next.rate = Some(rate),
            (Event::NotRated(refused), Planned) => next.refuse(refused),
            (Event::Sending, Planned) if self.rate.is_some() && !self.unwanted => {
                (next.phase, next.sent_at, next.looks) = (Sending, Some(now), 0);
                next.attempts += 1;
                // should no answer be kept
                next.next_at = Some(later(now, GAPS[0]));
            }
            (Event::Answered(answer), Sending) => next.answered(answer, now),
            (Event::Looked(look), Sending | Pending | Unknown) => next.looked(look, now),
            (Event::Unwanted, _) => next.unwanted(self.next_at),
            (Event::Voiding, Booked) if self.unwanted => {
                (next.phase, next.void, next.void_at) = (Voiding, Some(Void::Requested), Some(now));
                next.next_at = Some(later(now, VOID_SETTLES));
            }
            (Event::Voiding, Voiding) if self.void == Some(Void::NotRequested) => {
                next.void = Some(Void::Requested);
                next.next_at = Some(later(now, VOID_SETTLES));
            }
            (Event::VoidIs(void), Voiding) => next.void_is(void, now),
            (Event::Adopted(label), Undecided | Unknown) => next.book(vec![label]),
            (Event::SendAgain, Undecided) if !self.unwanted => {
                (next.phase, next.attempts, next.handle) = (Planned, 0, None);
            }
            (Event::SendAgain, Phase::Refused) if !self.unwanted => {
                (next.phase, next.attempts, next.rate, next.refused) = (Planned, 0, None, None);
            }
            (Event::GivenUp, Undecided | Planned) => (next.phase, next.unwanted) = (Phase::Cancelled, true),
            _ => return wrong,
        }
        Ok(next)
    }

    fn refuse(&mut self, refused: Refused) {
        (self.phase, self.refused) = (if self.unwanted { Phase::Cancelled } else { Phase::Refused }, Some(refused));
    }

    fn book(&mut self, labels: Vec<Label>) {
        let mut labels = labels.into_iter();
        let Some(first) = labels.next() else { return };
        self.surplus.extend(labels.filter_map(|label| label.reference));
        (self.phase, self.label, self.handle) = (Phase::Booked, Some(first), None);
        self.leave_to_a_person();
    }

    /// A label that a person entered is known by its number alone: the platform cannot be asked to void it.
    fn leave_to_a_person(&mut self) {
        let unknown = self.label.as_ref().is_some_and(|label| label.reference.is_none());
        if self.phase == Phase::Booked && self.unwanted && unknown {
            self.phase = Phase::NotVoided;
        }
    }

    /// It is certain that nothing was bought.
    fn absent(&mut self) {
        self.phase = match () {
            () if self.unwanted => Phase::Cancelled,
            () if self.attempts >= ATTEMPTS_MAX => Phase::Undecided,
            () => Phase::Planned,
        };
        self.handle = None;
    }

    fn answered(&mut self, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Done(label) => self.book(vec![label]),
            Answer::Pending { handle, after } => {
                (self.phase, self.handle, self.next_at) = (Phase::Pending, handle, Some(later(now, after)));
            }
            Answer::Refused(refused) if refused.code == RATE && self.attempts < ATTEMPTS_MAX && !self.unwanted => {
                (self.phase, self.rate) = (Phase::Planned, None);
            }
            Answer::Refused(refused) => self.refuse(refused),
            Answer::NotSent => {
                // it was not sent, so it does not count as a try
                self.attempts = self.attempts.saturating_sub(1);
                self.phase = if self.unwanted { Phase::Cancelled } else { Phase::Planned };
            }
            Answer::Unknown => (self.phase, self.next_at) = (Phase::Unknown, Some(later(now, GAPS[0]))),
        }
    }

    fn looked(&mut self, look: Look, now: Timestamp) {
        match look {
            Look::Labels(labels) if labels.is_empty() => self.not_yet(now),
            Look::Labels(labels) => self.book(labels),
            Look::Refused(refused) => self.refuse(refused),
            Look::NotYet => self.not_yet(now),
            Look::Absent if self.is_quiet(now) => self.absent(),
            Look::CannotTell if self.is_quiet(now) => self.phase = Phase::Undecided,
            // too early to say so
            Look::Absent | Look::CannotTell => self.not_yet(now),
        }
    }

    fn not_yet(&mut self, now: Timestamp) {
        self.looks = self.looks.saturating_add(1);
        let waited = self.sent_at.map_or(LOOKED_FOR, |sent| now.duration_since(sent));
        if waited >= LOOKED_FOR {
            self.phase = Phase::Undecided;
            return;
        }
        if self.phase == Phase::Sending {
            self.phase = Phase::Unknown;
        }
        let gap = GAPS[usize::try_from(self.looks).unwrap_or(usize::MAX).min(GAPS.len() - 1)];
        self.next_at = Some(later(now, gap));
    }

    fn unwanted(&mut self, next_at: Option<Timestamp>) {
        self.unwanted = true;
        match self.phase {
            Phase::Planned | Phase::Refused => self.phase = Phase::Cancelled,
            Phase::Booked => self.leave_to_a_person(),
            // what is under way comes to its end first
            _ => self.next_at = next_at,
        }
    }

    fn void_is(&mut self, void: Option<Void>, now: Timestamp) {
        let Some(void) = void else {
            self.next_at = Some(later(now, VOID_SETTLES));
            return;
        };
        self.void = Some(void);
        let watched = self.void_at.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
        match void {
            Void::Voided | Void::NotApplicable => self.phase = Phase::Voided,
            Void::Rejected | Void::NotAtCarrier => self.phase = Phase::NotVoided,
            Void::Requested | Void::NotRequested if watched >= VOID_WATCHED => self.phase = Phase::NotVoided,
            Void::Requested => self.next_at = Some(later(now, VOID_EVERY)),
            Void::NotRequested => self.next_at = Some(later(now, VOID_SETTLES)),
        }
    }
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
