//! Status, notes and activities go out to Odoo.

use super::{
    OrderError, number_of,
    repair::{self, REPAIRS_MAX},
};
use crate::{context::Context, error::UseCaseError, tracking::proof, words};
use domain::{
    Milestone, Severity, State, Visibility,
    effects::{EffectBody, EffectOutcome, EffectTarget},
    event_time::EventTime,
    exceptions::{TAKEN_BACK_AFTER, exception_key, taken_back_at},
    fold::{Announcement, DeliveryStanding},
    ids::{ExceptionId, ObservationId, ShipmentId},
    observation::Location,
};
use futures::future::join;
use jiff::{Timestamp, tz::TimeZone};
use odoo::{Changed, Fields, OdooClient, StatusValues, changed_by_others, label};
use outbound::{CallError, CallLog, Decision, PERSONAL_MARK};
use std::{fmt::Write as _, sync::Arc};
use storage::{
    Scope,
    orders::Origin,
    shipments::{EffectRecord, Loaded},
    work::ExceptionRecord,
};

/// What a job for a delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The delivery shows what it should.
    Agreed,
    /// Nothing to do before this time.
    NotBefore(Timestamp),
    /// The delivery is in this system, which was not called.
    Elsewhere(String),
}

/// Brings a shipment's state, notes and activities to its delivery in an order system; no other one is called. Writes only
/// what differs from what was written before, and after `tries` whose end nobody may have seen every field; each note and
/// activity under its own id, so that none comes twice.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails; what was done stays done and is not done again.
pub async fn sync(
    context: &Context,
    scope: Scope,
    id: ShipmentId,
    system: &str,
    tries: u32,
    calls: &dyn CallLog,
) -> Result<OrderOutcome, OrderError> {
    let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
    let Some(update) = Update::of(context, scope, id, odoo, tries).await? else { return Ok(OrderOutcome::Agreed) };
    if update.system() != system {
        return Ok(OrderOutcome::Elsewhere(update.system().to_owned()));
    }
    let update = update.with_what_is_shown(calls).await?;
    let written = match update.writes {
        true => update.odoo.write_status(update.record(), &update.values, update.before.as_ref(), calls).await,
        false => Ok(()),
    };
    update.finish(context, scope, written, calls).await
}

/// What a delivery is to show, and what else is to be done there. It has one client from start to end, so that a
/// change of the connection does not split one update over two addresses.
#[derive(Debug)]
pub struct Update {
    odoo: Arc<OdooClient>,
    loaded: Loaded,
    origin: Origin,
    values: StatusValues,
    /// What was written last, where that is known.
    before: Option<StatusValues>,
    /// Whether the values differ from it.
    writes: bool,
    /// What was changed in Odoo and is set back now, as far as it is known.
    changed: Vec<Changed>,
}

