//! Completion in the text of a condition: fields by their path or name, codes between quotes. Pure.

use crate::contract::rules::FieldView;

/// What is offered at most.
const OFFERS_MAX: usize = 8;

/// What can stand at the caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The bytes of the text that it replaces.
    pub from: usize,
    /// Their end.
    pub to: usize,
    /// What: the text, and what people call it.
    pub items: Vec<(String, String)>,
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// What can stand at the caret; `asked`: also where nothing is typed yet.
pub(super) fn offer(text: &str, caret: usize, fields: &[FieldView], asked: Asked) -> Option<Offer> {
    let caret = text.floor_char_boundary(caret.min(text.len()));
    let (before, after) = text.split_at(caret);
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let quotes = before[line..].matches('"').count();
    let (from, pool) = match quotes % 2 {
        1 => {
            let from = before.rfind('"').map_or(caret, |quote| quote + 1);
            let rest = after.split('\n').next().unwrap_or_default();
            let field = field_of(&before[line..], fields).or_else(|| first_of(rest, fields))?;
            (from, field.codes.clone())
        }
        _ => {
            let from = before
                .rfind(|c| !is_word(c))
                .map_or(0, |last| last + before[last..].chars().next().map_or(1, char::len_utf8));
            (from, fields.iter().map(|field| (field.path.clone(), field.label.clone())).collect())
        }
    };
    let to = caret + after.find(|c| !is_word(c)).unwrap_or(after.len());
    let typed = text[from..caret].to_lowercase();
    if typed.is_empty() && asked == Asked::ByTyping && quotes.is_multiple_of(2) {
        return None;
    }
    let fits = |(code, label): &&(String, String)| {
        code.to_lowercase().contains(&typed) || label.to_lowercase().contains(&typed)
    };
    let mut items: Vec<_> = pool.iter().filter(fits).cloned().collect();
    items.sort_by_key(|(code, _)| !code.to_lowercase().starts_with(&typed));
    items.truncate(OFFERS_MAX);
    // what stands there already needs no offer
    let done = items.first().is_some_and(|(code, _)| *code == text[from..to]) && asked == Asked::ByTyping;
    (!items.is_empty() && !done).then_some(Offer { from, to, items })
}

/// Why something is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something was typed.
    ByTyping,
    /// A key asked for it.
    ByKey,
}

/// The last field that is read in front of the quotes.
fn field_of<'a>(line: &str, fields: &'a [FieldView]) -> Option<&'a FieldView> {
    let words = line.split(|c| !is_word(c)).filter(|word| word.contains('.'));
    words.rev().find_map(|word| fields.iter().find(|field| field.path == word))
}

/// The first field behind them: `"DAMAGED" in shipment.exceptions`.
fn first_of<'a>(line: &str, fields: &'a [FieldView]) -> Option<&'a FieldView> {
    line.split(|c| !is_word(c)).find_map(|word| fields.iter().find(|field| field.path == word))
}

/// The byte of a caret that counts in units of UTF-16, as browsers do.
pub(super) fn byte_of(text: &str, units: usize) -> usize {
    let mut count = 0;
    for (byte, c) in text.char_indices() {
        if count >= units {
            return byte;
        }
        count += c.len_utf16();
    }
    text.len()
}

/// The units of UTF-16 in front of a byte.
pub(super) fn units_of(text: &str, byte: usize) -> usize {
    text[..text.floor_char_boundary(byte)].encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &str, label: &str, codes: &[&str]) -> FieldView {
        FieldView {
            path: path.into(),
            label: label.into(),
            kind: String::new(),
            about: String::new(),
            codes: codes.iter().map(|code| ((*code).to_owned(), code.to_lowercase())).collect(),
            operators: Vec::new(),
        }
    }

    fn fields() -> Vec<FieldView> {
        vec![
            field("shipment.status", "Status", &["IN_TRANSIT", "DELIVERED"]),
            field("shipment.exceptions", "Open exceptions", &["DAMAGED", "LOST"]),
            field("order.delivery", "Delivery", &[]),
        ]
    }

    #[test]
    fn fields_and_codes_are_offered_at_the_caret() {
        for (text, asked, wanted) in [
            ("shipment.st|", Asked::ByTyping, Some("shipment.status")),
            ("shipment.st|at == 1", Asked::ByTyping, Some("shipment.status")),
            ("shipment.st|atus == 1", Asked::ByTyping, None),
            ("order.has && deli|", Asked::ByTyping, Some("order.delivery")),
            ("ä && order.|", Asked::ByTyping, Some("order.delivery")),
            ("shipment.status|", Asked::ByTyping, None),
            ("|", Asked::ByTyping, None),
            ("|", Asked::ByKey, Some("shipment.status")),
            ("nothing.like|", Asked::ByKey, None),
            ("shipment.status == \"|", Asked::ByTyping, Some("IN_TRANSIT")),
            ("shipment.status in [\"IN_TRANSIT\", \"DEL|\"]", Asked::ByTyping, Some("DELIVERED")),
            ("\"LO|\" in shipment.exceptions", Asked::ByTyping, Some("LOST")),
            ("shipment.status == \"X\"\n&& \"|\" in shipment.exceptions", Asked::ByTyping, Some("DAMAGED")),
            ("order.delivery == \"|", Asked::ByKey, None),
        ] {
            let caret = text.find('|').unwrap();
            let clean = text.replace('|', "");
            let found = offer(&clean, caret, &fields(), asked);
            assert_eq!(found.map(|found| found.items[0].0.clone()).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_offered_replaces_the_word() {
        let text = "ä && shipment.sta";
        let found = offer(text, text.len(), &fields(), Asked::ByTyping).unwrap();
        assert_eq!(&text[found.from..found.to], "shipment.sta");
        assert_eq!(byte_of(text, 1), 2);
        assert_eq!(units_of(text, 2), 1);
        assert_eq!(byte_of("a😀b", 3), 5);
        assert_eq!(byte_of(text, 99), text.len());
    }
}
