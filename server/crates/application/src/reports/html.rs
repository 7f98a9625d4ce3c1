//! A report as a document: it stands in mails and is ready for print. Everything is in it, styles too; no address of another system.

use super::{
    build::Built,
    table::{Cell, Table, tables},
};
use crate::odoo::escape as escaped;
use std::fmt::Write as _;

const STYLE: &str = "body{font:14px/1.45 -apple-system,Segoe UI,Helvetica,Arial,sans-serif;color:#1c1c1a;background:#fff;max-width:960px;margin:24px auto;padding:0 16px}\
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}p{margin:4px 0}.muted{color:#5f5f58}\
table{border-collapse:collapse;width:100%;font-size:13px}th,td{padding:6px 8px;border-bottom:1px solid #deded8;text-align:left;vertical-align:top}\
th{font-weight:600;background:#f5f5f1}.n{text-align:right;white-space:nowrap}.none{color:#77776f}\
dl{font-size:12px}dt{font-weight:600;margin-top:8px}dd{margin:0;color:#42423d}\
@media print{@page{size:A4;margin:14mm}body{margin:0;max-width:none;font-size:11px}table{font-size:10.5px}h2{break-after:avoid}tr{break-inside:avoid}th{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/// The document of a report.
pub(super) fn document(built: &Built) -> String {
    page(built, "")
}

/// The same for a mail, with the page that it comes from.
pub(super) fn mailed(built: &Built, address: &str) -> String {
    let address = escaped(address);
    page(built, &format!("<p class=\"muted\">Change or stop this mail: <a href=\"{address}\">{address}</a></p>"))
}

fn page(built: &Built, foot: &str) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{name}</title><style>{STYLE}</style></head><body>\
         <h1>{name}</h1><p>{company}</p><p>{period}, compared with {before}</p>",
        name = escaped(&built.name),
        company = escaped(&built.company),
        period = built.period.days_in_full(),
        before = built.before.days_in_full(),
    );
    for (label, value) in &built.narrowed {
        let _ = write!(html, "<p>{label}: <b>{}</b></p>", escaped(value));
    }
    for (days, words) in &built.annotations {
        let _ = write!(html, "<p>{days}: {}</p>", escaped(words));
    }
    for table in tables(built) {
        html.push_str(&shown(&table));
    }
    html.push_str("<h2>Definitions</h2><dl>");
    for of in &built.figures {
        let _ = write!(
            html,
            "<dt>{} (version {})</dt><dd>{}. Counts: {}.</dd>",
            escaped(of.title),
            of.version,
            escaped(of.reads),
            escaped(of.counts)
        );
    }
    let _ = write!(
        html,
        "</dl><p class=\"muted\">Counted until {}. Made {} by Milepost.</p>{foot}</body></html>",
        built.counted_until.strftime("%a %-d %B %Y, %H:%M %Z"),
        built.made_at.strftime("%a %-d %B %Y, %H:%M %Z"),
    );
    html
}

fn shown(table: &Table) -> String {
    let numeric = |column: usize| table.rows.iter().any(|row| matches!(row.get(column), Some(Cell::Number(..))));
    let class = |column: usize| if numeric(column) { " class=\"n\"" } else { "" };
    let mut html = format!("<h2>{}</h2><table><thead><tr>", escaped(&table.title));
    for (column, words) in table.head.iter().enumerate() {
        let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(column), escaped(words));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let words = match cell {
                Cell::Text(words) => escaped(words),
                Cell::Number(value, places) => number(*value, *places),
                Cell::NoData => "<span class=\"none\">No data</span>".into(),
                Cell::Empty => String::new(),
            };
            let _ = match column {
                0 => write!(html, "<th scope=\"row\">{words}</th>"),
                _ => write!(html, "<td{}>{words}</td>", class(column)),
            };
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    html
}

/// `13,974`; `-0.4`.
fn number(value: f64, places: usize) -> String {
    let plain = format!("{:.places$}", value.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let digits: Vec<char> = whole.chars().collect();
    let mut grouped = String::new();
    for (n, digit) in digits.iter().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(*digit);
    }
    let is_zero = plain.chars().all(|c| matches!(c, '0' | '.'));
    format!("{}{grouped}{rest}", if value < 0.0 && !is_zero { "-" } else { "" })
}

/// The numbers in lines of words, for programs that show no HTML.
pub(super) fn plain(built: &Built) -> String {
    let mut text = format!("{}\n{}\n{}\n\n", built.name, built.company, built.period.days_in_full());
    if let Some(totals) = tables(built).first() {
        for row in &totals.rows {
            let shown = |cell: Option<&Cell>| match cell {
                Some(Cell::Text(words)) => words.clone(),
                Some(Cell::Number(value, places)) => number(*value, *places),
                Some(Cell::NoData) => "No data".into(),
                Some(Cell::Empty) | None => String::new(),
            };
            let (figure, value, unit) = (shown(row.first()), shown(row.get(1)), shown(row.get(3)));
            let before = shown(row.get(5));
            let before = if before.is_empty() { before } else { format!(" (period before: {before})") };
            let _ = writeln!(text, "{figure}: {}{before}", format!("{value} {unit}").trim());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_groups_and_no_negative_zero() {
        for (value, places, wanted) in [
            (13_974.0, 0, "13,974"),
            (974.0, 0, "974"),
            (-1_234_567.25, 1, "-1,234,567.2"),
            (-0.04, 1, "0.0"),
            (-0.4, 1, "-0.4"),
        ] {
            assert_eq!(number(value, places), wanted);
        }
    }

    #[test]
    fn names_are_text() {
        let rows = vec![vec![Cell::Text("<b>\"&".into()), Cell::NoData]];
        let table = Table { title: "By carrier".into(), head: vec!["Carrier".into(), "On time".into()], rows };
        assert!(shown(&table).contains("<th scope=\"row\">&lt;b&gt;&quot;&amp;</th>"));
    }
}
