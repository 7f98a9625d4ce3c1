//! The characters of a file. EDIFACT names its set in UNB (ISO 9735, data element 0001); X12 names none.

use domain::observation::Problem;
use encoding_rs::{
    Encoding, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8,
    ISO_8859_15, WINDOWS_1252, WINDOWS_1254,
};
use std::{borrow::Cow, ops::Range};

/// A file's text, and what of it could not be read.
pub(crate) struct Text<'a> {
    /// The text, without NUL: it is padding at best, and no database column takes it.
    pub text: Cow<'a, str>,
    /// What is replaced by U+FFFD.
    pub problems: Vec<Problem>,
}

/// UTF-8, with or without a byte order mark, else Latin-1 as Windows extends it, which is what X12 partners send.
pub(crate) fn x12(raw: &[u8]) -> Text<'_> {
    let bytes = without_mark(raw);
    finish(bytes, latin_or_utf_8(bytes))
}

/// By the set that each interchange names. Who names Latin-1, or none, often writes UTF-8 or what Windows puts where
/// Latin-1 has control characters.
pub(crate) fn edifact(raw: &[u8]) -> Text<'_> {
    let bytes = without_mark(raw);
    // ISO 2022 has nothing but ASCII, and escapes
    if bytes.is_ascii() && !bytes.contains(&0x1B) {
        return finish(bytes, String::from_utf8_lossy(bytes));
    }
    let parts = interchanges(bytes);
    let text: String = parts.into_iter().map(|part| of_interchange(&bytes[part])).collect();
    finish(bytes, text.into())
}

fn without_mark(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw)
}

fn finish<'a>(bytes: &[u8], text: Cow<'a, str>) -> Text<'a> {
    let read = text.matches('\u{FFFD}').count();
    let sent = bytes.windows(3).filter(|three| three == b"\xEF\xBF\xBD").count();
    let message = || format!("{} character(s) are none of the set that the file names; read as U+FFFD", read - sent);
    let problems = if read > sent { vec![Problem { at: "UNB".into(), message: message() }] } else { Vec::new() };
    let text = if text.contains('\0') { text.replace('\0', "").into() } else { text };
    Text { text, problems }
}

/// Where the interchanges of a file are: each from its UNB to the next one's.
fn interchanges(bytes: &[u8]) -> Vec<Range<usize>> {
    let begins = |at: &usize| set_of(&bytes[*at..]).is_some();
    let mut starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'U').filter(begins).collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// The last letter of the set that a UNB at the beginning names: `UNB+UNOC:3`.
fn set_of(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'U', b'N', b'B', separator, b'U', b'N', b'O', set, ..] if !separator.is_ascii_alphanumeric() => Some(*set),
        _ => None,
    }
}

fn of_interchange(bytes: &[u8]) -> Cow<'_, str> {
    let set = set_of(bytes).and_then(encoding);
    match (std::str::from_utf8(bytes), set) {
        (_, None) => latin_or_utf_8(bytes),
        // letters of the set that is named, or chance
        (Ok(text), Some(set)) if !set.encode(text).2 => Cow::Borrowed(text),
        (_, Some(set)) => decoded(set, bytes),
    }
}

/// UTF-8, perhaps with a letter cut in the middle; else Latin-1 as Windows extends it: whatever most letters are.
fn latin_or_utf_8(bytes: &[u8]) -> Cow<'_, str> {
    let Err(_) = std::str::from_utf8(bytes) else { return String::from_utf8_lossy(bytes) };
    let (letters, broken) = bytes.utf8_chunks().fold((0, 0), |(letters, broken), chunk| {
        (
            letters + chunk.valid().chars().filter(|c| !c.is_ascii()).count(),
            broken + usize::from(!chunk.invalid().is_empty()),
        )
    });
    if letters > broken { String::from_utf8_lossy(bytes) } else { decoded(WINDOWS_1252, bytes) }
}

