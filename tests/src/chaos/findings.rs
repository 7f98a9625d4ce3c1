//! The questions at the end: is everything that was acknowledged there, and was everything posted once?

use super::{engine::Database, now, outside::Outside, story::Story};
use crate::Installation;
use anyhow::{Context, Result, ensure};
use domain::ids::MessageId;
use simulator::{desk::Ticket, odoo::Open};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use storage::{
    AuditEntry, Scope, Store,
    inbox::MessageStatus,
    jobs::{JobFilter, JobSelection},
};

/// How often a person takes dead letters up again before that counts as hopeless.
const RETRIES_MAX: u32 = 3;
/// Nothing left to do in so many looks in a row is the end.
const CALM_LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(100);

/// What is wrong.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What should be there and is not.
    pub lost: Vec<String>,
    /// What is there more than once.
    pub doubled: Vec<String>,
    /// What else should not be so.
    pub wrong: Vec<String>,
}

impl Findings {
    /// Both.
    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.wrong.extend(other.wrong);
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }
}

/// Dead letters: whether what was done to the installation may make any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetters {
    /// None may be there.
    None,
    /// A person finds them and takes them up again.
    TakenUp,
}

/// Waits until nothing is left to do; how many dead letters were retried.
///
/// # Errors
/// When work is left over after `patience`.
pub async fn drained(
    store: &Store,
    scope: Scope,
    patience: Duration,
    letters: DeadLetters,
    installation: &Installation,
) -> Result<u64> {
    let (end, mut calm, mut retried, mut retries) = (Instant::now() + patience, 0, 0, 0);
    loop {
        let (mut busy, mut dead) = (0, 0);
        for destination in store.jobs.summary(scope, now()).await? {
            busy += destination.pending + destination.retrying;
            dead += destination.dead;
        }
        if busy == 0 && dead > 0 && letters == DeadLetters::TakenUp && retries < RETRIES_MAX {
            retries += 1;
            retried += take_up(installation, store, scope).await?;
            calm = 0;
            continue;
        }
        // an import comes every few seconds and is no news
        calm = if busy == 0 { calm + 1 } else { 0 };
        if calm >= CALM_LOOKS {
            return Ok(retried);
        }
        ensure!(
            Instant::now() < end,
            "after {patience:?} there is work left: {:?}\n{}",
            store.jobs.summary(scope, now()).await?,
            tail(&installation.log())
        );
        tokio::time::sleep(LOOK).await;
    }
}

async fn take_up(installation: &Installation, store: &Store, scope: Scope) -> Result<u64> {
    let line = AuditEntry::new(installation.vault()?.audit_key(), now(), "jobs.retry", "jobs:dead");
    Ok(store.jobs.retry(scope, JobSelection::default(), now(), line).await?.take)
}

/// Looks at the store, the simulated Odoo and the simulated desk.
///
/// # Errors
/// When the database cannot be read.
pub async fn examine(
    outside: &Outside,
    database: &Database,
    installation: &Installation,
    acknowledged: &[String],
) -> Result<(Findings, u64)> {
    let (store, scope) = database.open(installation.data()).await?;
    let mut findings = Findings::default();
    for id in acknowledged {
        let id: MessageId = id.parse().context("a message's id")?;
        match store.inbox.message_and_body(scope, id).await? {
            None => findings.lost.push(format!("message {id} was acknowledged and is gone")),
            Some((message, _)) if !matches!(message.status, MessageStatus::Normalised { observations: 1.., .. }) => {
                findings.lost.push(format!("message {id} was not read: {:?}", message.status));
            }
            Some((_, None)) => findings.lost.push(format!("message {id} has no body")),
            Some(_) => {}
        }
    }
    for job in store.jobs.list(scope, JobFilter::Failed, JobSelection::default(), None).await?.rows {
        findings.wrong.push(format!(
            "dead: {} {}: {}",
            job.job.kind.code(),
            job.job.target,
            job.class.unwrap_or_default()
        ));
    }
    let tickets = outside.desk.tickets();
    let mut effects = 0;
    for story in &outside.stories {
        effects += of_story(outside, story, &tickets, &mut findings);
    }
    Ok((findings, effects))
}

