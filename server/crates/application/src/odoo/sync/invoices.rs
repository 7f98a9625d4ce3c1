//! An order is invoiced when its goods have arrived, or accounting is asked to do it. An invoice is never touched again.

use super::{
    html::escape,
    posting::{Posted, Posting, marker},
    proofs, siblings,
};
use domain::{
    State,
    effects::{EffectOutcome, InvoiceFor, InvoiceOn, Invoicing},
};
use odoo::{Activity, Invoice, Invoiced, People, Record};
use storage::shipments::EffectRecord;

/// The name of an invoice that is a draft.
const DRAFT: &str = "draft";

/// Invoices the order, once; it waits while a delivery, or its proof, is still to come.
pub(super) async fn invoice(
    posting: &Posting<'_>,
    effect: &EffectRecord,
    how: Invoicing,
    (on, of): (InvoiceOn, InvoiceFor),
) -> Posted {
    let state = posting.loaded.shipment.folded.state;
    let Some(order) = posting.origin.sales_order().filter(|_| !state.is_off_the_way()) else {
        return Ok(Some(EffectOutcome::NotNeeded));
    };
    if state != State::Delivered || (on == InvoiceOn::Pod && !proofs::is_proved(posting).await?) {
        return Ok(None);
    }
    if of == InvoiceFor::Order && !siblings::has_arrived(posting).await? {
        return Ok(None);
    }
    let invoice = match how {
        Invoicing::Never => return Ok(Some(EffectOutcome::NotNeeded)),
        Invoicing::Release => {
            let name = posting.origin.order.as_deref().unwrap_or_default();
            let why = format!("{} has arrived: the order can be invoiced.", escape(&posting.origin.name));
            let id = ask(posting, &marker(effect), (&format!("Invoice {name}"), &why)).await?;
            return Ok(Some(EffectOutcome::Posted(id)));
        }
        Invoicing::Draft => Invoice::Draft,
        Invoicing::Post => Invoice::Posted(effect.created_at),
    };
    let records = (order, posting.origin.record);
    Ok(match posting.odoo.invoice(records, invoice, of, posting.calls).await? {
        Invoiced::Made { id, name } => {
            if of == InvoiceFor::Order {
                siblings::invoiced(posting).await?;
            }
            Some(EffectOutcome::named(id, name.as_deref().unwrap_or(DRAFT)))
        }
        Invoiced::ByOthers | Invoiced::NotSold => Some(EffectOutcome::NotNeeded),
        Invoiced::Waits(_) => None,
    })
}

/// Asks to check the invoice of a delivery that the carrier has retracted.
pub(super) async fn ask_to_check(posting: &Posting<'_>, marker: &str, (from, to): (State, State)) -> Posted {
    let made =
        posting.loaded.effects.iter().filter(|effect| effect.target == domain::effects::EffectTarget::OrderInvoice);
    let invoice = made.filter_map(|effect| effect.outcome.name()).next_back().unwrap_or(DRAFT);
    let summary = format!("Check invoice {invoice}");
    let why = format!(
        "{}: the carrier has retracted the delivery, which was invoiced. No longer {}, now {}. Milepost has not changed the \
         invoice.",
        escape(&posting.origin.name),
        from.label().to_lowercase(),
        to.label().to_lowercase()
    );
    Ok(Some(EffectOutcome::Posted(ask(posting, marker, (&summary, &why)).await?)))
}

/// Asks accounting, on the order.
async fn ask(
    posting: &Posting<'_>,
    marker: &str,
    (summary, why): (&str, &str),
) -> Result<String, crate::odoo::OrderError> {
    let note_html = format!("<p>{why} <a href=\"{}\">Timeline</a></p>", escape(&posting.page()));
    let accounting = posting.settings.and_then(|settings| settings.accounting_user.as_deref());
    let people = People { first: accounting, ..posting.people() };
    let deadline = posting.day_of(posting.context.now()).await?;
    let activity = Activity { summary, note_html: &note_html, deadline, people };
    let order = posting.origin.sales_order();
    let on = order.map_or(Record::delivery(posting.origin.record), Record::order);
    Ok(posting.odoo.schedule_activity(on, marker, &activity, posting.calls).await?)
}
