//! `milepost customer`: what customers want.

use anyhow::{Context as _, Result};
use application::{
    caller::Caller,
    context::Context,
    rules::message::{self, Wish},
};
use clap::Subcommand;
use std::sync::Arc;
use storage::Scope;

/// What customers want. Each reads the e-mail address from standard input; it is kept nowhere, only a keyed digest of it.
#[derive(Subcommand)]
pub enum Customer {
    /// The customer objected: rules send no more messages to this address.
    Objects,
    /// The customer wants messages again, as the rules say.
    Agrees,
}

impl Customer {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let mut address = String::new();
        std::io::stdin().read_line(&mut address).context("the address cannot be read from standard input")?;
        let (wish, done) = match self {
            Self::Objects => (Wish::None, "rules send no more messages to this address"),
            Self::Agrees => (Wish::AsRulesSay, "rules send messages to this address again"),
        };
        message::set_wish(&context, &Caller::trusted(scope), address.trim(), wish).await?;
        say!("{done}");
        Ok(())
    }
}
