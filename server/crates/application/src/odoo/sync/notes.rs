//! What notes say.

use super::{by_rule, html::escape, posting::Posting};
use crate::{
    odoo::{OrderError, REPAIRS_MAX},
    tracking::proof,
    words,
};
use domain::{Milestone, effects::EffectBody, fold::Announcement, ids::ObservationId, rule::Action};
use odoo::{Changed, label};
use outbound::PERSONAL_MARK;
use std::fmt::Write as _;

/// A note about what happened.
pub(super) async fn html(posting: &Posting<'_>, body: &EffectBody) -> Result<String, OrderError> {
    let mut html = String::from("<p>");
    match body {
        EffectBody::Milestone { announcement } => {
            let number = number(posting, announcement.piece.as_deref(), &[announcement.fact]);
            // the number names the piece
            let piece = announcement.piece.clone().filter(|_| number.is_empty());
            let said = words::announcement(&Announcement { piece, ..announcement.clone() });
            let _ = write!(html, "<b>{}</b>{number}", escape(&said));
            html += &signature(posting, announcement).await?;
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
            let label = posting.exception(*id).map_or("Exception", |e| e.reason.label());
            let _ = write!(html, "<b>{}</b>", escape(label));
        }
        EffectBody::SetBack { fields } => {
            let said: Vec<String> = fields.iter().map(|field| set_back(posting, field)).collect();
            html += &said.join("<br/>");
        }
        EffectBody::LeftChanged { fields } => {
            let names: Vec<String> = fields.iter().map(|field| format!("<b>{}</b>", escape(label(field)))).collect();
            let _ = write!(
                html,
                "{}: changed by somebody else again and again. Milepost has set it back {REPAIRS_MAX} times within a day \
                 and leaves it now; look for an automation that writes it",
                names.join(", ")
            );
        }
        EffectBody::FirstScan
        | EffectBody::Proof { .. }
        | EffectBody::Invoice { .. }
        | EffectBody::InvoiceInDoubt { .. }
        | EffectBody::Return { .. } => {}
        EffectBody::ByRule { exception, action, .. } => {
            if let Action::Note { text } = action {
                html += &escape(&by_rule::filled(posting, text, *exception)).replace('\n', "<br/>");
            }
        }
    }
    let _ = write!(html, " · <a href=\"{}\">timeline</a></p>", escape(&posting.page()));
    Ok(html)
}

/// The number that something was reported for, and its carrier.
pub(super) fn number(posting: &Posting<'_>, piece: Option<&str>, evidence: &[ObservationId]) -> String {
    posting.number(piece, evidence).map(|number| format!(", {}", escape(&number))).unwrap_or_default()
}

fn set_back(posting: &Posting<'_>, field: &str) -> String {
    let name = escape(label(field));
    let shown = |value: &Option<String>| match value {
        Some(value) => format!("“{}”", escape(value)),
        None => "nothing".into(),
    };
    match posting.changed.iter().find(|changed| changed.field == field) {
        Some(Changed { shows, written, .. }) => {
            format!("<b>{name}</b> was changed by hand to {} and has been set back to {}", shown(shows), shown(written))
        }
        None => format!("<b>{name}</b> was changed by hand and has been set back"),
    }
}

/// Who signed for a delivery, where the company wants that in Odoo.
async fn signature(posting: &Posting<'_>, announcement: &Announcement) -> Result<String, OrderError> {
    let delivered = matches!(announcement.milestone, Milestone::Delivered | Milestone::DeliveredPart);
    if !delivered || !posting.settings.is_some_and(|settings| settings.signatory) {
        return Ok(String::new());
    }
    let shipment = posting.loaded.shipment.id;
    let name = proof::signatory(posting.context, posting.scope, shipment, announcement.fact).await?;
    let marked = |name: String| format!(", signed by <span class=\"{PERSONAL_MARK}\">{}</span>", escape(&name));
    Ok(name.map(marked).unwrap_or_default())
}