/// A and B are letters of ASCII, C is Latin-1, W and Y are UTF-8: what is not UTF-8 under any of these is read as Latin-1.
/// Source: UN/EDIFACT service code list, data element 0001.
fn encoding(set: u8) -> Option<&'static Encoding> {
    Some(match set {
        b'D' => ISO_8859_2,
        b'E' => ISO_8859_5,
        b'F' => ISO_8859_7,
        b'G' => ISO_8859_3,
        b'H' => ISO_8859_4,
        b'I' => ISO_8859_6,
        b'J' => ISO_8859_8,
        b'K' => WINDOWS_1254,
        b'L' => ISO_8859_15,
        b'X' => ISO_2022_JP,
        _ => return None,
    })
}

/// What the set has no letter for, and its control characters from 0x80, become U+FFFD.
fn decoded<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Cow<'a, str> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let control = |c: char| matches!(c, '\u{80}'..='\u{9F}');
    if text.contains(control) { text.replace(control, "\u{FFFD}").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &str, city: &[u8]) -> (String, usize) {
        let raw = [b"UNA:+.? 'UNB+", set.as_bytes(), b":3+A+B'LOC+14+:::", city, b"'"].concat();
        let Text { text, problems } = edifact(&raw);
        (text.rsplit_once(":::").unwrap().1.trim_end_matches('\'').to_owned(), problems.len())
    }

    #[test]
    fn the_set_is_the_one_that_unb_names() {
        for (set, bytes, city) in [
            ("UNOA", &b"K\xF6ln"[..], "Köln"),
            ("UNOC", b"K\xF6ln", "Köln"),
            ("UNOC", "Köln".as_bytes(), "Köln"),
            ("UNOC", b"Bussum \x96 Zuid", "Bussum – Zuid"),
            ("UNOD", b"\xA3\xF3d\xBC", "Łódź"),
            ("UNOE", b"\xBF\xDB\xDE\xD2\xD4\xD8\xD2", "Пловдив"),
            ("UNOE", "Пловдив".as_bytes(), "Пловдив"),
            ("UNOF", b"\xD0\xDC\xF4\xF1\xE1", "Πάτρα"),
            ("UNOG", b"\xA1amrun", "Ħamrun"),
            ("UNOK", b"\xDDzmir", "İzmir"),
            ("UNOL", b"5 \xA4", "5 €"),
            ("UNOX", b"\x1B$BEl5~\x1B(B", "東京"),
            ("UNOY", "Łódź".as_bytes(), "Łódź"),
        ] {
            assert_eq!(read(set, bytes), (city.to_owned(), 0), "{set} {city}");
        }
    }

    #[test]
    fn what_is_no_letter_is_said() {
        assert_eq!(read("UNOC", b"K\x81ln"), ("K\u{FFFD}ln".into(), 1));
        assert_eq!(read("UNOD", b"\x96"), ("\u{FFFD}".into(), 1));
        assert_eq!(read("UNOY", "K\u{FFFD}ln".as_bytes()), ("K\u{FFFD}ln".into(), 0), "sent as it is");
    }

    #[test]
    fn each_interchange_has_its_own() {
        let raw = b"UNB+UNOD:3+A'LOC+\xA3'UNZ+1'\nUNB+UNOF:3+A'LOC+\xD0'UNZ+1'";
        assert_eq!(edifact(raw).text, "UNB+UNOD:3+A'LOC+Ł'UNZ+1'\nUNB+UNOF:3+A'LOC+Π'UNZ+1'");
        assert_eq!(x12("\u{feff}Köln\0".as_bytes()).text, "Köln");
        assert_eq!(x12(b"K\xF6ln \x96").text, "Köln –");
        let cut = ["Köln, Düren ".as_bytes(), b"\xF0\x9F\x8E"].concat();
        assert_eq!((&*x12(&cut).text, x12(&cut).problems.len()), ("Köln, Düren \u{FFFD}", 1));
    }
}