impl Update {
    /// That of a shipment, by this client; none where it has no delivery in Odoo.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(
        context: &Context,
        scope: Scope,
        id: ShipmentId,
        odoo: Arc<OdooClient>,
        tries: u32,
    ) -> Result<Option<Self>, storage::StoreError> {
        // an effect that comes after this moment has a job of its own
        let Some(loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(None) };
        let Some(origin) = loaded.shipment.origin.clone() else { return Ok(None) };
        if loaded.shipment.plan.standing == DeliveryStanding::Deleted {
            return Ok(None); // there is nothing to write to
        }
        let values = status_values(context, &loaded);
        let known = loaded.shipment.written.as_deref().filter(|_| tries == 0);
        let writes = known != Some(text(&values).as_str());
        let before = known.and_then(|w| serde_json::from_str(w).ok());
        Ok(Some(Self { odoo, loaded, origin, values, before, writes, changed: Vec::new() }))
    }

    /// Whether fields that were changed in Odoo are to be set back.
    pub fn sets_back(&self) -> bool {
        let waits =
            |effect: &EffectRecord| effect.outcome == EffectOutcome::Pending && effect.key.starts_with(repair::KEY);
        self.loaded.effects.iter().any(waits)
    }

    /// Where fields are to be set back, with what they show now, for the note.
    async fn with_what_is_shown(mut self, calls: &dyn CallLog) -> Result<Self, CallError> {
        if self.sets_back() {
            let shown = self.odoo.shown(&[self.record()], calls).await?;
            self.changed =
                shown.get(&self.record()).map(|shown| changed_by_others(shown, &self.values)).unwrap_or_default();
        }
        Ok(self)
    }

    /// The name of the order system that has the delivery.
    pub fn system(&self) -> &str {
        &self.origin.system
    }

    /// The delivery's id in Odoo.
    pub const fn record(&self) -> i64 {
        self.origin.record
    }

    /// The fields to be written; none where it shows what it should.
    ///
    /// # Errors
    /// When Odoo does not say which fields it has.
    pub async fn fields(&self, calls: &dyn CallLog) -> Result<Fields, CallError> {
        match self.writes {
            true => self.odoo.fields_to_write(&self.values, self.before.as_ref(), calls).await,
            false => Ok(Fields::new()),
        }
    }

    /// Keeps how the fields were written, and posts and completes what is to be posted and completed.
    ///
    /// # Errors
    /// When Odoo or the store fails.
    pub async fn finish(
        &self,
        context: &Context,
        scope: Scope,
        written: Result<(), CallError>,
        calls: &dyn CallLog,
    ) -> Result<OrderOutcome, OrderError> {
        let odoo = &*self.odoo;
        let (shipments, shipment) = (&context.store.shipments, &self.loaded.shipment);
        if let Err(error) = written {
            // what the delivery shows now is not known
            shipments.written(scope, shipment.id, None, context.now()).await?;
            return Err(error.into());
        }
        let kept = async {
            match self.writes {
                true => shipments.written(scope, shipment.id, Some(text(&self.values)), context.now()).await,
                false => Ok(()),
            }
        };
        let (origin, loaded, changed) = (&self.origin, &self.loaded, &self.changed);
        let posting = Posting { context, scope, odoo, calls, origin, loaded, changed };
        let (kept, refused) = join(kept, posting.post_all(&self.loaded.effects)).await;
        kept?;
        let refused = refused?;
        let later = complete_activities(context, scope, odoo, &self.loaded, calls).await?;
        match refused {
            Some(refused) => Err(refused),
            None => Ok(later.map_or(OrderOutcome::Agreed, OrderOutcome::NotBefore)),
        }
    }
}

fn text(values: &StatusValues) -> String {
    serde_json::to_string(values).expect("plain data serialises")
}

/// What the delivery shows.
fn status_values(context: &Context, loaded: &Loaded) -> StatusValues {
    let folded = &loaded.shipment.folded;
    let worst = loaded.exceptions.iter().filter(|e| e.closed.is_none()).max_by_key(|e| (e.severity, e.opened_at));
    let last = loaded.input.facts.iter().find(|f| Some(f.id) == folded.last_event);
    let last_event = last.map(|fact| {
        let place = fact.observation.location.as_ref().map(Location::label).filter(|l| !l.is_empty());
        let place = place.map(|p| format!(", {}", words::foreign(&p))).unwrap_or_default();
        format!("{}{place}, {}", fact.reading.milestone.label(), words::event_time(&fact.observation.time))
    });
    StatusValues {
        status: folded.state.code().to_owned(),
        last_event,
        eta: folded.eta.as_ref().and_then(honest_instant).filter(|_| !folded.state.is_terminal()),
        delivered_at: folded
            .delivered_at
            .as_ref()
            .filter(|_| folded.state == State::Delivered)
            .and_then(honest_instant),
        exception: worst.map(|e| e.reason.label().to_owned()),
        url: Some(context.config.page_of(loaded.shipment.id)),
        delivery_state: oca_delivery_state(folded.state, folded.visibility, worst).map(str::to_owned),
    }
}

/// A Datetime field needs an instant. A local time is written as its place's zone has it, or as if it were UTC where no
/// zone is known, rather than left out: the date is right and the last event's text says "local time". A mere day is
/// written at noon UTC, which is that day nearly everywhere.
fn honest_instant(time: &EventTime) -> Option<Timestamp> {
    use domain::event_time::Precision;
    match time.precision {
        Precision::None => None,
        Precision::Date => TimeZone::UTC.to_timestamp(time.wall_clock()?.date().at(12, 0, 0, 0)).ok(),
        Precision::Minute | Precision::Second => time.sort_key(),
    }
}

