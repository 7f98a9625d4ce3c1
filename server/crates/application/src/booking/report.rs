//! What became of bookings is brought to the delivery in Odoo: number, price, label, note; an activity where a person is needed.
//! Each under a marker of its own, so that none comes twice.

use super::{
    request::{DOCUMENT, key_of},
    work::Delivery,
};
use crate::{
    error::UseCaseError,
    odoo::{OrderError, import_these},
    words,
};
use ::odoo::{Activity, Content, Numbered, People, Record, ToBook};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use carriers::booking::LabelFormat;
use domain::{
    booking::{Label, Phase, Void},
    money::Money,
};
use jiff::tz::TimeZone;
use storage::bookings::{BookingRecord, KeptDocument};

/// What is brought to a delivery.
pub(super) struct Report<'a> {
    delivery: &'a Delivery<'a>,
    read: Option<&'a ToBook>,
    /// The newest booking of each parcel.
    bookings: &'a [BookingRecord],
    /// Every booking of the delivery, the earlier ones too.
    ever: &'a [BookingRecord],
}

impl<'a> Report<'a> {
    pub(super) const fn new(
        delivery: &'a Delivery<'a>,
        read: Option<&'a ToBook>,
        bookings: &'a [BookingRecord],
        ever: &'a [BookingRecord],
    ) -> Self {
        Self { delivery, read, bookings, ever }
    }

    /// Brings what is not there yet. A delivery that is gone gets nothing.
    pub(super) async fn all(&self) -> Result<(), OrderError> {
        let is_wanted = |one: &BookingRecord| one.purchase.phase != Phase::Booked || !one.purchase.unwanted;
        let is_new = |one: &BookingRecord| one.written != Some(one.purchase.phase) && is_news(one.purchase.phase);
        let due = |one: &&BookingRecord| is_new(one) && is_wanted(one);
        let is_newest = |one: &BookingRecord| self.bookings.iter().any(|newest| newest.id == one.id);
        // of one that another took the place of, only that its label is void, or is not
        let is_said =
            |one: &&BookingRecord| is_newest(one) || matches!(one.purchase.phase, Phase::Voided | Phase::NotVoided);
        let due: Vec<&BookingRecord> = self.ever.iter().filter(is_said).filter(due).collect();
        if due.is_empty() || self.read.is_none() {
            return Ok(());
        }
        self.in_words().await?;
        let mut numbered = false;
        for booking in due {
            match booking.purchase.phase {
                Phase::Booked => {
                    // a parcel that is still to come adds its number; what is there is written again with it
                    numbered |= self.booked(booking).await?;
                }
                Phase::Refused => self.refused(booking).await?,
                Phase::Undecided => self.undecided(booking).await?,
                Phase::Voided | Phase::NotVoided => self.voided(booking).await?,
                Phase::Cancelled => self.solved(booking).await?,
                Phase::Voiding => self.void_requested(booking).await?,
                _ => {}
            }
            let next = BookingRecord { written: Some(booking.purchase.phase), ..booking.clone() };
            self.delivery.save(next, Vec::new()).await?;
        }
        if numbered {
            // the shipment goes under its number at once
            let Delivery { context, scope, system, record, correlation, calls, .. } = self.delivery;
            import_these(context, *scope, system, &[*record], *correlation, *calls).await?;
        }
        Ok(())
    }

    /// What became of the labels, in the delivery's own field.
    pub(super) async fn in_words(&self) -> Result<(), OrderError> {
        let Delivery { context, odoo, record, calls, .. } = self.delivery;
        let connections = context.connections.now();
        let words = in_words(self.bookings, |name| connections.label(name));
        odoo.write_booking(*record, &words, *calls).await?;
        Ok(())
    }

    /// The labels that there are, in the order of the parcels.
    fn labels(&self) -> impl Iterator<Item = &Label> {
        let booked = self.bookings.iter().filter(|one| one.purchase.phase == Phase::Booked);
        booked.filter_map(|one| one.purchase.label.as_ref())
    }

