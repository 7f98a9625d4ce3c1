//! `milepost audit`: the audit trail, read and checked.

use super::admin::tower;
use crate::{
    config::Settings,
    log,
    tower::Tower,
    usecases::{
        audit::{
            self, Opened,
            anchor::{self, Fault, Former, Report},
        },
        people::sealed_audit,
        tombstones,
    },
};
use anyhow::{Result, ensure};
use clap::Subcommand;
use serde_json::{Value, json};
use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};
use storage::{
    Actor, Scope,
    audit::{ACCEPTED, Line},
};

/// Lines of one read.
const EXPORT_LINES: u32 = 500;

/// The audit trail.
#[derive(Subcommand)]
pub enum Audit {
    /// Show the newest lines.
    #[command(visible_alias = "tail")]
    List {
        /// Only those about this, e.g. exception:<id>.
        #[arg(long)]
        subject: Option<String>,
        /// So many at most.
        #[arg(long, default_value_t = storage::limits::PAGE_ROWS, value_name = "N")]
        limit: u32,
    },
    /// Walk the whole chain, and hold it against the anchor, the file outside of the database; exit code 1 when something is
    /// wrong.
    Check,
    /// Print every line as JSON, oldest first, with the reasons and values that were not erased: personal data.
    Export {
        /// Begin behind this line.
        #[arg(long, default_value_t = 0, value_name = "LINE")]
        after: i64,
    },
    /// Go on with the trail and the list of erasures as they are now: after a backup that was put in place by hand, when the
    /// anchor or the list is lost, or when lines were changed and no backup has them. The trail keeps that it was done; nodes
    /// with an anchor of their own accept for themselves.
    Accept {
        /// The reason.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

impl Audit {
    /// Does it.
    pub async fn run(self, settings: Settings) -> Result<ExitCode> {
        let (tower, scope) = tower(settings).await?;
        match self {
            Self::List { subject, limit } => list(&tower, scope, subject, limit).await?,
            Self::Check => return check(&tower, scope).await,
            Self::Export { after } => export(&tower, scope, after).await?,
            Self::Accept { why } => accept(&tower, scope, &why).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Anchors what a command wrote, where there is an anchor. What is wrong is said; what the command did is done.
pub(super) async fn anchored(tower: &Tower) {
    let wrong = match anchor::follow(tower).await {
        Ok(Ok(_) | Err(Fault::Missing(_))) => return,
        Ok(Err(fault)) => fault.to_string(),
        Err(error) => error.to_string(),
    };
    eprintln!("milepost: audit trail: {}", log::shown(&wrong));
}

async fn list(tower: &Tower, scope: Scope, subject: Option<String>, limit: u32) -> Result<()> {
    let lines = tower.store.people.audit_trail(scope, subject, limit).await?;
    let opened = Opened::read(tower, scope, lines.iter().map(|line| &line.entry)).await?;
    for line in &lines {
        let who = match line.actor {
            Actor::User(id) => format!("user:{id}"),
            Actor::Operator => "command line".into(),
            Actor::System => "system".into(),
        };
        let entry = &line.entry;
        let why = opened.why(entry.why.as_ref()).unwrap_or_default();
        println!("{}\t{}\t{who}\t{}\t{}\t{}", line.seq, entry.at, entry.action, entry.subject, log::shown(&why));
    }
    Ok(())
}

async fn check(tower: &Tower, scope: Scope) -> Result<ExitCode> {
    let Report { lines, faults, anchor } = anchor::check(tower, scope).await?;
    for Former { head, action, from } in anchor.iter().flat_map(|anchor| &anchor.former) {
        println!(
            "note: line {} was the newest at {}; the trail went on from line {from} ({action})",
            head.line, head.at
        );
    }
    if !faults.is_empty() {
        faults.iter().for_each(|fault| println!("FAIL: {fault}"));
        return Ok(ExitCode::FAILURE);
    }
    println!("the chain holds, {lines} lines");
    Ok(ExitCode::SUCCESS)
}

async fn export(tower: &Tower, scope: Scope, mut after: i64) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    loop {
        let lines = tower.store.people.audit_lines(scope, Some(after), EXPORT_LINES).await?;
        let Some(last) = lines.last() else { return Ok(out.flush()?) };
        after = last.seq;
        let subjects = lines.iter().flat_map(Line::sealed).flatten().map(|sealed| sealed.subject).collect();
        let opened = Opened::of(tower, scope, subjects).await?;
        for line in &lines {
            serde_json::to_writer(&mut out, &exported(line, &opened))?;
            writeln!(out)?;
        }
    }
}

/// A line with what can be opened of it; what cannot was erased.
fn exported(line: &Line, opened: &Opened) -> Value {
    const ERASED: &str = "(erased)";
    let [before, after, why] = line.sealed();
    let value = |sealed: Option<storage::Sealed>| {
        sealed.map(|sealed| opened.value(Some(&sealed)).unwrap_or_else(|| ERASED.into()))
    };
    let why = why.map(|why| opened.why(Some(&why)).unwrap_or_else(|| ERASED.to_owned()));
    json!({
        "line": line.seq,
        "at": jiff::Timestamp::from_microsecond(line.at).ok(),
        "actor": serde_json::from_str::<Value>(&line.actor).ok(),
        "action": line.action,
        "subject": line.subject,
        "before": value(before),
        "after": value(after),
        "why": why,
        "mac": line.mac.as_ref().map(|mac| mac.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    })
}

async fn accept(tower: &Tower, scope: Scope, why: &str) -> Result<()> {
    let Report { faults, .. } = anchor::check(tower, scope).await?;
    let lacking = tombstones::check(tower).await?.map(|lacking| lacking.to_string());
    let found: Vec<String> = faults.iter().map(ToString::to_string).chain(lacking).collect();
    let after = sealed_audit(tower, scope, &json!({ "found": found })).await?;
    let why = audit::reason(tower, scope, why).await?;
    tower.store.people.audit(scope, tower.audit(ACCEPTED, "audit").after(after).why(Some(why))).await?;
    anchor::anew(tower, scope, ACCEPTED).await?;
    tombstones::remember(tower).await?;
    found.iter().for_each(|found| println!("accepted: {found}"));
    let left = anchor::check(tower, scope).await?.faults;
    ensure!(left.is_empty(), "{}", left.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    println!("the trail goes on from here");
    Ok(())
}
