//! How a claim goes on: each step with what it needs, and what it changes.

use super::{ClaimNumber, ClaimReason, ClaimStatus, StepKind};
use crate::money::{Currency, Money};
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

/// Days before the last day for filing on which a reminder goes out; the last one goes out when that day is over.
const REMIND_DAYS_BEFORE: [i64; 2] = [7, 2];

/// What a person is reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// So many days, or fewer, are left to file it.
    Before(i64),
    /// The last day is over.
    Missed,
}

/// Where a claim stands. Days are calendar days where the parcel was; "today" is the day in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What for.
    pub reason: ClaimReason,
    /// How it stands.
    pub status: ClaimStatus,
    /// The amount that is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Money>,
    /// The carrier's last offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Money>,
    /// What the carrier paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Money>,
    /// The last day for filing; none where no rule is known for the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_by: Option<Date>,
    /// The day by which the carrier should answer, or an offer has to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<Date>,
    /// When it was filed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_on: Option<Date>,
    /// When it was paid, rejected or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Date>,
    /// The carrier's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What happens to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is filed with the carrier.
    File {
        /// The carrier's number for it.
        reference: Option<String>,
        /// By when the carrier should answer.
        answer_by: Option<Date>,
    },
    /// The carrier offers an amount.
    Offer {
        /// The amount.
        amount: Money,
        /// By when it has to be accepted.
        accept_by: Option<Date>,
    },
    /// The offer is accepted.
    Accept,
    /// The carrier pays.
    Pay {
        /// The amount.
        amount: Money,
    },
    /// The carrier rejects it.
    Reject,
    /// The rejection is contested: it is with the carrier once more.
    Contest {
        /// By when the carrier should answer.
        answer_by: Option<Date>,
    },
    /// It is given up.
    Close,
    /// It is taken up anew.
    Reopen,
}

impl Step {
    /// Which kind it is.
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::File { .. } => StepKind::File,
            Self::Offer { .. } => StepKind::Offer,
            Self::Accept => StepKind::Accept,
            Self::Pay { .. } => StepKind::Pay,
            Self::Reject => StepKind::Reject,
            Self::Contest { .. } => StepKind::Contest,
            Self::Close => StepKind::Close,
            Self::Reopen => StepKind::Reopen,
        }
    }
}

/// Why a step is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPossible {
    /// Not from where it stands.
    #[error("a claim that is {} cannot be taken this step: {}", .0.label().to_lowercase(), .1.label().to_lowercase())]
    From(ClaimStatus, StepKind),
    /// Nothing is claimed yet.
    #[error("enter the amount that is claimed first")]
    NoAmount,
    /// An amount of nothing.
    #[error("the amount has to be more than 0")]
    NotPositive,
    /// Another currency.
    #[error("the claim is in {0}: enter the amount in {0}")]
    Currency(Currency),
}

impl Claim {
    /// A new one.
    pub const fn new(reason: ClaimReason, file_by: Option<Date>) -> Self {
        Self {
            reason,
            status: ClaimStatus::Draft,
            claimed: None,
            offered: None,
            paid: None,
            file_by,
            answer_by: None,
            filed_on: None,
            ended_on: None,
            reference: None,
        }
    }

    /// The claim with another amount.
    ///
    /// # Errors
    /// When the claim is not open, the amount is nothing, or an offer is there in another currency.
    pub fn claiming(&self, amount: Money) -> Result<Self, NotPossible> {
        if !self.status.is_open() {
            return Err(NotPossible::From(self.status, StepKind::File));
        }
        positive(amount)?;
        if let Some(offered) = self.offered.filter(|offered| offered.currency != amount.currency) {
            return Err(NotPossible::Currency(offered.currency));
        }
        Ok(Self { claimed: Some(amount), ..self.clone() })
    }

