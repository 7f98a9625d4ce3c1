//! `milepost reconcile`: compares the systems now. The running server does the work, step by step; the command starts it, follows
//! it and prints what differs.

use crate::log;
use anyhow::{Context as _, Result, bail, ensure};
use application::{
    caller::Caller,
    context::Context,
    operations::replays::from_when,
    reconcile::{self, Started},
};
use clap::Args;
use domain::ids::ReconciliationId;
use jiff::SignedDuration;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use storage::{
    Scope,
    reconciliations::{Difference, DifferenceQuery, Run, RunState, Said, What},
};

/// How often the command looks at the run.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A run that came no further for so long has no server that works on it.
const NO_SERVER: Duration = Duration::from_secs(60);

/// Compare Odoo, Milepost and the service desk, fix what is safe and list the rest.
#[derive(Args)]
pub struct Reconcile {
    /// Compare shipments that ended since then beside those that are open: an age (7d) or a time.
    #[arg(long, value_name = "AGE|TIME", default_value = "7d")]
    since: String,
    /// Fix nothing: list what differs.
    #[arg(long)]
    dry_run: bool,
    /// Set which share of the shipments should agree, in percent (99.5 at first), and compare nothing.
    #[arg(long, value_name = "PERCENT", value_parser = basis_points, conflicts_with_all = ["since", "dry_run", "json"])]
    target: Option<u64>,
    /// Print one JSON object for each difference, and last one for the run.
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        if let Some(target) = self.target {
            reconcile::set_target(&context, &caller, target).await?;
            say!("The target is {}.{:02} %", target / 100, target % 100);
            return Ok(());
        }
        let since = from_when(&self.since, context.now())?;
        let id = match reconcile::start(&context, &caller, since, self.dry_run).await? {
            Started::Run(id) => id,
            Started::Running => bail!("a run is in progress: wait for its end, or stop it on the page Reconciliation"),
        };
        let run = follow(&context, scope, id).await?;
        let (rows, more) = reconcile::export(&context, &caller, DifferenceQuery::default()).await?;
        for row in &rows {
            let owner = row.owner.as_deref();
            if self.json { json(&row.difference, owner) } else { line(&row.difference, owner, &context) }
        }
        if more {
            eprintln!("there are more differences than are listed: filter them on the page Reconciliation");
        }
        self.summary(&run, rows.len());
        ensure!(run.state == RunState::Done, "the run did not end: {}", state(&run));
        Ok(())
    }

    fn summary(&self, run: &Run, differences: usize) {
        let counts = run.counts;
        let agreeing = counts.compared.saturating_sub(counts.differing);
        if self.json {
            let run = serde_json::json!({
                "run": run.id, "state": state(run), "compared": counts.compared, "agreeing": agreeing, "differing": counts.differing,
                "opened": counts.opened, "closed": counts.closed, "fixes": counts.fixes, "tickets": counts.tickets, "dry_run": run.dry_run,
            });
            say!("{run}");
            return;
        }
        let hundredths = agreeing.saturating_mul(10_000).checked_div(counts.compared).unwrap_or(10_000);
        say!(
            "{} of {} agree ({}.{:02} %); {differences} differences are open, {} new, {} gone, {} fixes started",
            agreeing,
            counts.compared,
            hundredths / 100,
            hundredths % 100,
            counts.opened,
            counts.closed,
            counts.fixes
        );
    }
}

/// A percentage with up to two decimals, in hundredths of a percent.
fn basis_points(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 || text.ends_with('.') {
        return Err("give a percentage with up to two decimals, such as 99.5".into());
    }
    format!("{whole}{part:0<2}").parse().map_err(|_| "give a percentage such as 99.5".into())
}

/// Waits for the end of a run, with how far it has come on standard error.
async fn follow(context: &Context, scope: Scope, id: ReconciliationId) -> Result<Run> {
    let (mut last, mut shown, mut moved) = (String::new(), None, Instant::now());
    loop {
        let run = context.store.reconciliations.run(scope, id).await?.context("the run is gone")?;
        if run.state != RunState::Running {
            return Ok(run);
        }
        if run.cursor != last {
            // a step that compares nothing says nothing
            if shown.replace(run.counts.compared) != Some(run.counts.compared) {
                eprintln!("compared {} of {}", run.counts.compared, run.total.max(run.counts.compared));
            }
            (last, moved) = (run.cursor, Instant::now());
        }
        if moved.elapsed() >= NO_SERVER {
            bail!(
                "the run came no further for {}: is a server running (milepost serve), and Odoo's connection in use? It goes on by itself",
                words(NO_SERVER)
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn words(span: Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| "long".to_owned(), |span| format!("{} s", span.as_secs()))
}

fn state(run: &Run) -> &'static str {
    match run.state {
        RunState::Running => "running",
        RunState::Done => "done",
        RunState::Stopped => "stopped",
        RunState::Stalled => "stalled",
    }
}

fn said(said: &Said) -> String {
    match &said.what {
        What::Silent => "-".into(),
        What::Nothing => "none".into(),
        What::Words(words) => words.clone(),
        What::State(state) => state.code().into(),
        What::At(at) => format!("{at:.0}"),
        What::Ticket { number, status, .. } => format!("#{number} {status}"),
    }
}

fn line(difference: &Difference, owner: Option<&str>, context: &Context) {
    let found = &difference.found;
    let age = context.now().duration_since(difference.opened_at);
    let parts = [
        found.topic.label().to_owned(),
        found.name.clone(),
        found.order.clone().unwrap_or_else(|| "unlinked".into()),
        format!("odoo: {}", said(&found.odoo)),
        format!("milepost: {}", said(&found.ours)),
        format!("desk: {}", said(&found.desk)),
        format!("{} h", age.as_hours()),
        found.cause.label().to_owned(),
        found.fix.label().to_owned(),
        owner.unwrap_or("unassigned").to_owned(),
    ];
    say!("{}", parts.map(|part| log::shown(&part)).join("\t"));
}

fn json(difference: &Difference, owner: Option<&str>) {
    let found = &difference.found;
    let line = serde_json::json!({
        "id": found.id, "difference": found.topic, "system": found.subject.system, "record": found.subject.record, "number": found.name,
        "order": found.order, "carrier": found.carrier, "shipment": found.shipment, "odoo": said(&found.odoo), "milepost": said(&found.ours),
        "desk": said(&found.desk), "since": difference.opened_at, "cause": found.cause, "fix": found.fix, "owner": owner,
    });
    say!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_with_up_to_two_decimals() {
        for (text, expected) in [
            ("99.5", Some(9_950)),
            ("100", Some(10_000)),
            ("99.55", Some(9_955)),
            ("0.1", Some(10)),
            ("999", Some(99_900)),
        ] {
            assert_eq!(basis_points(text).ok(), expected, "{text}");
        }
        for odd in ["", ".5", "99.", "99,5", "-1", "99.555", "1000", "a", "99.5 %"] {
            assert!(basis_points(odd).is_err(), "{odd}");
        }
    }
}
