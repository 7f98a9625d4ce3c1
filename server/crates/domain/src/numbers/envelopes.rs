//! What barcodes and links put around a number: GS1 element strings, MaxiCode, ANSI data identifiers, DPD's routing line,
//! USPS' ZIP, PostNL's link, GS1 Digital Link. Each reader gives the number and what it can be there.

use super::{
    clean::{clean, without_symbology},
    rank::{self, Check, Hints},
    refusal::NotANumber,
};

/// GS1's group separator, which stands for FNC1.
const GS: char = '\u{1D}';
/// Record separator and end of transmission, in MaxiCode and ANSI messages.
const RS: char = '\u{1E}';
const EOT: char = '\u{4}';

/// What is in an envelope.
#[derive(Debug, PartialEq)]
pub(super) enum Inside {
    /// A number, in clean text, and the formats that this envelope has; none: any.
    Number(String, &'static [&'static str]),
    /// It is understood, and has no shipment's number: what it has instead, and its elements.
    Nothing(NotANumber, String),
}

const SSCC: &[&str] = &["dhl_de_20", "sscc", "poczta_polska", "bring", "postnord"];
const USPS: &[&str] = &["usps_impb", "usps_legacy_91"];
const ANY: &[&str] = &[];

/// What is in the envelope that a text is; nothing when it is none that is known.
pub(super) fn open(raw: &str) -> Option<Inside> {
    let mut text = raw.trim();
    if let Some(message) = text.strip_prefix("[)>") {
        return ansi(message);
    }
    let mut gs1 = text.starts_with(GS);
    while let Some(rest) = without_symbology(text) {
        // ISO/IEC 15424: GS1-128, DataMatrix, QR code and DataBar with GS1's application identifiers
        gs1 |= ["]C1", "]d2", "]Q3", "]e0"].iter().any(|mark| text.starts_with(mark));
        text = rest;
    }
    if let Some(route) = text.strip_prefix('%') {
        return dpd_route(&clean(route));
    }
    if let Some((_, link)) = text.split_once("://") {
        return digital_link(link);
    }
    if let Some(elements) = written(text) {
        return meaning(&elements);
    }
    if gs1 || text.contains(GS) {
        return meaning(&elements(text)?);
    }
    post_nl_link(text).map(|number| Inside::Number(number, &["postnl_3s"]))
}

/// What is in a clean text with a ZIP code or AI `00` in front, where what is inside is right.
pub(super) fn open_clean(cleaned: &str) -> Option<Inside> {
    if let Some(route) = cleaned.strip_prefix('%') {
        return dpd_route(route);
    }
    if !cleaned.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    if cleaned.starts_with("420") {
        return zip(cleaned);
    }
    // an SSCC with more elements behind it
    if cleaned.starts_with("00") && cleaned.len() > 20 {
        let found = elements(cleaned)?;
        let number = found.first().filter(|(ai, _)| ai == "00")?.1.clone();
        let routed = found.len() > 1 && found[1..].iter().all(|(ai, _)| ["403", "420", "421"].contains(&ai.as_str()));
        let right = rank::candidates(&number, Hints::default(), Some(SSCC)).iter().any(|c| c.check == Check::Good);
        return (routed && right).then_some(Inside::Number(number, SSCC));
    }
    None
}

/// USPS: `420`, ZIP of five or nine digits, and the number from its own 9x on. Thirty-four digits can be read in two ways:
/// the one with a right check digit, and the short ZIP when both have.
fn zip(cleaned: &str) -> Option<Inside> {
    let readings = [8, 12].into_iter().filter_map(|at| cleaned.get(at..)).filter(|number| number.starts_with('9'));
    let mut wrong = None;
    for number in readings {
        match rank::candidates(number, Hints::default(), Some(USPS)).first() {
            Some(found) if found.check == Check::Good => return Some(Inside::Number(number.to_owned(), USPS)),
            Some(_) => wrong = wrong.or(Some(number)),
            None => {}
        }
    }
    // FedEx' barcode of thirty-four digits can begin so, too
    let other = rank::candidates(cleaned, Hints::default(), None).iter().any(|c| c.check == Check::Good);
    wrong.filter(|_| !other).map(|number| Inside::Number(number.to_owned(), USPS))
}

/// DPD: postcode 7, number 14, service 3, country 3, and a check character when a person reads it.
fn dpd_route(route: &str) -> Option<Inside> {
    let number = route.get(7..21).filter(|_| matches!(route.len(), 27 | 28))?;
    let whole = if route.len() == 28 { route } else { number };
    Some(Inside::Number(whole.to_owned(), &["dpd_14"]))
}

