//! How a call that changes something at a platform ended, as far as that is known. An HTTP status alone never says it.

use outbound::{CallError, ErrorClass, Response, class_of_status, class_of_stranger};
use std::time::Duration;

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It is done.
    Done(T),
    /// The platform works on it: look again after this time.
    Pending {
        /// What the platform knows the work by, where it says that.
        handle: Option<String>,
        /// How long to wait.
        poll_after: Duration,
    },
    /// Certainly not done, and not done either when it is sent again unchanged.
    Refused(Refusal),
    /// Certainly not done: it may be sent again, after the error's `retry_after` where it has one.
    NotSent(CallError),
    /// Possibly done: no answer, a failure of the platform, or an answer that cannot be read. Look before anything else.
    Unknown(CallError),
    /// The key is not accepted: the connection waits for a person.
    Unauthorised(CallError),
}

/// Why a platform or its carrier does not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, in a stable word.
    pub code: RefusalCode,
    /// What happened and what to do; the platform's own words are in `said`.
    pub error: CallError,
}

macro_rules! codes {
    ($($variant:ident, $code:literal, $what:literal;)*) => {
        /// Why a platform refuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalCode {
            $(#[doc = $what] $variant,)*
        }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What a person can do.
            pub const fn what_to_do(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }
    };
}

codes! {
    Address, "address", "Correct the address, then book again.";
    Parcel, "parcel", "Correct the parcel's weight or dimensions, then book again.";
    Customs, "customs", "Complete the customs data, then book again.";
    Rate, "rate", "The rate is no longer offered: ask for rates again and choose one.";
    Funds, "funds", "Top up the account at the platform; all bookings wait for it.";
    Account, "account", "Check the carrier account and its permissions at the platform.";
    Mode, "mode", "Use a test key for test bookings and a live key for live ones.";
    Number, "number", "Check the tracking number.";
    Carrier, "carrier", "Name the carrier of the number.";
    Quota, "quota", "Raise the plan's number of trackings at the platform.";
    Gone, "gone", "The platform does not have it any more.";
    State, "state", "It is too late for that at the platform: look at the shipment there.";
    Content, "content", "Read the platform's message, correct the data, then try again.";
}

impl Refusal {
    /// A refusal in our own words.
    pub fn new(code: RefusalCode, message: impl AsRef<str>) -> Self {
        let error = CallError::new(ErrorClass::Rejected, message).advising(code.what_to_do());
        Self { code, error }
    }

    /// The same with what the platform said.
    #[must_use]
    pub fn saying(self, said: &str) -> Self {
        Self { error: self.error.saying(said), ..self }
    }
}

impl<T> From<Refusal> for Outcome<T> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<T> Outcome<T> {
    /// Why it did not end well; none where it did, or the platform works on it.
    pub fn error(&self) -> Option<&CallError> {
        match self {
            Self::Done(_) | Self::Pending { .. } => None,
            Self::Refused(refusal) => Some(&refusal.error),
            Self::NotSent(error) | Self::Unknown(error) | Self::Unauthorised(error) => Some(error),
        }
    }

    /// The same of another type.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(done) => Outcome::Done(f(done)),
            Self::Pending { handle, poll_after } => Outcome::Pending { handle, poll_after },
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::NotSent(error) => Outcome::NotSent(error),
            Self::Unknown(error) => Outcome::Unknown(error),
            Self::Unauthorised(error) => Outcome::Unauthorised(error),
        }
    }

    /// What became of a change that has no answer.
    pub(crate) fn unanswered(error: CallError) -> Self {
        match error.class {
            // no byte of it went out
            ErrorClass::Unreachable | ErrorClass::TimeoutBeforeSend | ErrorClass::Misconfigured => Self::NotSent(error),
            _ => Self::Unknown(error),
        }
    }

    /// An answer that means nothing of what was asked, so that it says nothing of whether it was done.
    pub(crate) fn unreadable(platform: &str, answer: &Response) -> Self {
        let text = format!("the answer of {platform} cannot be read: whether it was done is not known");
        Self::Unknown(CallError::new(ErrorClass::UnknownOutcome, text).of(answer))
    }
}

/// A complaint of a platform: proof that the answer is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Its code, where it has one.
    pub code: Option<String>,
    /// Its words.
    pub words: String,
    /// What its code means, where that is known.
    pub means: Option<Meaning>,
}

/// What a platform's code means for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is not done.
    Refused(RefusalCode),
    /// It may be done.
    Unknown,
    /// It is not done and may be sent again.
    NotSent,
}

