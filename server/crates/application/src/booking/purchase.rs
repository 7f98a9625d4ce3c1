//! A label is bought: each step is kept before the next one is taken, and none is repeated but by what `domain::booking` allows.

use super::{
    platform_job, report_job,
    request::{DOCUMENT, Request, key_of},
};
use crate::{context::Context, error::UseCaseError, odoo::OrderError};
use carriers::{
    booking::{BookIntent, Booked, Booking, BookingKey, BookingRef, Lookup, Paper, Quiet, Rate, Rated},
    outcome::{Outcome, Refusal, RefusalCode},
};
use domain::{
    booking::{Answer, Event, Found, Label, LabelRef, Look, Offer, Phase, Refused, Todo, choose},
    ids::{BookingId, CorrelationId},
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, Decision};
use storage::{
    Scope,
    bookings::{BookingRecord, KeptDocument},
    jobs::{JobKind, Lane, NewJob},
};

/// Steps of one job at most; the next job goes on.
const STEPS_MAX: usize = 8;

/// How a job for a booking ended.
#[derive(Debug)]
pub enum Done {
    /// Nothing is left to do.
    Over,
    /// Nothing to do before this time.
    NotBefore(Timestamp),
    /// The last call did not end well; what became of it is looked at then.
    Unclear(Timestamp, CallError),
}

/// A booking at work.
struct Work<'a> {
    context: &'a Context,
    scope: Scope,
    booking: BookingRecord,
    correlation: CorrelationId,
}