/// `3S…-NL-1234AB`: number, country and postcode in PostNL's links.
fn post_nl_link(text: &str) -> Option<String> {
    let mut parts = text.split('-').map(str::trim);
    let (number, country, postcode) = (parts.next()?, parts.next()?, parts.next()?);
    let link = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_alphabetic())
        && (3..=8).contains(&postcode.len())
        && postcode.bytes().any(|b| b.is_ascii_digit())
        && parts.next().is_none();
    let number = clean(number);
    (link && number.starts_with("3S") && matches!(number.len(), 13 | 15)).then_some(number)
}

/// `https://id.gs1.org/00/340123456467733949`, on any host: GS1 Digital Link.
fn digital_link(link: &str) -> Option<Inside> {
    let path = link.split(['?', '#']).next()?;
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let elements: Vec<_> = segments
        .windows(2)
        .filter(|pair| matches!(pair[0], "00" | "01" | "402") && pair[1].bytes().all(|b| b.is_ascii_digit()))
        .filter(|pair| matches!((pair[0], pair[1].len()), ("00", 18) | ("01", 14) | ("402", 17)))
        .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
        .collect();
    if elements.is_empty() { None } else { meaning(&elements) }
}

/// MaxiCode's structured carrier message (format 01) or ANSI MH10.8.2 data identifiers (format 06).
fn ansi(message: &str) -> Option<Inside> {
    let message = message.trim_start_matches(RS);
    let (format, rest) = message.split_at_checked(2)?;
    let body = rest.split([RS, EOT]).next()?;
    let fields: Vec<_> = body.split(GS).map(str::trim).collect();
    match format {
        "01" => carrier_message(&fields),
        "06" => fields.iter().find_map(|field| licence_plate(field)),
        _ => None,
    }
}

/// UPS writes only `1Z` and the last eight characters; shipper's number and class of service are fields of their own
/// (MaxiCode guides of printers' makers). The service in the number is the last two of the class.
fn carrier_message(fields: &[&str]) -> Option<Inside> {
    let short = |f: &&str| f.len() == 10 && f.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("1Z"));
    let Some(at) = fields.iter().position(short) else {
        // postal code, country, class, number, carrier
        return fields.get(4).map(|number| Inside::Number(clean(number), ANY));
    };
    let class = fields.get(at.checked_sub(1)?)?;
    let service = class.get(class.len().checked_sub(2)?..)?;
    let shipper = fields.get(at + 2)?;
    Some(Inside::Number(clean(&format!("1Z{shipper}{service}{}", fields[at].get(2..)?)), &["ups_1z"]))
}

/// `J` and `1J` to `6J`: a licence plate (ISO/IEC 15459).
fn licence_plate(field: &str) -> Option<Inside> {
    let field = clean(field);
    let plate = match field.as_bytes() {
        [b'J', ..] => &field[1..],
        [b'1'..=b'6', b'J', ..] => &field[2..],
        _ => return None,
    };
    Some(Inside::Number(plate.to_owned(), ANY))
}

/// An application identifier and its value.
type Element = (String, String);

/// What elements are about.
fn meaning(elements: &[Element]) -> Option<Inside> {
    let value = |wanted: &str| elements.iter().find(|(ai, _)| ai == wanted).map(|(_, value)| value.as_str());
    if let Some(sscc) = value("00") {
        return Some(Inside::Number(sscc.to_owned(), SSCC));
    }
    if let Some((ai, rest)) = elements.iter().find(|(ai, _)| ["91", "92", "93", "94", "95"].contains(&ai.as_str())) {
        // Australia Post's own GTIN says that an article's number follows
        return Some(if value("01") == Some("99312650999998") {
            Inside::Number(rest.clone(), &["auspost_article"])
        } else if rest.len() >= 20 && rest.bytes().all(|b| b.is_ascii_digit()) {
            Inside::Number(format!("{ai}{rest}"), USPS)
        } else {
            Inside::Number(rest.clone(), ANY)
        });
    }
    if let Some(shipment) = value("402") {
        return Some(Inside::Number(shipment.to_owned(), &["gsin"]));
    }
    if let Some(consignment) = value("401") {
        return Some(Inside::Number(consignment.to_owned(), &["ginc"]));
    }
    let all = || elements.iter().flat_map(|(ai, value)| [ai.as_str(), value]).collect();
    if value("01").or(value("02")).is_some() {
        return Some(Inside::Nothing(NotANumber::Product, all()));
    }
    let routing = elements.iter().all(|(ai, _)| ["403", "410", "420", "421"].contains(&ai.as_str()));
    routing.then(|| Inside::Nothing(NotANumber::Routing, all()))
}