    /// The claim after a step that is taken on this day.
    ///
    /// # Errors
    /// When the step is not possible from where it stands, or lacks what it needs.
    pub fn after(&self, step: &Step, today: Date) -> Result<Self, NotPossible> {
        if !self.status.steps().contains(&step.kind()) {
            return Err(NotPossible::From(self.status, step.kind()));
        }
        let mut next = self.clone();
        match step {
            Step::File { reference, answer_by } => {
                self.claimed.ok_or(NotPossible::NoAmount)?;
                next.status = ClaimStatus::Filed;
                next.filed_on = self.filed_on.or(Some(today));
                next.reference = reference.clone().or(next.reference);
                next.answer_by = *answer_by;
            }
            Step::Offer { amount, accept_by } => {
                next.offered = Some(self.of_the_claims_currency(*amount)?);
                (next.status, next.answer_by) = (ClaimStatus::Offer, *accept_by);
            }
            Step::Accept => (next.status, next.answer_by) = (ClaimStatus::Accepted, None),
            Step::Pay { amount } => {
                next.paid = Some(self.of_the_claims_currency(*amount)?);
                next.end(ClaimStatus::Paid, today);
            }
            Step::Reject => next.end(ClaimStatus::Rejected, today),
            Step::Contest { answer_by } => {
                (next.status, next.ended_on, next.answer_by) = (ClaimStatus::Filed, None, *answer_by);
            }
            Step::Close => next.end(ClaimStatus::Closed, today),
            Step::Reopen => {
                next.status = if self.filed_on.is_some() { ClaimStatus::Filed } else { ClaimStatus::Draft };
                (next.ended_on, next.answer_by) = (None, None);
            }
        }
        Ok(next)
    }

    fn end(&mut self, status: ClaimStatus, today: Date) {
        (self.status, self.ended_on, self.answer_by) = (status, Some(today), None);
    }

    fn of_the_claims_currency(&self, amount: Money) -> Result<Money, NotPossible> {
        positive(amount)?;
        match self.claimed {
            Some(claimed) if claimed.currency != amount.currency => Err(NotPossible::Currency(claimed.currency)),
            _ => Ok(amount),
        }
    }

    /// The day that counts now: the last one for filing, else the one for an answer.
    pub fn due(&self) -> Option<Date> {
        match self.status {
            ClaimStatus::Draft => self.file_by,
            status if status.is_open() => self.answer_by,
            _ => None,
        }
    }

    /// Whether it was filed after the last day, or was not filed and that day is over.
    pub fn missed(&self, today: Date) -> bool {
        let on = match (self.filed_on, self.status) {
            (Some(filed), _) => filed,
            (None, ClaimStatus::Draft) => today,
            // given up before the day was over, or after it
            (None, _) => self.ended_on.unwrap_or(today),
        };
        self.file_by.is_some_and(|by| on > by)
    }

    /// The reminder that is to be seen on a day; none where there is nothing to file, or it has time.
    pub fn reminder(&self, today: Date) -> Option<Reminder> {
        let by = self.file_by.filter(|_| self.status == ClaimStatus::Draft)?;
        let reached = |days: &&i64| today >= by.saturating_sub(days.days());
        match today > by {
            true => Some(Reminder::Missed),
            false => REMIND_DAYS_BEFORE.iter().filter(reached).min().copied().map(Reminder::Before),
        }
    }

    /// The first day after this one on which a reminder goes out; none where there is nothing to file.
    pub fn remind_after(&self, day: Option<Date>) -> Option<Date> {
        let by = self.file_by.filter(|_| self.status == ClaimStatus::Draft)?;
        let before = REMIND_DAYS_BEFORE.into_iter().map(|days| by.saturating_sub(days.days()));
        let all = before.chain([by.saturating_add(1.day())]);
        all.into_iter().find(|at| day.is_none_or(|day| *at > day))
    }

    /// The place in a list by deadline, as a word that sorts: what has a day first, then what is open without one, then what
    /// is over, the newest first.
    pub fn rank(&self, number: ClaimNumber) -> String {
        match (self.status.is_open(), self.due()) {
            (true, Some(due)) => format!("0:{due}"),
            (true, None) => "1:".to_owned(),
            (false, _) => format!("2:{:010}", u32::MAX - number.0),
        }
    }
}

const fn positive(amount: Money) -> Result<(), NotPossible> {
    if amount.minor > 0 { Ok(()) } else { Err(NotPossible::NotPositive) }
}

#[cfg(test)]
mod tests;
