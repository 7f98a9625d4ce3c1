//! The cover page: everything that a carrier's claims department reads first, on paper too. It loads nothing.

use super::{
    Parts,
    tables::{EventRow, events},
};
use crate::{
    claims::evidence::{Presence, promise, weight},
    odoo::escape,
    words,
};
use domain::money::Money;
use std::fmt::Write as _;

const STYLE: &str = "@page{size:A4;margin:18mm}body{font:11pt/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:180mm;margin:10mm auto}\
h1{font-size:20pt;margin:0 0 2mm}h2{font-size:13pt;margin:8mm 0 2mm;break-after:avoid}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:1.4mm 2mm;border-bottom:.2mm solid #bbb}thead{display:table-header-group}\
tr{break-inside:avoid}th{font-weight:600}td.n{text-align:right;white-space:nowrap}.id{font-family:ui-monospace,monospace;overflow-wrap:anywhere}\
.muted{color:#555}dl{display:grid;grid-template-columns:45mm 1fr;gap:1mm 4mm;margin:0}dt{color:#555}dd{margin:0}\
@media print{body{margin:0;max-width:none}a{color:inherit;text-decoration:none}}";

/// A text of whatever origin, as it is put into the page.
fn text(of: &str) -> String {
    escape(of)
}

fn fact(html: &mut String, label: &str, value: Option<String>) {
    if let Some(value) = value {
        let _ = write!(html, "<dt>{label}</dt><dd>{}</dd>", text(&value));
    }
}

/// The page.
pub(super) fn html(parts: &Parts<'_>) -> String {
    let (record, claim) = (parts.record, &parts.record.claim);
    let title = format!("Claim {}: {}", record.number, claim.reason.label());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>\
         <p class=\"muted\">{1} · made on {2}</p><dl>",
        text(&title),
        text(&parts.company),
        text(&words::instant(parts.made_at))
    );
    let money = |amount: Option<Money>| amount.map(|amount| amount.to_string());
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string());
    fact(&mut html, "Carrier", record.about.carrier.clone());
    fact(&mut html, "Tracking number", record.about.tracking.clone());
    fact(&mut html, "Amount claimed", money(claim.claimed));
    fact(&mut html, "Carrier’s reference", claim.reference.clone());
    fact(&mut html, "File by", day(claim.file_by));
    fact(&mut html, "Filed on", day(claim.filed_on));
    fact(&mut html, "Deadline", record.about.rule.as_ref().map(|rule| format!("{} ({})", rule.words, rule.source)));
    fact(&mut html, "Promise", promise(parts.known));
    let signed = &parts.known.signed_by;
    fact(&mut html, "Signed by", (!signed.is_empty()).then(|| signed.join(", ")));
    let goods = record.about.goods.as_ref();
    fact(&mut html, "Order", goods.and_then(|goods| goods.order.clone()));
    fact(&mut html, "Value of the goods without taxes", money(goods.and_then(|goods| goods.value)));
    fact(
        &mut html,
        "Invoices",
        goods.filter(|goods| !goods.invoices.is_empty()).map(|goods| goods.invoices.join(", ")),
    );
    let grams: u64 = goods.iter().flat_map(|goods| &goods.parcels_g).map(|grams| u64::from(*grams)).sum();
    fact(&mut html, "Weight", (grams > 0).then(|| weight(grams)));
    html += "</dl>";
    if let Some(note) = &parts.note {
        let lines: Vec<_> = note.lines().map(text).collect();
        let _ = write!(html, "<h2>What happened</h2><p>{}</p>", lines.join("<br>"));
    }
    checklist(&mut html, parts);
    event_table(&mut html, parts);
    goods_table(&mut html, parts);
    message_table(&mut html, parts);
    document_list(&mut html, parts);
    let _ = write!(
        html,
        "<p class=\"muted\">manifest.json lists every file of this bundle with its SHA-256. Source: <span class=\"id\">{}</span></p></body></html>",
        text(&parts.page)
    );
    html
}

fn checklist(html: &mut String, parts: &Parts<'_>) {
    *html += "<h2>Evidence</h2><table><thead><tr><th>Evidence</th><th></th><th>Detail</th></tr></thead><tbody>";
    for piece in parts.evidence {
        let (mark, said) = match &piece.presence {
            Presence::Present(what) => ("enclosed", what),
            Presence::Missing(_) => ("not enclosed", &String::new()),
        };
        let _ = write!(html, "<tr><th>{}</th><td>{mark}</td><td>{}</td></tr>", piece.kind.label(), text(said));
    }
    *html += "</tbody></table>";
}

fn event_table(html: &mut String, parts: &Parts<'_>) {
    *html +=
        "<h2>Events</h2><table><thead><tr><th>Time</th><th>Event</th><th>Place</th><th>Source</th></tr></thead><tbody>";
    for EventRow { time, zone, event, code, place, source, .. } in events(parts) {
        let _ = write!(
            html,
            "<tr><td>{} {}</td><td>{} <span class=\"id muted\">{}</span></td><td>{}</td><td>{}</td></tr>",
            text(&time),
            text(&zone),
            text(&event),
            text(&code),
            text(&place),
            text(&source)
        );
    }
    *html += "</tbody></table>";
}

fn goods_table(html: &mut String, parts: &Parts<'_>) {
    let lines: Vec<_> = parts.record.about.goods.iter().flat_map(|goods| &goods.lines).collect();
    if lines.is_empty() {
        return;
    }
    *html += "<h2>Goods</h2><table><thead><tr><th>Article</th><th>Number</th><th>Quantity</th><th>List price</th><th>Weight</th></tr></thead><tbody>";
    for line in lines {
        let _ = write!(
            html,
            "<tr><td>{}</td><td class=\"id\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            text(&line.name),
            text(line.sku.as_deref().unwrap_or_default()),
            line.quantity,
            line.price,
            weight(u64::from(line.weight_g))
        );
    }
    *html += "</tbody></table>";
}

fn message_table(html: &mut String, parts: &Parts<'_>) {
    *html += "<h2>Messages as received</h2><table><thead><tr><th>Received</th><th>Source</th><th>Signature</th><th>SHA-256</th></tr></thead><tbody>";
    for message in &parts.known.messages {
        let digest = parts.digests.get(&message.id).map_or("no longer kept", String::as_str);
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"id\">{digest}</td></tr>",
            text(&words::instant(message.received_at)),
            text(&message.source),
            text(message.verified.as_deref().unwrap_or("not signed"))
        );
    }
    *html += "</tbody></table>";
}

fn document_list(html: &mut String, parts: &Parts<'_>) {
    if parts.documents.is_empty() && parts.links.is_empty() {
        return;
    }
    *html += "<h2>Documents</h2><ul>";
    for name in &parts.documents {
        let _ = write!(html, "<li class=\"id\">{}</li>", text(name));
    }
    for (kind, link) in &parts.links {
        let _ = write!(html, "<li>{}, at the carrier: <span class=\"id\">{}</span></li>", kind.label(), text(link));
    }
    *html += "</ul>";
}
