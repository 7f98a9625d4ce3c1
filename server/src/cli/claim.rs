//! `milepost claim`: claims against carriers.

use anyhow::{Context as _, Result, bail};
use application::{
    caller::Caller,
    claims::{self, Change, NewByHand, Presence, deadlines},
    context::Context,
    tracking::read,
};
use clap::Subcommand;
use domain::{
    claims::{ClaimNumber, ClaimReason, Stage, Step},
    ids::ShipmentId,
    money::Money,
};
use jiff::civil::Date;
use std::{fs, path::PathBuf, sync::Arc};
use storage::{Scope, claims::ClaimQuery};

/// Claims against carriers: for damage, loss, missing pieces, and guaranteed delivery that came late.
#[derive(Subcommand)]
pub enum Claim {
    /// List claims by deadline, and what they add up to.
    List {
        /// Only those in this list: to_file, waiting, paid, rejected, closed.
        #[arg(long, value_name = "LIST")]
        list: Option<String>,
    },
    /// Show one with its evidence and history.
    Show {
        /// Its number, e.g. CL-0031.
        number: ClaimNumber,
    },
    /// Raise one.
    Raise {
        /// The shipment: its id, tracking number, order or transfer.
        shipment: String,
        /// What for: damaged, lost, missing_pieces, late_guaranteed.
        #[arg(long)]
        reason: String,
        /// The amount with its currency, e.g. "1140.50 EUR"; without: as Odoo says.
        #[arg(long, value_name = "AMOUNT CURRENCY")]
        amount: Option<String>,
        /// What happened.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Mark one as filed with the carrier.
    File {
        /// Its number.
        number: ClaimNumber,
        /// The carrier's number for it.
        #[arg(long)]
        reference: Option<String>,
        /// By when the carrier should answer, e.g. 2026-12-24; without: as usual for the carrier.
        #[arg(long, value_name = "DAY")]
        answer_by: Option<Date>,
    },
    /// Write the bundle of one into a folder. It has names and photos: that it was made is in the audit trail.
    Bundle {
        /// Its number.
        number: ClaimNumber,
        /// The folder.
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        to: PathBuf,
    },
    /// Until when carriers take claims.
    #[command(subcommand)]
    Deadlines(Deadlines),
}

/// The rules: a JSON list. See docs/CLAIMS.md.
#[derive(Subcommand)]
pub enum Deadlines {
    /// Write the rules out.
    Show,
    /// Put the rules of this file in place of those that are there. Open claims keep their deadline.
    Put {
        /// A JSON file.
        file: PathBuf,
    },
}

impl Claim {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List { list } => print_list(&context, &caller, list.as_deref()).await,
            Self::Show { number } => show(&context, &caller, number).await,
            Self::Raise { shipment, reason, amount, note } => {
                let reason = ClaimReason::from_code(&reason)
                    .with_context(|| format!("{reason:?} is no reason for a claim: see --help"))?;
                let amount = amount.as_deref().map(money).transpose()?;
                let shipment = found(&context, &caller, &shipment).await?;
                let new = NewByHand { shipment, reason, amount, note };
                say!("{} is raised", claims::raise_by_hand(&context, &caller, new).await?);
                Ok(())
            }
            Self::File { number, reference, answer_by } => {
                let change = Change::Step { step: Step::File { reference, answer_by }, why: None };
                let filed = claims::change(&context, &caller, number, None, change).await?;
                let late = if filed.missed { "; the deadline had passed" } else { "" };
                say!("{number} is filed{late}");
                Ok(())
            }
            Self::Bundle { number, to } => {
                let bundle = claims::bundle::bundle(&context, &caller, number).await?;
                let path = to.join(&bundle.name);
                fs::write(&path, &bundle.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
                say!("{}", path.display());
                Ok(())
            }
            Self::Deadlines(deadlines) => deadlines.run(&context, &caller).await,
        }
    }
}

/// An amount with its currency behind it.
fn money(text: &str) -> Result<Money> {
    let (amount, currency) = text.trim().rsplit_once(' ').context("write the amount like \"1140.50 EUR\"")?;
    Money::typed(amount, currency).with_context(|| format!("{text:?} is no amount"))
}

async fn found(context: &Context, caller: &Caller, text: &str) -> Result<ShipmentId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let found = read::find(context, caller, text).await?;
    found.with_context(|| format!("there is not exactly one shipment under {text:?}"))
}

async fn print_list(context: &Context, caller: &Caller, list: Option<&str>) -> Result<()> {
    let stage = match list {
        None => None,
        Some(word) => match Stage::from_code(word) {
            Some(stage) => Some(stage),
            None => bail!("{word:?} is no list of claims: see --help"),
        },
    };
    let (rows, more) = claims::export(context, caller, ClaimQuery { stage, cursor: None }).await?;
    for row in &rows {
        let (record, claim) = (&row.record, &row.record.claim);
        let amount = |money: Option<Money>| money.map_or_else(|| "-".into(), |money| money.to_string());
        let parts = [
            record.number.to_string(),
            claim.reason.label().to_owned(),
            record.about.tracking.clone().unwrap_or_else(|| "-".into()),
            record.about.carrier.clone().unwrap_or_else(|| "-".into()),
            claim.status.code().to_owned(),
            claim.due().map_or_else(|| "-".into(), |day| day.to_string()),
            amount(claim.claimed),
            amount(claim.paid),
            if record.missed { "deadline missed" } else { "" }.to_owned(),
        ];
        say!("{}", parts.map(|part| crate::log::shown(&part)).join("\t"));
    }
    if rows.is_empty() {
        say!("no claims");
    }
    if more {
        eprintln!("there are more claims than are listed: use --list");
    }
    Ok(())
}

async fn show(context: &Context, caller: &Caller, number: ClaimNumber) -> Result<()> {
    let shown = claims::claim(context, caller, number).await?;
    let (record, claim) = (&shown.record, &shown.record.claim);
    say!("{number}: {}, {}", claim.reason.label(), claim.status.label());
    say!("shipment {}", record.shipment);
    for (label, money) in [("claimed", claim.claimed), ("offered", claim.offered), ("paid", claim.paid)] {
        if let Some(money) = money {
            say!("{label} {money}");
        }
    }
    for (label, day) in [("file by", claim.file_by), ("filed on", claim.filed_on), ("answer by", claim.answer_by)] {
        if let Some(day) = day {
            say!("{label} {day}");
        }
    }
    if let Some(rule) = &record.about.rule {
        let check = if rule.check_contract { "; check your contract" } else { "" };
        say!("deadline: {} ({}){check}", rule.words, rule.source);
    }
    for piece in &shown.evidence {
        let (mark, said) = match &piece.presence {
            Presence::Present(what) => ("there", what),
            Presence::Missing(what) => ("missing", what),
        };
        say!("{mark}\t{}\t{}", piece.kind.label(), crate::log::shown(said));
    }
    for done in &shown.history {
        say!("{:.0}\t{}", done.at, done.action);
    }
    Ok(())
}

impl Deadlines {
    async fn run(self, context: &Context, caller: &Caller) -> Result<()> {
        match self {
            Self::Show => {
                let (rules, _) = deadlines::rules(context, caller).await?;
                say!("{}", serde_json::to_string_pretty(&rules)?);
            }
            Self::Put { file } => {
                let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
                deadlines::put_text(context, caller, &text).await?;
                say!("the rules are kept; they count for claims that are raised from now on");
            }
        }
        Ok(())
    }
}