/// Takes the next steps of a booking.
///
/// # Errors
/// When the connection is not in use, or the platform or the store fails; what was done stays done.
pub async fn purchase(
    context: &Context,
    scope: Scope,
    id: BookingId,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<Done, OrderError> {
    let Some(booking) = context.store.bookings.booking(scope, id).await? else { return Ok(Done::Over) };
    let (platform, _) = context.platform(&booking.connection).ok_or(OrderError::NotInUse)?;
    let Some(books) = platform.booking() else { return Ok(Done::Over) };
    let mut work = Work { context, scope, booking, correlation };
    for _ in 0..STEPS_MAX {
        let now = context.now();
        match work.booking.purchase.todo(now) {
            Todo::Rate => work.rate(books, calls).await?,
            Todo::Buy => {
                if let Some(error) = work.buy(books, calls).await? {
                    let at = work.booking.purchase.next_at.unwrap_or(now);
                    return Ok(Done::Unclear(at, error));
                }
            }
            Todo::Look(is_quiet) => work.look(books, is_quiet, calls).await?,
            Todo::Wait(at) => return Ok(Done::NotBefore(at)),
            // a job of its own
            Todo::Void | Todo::LookAtVoid => return Ok(Done::Over),
            Todo::Nothing => {
                if work.booking.purchase.phase == Phase::Booked {
                    work.fetch_documents(books, calls).await?;
                }
                return Ok(Done::Over);
            }
        }
    }
    Ok(Done::NotBefore(context.now()))
}

impl Work<'_> {
    /// Keeps what happened, with the job that follows from it. Where it changed meanwhile another job was faster.
    async fn happens(&mut self, event: Event) -> Result<(), OrderError> {
        let now = self.context.now();
        let wrong = |error: domain::booking::Wrong| UseCaseError::Conflict(error.to_string());
        let purchase = self.booking.purchase.after(event, now).map_err(wrong)?;
        let phase = purchase.phase;
        let mut next = BookingRecord { purchase, updated_at: now, ..self.booking.clone() };
        let mut jobs: Vec<NewJob> = Vec::new();
        if phase != self.booking.purchase.phase && matches!(phase, Phase::Booked | Phase::Refused | Phase::Undecided) {
            jobs.push(report_job(self.context, &next, self.correlation));
        }
        if phase == Phase::Booked {
            next.request = None;
            if next.purchase.unwanted || !next.purchase.surplus.is_empty() {
                jobs.push(platform_job(self.context, JobKind::VOID_BOOKING, &next, self.correlation));
            }
        }
        let wakes = !jobs.is_empty();
        if !self.context.store.bookings.save(self.scope, next.clone(), jobs, None).await? {
            return Err(UseCaseError::Conflict("the booking changed meanwhile".into()).into());
        }
        next.revision += 1;
        self.booking = next;
        if wakes {
            self.context.notifier.work(Lane::RealTime);
            self.context.notifier.changed();
        }
        Ok(())
    }

    /// The shipment is created at the platform, and a rate chosen; nothing is bought.
    async fn rate(&mut self, books: &dyn Booking, calls: &dyn CallLog) -> Result<(), OrderError> {
        let request = Request::opened(self.context, self.scope, &self.booking).await?;
        // platforms say in their own words, or of something else, what is missing
        if let Some(what) = request.as_ref().and_then(Request::lacking) {
            let (code, todo) =
                (RefusalCode::Address.code().to_owned(), "Complete it in Odoo: it is booked then.".to_owned());
            return self.happens(Event::NotRated(Refused { code, what, todo })).await;
        }
        let Some(request) = request.and_then(|request| request.rate_request(&self.booking)) else {
            // the customer was erased
            return self.happens(Event::Unwanted).await;
        };
        match books.rate(&request, calls).await {
            Outcome::Done(rated) => {
                let event = self.chosen(rated);
                self.happens(event).await
            }
            Outcome::Refused(refusal) => self.happens(Event::NotRated(refused(&refusal))).await,
            Outcome::NotSent(error) | Outcome::Unknown(error) | Outcome::Unauthorised(error) => Err(error.into()),
            Outcome::Pending { .. } => {
                Err(CallError::new(outbound::ErrorClass::BadAnswer, "rates are still being worked on").into())
            }
        }
    }

    fn chosen(&self, rated: Rated) -> Event {
        let offers: Vec<Offer<'_>> = rated.rates.iter().map(as_offer).collect();
        match choose(&self.booking.wanted.choice, &offers).and_then(|place| rated.rates.get(place)) {
            Some(rate) => Event::Rated(Found {
                shipment: rated.shipment.clone(),
                rate: rate.id.clone(),
                carrier: rate.carrier.clone(),
                service: rate.service.clone(),
                price: rate.price,
            }),
            None => {
                let code = RefusalCode::Rate;
                let what = match rated.rates.len() {
                    0 => "no carrier offers to take it".to_owned(),
                    n => match &self.booking.wanted.rule {
                        Some(rule) => format!("none of the {n} offers is what the rule {rule} asks for"),
                        None => format!("none of the {n} offers is what was chosen"),
                    },
                };
                let todo = "Check the parcel, the address and the rule, then book again.".to_owned();
                Event::NotRated(Refused { code: code.code().to_owned(), what, todo })
            }
        }
    }

    fn intent(&self) -> Option<BookIntent> {
        let (booking, purchase) = (&self.booking, &self.booking.purchase);
        let rate = purchase.rate.as_ref()?;
        Some(BookIntent {
            key: BookingKey::parse(&booking.key)?,
            shipment: rate.shipment.clone(),
            rate: rate.rate.clone(),
            mode: super::request::mode_of(&booking.wanted.mode),
            format: super::rules::format_of(&booking.wanted.format)?,
            handle: purchase.handle.clone(),
        })
    }

    fn kept_intent(&self) -> Result<BookIntent, UseCaseError> {
        self.intent().ok_or_else(|| UseCaseError::Internal(format!("booking {} has no rate to buy", self.booking.id)))
    }

    /// Buys, once: that it is about to be sent is kept first. Gives the error of a call that did not say whether it was done.
    async fn buy(&mut self, books: &dyn Booking, calls: &dyn CallLog) -> Result<Option<CallError>, OrderError> {
        let intent = self.kept_intent()?;
        self.happens(Event::Sending).await?;
        let (answer, error) = match books.book(&intent, calls).await {
            Outcome::Done(booked) => (Answer::Done(label(booked)), None),
            Outcome::Pending { handle, poll_after } => {
                let after = SignedDuration::try_from(poll_after).unwrap_or(SignedDuration::from_secs(5));
                (Answer::Pending { handle, after }, None)
            }
            Outcome::Refused(refusal) => (Answer::Refused(refused(&refusal)), None),
            Outcome::NotSent(error) | Outcome::Unauthorised(error) => {
                self.happens(Event::Answered(Answer::NotSent)).await?;
                return Err(error.into());
            }
            Outcome::Unknown(error) => (Answer::Unknown, Some(error)),
        };
        self.happens(Event::Answered(answer)).await?;
        Ok(error)
    }

    async fn look(&mut self, books: &dyn Booking, is_quiet: bool, calls: &dyn CallLog) -> Result<(), OrderError> {
        let intent = self.kept_intent()?;
        let quiet = if is_quiet { Quiet::Over } else { Quiet::Waiting };
        let found = match books.find_booking(&intent, quiet, calls).await {
            // the platform does not say it, however often it is asked: in the end a person decides
            Err(error) if error.class.decision() == Decision::Fail => Lookup::CannotTell,
            found => found?,
        };
        let look = match found {
            Lookup::Found(booked) => Look::Labels(vec![label(booked)]),
            Lookup::Several(booked) => Look::Labels(booked.into_iter().map(label).collect()),
            Lookup::Refused(refusal) => Look::Refused(refused(&refusal)),
            Lookup::NotYet => Look::NotYet,
            Lookup::ProvenAbsent => Look::Absent,
            Lookup::CannotTell => Look::CannotTell,
        };
        self.happens(Event::Looked(look)).await
    }

    /// The label and its papers are kept, since links to them end; then they are brought to the delivery.
    async fn fetch_documents(&mut self, books: &dyn Booking, calls: &dyn CallLog) -> Result<(), OrderError> {
        let (context, scope, booking) = (self.context, self.scope, &self.booking);
        let reference = booking.purchase.label.as_ref().and_then(|label| label.reference.clone());
        let Some(LabelRef { shipment, label }) = reference else { return Ok(()) };
        let Some(key) = key_of(context, scope, booking.shipment).await? else { return Ok(()) };
        let documents = books.documents(&BookingRef { shipment, label }, calls).await?;
        let kept = documents.iter().map(|document| KeptDocument {
            paper: match document.paper {
                Paper::Label => "label".to_owned(),
                Paper::Customs => "customs".to_owned(),
            },
            format: document.format.extension().to_owned(),
            digest: document.digest(),
            content: key.seal(DOCUMENT, &document.bytes),
        });
        context.store.bookings.keep_documents(scope, booking.id, kept.collect()).await?;
        // what was written before there was a label is written again, with it
        let job = report_job(context, booking, self.correlation);
        let current = context.store.bookings.booking(scope, booking.id).await?;
        if let Some(current) = current {
            let written = current.written.filter(|phase| *phase != Phase::Booked);
            let next = BookingRecord { written, updated_at: context.now(), ..current };
            if !context.store.bookings.save(scope, next, vec![job], None).await? {
                return Err(UseCaseError::Conflict("the booking changed meanwhile".into()).into());
            }
            context.notifier.work(Lane::RealTime);
        }
        Ok(())
    }
}

fn as_offer(rate: &Rate) -> Offer<'_> {
    Offer {
        carrier: &rate.carrier,
        account: rate.account.as_deref(),
        service: &rate.service,
        price: rate.price,
        days: rate.days,
    }
}

fn label(booked: Booked) -> Label {
    let BookingRef { shipment, label } = booked.booking;
    Label {
        reference: Some(LabelRef { shipment, label }),
        number: booked.tracking_number,
        carrier: booked.carrier,
        service: booked.service,
        charged: booked.charged,
        tracked: booked.tracker.is_some(),
    }
}

/// A refusal in our own words: those of the platform may name people, and stay with the call.
pub(super) fn refused(refusal: &Refusal) -> Refused {
    Refused {
        code: refusal.code.code().to_owned(),
        what: refusal.error.message.clone(),
        todo: refusal.code.what_to_do().to_owned(),
    }
}
