//! What codes mean: published by the command line as by the page. A running server takes it up within seconds and reads
//! again what is concerned.

use anyhow::{Context as _, Result};
use application::caller::Caller;
use application::{
    context::Context,
    tracking::mappings::{self, Change},
};
use clap::Subcommand;
use domain::{mapping::Meaning, observation::ProviderCode};
use std::sync::Arc;
use storage::Scope;

/// Mappings of carrier codes.
#[derive(Subcommand)]
pub enum Mapping {
    /// Show the published versions, newest first.
    List,
    /// Show the codes that no mapping knows, most frequent first.
    Unmapped,
    /// Publish the mapping of a code.
    Set {
        /// The code's list, e.g. aftership.subtag.
        list: String,
        /// The code.
        code: String,
        /// MILESTONE or MILESTONE|REASON, e.g. `IN_TRANSIT` or `INFO|DAMAGED`; `-` removes the published mapping.
        meaning: String,
        /// The reason, for others and for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Roll back to an earlier version; 0 is the built-in mapping.
    Rollback {
        /// The version.
        version: u32,
        /// The reason, for others and for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

impl Mapping {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List => {
                for version in context.store.mappings.history(scope).await? {
                    let codes: usize = version.overlay.values().map(|codes| codes.len()).sum();
                    say!("{}\t{:.0}\t{codes} codes\t{}", version.version, version.at, version.why);
                }
                say!("0\tbuilt-in mapping");
            }
            Self::Unmapped => {
                for seen in context.store.mappings.unmapped(scope).await? {
                    say!(
                        "{}\t{}\t{} observations\t{} shipments\tlast {:.0}",
                        seen.code.list,
                        seen.code.value,
                        seen.observations,
                        seen.shipments,
                        seen.last_seen
                    );
                }
            }
            Self::Set { list, code, meaning, why } => {
                let code = ProviderCode::new(&list, code);
                let meaning = Some(meaning).filter(|meaning| meaning != "-");
                if let Some(text) = &meaning {
                    Meaning::parse(text).with_context(|| {
                        format!("{text:?} is no meaning: write MILESTONE or MILESTONE|REASON, e.g. INFO|DAMAGED")
                    })?;
                }
                let observations = context.store.mappings.count_with(scope, vec![code.clone()]).await?;
                let version =
                    mappings::publish(&context, &Caller::trusted(scope), Change { code, meaning, why }).await?;
                say!("version {version} is published; {observations} events are reprocessed");
            }
            Self::Rollback { version, why } => {
                let new = mappings::roll_back(&context, &Caller::trusted(scope), version, why).await?;
                say!("version {new} is published; it is the same as version {version}");
            }
        }
        Ok(())
    }
}
