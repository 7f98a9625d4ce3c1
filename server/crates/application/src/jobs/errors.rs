//! Everything that a job can end with, in one list: what other systems answered, and what went wrong with us.

use outbound::{Decision, ErrorClass};

/// A class of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The stable code.
    pub code: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// Whether it is retried.
    pub retried: Retried,
    /// What a person can do.
    pub what_to_do: &'static str,
}

/// Whether a job is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// After growing waits.
    Yes,
    /// After a check of the outcome.
    AfterCheck,
    /// Again and again until the connection is set up.
    OnceSetUp,
    /// Only on request.
    No,
}

/// Our own.
const OURS: &[Class] = &[
    Class {
        code: STORE,
        meaning: "The database was busy or not there.",
        retried: Retried::Yes,
        what_to_do: "Nothing. If it lasts, check the database and the disk.",
    },
    Class {
        code: INVALID,
        meaning: "The work is about something that is not there or not allowed.",
        retried: Retried::No,
        what_to_do: "Read the error; retry when what it is about is there.",
    },
    Class {
        code: STOPPED,
        meaning: "The server was stopped while a call was under way.",
        retried: Retried::AfterCheck,
        what_to_do: "Nothing: it is looked up before it is tried again.",
    },
    Class {
        code: ENDED,
        meaning: "The process ended again and again while it did this.",
        retried: Retried::No,
        what_to_do: "Read the log of the time; give the server more memory if it ran out of it, then retry.",
    },
    Class {
        code: INTERNAL,
        meaning: "A fault in Milepost itself.",
        retried: Retried::Yes,
        what_to_do: "Report it with the log lines of its correlation id.",
    },
];

/// The database.
pub const STORE: &str = "store";
/// Work that cannot be done.
pub const INVALID: &str = "invalid";
/// A stop in the middle.
pub const STOPPED: &str = "stopped";
/// The process died while running the job.
pub const ENDED: &str = "process_ended";
/// Our fault.
pub const INTERNAL: &str = "internal";

/// Every class: those of calls first.
pub fn catalogue() -> impl Iterator<Item = Class> {
    let of_calls = ErrorClass::ALL.iter().map(|class| Class {
        code: class.code(),
        meaning: class.meaning(),
        retried: match class.decision() {
            Decision::Retry => Retried::Yes,
            Decision::SettleThenLook => Retried::AfterCheck,
            Decision::AwaitSetup => Retried::OnceSetUp,
            Decision::Fail => Retried::No,
        },
        what_to_do: class.what_to_do(),
    });
    of_calls.chain(OURS.iter().copied())
}

/// The class with this code.
pub fn class(code: &str) -> Option<Class> {
    catalogue().find(|class| class.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::Concerns;
    use std::fmt::Write as _;

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = catalogue().map(|class| class.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), catalogue().count());
    }

    #[test]
    fn the_document_is_the_list() {
        let mut table = String::from(
            "| class | meaning | retried | opens the circuit breaker | what to do |\n|---|---|---|---|---|\n",
        );
        for class in catalogue() {
            let retried = match class.retried {
                Retried::Yes => "yes",
                Retried::AfterCheck => "after a check",
                Retried::OnceSetUp => "once it is set up",
                Retried::No => "on request",
            };
            let shuts = ErrorClass::from_code(class.code).is_some_and(|c| c.concerns() == Concerns::System);
            let shuts = if shuts { "yes" } else { "" };
            let _ = writeln!(
                table,
                "| `{}` | {} | {retried} | {shuts} | {} |",
                class.code, class.meaning, class.what_to_do
            );
        }
        let document = include_str!("../../../../../docs/ERRORS.md");
        assert!(document.contains(&table), "docs/ERRORS.md must hold this table:\n{table}");
    }
}