    async fn booked(&self, booking: &BookingRecord) -> Result<bool, OrderError> {
        let Delivery { odoo, record, calls, .. } = self.delivery;
        let Some(label) = &booking.purchase.label else { return Ok(false) };
        let numbers: Vec<&str> = self.labels().map(|label| label.number.as_str()).collect();
        let joined = numbers.join(",");
        // a delivery that has some of our numbers gets the others too
        let numbered = odoo.write_number(*record, (&joined, &self.ours()), self.price(), *calls).await?;
        let papers = self.attach(booking).await?;
        let note = format!(
            "<p><b>Label booked</b>: {} {}, {}{}{}{} · <a href=\"{}\">timeline</a></p>",
            escape(label.carrier.as_deref().unwrap_or_default()),
            escape(label.service.as_deref().unwrap_or_default()),
            escape(&label.number),
            cost(booking).map(|cost| format!(", {cost}")).unwrap_or_default(),
            if booking.wanted.mode == "test" { ", a test label" } else { "" },
            if papers { ", attached" } else { "" },
            escape(&self.delivery.context.config.page_of(booking.shipment))
        );
        odoo.post_note(Record::delivery(*record), &marker(booking, "booked"), &note, *calls).await?;
        self.solved(booking).await?;
        if !booking.purchase.surplus.is_empty() {
            let what = "More than one label was bought";
            let text = format!(
                "{} further label(s) of this booking are being voided; check the invoice of the platform.",
                booking.purchase.surplus.len()
            );
            self.ask(booking, "surplus", what, &text).await?;
        }
        Ok(numbered == Numbered::Written)
    }

    /// What all labels cost; none where they are in several currencies.
    fn price(&self) -> Option<Money> {
        let mut costs = self.bookings.iter().filter(|one| one.purchase.phase == Phase::Booked).map(cost);
        let first = costs.next()??;
        costs.try_fold(first, |sum, cost| {
            let cost = cost.filter(|cost| cost.currency == sum.currency)?;
            Some(Money { minor: sum.minor.saturating_add(cost.minor), ..sum })
        })
    }

    /// Attaches the label and other papers; whether there are any.
    async fn attach(&self, booking: &BookingRecord) -> Result<bool, OrderError> {
        let Delivery { context, scope, odoo, record, calls, .. } = self.delivery;
        let documents = context.store.bookings.documents(*scope, booking.id).await?;
        let Some(key) = key_of(context, *scope, booking.shipment).await? else { return Ok(false) };
        let number = booking.purchase.label.as_ref().map(|label| label.number.as_str()).unwrap_or_default();
        for (place, document) in documents.iter().enumerate() {
            let bytes = key.open(DOCUMENT, &document.content);
            let bytes =
                bytes.map_err(|error| UseCaseError::Internal(format!("the label of {}: {error}", booking.id)))?;
            let media = super::rules::format_of(&document.format).unwrap_or_default();
            let name = paper_name(document, number);
            let content = Content::File { base64: &STANDARD.encode(bytes), mimetype: media.media_type() };
            let marker = marker(booking, &format!("paper-{place}"));
            odoo.attach(*record, &marker, (&name, content), *calls).await?;
        }
        Ok(!documents.is_empty())
    }

    async fn refused(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        let Some(refused) = &booking.purchase.refused else { return Ok(()) };
        let what = format!("Booking refused: {}", refused.what);
        let text = format!("{}. {}", escape(&refused.what), escape(&refused.todo));
        self.ask(booking, "refused", &what, &text).await
    }

    /// The delivery has another number than that of its label: which is right?
    pub(super) async fn ask_which(&self, booking: &BookingRecord, about: &str, has: &str) -> Result<(), OrderError> {
        let number = booking.purchase.label.as_ref().map(|label| label.number.as_str()).unwrap_or_default();
        let text = format!(
            "The delivery has the number {}, and a label with the number {} was booked. Put the right one into the tracking \
             reference; void the label in Milepost if it is not used.",
            escape(has),
            escape(number)
        );
        self.ask(booking, about, "Booked label and tracking reference differ", &text).await
    }

    async fn void_requested(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        let Delivery { context, odoo, record, calls, .. } = self.delivery;
        let number = booking.purchase.label.as_ref().map(|label| label.number.as_str()).unwrap_or_default();
        let note = format!(
            "<p><b>{}</b>: do not use the label {}; {} says later what the carrier decided</p>",
            booking.purchase.phase.label(),
            escape(number),
            escape(&context.connections.now().label(&booking.connection))
        );
        odoo.post_note(Record::delivery(*record), &marker(booking, "voiding"), &note, *calls).await.map(drop)?;
        Ok(())
    }

