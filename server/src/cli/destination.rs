//! `milepost destination`: how the systems that jobs go out to stand; stops one, or lets it go on.

use crate::log;
use anyhow::Result;
use application::caller::Caller;
use application::{
    context::Context,
    destinations::{self, breaker::Admission},
    jobs::errors,
};
use clap::Subcommand;
use jiff::Timestamp;
use std::sync::Arc;
use storage::{Scope, destinations::Breaker};

/// The systems that jobs go out to.
#[derive(Subcommand)]
pub enum Destination {
    /// Show how each stands.
    List,
    /// Stop one: its jobs wait, nothing is lost.
    Pause {
        /// Its name: odoo, desk, or the source whose keys are fetched.
        name: String,
        /// The reason, for others and for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let one go on.
    Resume {
        /// Its name.
        name: String,
    },
}

impl Destination {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List => {
                for standing in destinations::standings(&context, &Caller::trusted(scope)).await? {
                    let how = standing_words(&standing.breaker, standing.admission, context.now());
                    println!("{}\t{}", standing.name, log::shown(&how));
                }
            }
            Self::Pause { name, why } => {
                destinations::pause(&context, &Caller::trusted(scope), &name, &why).await?;
                println!("{name} is paused: its jobs wait");
            }
            Self::Resume { name } => {
                destinations::resume(&context, &Caller::trusted(scope), &name).await?;
                println!("{name} goes on");
            }
        }
        Ok(())
    }
}

/// How a destination stands: why, since when, and what comes next.
fn standing_words(breaker: &Breaker, admission: Admission, now: Timestamp) -> String {
    let health = &breaker.health;
    let since = health.failing_since.map(|at| format!(" since {at:.0}")).unwrap_or_default();
    let error = health.last_error.as_deref().map(|class| {
        let meaning = errors::class(class).map_or("", |class| class.meaning).trim_end_matches('.');
        format!("; last error: {class} ({meaning})")
    });
    let error = error.unwrap_or_default();
    let failing = format!("failed {} times in a row{since}", health.failures);
    match (&breaker.paused, admission) {
        (Some(pause), _) => format!("paused since {:.0}: {}", pause.at, pause.why),
        (None, Admission::All) if health.failures > 0 => format!("healthy; {failing}{error}"),
        (None, Admission::All) => "healthy".into(),
        (None, Admission::Probe) => format!("suspended: {failing}{error}; one job runs next as a probe"),
        (None, Admission::Nobody) => match (health.limited_until, health.open_until) {
            (Some(until), _) if until > now => format!("rate limited until {until:.0}, as the system asked"),
            (_, Some(until)) if until > now => format!("suspended: {failing}{error}; next probe at {until:.0}"),
            _ => format!("suspended: {failing}{error}; a probe is under way"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::destinations::breaker::{Outcome, admission, after};
    use storage::destinations::Health;

    #[test]
    fn a_destination_that_is_suspended_says_why_since_when_and_what_comes() {
        let at = |second: i64| Timestamp::new(1_772_359_200 + second, 123_456_789).unwrap();
        let mut health = Health::default();
        assert_eq!(standing_words(&Breaker::default(), Admission::All, at(0)), "healthy");
        for second in 0..5 {
            health = after(&health, Outcome::Failure, at(second), 127);
        }
        health.last_error = Some("unreachable".into());
        let breaker = Breaker { paused: None, health };
        for (second, expected) in [(5, "next probe at 2026-03-01T10:00:0"), (60, "as a probe")] {
            let words = standing_words(&breaker, admission(&breaker, at(second)), at(second));
            assert!(!words.contains("00.1"), "to the second: {words:?}");
            for part in [
                "suspended",
                "failed 5 times",
                "since 2026-03-01T10:00:00Z",
                "unreachable (The system cannot be reached)",
                expected,
            ] {
                assert!(words.contains(part), "{words:?} lacks {part:?}");
            }
        }
    }
}
