//! How Jira writes pages, times, texts and errors.

use crate::rest;
use jiff::Timestamp;
use outbound::{CallError, CallKind, ErrorClass};
use serde_json::Value;

/// A page of a search.
pub(super) struct Page {
    pub(super) issues: Vec<Value>,
    /// Where the next one begins; none where this is the last.
    pub(super) next: Option<String>,
}

impl Page {
    /// Reads an answer.
    ///
    /// # Errors
    /// `bad_answer` where it is none.
    pub(super) fn of(answer: &Value) -> Result<Self, CallError> {
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer of a search has no issues");
        let issues = answer["issues"].as_array().cloned().ok_or_else(odd)?;
        let next = answer["nextPageToken"].as_str().map(str::to_owned).filter(|token| !token.is_empty());
        Ok(Self { issues, next })
    }
}

/// `{"errorMessages": […], "errors": {…}}`, and of the service desk `{"errorMessage": …}`.
pub(super) fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let listed = answer["errorMessages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let fields = answer["errors"].as_object().into_iter().flatten();
    let fields = fields.map(|(field, what)| format!("{field}: {}", what.as_str().unwrap_or_default()));
    let one = Some(rest::text(answer, "/errorMessage").to_owned()).filter(|text| !text.is_empty());
    let said: Vec<_> = listed.map(str::to_owned).chain(fields).chain(one).collect();
    (rest::class(status, kind), said.join("; "))
}

/// `2026-03-10T12:00:00.000+0000`.
pub(super) fn when(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    let (before, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
    format!("{before}:{minutes}").parse().ok()
}

/// `{"epochMillis": …}`.
pub(super) fn epoch(value: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(value["epochMillis"].as_i64()?).ok()
}

/// An issue's id goes into an address.
pub(super) fn digits(number: &str) -> Result<&str, CallError> {
    match !number.is_empty() && number.len() <= 18 && number.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(number),
        false => Err(CallError::new(ErrorClass::NotFound, "an issue's id has digits only")),
    }
}

/// A text in Jira's wiki notation: what begins markup is taken as it is.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, one| {
        if matches!(one, '{' | '}' | '[' | ']' | '*' | '!' | '|') {
            out.push('\\');
        }
        out.push(one);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_have_an_offset_without_a_colon() {
        let at: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        for text in ["2026-03-10T12:00:00.000+0000", "2026-03-10T13:00:00.000+0100"] {
            assert_eq!(when(&json!(text)), Some(at), "{text}");
        }
        for odd in [json!(""), json!("x"), json!(7), json!("ü")] {
            assert_eq!(when(&odd), None, "{odd}");
        }
        assert_eq!(epoch(&json!({"epochMillis": at.as_millisecond()})), Some(at));
    }

    #[test]
    fn every_form_of_an_error_is_read() {
        for answer in [
            json!({"errorMessages": ["no"], "errors": {}}),
            json!({"errorMessages": [], "errors": {"summary": "no"}}),
            json!({"errorMessage": "no"}),
        ] {
            let (class, said) = refusal(400, &answer, CallKind::Command);
            assert!(class == ErrorClass::Rejected && said.ends_with("no"), "{answer}");
        }
        assert_eq!(escaped("a {code} [x] *b*"), r"a \{code\} \[x\] \*b\*");
    }
}