    async fn undecided(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        let text = format!(
            "Whether a label was bought is not known. Look for the reference {} at the platform, then decide on the shipment's page: \
             enter the number, book again, or give up.",
            booking.key
        );
        self.ask(booking, "undecided", "Booking needs a decision", &text).await
    }

    async fn voided(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        let Delivery { context, scope, odoo, record, calls, .. } = self.delivery;
        let number = booking.purchase.label.as_ref().map(|label| label.number.clone()).unwrap_or_default();
        let is_void = booking.purchase.phase == Phase::Voided;
        if is_void {
            self.take_back().await?;
        }
        let became = match booking.purchase.void {
            Some(Void::NotApplicable) => "is not used; the carrier bills only what it scans",
            Some(Void::NotAtCarrier) => "is void at the platform, which does not ask the carrier",
            _ if is_void => "is void",
            _ => "was not voided and stays paid",
        };
        let note = format!("<p><b>{}</b>: the label {} {became}</p>", booking.purchase.phase.label(), escape(&number));
        odoo.post_note(Record::delivery(*record), &marker(booking, "voided"), &note, *calls).await?;
        self.solved(booking).await?;
        if is_void {
            // so that it is not printed by mistake
            for (place, document) in context.store.bookings.documents(*scope, booking.id).await?.iter().enumerate() {
                let name = format!("VOID {}", paper_name(document, &number));
                odoo.rename_document(*record, &marker(booking, &format!("paper-{place}")), &name, *calls).await?;
            }
        } else {
            let text = format!("The label {} {became}. Ask the carrier or the platform.", escape(&number));
            self.ask(booking, "not-voided", "Label not voided", &text).await?;
        }
        Ok(())
    }

    /// Numbers of void labels are taken back, where the delivery has no other numbers than ours: in one write, so that those that stay are
    /// never gone in between.
    async fn take_back(&self) -> Result<(), OrderError> {
        let Delivery { odoo, record, calls, .. } = self.delivery;
        let Some(has) = self.read.and_then(|read| read.number.as_deref()) else { return Ok(()) };
        let is_there = |number: &str| has.split(',').any(|part| part.trim() == number);
        let stays = |one: &&BookingRecord| match one.purchase.phase {
            Phase::Booked => true,
            Phase::Voided => false,
            _ => one.purchase.label.as_ref().is_some_and(|label| is_there(&label.number)),
        };
        let left = self.bookings.iter().filter(stays).filter_map(|one| one.purchase.label.as_ref());
        let left: Vec<&str> = left.map(|label| label.number.as_str()).collect();
        odoo.write_number(*record, (&left.join(","), &self.ours()), None, *calls).await?;
        Ok(())
    }

    /// The numbers of all labels that were ever booked for the delivery.
    fn ours(&self) -> Vec<&str> {
        self.ever.iter().filter_map(|one| one.purchase.label.as_ref()).map(|label| label.number.as_str()).collect()
    }

