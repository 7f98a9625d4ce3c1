//! `milepost destination`: how the systems that jobs go out to stand; stops one, or lets it go on.

use super::admin::tower;
use crate::{config::Settings, jobs::gate::Admission, usecases::destinations};
use anyhow::Result;
use clap::Subcommand;

/// The systems that jobs go out to.
#[derive(Subcommand)]
pub enum Destination {
    /// Show how each stands.
    List,
    /// Stop one: its jobs wait, nothing is lost.
    Pause {
        /// Its name: odoo, desk or keys.
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
    pub async fn run(self, settings: Settings) -> Result<()> {
        let (tower, scope) = tower(settings).await?;
        match self {
            Self::List => {
                for standing in destinations::standings(&tower, scope).await? {
                    let (gate, health) = (&standing.gate, &standing.gate.health);
                    let how = match (&gate.paused, standing.admission) {
                        (Some(pause), _) => format!("paused since {}: {}", pause.at, pause.why),
                        (None, Admission::All) => "open".into(),
                        (None, Admission::Probe) => "shut, one job is let through next".into(),
                        (None, Admission::Nobody) => match (health.held_until, health.shut_until) {
                            (Some(until), _) if until > tower.now() => format!("asked for peace until {until}"),
                            (_, Some(until)) => format!("shut until {until} after {} failures", health.failures),
                            _ => "shut".into(),
                        },
                    };
                    println!("{}\t{how}", standing.name);
                }
            }
            Self::Pause { name, why } => {
                destinations::pause(&tower, scope, &name, &why).await?;
                println!("{name} is paused: its jobs wait");
            }
            Self::Resume { name } => {
                destinations::resume(&tower, scope, &name).await?;
                println!("{name} goes on");
            }
        }
        Ok(())
    }
}
