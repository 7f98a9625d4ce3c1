//! The form for the common conditions, in step with the text: terms that are joined by `&&`. A term that is none of the forms stays as
//! text.

use super::{
    scan::{Placed, Position, Problem, Token, position, scan},
    schema::{self, Field, Kind},
};

/// A term of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A row of the form.
    Row(Row),
    /// What the form cannot show.
    Text {
        /// As it is written.
        text: String,
        /// Where.
        at: Position,
    },
}

/// A field, how it is compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The field's path.
    pub field: String,
    /// How.
    pub operator: Operator,
    /// With what: one value, for [`Operator::OneOf`] and [`Operator::NotOneOf`] some; another field's path for numbers.
    pub values: Vec<String>,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is this.
    Is,
    /// It is something else.
    IsNot,
    /// It is one of these.
    OneOf,
    /// It is none of these.
    NotOneOf,
    /// It is more than this.
    More,
    /// It is at least this.
    AtLeast,
    /// It is less than this.
    Less,
    /// It is at most this.
    AtMost,
    /// This is among them.
    Has,
    /// This is not among them.
    HasNot,
    /// It is true.
    Yes,
    /// It is false.
    No,
}

impl Operator {
    /// Every operator, by its code, with what people read.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Is, "is", "is"),
        (Self::IsNot, "is_not", "is not"),
        (Self::OneOf, "one_of", "is one of"),
        (Self::NotOneOf, "not_one_of", "is none of"),
        (Self::More, "more", "more than"),
        (Self::AtLeast, "at_least", "at least"),
        (Self::Less, "less", "less than"),
        (Self::AtMost, "at_most", "at most"),
        (Self::Has, "has", "happened"),
        (Self::HasNot, "has_not", "did not happen"),
        (Self::Yes, "yes", "is true"),
        (Self::No, "no", "is not true"),
    ];

    /// The code.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("", |(_, code, _)| code)
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("", |(.., label)| label)
    }

    /// That of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(one, ..)| *one)
    }

    /// Those that fit a field.
    pub const fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Text | Kind::Choice(_) => &[Self::Is, Self::IsNot, Self::OneOf, Self::NotOneOf],
            Kind::Number => &[Self::More, Self::AtLeast, Self::Less, Self::AtMost, Self::Is, Self::IsNot],
            Kind::Flag => &[Self::Yes, Self::No],
            Kind::Codes(_) | Kind::Texts => &[Self::Has, Self::HasNot],
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Is => "==",
            Self::IsNot => "!=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::OneOf | Self::NotOneOf | Self::Has | Self::HasNot => "in",
            Self::Yes | Self::No => "",
        }
    }

    fn from_sign(sign: &str) -> Option<Self> {
        [Self::Is, Self::IsNot, Self::More, Self::AtLeast, Self::Less, Self::AtMost]
            .into_iter()
            .find(|one| one.sign() == sign)
    }
}

/// The terms of a condition; `true` alone has none.
///
/// # Errors
/// When the text cannot be read word by word.
pub fn terms(text: &str) -> Result<Vec<Term>, Problem> {
    let tokens = scan(text)?;
    if matches!(&tokens[..], [Placed { token: Token::Path(word), .. }] if word == "true") {
        return Ok(Vec::new());
    }
    let mut terms = Vec::new();
    let (mut depth, mut begin) = (0_usize, 0);
    for n in 0..=tokens.len() {
        let ends = match tokens.get(n).map(|placed| &placed.token) {
            None => true,
            Some(Token::Sign("&&")) => depth == 0,
            // a choice at this level is one term with all around it
            Some(Token::Sign("||")) if depth == 0 => {
                return Ok(vec![Term::Text { text: text.trim().to_owned(), at: position(text, 0) }]);
            }
            Some(Token::Sign("(" | "[")) => {
                depth += 1;
                false
            }
            Some(Token::Sign(")" | "]")) => {
                depth = depth.saturating_sub(1);
                false
            }
            Some(_) => false,
        };
        if ends {
            terms.extend(tokens.get(begin..n).filter(|term| !term.is_empty()).map(|term| one_term(text, term)));
            begin = n + 1;
        }
    }
    Ok(terms)
}

