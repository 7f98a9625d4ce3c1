//! `milepost schedule`: when the clock starts which work.

use crate::log;
use anyhow::Result;
use application::{caller::Caller, context::Context, jobs};
use clap::Subcommand;
use std::sync::Arc;
use storage::{Scope, schedules::Schedule as Kept};

/// When the clock starts which work.
#[derive(Subcommand)]
pub enum Schedule {
    /// List schedules: name, expression, time zone, next start, last start.
    List,
    /// Change when something starts. How often a connection is called is one of its settings and changed there.
    Set {
        /// Its name.
        name: String,
        /// An interval ("every 600 s"), or a cron expression ("0 7 * * MON-FRI").
        expression: String,
        /// The time zone of a cron expression.
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        zone: String,
    },
}

impl Schedule {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List => {
                for schedule in jobs::schedules(&context, &caller).await? {
                    say!("{}", line(&schedule));
                }
            }
            Self::Set { name, expression, zone } => {
                let schedule = jobs::reschedule(&context, &caller, &name, &expression, &zone).await?;
                say!("{name} starts next at {:.0}", schedule.next_at);
            }
        }
        Ok(())
    }
}

fn line(schedule: &Kept) -> String {
    let last = schedule.last_at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
    let next = format!("{:.0}", schedule.next_at);
    [&schedule.name, &schedule.expression, &schedule.zone, &next, &last].map(|part| log::shown(part)).join("\t")
}
