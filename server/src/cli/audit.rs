//! `milepost audit`: the audit trail, read and checked.

use super::admin::context;
use crate::{config::Settings, log};
use anyhow::{Context as _, Result, ensure};
use application::{
    audit::{
        self, Opened,
        anchor::{self, Fault, Former, Report},
    },
    context::Context,
    governance::tombstones,
    keys::sealed_audit,
    operations::replays::from_when,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};
use storage::{
    Actor, Scope,
    audit::{ACCEPTED, Line},
    people::AuditRecord,
};

/// Lines of one read.
const READ_LINES: u32 = 500;
/// Lines that are shown where no other limit is given.
const LIST_LINES: u32 = 100;

/// The audit trail.
#[derive(Subcommand)]
pub enum Audit {
    /// Show lines, newest first: line, when, who, action, subject, reason.
    #[command(visible_alias = "tail")]
    List(Lines),
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

/// Which lines are shown.
#[derive(Args)]
pub struct Lines {
    /// Only those about this, e.g. exception:<id>.
    #[arg(long)]
    subject: Option<String>,
    /// Only what this one did: a login, user:<id>, operator (the command line) or system.
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only this action (exception.resolve), or all of a kind (exception).
    #[arg(long)]
    action: Option<String>,
    /// Only of at most so long ago (24h, 7d), or since a time.
    #[arg(long, value_name = "WHEN", default_value = "", hide_default_value = true)]
    since: String,
    /// So many at most.
    #[arg(long, default_value_t = LIST_LINES, value_name = "N")]
    limit: u32,
}

impl Audit {
    /// Does it.
    pub async fn run(self, settings: Settings) -> Result<ExitCode> {
        let (context, scope) = context(settings).await?;
        match self {
            Self::List(lines) => lines.print(&context, scope, &mut BufWriter::new(std::io::stdout())).await?,
            Self::Check => return check(&context, scope).await,
            Self::Export { after } => export(&context, scope, after).await?,
            Self::Accept { why } => accept(&context, scope, &why).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Anchors what a command wrote, where there is an anchor. What is wrong is said; what the command did is done.
pub(super) async fn anchored(context: &Context) {
    let wrong = match anchor::follow(context).await {
        Ok(Ok(_) | Err(Fault::Missing(_))) => return,
        Ok(Err(fault)) => fault.to_string(),
        Err(error) => error.to_string(),
    };
    eprintln!("milepost: audit trail: {}", log::shown(&wrong));
}

impl Lines {
    /// Reads the trail backwards and writes what is asked for, read by read.
    async fn print(self, context: &Context, scope: Scope, out: &mut impl Write) -> Result<()> {
        let actor = match &self.actor {
            Some(name) => Some(actor(context, scope, name).await?),
            None => None,
        };
        let since = from_when(&self.since, context.now())?;
        let is_of = |action: &str, asked: &str| {
            action.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let fits = |line: &AuditRecord| {
            actor.is_none_or(|actor| line.actor == actor)
                && self.action.as_ref().is_none_or(|asked| is_of(&line.entry.action, asked))
                && since.is_none_or(|since| line.entry.at >= since)
        };
        let (mut left, mut before) = (self.limit as usize, None);
        while left > 0 {
            let lines = context.store.people.audit_before(scope, self.subject.clone(), before, READ_LINES).await?;
            let Some(last) = lines.last() else { break };
            before = Some(last.seq);
            // nodes' clocks differ, but never by a whole read
            let over = since.is_some_and(|since| lines.iter().all(|line| line.entry.at < since));
            let shown: Vec<_> = lines.iter().filter(|line| fits(line)).take(left).collect();
            let opened = Opened::read(context, scope, shown.iter().map(|line| &line.entry)).await?;
            for line in &shown {
                writeln!(out, "{}", shown_line(line, &opened))?;
            }
            out.flush()?;
            left -= shown.len();
            if over {
                break;
            }
        }
        Ok(out.flush()?)
    }
}

/// Whom `--actor` names.
async fn actor(context: &Context, scope: Scope, name: &str) -> Result<Actor> {
    if let Some(id) = name.strip_prefix("user:") {
        let id = id.parse().with_context(|| format!("{name:?} is no user:<id>, as the trail shows one"))?;
        return Ok(Actor::User(id));
    }
    Ok(match name {
        "operator" => Actor::Operator,
        "system" => Actor::System,
        login => Actor::User(super::people::of_login(context, scope, login).await?.id),
    })
}

fn shown_line(line: &AuditRecord, opened: &Opened) -> String {
    let who = match line.actor {
        Actor::User(id) => format!("user:{id}"),
        Actor::Operator => "operator".into(),
        Actor::System => "system".into(),
    };
    let AuditRecord { seq, entry, .. } = line;
    let why = opened.why(entry.why.as_ref()).unwrap_or_default();
    format!("{seq}\t{:.0}\t{who}\t{}\t{}\t{}", entry.at, entry.action, entry.subject, log::shown(&why))
}

async fn check(context: &Context, scope: Scope) -> Result<ExitCode> {
    let Report { lines, faults, anchor } = anchor::check(context, scope).await?;
    for Former { head, action, from } in anchor.iter().flat_map(|anchor| &anchor.former) {
        say!(
            "note: line {} was the newest at {:.0}; the trail went on from line {from} ({action})",
            head.line,
            head.at
        );
    }
    if !faults.is_empty() {
        faults.iter().for_each(|fault| say!("FAIL: {fault}"));
        return Ok(ExitCode::FAILURE);
    }
    say!("the chain holds, {lines} lines");
    Ok(ExitCode::SUCCESS)
}

async fn export(context: &Context, scope: Scope, mut after: i64) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    loop {
        let lines = context.store.people.audit_lines(scope, Some(after), READ_LINES).await?;
        let Some(last) = lines.last() else { return Ok(out.flush()?) };
        after = last.seq;
        let subjects = lines.iter().flat_map(Line::sealed).flatten().map(|sealed| sealed.subject).collect();
        let opened = Opened::of(context, scope, subjects).await?;
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

async fn accept(context: &Context, scope: Scope, why: &str) -> Result<()> {
    let Report { faults, .. } = anchor::check(context, scope).await?;
    let lacking = tombstones::check(context).await?.map(|lacking| lacking.to_string());
    let found: Vec<String> = faults.iter().map(ToString::to_string).chain(lacking).collect();
    let after = sealed_audit(context, scope, &json!({ "found": found })).await?;
    let why = audit::reason(context, scope, why).await?;
    context.store.people.audit(scope, context.audit(ACCEPTED, "audit").after(after).why(Some(why))).await?;
    anchor::anew(context, scope, ACCEPTED).await?;
    tombstones::remember(context).await?;
    found.iter().for_each(|found| say!("accepted: {found}"));
    let left = anchor::check(context, scope).await?.faults;
    ensure!(left.is_empty(), "{}", left.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    say!("the trail goes on from here");
    Ok(())
}
