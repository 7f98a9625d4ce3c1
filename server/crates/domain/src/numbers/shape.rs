//! The shape of a number, as `formats.json` writes it: characters for themselves, `#` a digit, `@` a letter, `*` either,
//! `[A-CX]` one of these, and `{n}` or, at the end, `{n,m}` for how many of it.

use super::clean::NUMBER_MAX;

/// One set of characters for each place; digits are bits 0 to 9, letters follow.
#[derive(Debug, PartialEq)]
pub(super) struct Shape {
    places: Vec<u64>,
    least: usize,
}

const DIGITS: u64 = 0x3FF;
const LETTERS: u64 = 0x3FF_FFFF << 10;

/// The bit of a character; none for what is neither digit nor capital letter.
pub(super) fn bit(b: u8) -> u64 {
    match b {
        b'0'..=b'9' => 1 << (b - b'0'),
        b'A'..=b'Z' => 1 << (b - b'A' + 10),
        _ => 0,
    }
}

impl Shape {
    /// Reads a shape; nothing when it is badly written.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let mut shape = Self { places: Vec::new(), least: 0 };
        while let Some((first, behind)) = rest.split_first() {
            let (set, behind) = match first {
                b'#' => (DIGITS, behind),
                b'@' => (LETTERS, behind),
                b'*' => (DIGITS | LETTERS, behind),
                b'[' => {
                    let end = behind.iter().position(|b| *b == b']')?;
                    (one_of(&behind[..end])?, &behind[end + 1..])
                }
                other => (bit(*other), behind),
            };
            let (least, most, behind) = count(behind)?;
            if set == 0 || most == 0 || least > most || (least < most && !behind.is_empty()) {
                return None;
            }
            shape.least += least;
            shape.places.extend(std::iter::repeat_n(set, most));
            rest = behind;
        }
        (shape.places.len() <= NUMBER_MAX).then_some(shape)
    }

    /// How long a number of this shape can be.
    pub(super) fn lengths(&self) -> std::ops::RangeInclusive<usize> {
        self.least..=self.places.len()
    }

    /// Whether a character can stand at a place.
    #[cfg(test)]
    pub(super) fn takes(&self, place: usize, b: u8) -> bool {
        self.places.get(place).is_some_and(|set| set & bit(b) != 0)
    }

    /// Whether a number of one of these lengths has this shape.
    pub(super) fn fits(&self, number: &[u8]) -> bool {
        number.iter().zip(&self.places).all(|(b, set)| bit(*b) & set != 0)
    }
}

/// The characters and ranges between brackets.
fn one_of(mut text: &[u8]) -> Option<u64> {
    let mut set = 0;
    while let Some((first, rest)) = text.split_first() {
        let last = if let [b'-', last, ..] = rest { *last } else { *first };
        text = if last == *first { rest } else { &rest[2..] };
        for b in *first..=last {
            set |= bit(b);
        }
    }
    (set != 0).then_some(set)
}

/// The count that may follow a set: least, most, and what is behind.
fn count(text: &[u8]) -> Option<(usize, usize, &[u8])> {
    let Some((b'{', inner)) = text.split_first() else { return Some((1, 1, text)) };
    let end = inner.iter().position(|b| *b == b'}')?;
    let said = std::str::from_utf8(&inner[..end]).ok()?;
    let (least, most) = said.split_once(',').unwrap_or((said, said));
    Some((least.parse().ok()?, most.parse().ok()?, &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_say_what_fits() {
        for (shape, yes, no) in
            [("1Z*{6}#", "1Z999AA12", "1Z999AA1X"), ("[A-CX]@#", "XA1", "DA1"), ("MI#{2}*{1,3}", "MI12ABC", "MIX2A")]
        {
            let parsed = Shape::parse(shape).unwrap();
            for text in [yes, no] {
                assert!(parsed.lengths().contains(&text.len()), "{shape} {text}");
            }
            assert!(parsed.fits(yes.as_bytes()) && !parsed.fits(no.as_bytes()), "{shape}");
        }
        assert_eq!(Shape::parse("GM*{16,20}").unwrap().lengths(), 18..=22);
        for bad in ["#{", "#{x}", "#{1,2}A", "[]", "[A", "a", "#{0}", "#{99}", "é"] {
            assert_eq!(Shape::parse(bad), None, "{bad}");
        }
    }
}