    /// What a person was asked before is over.
    async fn solved(&self, booking: &BookingRecord) -> Result<(), OrderError> {
        let Delivery { context, scope, odoo, system, record, calls, .. } = self.delivery;
        let on = Record::delivery(*record);
        let earlier = context.store.bookings.of_records(*scope, system, vec![*record]).await?;
        for one in earlier.iter().filter(|one| one.wanted.parcel == booking.wanted.parcel) {
            match (one.id == booking.id, one.written) {
                (_, Some(Phase::Refused)) => odoo.complete_activity(on, &marker(one, "refused"), *calls).await?,
                (_, Some(Phase::Undecided)) => odoo.complete_activity(on, &marker(one, "undecided"), *calls).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn ask(&self, booking: &BookingRecord, about: &str, what: &str, text: &str) -> Result<(), OrderError> {
        let Delivery { context, odoo, system, record, calls, .. } = self.delivery;
        let connections = context.connections.now();
        let settings = connections.get(system).and_then(|one| one.orders.as_deref());
        let warehouse = self.read.and_then(|read| read.warehouse.as_deref());
        let people = People {
            first: None,
            warehouse: settings.and_then(|settings| settings.user_of(warehouse?)),
            fallback: settings.and_then(|settings| settings.fallback_user.as_deref()),
        };
        let page = escape(&context.config.page_of(booking.shipment));
        let note_html = format!("<p>{text} <a href=\"{page}\">Shipment in Milepost</a></p>");
        let deadline = context.now().to_zoned(TimeZone::UTC).date();
        let activity = Activity { summary: what, note_html: &note_html, deadline, people };
        odoo.schedule_activity(Record::delivery(*record), &marker(booking, about), &activity, *calls).await?;
        Ok(())
    }
}

const fn is_news(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Booked
            | Phase::Refused
            | Phase::Undecided
            | Phase::Voiding
            | Phase::Voided
            | Phase::NotVoided
            | Phase::Cancelled
    )
}

/// What a label cost: what is charged, else what was offered.
fn cost(booking: &BookingRecord) -> Option<Money> {
    let charged = booking.purchase.label.as_ref().and_then(|label| label.charged);
    charged.or_else(|| booking.purchase.rate.as_ref().map(|rate| rate.price))
}

/// What became of the labels of a delivery: `Booked at EasyPost: UPS Ground, 7.58 USD`; of several parcels each.
fn in_words(bookings: &[BookingRecord], label: impl Fn(&str) -> String) -> String {
    let said = bookings.iter().filter_map(|booking| Some((booking.wanted.parcel, of_one(booking, &label)?)));
    match &said.collect::<Vec<_>>()[..] {
        [(_, only)] if bookings.len() == 1 => only.clone(),
        several => {
            let lines = several.iter().map(|(parcel, words)| format!("Parcel {}: {words}", parcel + 1));
            lines.collect::<Vec<_>>().join(" · ")
        }
    }
}

fn of_one(booking: &BookingRecord, label: impl Fn(&str) -> String) -> Option<String> {
    let (purchase, at) = (&booking.purchase, label(&booking.connection));
    let (bought, rate) = (purchase.label.as_ref(), purchase.rate.as_ref());
    let carrier = bought.and_then(|label| label.carrier.as_deref()).or_else(|| rate.map(|rate| rate.carrier.as_str()));
    let service = bought.and_then(|label| label.service.as_deref()).or_else(|| rate.map(|rate| rate.service.as_str()));
    let named = [carrier, service].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let price = cost(booking).map(|cost| format!(", {cost}")).unwrap_or_default();
    let test = if booking.wanted.mode == "test" { ", a test label" } else { "" };
    let what = words::foreign(&format!("{named}{price}{test}"));
    Some(match purchase.phase {
        Phase::Booked if purchase.typed_over.as_ref().is_some_and(|typed| typed.number.is_some()) => {
            format!("Booked at {at}: {what}; the tracking reference is another number: which is right?")
        }
        Phase::Booked => format!("Booked at {at}: {what}"),
        Phase::Voiding => format!("Void requested at {at}: {what}"),
        Phase::Voided => format!("Voided at {at}: {what}"),
        Phase::NotVoided => format!("Not voided at {at}, stays paid: {what}"),
        Phase::Refused => {
            let why = purchase.refused.as_ref().map_or("", |refused| refused.what.as_str());
            format!("Refused at {at}: {}", words::foreign(why))
        }
        Phase::Undecided => format!("Not known whether {at} booked it: a person decides"),
        Phase::Planned | Phase::Sending | Phase::Pending | Phase::Unknown => format!("In progress at {at}"),
        Phase::Cancelled => return None,
    })
}

/// What a paper is called at the delivery.
fn paper_name(document: &KeptDocument, number: &str) -> String {
    let media = super::rules::format_of(&document.format).unwrap_or_default();
    let what = if document.paper == "label" { "Label" } else { "Customs" };
    format!("{what} {number}.{}", LabelFormat::extension(media))
}

pub(super) fn marker(booking: &BookingRecord, about: &str) -> String {
    format!("milepost-{}-{about}", booking.id)
}

/// Words of others as markup that shows them.
fn escape(text: &str) -> String {
    words::foreign(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