/// OCA's `delivery_state`: an open major or critical exception is an incident, a feed that stopped is `no_update`.
fn oca_delivery_state(state: State, visibility: Visibility, worst: Option<&ExceptionRecord>) -> Option<&'static str> {
    let ended = matches!(state, State::Delivered | State::Cancelled);
    if !ended && worst.is_some_and(|e| e.severity >= Severity::Major) {
        return Some("incident");
    }
    if !state.is_terminal() && visibility == Visibility::Stopped {
        return Some("no_update");
    }
    state.oca_delivery_state()
}

struct Posting<'a> {
    context: &'a Context,
    scope: Scope,
    odoo: &'a OdooClient,
    calls: &'a dyn CallLog,
    origin: &'a Origin,
    loaded: &'a Loaded,
    changed: &'a [Changed],
}

impl Posting<'_> {
    /// Posts what is not posted yet. One that is refused holds up none of the others; the first refusal, where a set-up is missing
    /// that one.
    async fn post_all(&self, effects: &[EffectRecord]) -> Result<Option<OrderError>, OrderError> {
        let mut refused = None;
        for effect in effects.iter().filter(|e| e.outcome == EffectOutcome::Pending) {
            match self.post(effect).await {
                Ok(outcome) => {
                    let shipments = &self.context.store.shipments;
                    shipments.effect_done(self.scope, effect.id, outcome, self.context.now()).await?;
                }
                Err(OrderError::Call(error))
                    if matches!(error.class.decision(), Decision::Fail | Decision::AwaitSetup) =>
                {
                    if refused.is_none() || error.class.decision() == Decision::AwaitSetup {
                        refused = Some(error.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Posts one effect; what became of it.
    async fn post(&self, effect: &EffectRecord) -> Result<EffectOutcome, OrderError> {
        let body: EffectBody = serde_json::from_str(&effect.body)
            .map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?;
        let marker = format!("milepost-{}", effect.id);
        match effect.target {
            EffectTarget::OrderNote => {
                let html = self.note(&body).await?;
                let id = self.odoo.post_note(self.origin.record, &marker, &html, self.calls).await?;
                Ok(EffectOutcome::Posted(id))
            }
            EffectTarget::OrderActivity => {
                let EffectBody::Exception { id } = body else {
                    return Err(UseCaseError::Internal(format!("effect {} is no exception", effect.id)).into());
                };
                match self.exception(id) {
                    Some(exception) if exception.closed.is_none() => {
                        let (summary, note) = (
                            format!("{}: {}", exception.severity.label(), exception.reason.label()),
                            self.activity(exception),
                        );
                        let deadline = exception.due_at.to_zoned(TimeZone::UTC).date();
                        let id = self
                            .odoo
                            .schedule_activity(self.origin.record, &marker, &summary, &note, deadline, self.calls)
                            .await?;
                        Ok(EffectOutcome::Posted(id))
                    }
                    Some(_) => Ok(EffectOutcome::NotNeeded), // settled before anybody could be asked
                    None => Err(UseCaseError::Internal(format!("effect {} is of no exception", effect.id)).into()),
                }
            }
        }
    }

    fn names_signatory(&self) -> bool {
        self.context.connections.now().get(&self.origin.system).is_some_and(|odoo| odoo.signatory)
    }

    fn exception(&self, id: ExceptionId) -> Option<&ExceptionRecord> {
        self.loaded.exceptions.iter().find(|e| e.id == id)
    }

    async fn note(&self, body: &EffectBody) -> Result<String, OrderError> {
        let page = self.context.config.page_of(self.loaded.shipment.id);
        let mut html = String::from("<p>");
        match body {
            EffectBody::Milestone { announcement } => {
                let number = self.number(announcement.piece.as_deref(), &[announcement.fact]);
                // the number names the piece
                let piece = announcement.piece.clone().filter(|_| number.is_empty());
                let said = words::announcement(&Announcement { piece, ..announcement.clone() });
                let _ = write!(html, "<b>{}</b>{number}", escape(&said));
                html += &self.signature(announcement).await?;
            }
            EffectBody::Correction { from, to } => {
                let _ = write!(
                    html,
                    "<b>Correction by the carrier:</b> no longer {}, now {}",
                    from.label().to_lowercase(),
                    to.label().to_lowercase()
                );
            }
            EffectBody::Exception { id } => {
                let label = self.exception(*id).map_or("Exception", |e| e.reason.label());
                let _ = write!(html, "<b>{}</b>", escape(label));
            }
            EffectBody::SetBack { fields } => {
                let said: Vec<String> = fields.iter().map(|field| self.set_back(field)).collect();
                html += &said.join("<br/>");
            }
            EffectBody::LeftChanged { fields } => {
                let names: Vec<String> =
                    fields.iter().map(|field| format!("<b>{}</b>", escape(label(field)))).collect();
                let _ = write!(
                    html,
                    "{}: changed by somebody else again and again. Milepost has set it back {REPAIRS_MAX} times within a day \
                     and leaves it now; look for an automation that writes it",
                    names.join(", ")
                );
            }
        }
        let _ = write!(html, " · <a href=\"{}\">timeline</a></p>", escape(&page));
        Ok(html)
    }

    fn set_back(&self, field: &str) -> String {
        let name = escape(label(field));
        let shown = |value: &Option<String>| match value {
            Some(value) => format!("“{}”", escape(value)),
            None => "nothing".into(),
        };
        match self.changed.iter().find(|changed| changed.field == field) {
            Some(Changed { shows, written, .. }) => format!(
                "<b>{name}</b> was changed by hand to {} and has been set back to {}",
                shown(shows),
                shown(written)
            ),
            None => format!("<b>{name}</b> was changed by hand and has been set back"),
        }
    }

    /// The number that something was reported for, and its carrier.
    fn number(&self, piece: Option<&str>, evidence: &[ObservationId]) -> String {
        let number = number_of(self.loaded, piece, evidence);
        number.map(|number| format!(", {}", escape(&words::number(number)))).unwrap_or_default()
    }

    /// Who signed for a delivery, where the company wants that in Odoo.
    async fn signature(&self, announcement: &Announcement) -> Result<String, OrderError> {
        let delivered = matches!(announcement.milestone, Milestone::Delivered | Milestone::DeliveredPart);
        if !delivered || !self.names_signatory() {
            return Ok(String::new());
        }
        let shipment = self.loaded.shipment.id;
        let name = proof::signatory(self.context, self.scope, shipment, announcement.fact).await?;
        let marked = |name: String| format!(", signed by <span class=\"{PERSONAL_MARK}\">{}</span>", escape(&name));
        Ok(name.map(marked).unwrap_or_default())
    }

    fn activity(&self, exception: &ExceptionRecord) -> String {
        let page = self.context.config.page_of(self.loaded.shipment.id);
        format!(
            "<p>{}{} since {}. Responsible: {}. <a href=\"{}\">Timeline and reasons</a></p>",
            escape(exception.reason.label()),
            self.number(exception.piece.as_deref(), &exception.evidence),
            words::instant(exception.opened_at),
            exception.responsible.label(),
            escape(&page)
        )
    }
}

/// An exception that is over needs no activity any more. One that was taken back may be said again at once, with
/// another time or place: its activity stays a while; returns until when.
async fn complete_activities(
    context: &Context,
    scope: Scope,
    odoo: &OdooClient,
    loaded: &Loaded,
    calls: &dyn CallLog,
) -> Result<Option<Timestamp>, OrderError> {
    let Some(origin) = &loaded.shipment.origin else { return Ok(None) };
    let mut later: Option<Timestamp> = None;
    let activities = loaded.effects.iter().enumerate().filter(|(_, e)| e.is_open_activity());
    for (place, effect) in activities {
        let Ok(EffectBody::Exception { id }) = serde_json::from_str(&effect.body) else { continue };
        let Some(exception) = loaded.exceptions.iter().find(|e| e.id == id) else { continue };
        let key = exception_key(id);
        let later_ones = loaded.effects.iter().skip(place + 1);
        let newer = later_ones.filter(|e| e.outcome != EffectOutcome::Withheld).any(|e| e.key.starts_with(&key));
        let due = match taken_back_at(&loaded.input.facts, &exception.committed()) {
            _ if newer => Timestamp::MIN,
            Some(at) => at.checked_add(TAKEN_BACK_AFTER).unwrap_or(at),
            None if exception.closed.is_some() => Timestamp::MIN,
            None => continue,
        };
        if due > context.now() {
            later = Some(later.map_or(due, |other| other.min(due)));
        } else {
            odoo.complete_activity(origin.record, &format!("milepost-{}", effect.id), calls).await?;
            context.store.shipments.effect_done(scope, effect.id, EffectOutcome::Completed, context.now()).await?;
        }
    }
    Ok(later)
}

/// Foreign words as markup that shows them.
fn escape(text: &str) -> String {
    words::foreign(text).chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        out
    })
}