fn one_term(text: &str, tokens: &[Placed]) -> Term {
    row(tokens).map_or_else(
        || {
            let (from, to) = (tokens[0].from, tokens[tokens.len() - 1].to);
            Term::Text { text: text[from..to].to_owned(), at: tokens[0].at }
        },
        Term::Row,
    )
}

fn row(tokens: &[Placed]) -> Option<Row> {
    let words: Vec<&Token> = tokens.iter().map(|placed| &placed.token).collect();
    let row = |path: &str, operator, values| {
        let field = schema::field(path)?;
        Operator::of(field.kind).contains(&operator).then(|| Row { field: path.to_owned(), operator, values })
    };
    let is_in = |word: &str| word == "in";
    match &words[..] {
        [Token::Path(path)] => row(path, Operator::Yes, Vec::new()),
        [Token::Sign("!"), Token::Path(path)] => row(path, Operator::No, Vec::new()),
        [Token::Path(path), Token::Sign(sign), value] => row(path, Operator::from_sign(sign)?, vec![single(value)?]),
        [Token::Text(value), Token::Path(word), Token::Path(path)] if is_in(word) => {
            row(path, Operator::Has, vec![value.clone()])
        }
        [
            Token::Sign("!"),
            Token::Sign("("),
            Token::Text(value),
            Token::Path(word),
            Token::Path(path),
            Token::Sign(")"),
        ] if is_in(word) => row(path, Operator::HasNot, vec![value.clone()]),
        [Token::Path(path), Token::Path(word), Token::Sign("["), list @ .., Token::Sign("]")] if is_in(word) => {
            row(path, Operator::OneOf, texts(list)?)
        }
        [
            Token::Sign("!"),
            Token::Sign("("),
            Token::Path(path),
            Token::Path(word),
            Token::Sign("["),
            list @ ..,
            Token::Sign("]"),
            Token::Sign(")"),
        ] if is_in(word) => row(path, Operator::NotOneOf, texts(list)?),
        _ => None,
    }
}

fn single(token: &Token) -> Option<String> {
    match token {
        Token::Text(text) => Some(text.clone()),
        Token::Number(number) => Some(number.clone()),
        Token::Path(path) => schema::field(path).filter(|field| field.kind.is_number()).map(|_| path.clone()),
        Token::Sign(_) => None,
    }
}

fn texts(list: &[&Token]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for (n, token) in list.iter().enumerate() {
        match (n % 2, token) {
            (0, Token::Text(text)) => texts.push(text.clone()),
            (1, Token::Sign(",")) => {}
            _ => return None,
        }
    }
    (!texts.is_empty() && list.len() % 2 == 1).then_some(texts)
}

/// The text of a form, one term a line.
///
/// # Errors
/// What is wrong with a row, in a sentence.
pub fn text(terms: &[Term]) -> Result<String, String> {
    let mut lines = Vec::new();
    for term in terms {
        lines.push(match term {
            Term::Text { text, .. } if terms.len() > 1 && has_choice(text) => format!("({text})"),
            Term::Text { text, .. } => text.clone(),
            Term::Row(row) => row_text(row)?,
        });
    }
    Ok(if lines.is_empty() { "true".to_owned() } else { lines.join("\n&& ") })
}

/// Whether a text has a choice outside of brackets.
fn has_choice(text: &str) -> bool {
    let mut depth = 0_usize;
    scan(text).unwrap_or_default().iter().any(|placed| match placed.token {
        Token::Sign("(" | "[") => {
            depth += 1;
            false
        }
        Token::Sign(")" | "]") => {
            depth = depth.saturating_sub(1);
            false
        }
        Token::Sign("||") => depth == 0,
        _ => false,
    })
}