/// What an answer means that is no success, by its status and the platform's complaint; without one it is somebody else's,
/// a proxy's say, and proves nothing but a refused key.
pub(crate) fn failed<T>(platform: &str, answer: &Response, complaint: Option<Complaint>) -> Outcome<T> {
    let status = answer.status;
    let code = complaint.as_ref().and_then(|c| c.code.as_deref()).map(|code| format!(" ({code})")).unwrap_or_default();
    let words = complaint.as_ref().map(|c| c.words.clone()).unwrap_or_default();
    let error = |class| CallError::new(class, format!("{platform} answered {status}{code}")).saying(&words).of(answer);
    let refused = |code: RefusalCode| {
        Outcome::Refused(Refusal { code, error: error(ErrorClass::Rejected).advising(code.what_to_do()) })
    };
    let unknown = || Outcome::Unknown(error(ErrorClass::UnknownOutcome));
    let Some(complaint) = complaint else {
        return if status == 401 { Outcome::Unauthorised(error(ErrorClass::Unauthorized)) } else { unknown() };
    };
    match (complaint.means, status) {
        (_, 401) => Outcome::Unauthorised(error(ErrorClass::Unauthorized)),
        // whatever it complains of: it may have failed behind the purchase
        (_, 500..) => unknown(),
        (Some(Meaning::Refused(code)), _) => refused(code),
        (Some(Meaning::Unknown), _) => unknown(),
        (Some(Meaning::NotSent), _) | (_, 429) => Outcome::NotSent(error(ErrorClass::RateLimited)),
        (None, 402) => refused(RefusalCode::Funds),
        (None, 403) => refused(RefusalCode::Account),
        (None, 404 | 410) => refused(RefusalCode::Gone),
        // another request about the same object is under way
        (None, 408 | 409 | 423 | 425) => unknown(),
        (None, 400..=499) => refused(RefusalCode::Content),
        _ => unknown(),
    }
}

/// The error of a question that is not answered with a success.
pub(crate) fn unread(platform: &str, answer: &Response, complaint: Option<&Complaint>) -> CallError {
    use outbound::CallKind::Query;
    let class = match complaint {
        Some(_) => class_of_status(answer.status, Query).unwrap_or(ErrorClass::BadAnswer),
        None => class_of_stranger(answer.status, Query),
    };
    let code = complaint.and_then(|c| c.code.as_deref()).map(|code| format!(" ({code})")).unwrap_or_default();
    let words = complaint.map(|c| c.words.as_str()).unwrap_or_default();
    CallError::new(class, format!("{platform} answered {}{code}", answer.status)).saying(words).of(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Response {
        Response { status, headers: http::HeaderMap::new(), body: Vec::new() }
    }

    fn of(status: u16, means: Option<Option<Meaning>>) -> &'static str {
        let complaint = means.map(|means| Complaint { means, ..Complaint::default() });
        match failed::<()>("EasyPost", &answer(status), complaint) {
            Outcome::Refused(refusal) => refusal.code.code(),
            Outcome::NotSent(_) => "not sent",
            Outcome::Unknown(error) => {
                assert_eq!(error.class, ErrorClass::UnknownOutcome);
                "unknown"
            }
            Outcome::Unauthorised(_) => "unauthorised",
            Outcome::Done(()) | Outcome::Pending { .. } => "done",
        }
    }

    #[test]
    fn only_the_platform_itself_can_say_that_it_was_not_done() {
        for status in [200, 201, 302, 400, 402, 403, 404, 409, 422, 429, 500, 502, 503, 504] {
            assert_eq!(of(status, None), "unknown", "{status} of a proxy");
        }
        assert_eq!(of(401, None), "unauthorised");
        let own = |status| of(status, Some(None));
        assert_eq!([own(400), own(422)], ["content", "content"]);
        assert_eq!(
            [own(401), own(402), own(403), own(404), own(429)],
            ["unauthorised", "funds", "account", "gone", "not sent"]
        );
        for status in [200, 408, 409, 423, 425, 500, 502, 503, 504] {
            assert_eq!(own(status), "unknown", "{status}");
        }
        assert_eq!(of(422, Some(Some(Meaning::Unknown))), "unknown");
        assert_eq!(of(424, Some(Some(Meaning::Refused(RefusalCode::Address)))), "address");
        assert_eq!(of(500, Some(Some(Meaning::Refused(RefusalCode::Address)))), "unknown");
    }

    #[test]
    fn a_change_without_an_answer_is_unknown_unless_nothing_went_out() {
        let of = |class| matches!(Outcome::<()>::unanswered(CallError::new(class, "x")), Outcome::NotSent(_));
        assert!(of(ErrorClass::Unreachable) && of(ErrorClass::TimeoutBeforeSend));
        for class in [ErrorClass::UnknownOutcome, ErrorClass::BadAnswer, ErrorClass::NoAnswer] {
            assert!(!of(class), "{class:?}");
        }
    }

    #[test]
    fn codes_are_unique_and_say_what_to_do() {
        let mut codes: Vec<_> = RefusalCode::ALL.iter().map(|c| c.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RefusalCode::ALL.len());
        assert!(RefusalCode::ALL.iter().all(|c| c.what_to_do().ends_with('.')));
    }
}
