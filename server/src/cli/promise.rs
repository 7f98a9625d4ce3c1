//! `milepost promise`: by when shipments should arrive whose orders promise nothing.

use anyhow::Result;
use application::caller::Caller;
use application::{
    context::Context,
    rules::promises::{self, Switch},
};
use clap::Subcommand;
use domain::promise::PromiseRule;
use std::sync::Arc;
use storage::Scope;

/// Promise rules. An order's own date (Odoo: Delivery Date) always counts first; without one the most precise rule that fits
/// promises so many working days from the day of shipping, once the rules are on. A change is applied to every delivery by the
/// next import.
#[derive(Subcommand)]
pub enum Promise {
    /// Show the rules, and whether they are on.
    List,
    /// Make a rule, or replace the one of this name.
    Put {
        /// Its name.
        name: String,
        /// Working days (Monday to Friday at most destinations) after the day of shipping.
        #[arg(long, value_name = "N")]
        days: u32,
        /// Only for this carrier, e.g. dhl.
        #[arg(long, value_name = "NAME")]
        carrier: Option<String>,
        /// Only for shipping methods with this word, e.g. express.
        #[arg(long, value_name = "WORD")]
        service: Option<String>,
        /// Only for this country of destination (two letters), or EU for all of the European Union.
        #[arg(long, value_name = "CODE")]
        country: Option<String>,
    },
    /// Remove a rule.
    Remove {
        /// Its name.
        name: String,
    },
    /// Let the rules promise.
    On,
    /// Let them promise nothing: only orders that name a date have a promise.
    Off,
}

impl Promise {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List => {
                let kept = promises::rules(&context, scope).await?;
                say!("promise rules are {}", if kept.on { "on" } else { "off (milepost promise on)" });
                for rule in kept.rules {
                    let any = |part: Option<String>| part.unwrap_or_else(|| "any".into());
                    say!(
                        "{}\tcarrier {}\tservice {}\tcountry {}\t{} working days",
                        rule.name,
                        any(rule.carrier),
                        any(rule.service),
                        any(rule.country),
                        rule.days
                    );
                }
            }
            Self::Put { name, days, carrier, service, country } => {
                let rule = PromiseRule { name: name.clone(), carrier, service, country, days };
                promises::put(&context, &Caller::trusted(scope), rule).await?;
                say!("promise rule {name} is kept; the next import applies it");
            }
            Self::Remove { name } => {
                promises::remove(&context, &Caller::trusted(scope), &name).await?;
                say!("promise rule {name} is removed; the next import applies it");
            }
            Self::On => {
                promises::switch(&context, &Caller::trusted(scope), Switch::On).await?;
                say!("promise rules are on; the next import applies them to every delivery");
            }
            Self::Off => {
                promises::switch(&context, &Caller::trusted(scope), Switch::Off).await?;
                say!("promise rules are off; the next import takes their promises back");
            }
        }
        Ok(())
    }
}