fn row_text(row: &Row) -> Result<String, String> {
    let field = schema::field(&row.field).ok_or_else(|| format!("there is no field {}", row.field))?;
    if !Operator::of(field.kind).contains(&row.operator) {
        return Err(format!("{} cannot be compared by \"{}\"", field.label, row.operator.label()));
    }
    let one = || row.values.first().map(String::as_str).unwrap_or_default();
    let path = field.path;
    Ok(match row.operator {
        Operator::Yes => path.to_owned(),
        Operator::No => format!("!{path}"),
        Operator::Has => format!("{} in {path}", quoted(one())),
        Operator::HasNot => format!("!({} in {path})", quoted(one())),
        Operator::OneOf => format!("{path} in [{}]", list(field, row)?),
        Operator::NotOneOf => format!("!({path} in [{}])", list(field, row)?),
        operator => format!("{path} {} {}", operator.sign(), value(field, one())?),
    })
}

fn list(field: &Field, row: &Row) -> Result<String, String> {
    if row.values.is_empty() {
        return Err(format!("choose at least one value of {}", field.label));
    }
    Ok(row.values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
}

fn value(field: &Field, given: &str) -> Result<String, String> {
    if !field.kind.is_number() {
        return Ok(quoted(given));
    }
    let of_field = schema::field(given).is_some_and(|other| other.kind.is_number());
    if of_field || (given.parse::<f64>().is_ok_and(f64::is_finite) && given.starts_with(|c: char| c.is_ascii_digit())) {
        return Ok(given.to_owned());
    }
    Err(format!("{} is compared with a number, such as 24", field.label))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::condition::Condition;

    #[test]
    fn form_and_text_stay_in_step() {
        let written = "shipment.status in [\"IN_TRANSIT\", \"OUT_FOR_DELIVERY\"]\n&& shipment.hours_without_update > lane.usual_gap_hours\n&& !(\"RETURNED\" in shipment.milestones)\n&& order.has_promise\n&& !lane.crosses_border\n&& size(shipment.exceptions) == 0\n&& !(customer.country in [\"DE\", \"AT\"])\n&& order.name == \"a\\\"b\"";
        let terms = terms(written).unwrap();
        assert_eq!(terms.iter().filter(|term| matches!(term, Term::Row(_))).count(), 7);
        assert_eq!(text(&terms).unwrap(), written);
        assert!(Condition::new(written).is_ok());
        assert_eq!(super::terms("true").unwrap(), []);
        assert_eq!(text(&[]).unwrap(), "true");
    }

    #[test]
    fn what_the_form_cannot_show_stays_as_text() {
        let either = "shipment.attempts > 2 || order.has_promise";
        let [Term::Text { text: kept, .. }] = &terms(either).unwrap()[..] else { panic!("one text") };
        assert_eq!(kept, either);
        let more =
            Term::Row(Row { field: "shipment.attempts".into(), operator: Operator::AtLeast, values: vec!["1".into()] });
        let both = [terms(either).unwrap().remove(0), more];
        assert_eq!(text(&both).unwrap(), format!("({either})\n&& shipment.attempts >= 1"));
    }

    #[test]
    fn any_row_of_the_form_is_a_right_condition_and_comes_back() {
        for field in schema::FIELDS {
            for operator in Operator::of(field.kind) {
                let one = field.kind.codes().first().map_or("2.5", |(code, _)| code).to_owned();
                let values = if matches!(operator, Operator::Yes | Operator::No) { Vec::new() } else { vec![one] };
                let row = Row { field: field.path.into(), operator: *operator, values };
                let written = text(&[Term::Row(row.clone())]).unwrap();
                assert!(Condition::new(&written).is_ok(), "{written}");
                assert_eq!(terms(&written).unwrap(), [Term::Row(row)], "{written}");
            }
        }
    }

    #[test]
    fn a_row_that_cannot_be_is_refused() {
        let row = |field: &str, operator, value: &str| {
            Term::Row(Row { field: field.into(), operator, values: vec![value.into()] })
        };
        for wrong in [
            row("shipment.valeu", Operator::Is, "1"),
            row("shipment.attempts", Operator::Has, "1"),
            row("shipment.attempts", Operator::More, "many"),
            row("shipment.attempts", Operator::More, "1 || true"),
        ] {
            assert!(text(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