/// Elements as people read them: `(00)340123456467733949`.
fn written(text: &str) -> Option<Vec<Element>> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut rest = text.strip_prefix('(')?;
    let mut elements = Vec::new();
    loop {
        let (ai, behind) = rest.split_once(')')?;
        if !(2..=4).contains(&ai.len()) || !ai.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (value, next) = behind.split_once('(').map_or((behind, None), |(value, next)| (value, Some(next)));
        elements.push((ai.to_owned(), clean(value)));
        match next {
            Some(next) => rest = next,
            None => return Some(elements),
        }
    }
}

/// Elements as scanners give them, one behind the other.
fn elements(text: &str) -> Option<Vec<Element>> {
    let mut rest = text.trim_matches(GS);
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let (ai_length, value_length) = layout(rest)?;
        let (ai, behind) = rest.split_at_checked(ai_length)?;
        let (value, next) = match value_length {
            Length::Fixed(length) => behind.split_at_checked(length)?,
            Length::UpTo(most) => {
                let (value, next) = behind.split_once(GS).unwrap_or((behind, ""));
                (value, if value.len() <= most { Some(next) } else { None }?)
            }
        };
        elements.push((ai.to_owned(), clean(value)));
        rest = next.trim_start_matches(GS);
    }
    (!elements.is_empty()).then_some(elements)
}

enum Length {
    Fixed(usize),
    UpTo(usize),
}

/// Lengths of an application identifier and of its value, by the first digits: GS1 General Specifications, section 3.
fn layout(text: &str) -> Option<(usize, Length)> {
    let digits = text.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()))?;
    Some(match digits {
        "00" => (2, Length::Fixed(18)),
        "01" | "02" | "03" => (2, Length::Fixed(14)),
        "11" | "12" | "13" | "15" | "16" | "17" => (2, Length::Fixed(6)),
        "20" => (2, Length::Fixed(2)),
        "10" | "21" | "22" => (2, Length::UpTo(29)),
        "30" | "37" => (2, Length::UpTo(8)),
        "31" | "32" | "33" | "34" | "35" | "36" => (4, Length::Fixed(6)),
        "41" => (3, Length::Fixed(13)),
        "40" if text.starts_with("402") => (3, Length::Fixed(17)),
        "42" if text.starts_with("421") => (3, Length::UpTo(12)),
        "42" => (3, Length::UpTo(20)),
        "23" | "24" | "25" | "40" => (3, Length::UpTo(30)),
        "39" | "43" | "70" | "71" | "72" | "80" | "81" | "82" => (4, Length::UpTo(90)),
        _ if digits.starts_with('9') => (2, Length::UpTo(90)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, ids: &'static [&'static str]) -> Option<Inside> {
        Some(Inside::Number(text.to_owned(), ids))
    }

    #[test]
    fn elements_are_split_where_gs1_says() {
        for text in [
            "]C100340123456467733949403BE6447",
            "]d200340123456467733949\u{1D}42127653113",
            "\u{1D}00340123456467733949",
            "(00) 3 401234564 67733949",
            "(02)04006381333931(37)12(00)340123456467733949",
            "]C102040063813339313712\u{1D}00340123456467733949",
            "https://id.gs1.org/00/340123456467733949",
            "https://example.com/gs1/00/340123456467733949?linkType=all",
        ] {
            assert_eq!(open(text), number("340123456467733949", SSCC), "{text}");
        }
        assert_eq!(open("(420)12345(93)02234567890123456788"), number("9302234567890123456788", USPS));
        assert_eq!(open("(402)12345678901234560"), number("12345678901234560", &["gsin"]));
        assert_eq!(
            open("(01)04006381333931(21)4711"),
            Some(Inside::Nothing(NotANumber::Product, "0104006381333931214711".into()))
        );
        assert_eq!(open("]C142020260"), Some(Inside::Nothing(NotANumber::Routing, "42020260".into())));
        for text in ["(00", "(0)1", "()", "]C1", "]C1AB", "]C100123", "[)>", "[)>\u{1E}01", "%123", "", "(12345)1"] {
            assert_eq!(open(text), None, "{text}");
        }
    }

    #[test]
    fn other_envelopes() {
        assert_eq!(open("%008182709980000020034350276"), number("09980000020034", &["dpd_14"]));
        assert_eq!(open("3SABCD1234567-NL-1234AB"), number("3SABCD1234567", &["postnl_3s"]));
        assert_eq!(open("[)>\u{1E}06\u{1D}BX\u{1D}JJD014600001234567890\u{1D}2L50667DE\u{1E}\u{4}"), {
            number("JD014600001234567890", ANY)
        });
        let zip = "4202026092612999999999179044769754";
        assert_eq!(open_clean(zip), number("92612999999999179044769754", USPS));
        assert_eq!(open_clean("420201936129999882082117181"), None);
        assert_eq!(open_clean("420"), None);
    }
}