/// Looks at one shipment; how many effects it has.
fn of_story(outside: &Outside, story: &Story, all: &[Ticket], findings: &mut Findings) -> u64 {
    let name = format!("{} ({:?})", story.shipment.number, story.plot);
    let text = |field: &str| outside.odoo.value(story.picking, field).as_str().map(str::to_owned);
    let (state, exception) = (text("x_milepost_status"), text("x_milepost_exception"));
    if state.as_deref() != Some(story.plot.state()) || exception.as_deref() != story.plot.exception() {
        findings.lost.push(format!("{name}: the delivery says {state:?}, {exception:?}"));
    }
    let notes = outside.odoo.notes(story.picking);
    each_once(&format!("{name}: message id"), notes.iter().map(|(id, _)| id.clone()), findings);
    let ours = notes.iter().filter(|(id, _)| id.contains("milepost"));
    let posted: Vec<String> = ours.map(|(_, body)| heading(body)).collect();
    exactly(&format!("{name}: note"), &posted, &story.notes(), findings);

    let activities = outside.odoo.activities(story.picking);
    let open = activities.iter().filter(|(_, open)| *open == Open::Todo).count();
    let (asked, opened) = story.plot.calls_for();
    counted(&format!("{name}: activities"), activities.len(), &asked, findings);
    counted(&format!("{name}: activities to be done"), open, &asked, findings);

    let tickets = outside.tickets(all, story);
    counted(&format!("{name}: tickets"), tickets.len(), &opened, findings);
    let mut texts = 0;
    for ticket in &tickets {
        texts += ticket.texts.len() as u64;
        each_once(&format!("{name}: ticket text"), ticket.texts.iter().map(|(subject, _)| subject.clone()), findings);
        let delivered = ticket.texts.iter().skip(1).filter(|(_, text)| text.ends_with(": Delivered.")).count();
        if story.plot.ends_after_ticket() {
            counted(&format!("{name}: ticket says that it was delivered"), delivered, &(1..=1), findings);
        }
        let settled = ticket.status == "resolved";
        if settled != (story.plot.exception().is_none()) {
            findings.lost.push(format!("{name}: the ticket is {}", ticket.status));
        }
    }
    notes.len() as u64 + activities.len() as u64 + texts
}

fn heading(html: &str) -> String {
    let inner = html.split_once("<b>").and_then(|(_, rest)| rest.split_once("</b>"));
    inner.map_or_else(|| html.to_owned(), |(inner, _)| inner.to_owned())
}

fn each_once(what: &str, items: impl Iterator<Item = String>, findings: &mut Findings) {
    let mut counts: HashMap<String, u32> = HashMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    let several = counts.into_iter().filter(|(_, n)| *n > 1);
    findings.doubled.extend(several.map(|(item, n)| format!("{what} {item:?} is there {n} times")));
}

fn exactly(what: &str, found: &[String], expected: &[&str], findings: &mut Findings) {
    each_once(what, found.iter().cloned(), findings);
    let missing = expected.iter().filter(|e| !found.iter().any(|f| f == *e));
    findings.lost.extend(missing.map(|e| format!("{what} {e:?} is not there")));
    let strange = found.iter().filter(|f| !expected.contains(&f.as_str()));
    findings.wrong.extend(strange.map(|f| format!("{what} {f:?} is not expected")));
}

fn counted(what: &str, found: usize, expected: &std::ops::RangeInclusive<usize>, findings: &mut Findings) {
    if found < *expected.start() {
        findings.lost.push(format!("{what}: {found}, should be {expected:?}"));
    } else if found > *expected.end() {
        findings.doubled.push(format!("{what}: {found}, should be {expected:?}"));
    }
}

/// The last lines of a log, each not too long.
pub fn tail(log: &str) -> String {
    const LINES: usize = 4;
    const CHARS: usize = 200;
    let lines: Vec<String> = log.lines().map(|line| line.chars().take(CHARS).collect()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n    ")
}
