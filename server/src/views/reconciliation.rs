//! Where the systems differ, for the pages.

use super::{
    Asker, given, id,
    times::{Times, exact_span, span_words},
    words::who,
};
use app::contract::{
    ApiError, ApiResult,
    connections::percent,
    reconciliation::{
        Age, DayView, DifferenceView, Owned, PreviewView, ReconciliationQuery, ReconciliationView, RunRow, RunningView,
        SaidView, ShareView, Tab,
    },
    session::Permission,
};
use application::reconcile::{self, Listed, Overview, Planned, Progress, RunView, StepState};
use application::words::{csv_cut, csv_line};
use async_trait::async_trait;
use domain::{
    ids::{DifferenceId, UserId},
    reconcile::{Cause, Choice, Fix, Group, Topic},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use storage::reconciliations::{DifferenceQuery, Resolution, RunState, Said, Share, What, Which};

/// Differences that are previewed at once.
const PREVIEWED_MAX: usize = 500;
/// In place of ids: every one that is safe to fix.
const ALL_SAFE: &str = "safe";
/// A share in full, in hundredths of a percent.
const WHOLE: u64 = 10_000;

/// Reconciliation.
pub struct ReconciliationPort(pub Asker);

impl ReconciliationPort {
    fn question(&self, query: &ReconciliationQuery, now: Timestamp) -> DifferenceQuery {
        let ago = |hours: i64| now.checked_sub(SignedDuration::from_hours(hours)).ok();
        let (opened_since, opened_before) = match query.age {
            Age::Any => (None, None),
            Age::Hour => (ago(1), None),
            Age::Day => (ago(24), ago(1)),
            Age::Older => (None, ago(24)),
        };
        DifferenceQuery {
            which: match query.view {
                Tab::All | Tab::Runs => Which::Open,
                Tab::Safe => Which::Of(Group::Safe),
                Tab::Decision => Which::Of(Group::Decision),
                Tab::Waits => Which::Of(Group::Waits),
                Tab::Fixed => Which::FixedSince(midnight(now, &self.0)),
            },
            // a word that is none selects nothing less
            topic: Topic::from_code(&query.field),
            system: given(query.system.clone()),
            cause: Cause::from_code(&query.cause),
            carrier: given(query.carrier.clone()),
            owner: match query.owner {
                Owned::Any => None,
                Owned::Mine => Some(self.me()),
                Owned::Unassigned => Some(None),
            },
            opened_before,
            opened_since,
            cursor: given(query.cursor.clone()),
        }
    }

    fn me(&self) -> Option<UserId> {
        self.0.user.as_ref().map(|user| user.id)
    }

    /// What a fix of the chosen ones comes to; none where none is chosen.
    async fn preview(&self, query: &ReconciliationQuery, asked: &DifferenceQuery) -> ApiResult<Option<PreviewView>> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let ids: Vec<DifferenceId> = if query.preview == ALL_SAFE {
            let which = Which::Of(Group::Safe);
            let safe = DifferenceQuery { which, cursor: None, ..asked.clone() };
            let (rows, _) = reconcile::export(context, &caller, safe).await.map_err(|e| self.0.refused(e))?;
            let open = rows.into_iter().map(|row| row.difference).filter(|one| one.requested.is_none());
            open.map(|one| one.found.id).take(PREVIEWED_MAX).collect()
        } else {
            query.preview.split(',').filter_map(|id| id.parse().ok()).take(PREVIEWED_MAX).collect()
        };
        if ids.is_empty() {
            return Ok(None);
        }
        let planned = reconcile::plan(context, &caller, &ids).await.map_err(|e| self.0.refused(e))?;
        let Planned { updates, taken, tickets, skipped } = planned;
        let ids = ids.iter().map(ToString::to_string).collect();
        Ok(Some(PreviewView { ids, updates, taken, tickets, skipped, at: self.0.times().clock(context.now()) }))
    }
}

/// When the viewer's day began.
fn midnight(now: Timestamp, asker: &Asker) -> Timestamp {
    now.to_zoned(asker.zone.clone()).start_of_day().map_or(now, |start| start.timestamp())
}

#[async_trait]
impl app::contract::reconciliation::ReconciliationPort for ReconciliationPort {
    async fn view(&self, query: ReconciliationQuery) -> ApiResult<ReconciliationView> {
        let caller = self.0.caller(Permission::Operate)?;
        let (context, times) = (&self.0.context, self.0.times());
        let asked = self.question(&query, context.now());
        let overview = reconcile::overview(context, &caller, &self.0.zone).await.map_err(|e| self.0.refused(e))?;
        let preview = self.preview(&query, &asked).await?;
        let page = match query.view {
            Tab::Runs => storage::Page { rows: Vec::new(), next: None },
            _ => reconcile::differences(context, &caller, asked).await.map_err(|e| self.0.refused(e))?,
        };
        let labels: BTreeMap<String, String> = overview.systems.iter().cloned().collect();
        let rows = page.rows.into_iter().map(|row| shown(row, &labels, self.me(), &times)).collect();
        let mut view = shown_overview(overview, &query, &times);
        (view.rows, view.next, view.preview) = (rows, page.next, preview);
        Ok(view)
    }

    async fn start(&self, dry_run: bool) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        match reconcile::start(&self.0.context, &caller, None, dry_run).await.map_err(|e| self.0.refused(e))? {
            reconcile::Started::Run(_) => Ok(()),
            reconcile::Started::Running => Err(ApiError::Conflict { message: "A run is in progress.".into() }),
        }
    }

    async fn stop(&self, run: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        reconcile::stop(&self.0.context, &caller, id(&run)?).await.map_err(|e| self.0.refused(e))
    }

    async fn fix(&self, ids: Vec<String>) -> ApiResult<u64> {
        let caller = self.0.caller(Permission::Operate)?;
        let ids = ids.iter().map(|one| id(one)).collect::<Result<Vec<_>, _>>()?;
        let fixed = reconcile::fix(&self.0.context, &caller, &ids).await.map_err(|e| self.0.refused(e))?;
        Ok(fixed.fixes())
    }

    async fn decide(&self, difference: String, revision: u64, choice: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let choice = Choice::from_code(&choice).ok_or_else(|| ApiError::Invalid {
            field: "choice".into(),
            message: "Choose one of the two values.".into(),
        })?;
        let decided = reconcile::decide(&self.0.context, &caller, id(&difference)?, revision, choice).await;
        decided.map_err(|e| self.0.refused(e))
    }

    async fn assign(&self, difference: String, mine: bool) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let owner = if mine { self.me() } else { None };
        let assigned = reconcile::assign(&self.0.context, &caller, id(&difference)?, owner).await;
        assigned.map_err(|e| self.0.refused(e))
    }

    async fn export(&self, query: ReconciliationQuery) -> ApiResult<String> {
        let caller = self.0.caller(Permission::Operate)?;
        let (context, times) = (&self.0.context, self.0.times());
        let asked = DifferenceQuery { cursor: None, ..self.question(&query, context.now()) };
        let overview = reconcile::overview(context, &caller, &self.0.zone).await.map_err(|e| self.0.refused(e))?;
        let labels: BTreeMap<String, String> = overview.systems.into_iter().collect();
        let (rows, more) = reconcile::export(context, &caller, asked).await.map_err(|e| self.0.refused(e))?;
        let end = if more { csv_cut(rows.len()) } else { String::new() };
        let head = ["Difference", "Number", "Order", "Odoo", "Milepost", "Desk", "Since", "Cause", "Owner", "Fix"];
        let mut text = csv_line(&head);
        for row in rows {
            let since = row.difference.opened_at.to_string();
            let row = shown(row, &labels, None, &times);
            let said = |said: SaidView| match (said.note.is_empty(), said.state) {
                (_, Some(state)) => state.label().to_owned(),
                (true, None) => said.text,
                (false, None) => format!("{} ({})", said.text, said.note),
            };
            text += &csv_line(&[
                row.title,
                row.name,
                row.order,
                said(row.odoo),
                said(row.ours),
                said(row.desk),
                since,
                row.cause.label().to_owned(),
                row.owner.unwrap_or_default(),
                row.action,
            ]);
        }
        Ok(text + &end)
    }
}

/// The share that agrees, in hundredths of a percent; what is not all is less than all.
fn basis_points(share: &Share) -> u64 {
    let agreeing = share.compared.saturating_sub(share.differing);
    match share.compared {
        0 => WHOLE,
        _ if agreeing == share.compared => WHOLE,
        compared => (agreeing.saturating_mul(WHOLE) / compared).min(WHOLE - 1),
    }
}

fn in_percent(basis_points: u64) -> String {
    match (basis_points / 100, basis_points % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

/// The same without decimals that say nothing.
fn rounded(basis_points: u64) -> String {
    let text = in_percent(basis_points);
    if text.contains('.') { text.trim_end_matches('0').to_owned() } else { text }
}

fn shown_overview(overview: Overview, query: &ReconciliationQuery, times: &Times) -> ReconciliationView {
    let differ: u64 = overview.counts.open.iter().map(|(_, _, n)| n).sum();
    let of = |group: Group| overview.counts.open.iter().filter(|(of, _, _)| *of == group).map(|(_, _, n)| n).sum();
    let mut causes = BTreeMap::<Cause, u64>::new();
    for (_, cause, n) in &overview.counts.open {
        *causes.entry(*cause).or_default() += n;
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(cause, n)| (std::cmp::Reverse(*n), *cause));
    let count = |tab: Tab| match tab {
        Tab::All => Some(differ),
        Tab::Safe => Some(of(Group::Safe)),
        Tab::Decision => Some(of(Group::Decision)),
        Tab::Waits => Some(of(Group::Waits)),
        Tab::Fixed => Some(overview.counts.fixed),
        Tab::Runs => None,
    };
    let oldest = overview.counts.oldest.map(|at| span_words(times.now.duration_since(at)));
    let share = overview.last.map(|share| shown_share(&share, &overview, differ, oldest, times));
    let days = overview.days.iter().map(|(day, share)| DayView {
        day: day.strftime("%-d %b").to_string(),
        basis_points: basis_points(share),
        percent: in_percent(basis_points(share)),
        compared: share.compared,
        differing: share.differing,
    });
    let window = overview.window.as_hours() / 24;
    ReconciliationView {
        share,
        days: days.collect(),
        target: rounded(overview.target),
        running: overview.running.map(|run| shown_progress(run, overview.fixes_per_second, times)),
        causes,
        tabs: Tab::ALL.iter().map(|tab| (*tab, count(*tab))).collect(),
        rows: Vec::new(),
        next: None,
        total: count(query.view).unwrap_or_default(),
        runs: overview.runs.into_iter().map(|run| shown_run(run, times)).collect(),
        every: overview.every.map(|expression| often(&expression)),
        connected: overview.connected,
        systems: overview.systems,
        carriers: overview.carriers,
        preview: None,
        definition: format!(
            "Share of shipments, open or ended in the last {window} days, that agree in Odoo, Milepost and the desk"
        ),
    }
}

/// When a schedule starts something, in words.
fn often(expression: &str) -> String {
    let seconds = expression.strip_prefix("every ").and_then(|rest| rest.strip_suffix(" s"));
    match seconds.and_then(|seconds| seconds.trim().parse::<i64>().ok()) {
        Some(seconds) if seconds % 60 == 0 => format!("every {} minutes", seconds / 60),
        Some(seconds) => format!("every {seconds} seconds"),
        None => format!("by schedule ({expression})"),
    }
}

fn shown_share(share: &Share, overview: &Overview, differ: u64, oldest: Option<String>, times: &Times) -> ShareView {
    let now = basis_points(share);
    let day = share.at.to_zoned(times.zone.clone()).date();
    let before = overview.days.iter().rev().find(|(earlier, _)| *earlier < day).map(|(_, share)| basis_points(share));
    let change = before.filter(|before| *before != now).map(|before| (in_percent(now.abs_diff(before)), now > before));
    let agreeing = share.compared.saturating_sub(share.differing);
    let wanted = share.compared.saturating_mul(overview.target).div_ceil(WHOLE);
    let missing = (now < overview.target).then(|| {
        let more = wanted.saturating_sub(agreeing).max(1);
        format!("{} points below target; {more} more must agree", in_percent(overview.target - now))
    });
    ShareView {
        percent: in_percent(now),
        change,
        compared: share.compared,
        agreeing,
        differ,
        oldest,
        missing,
        at: times.clock_or_date(share.at),
    }
}

fn shown_progress(run: Progress, fixes_per_second: usize, times: &Times) -> RunningView {
    let left = run.left.map(|left| format!(" · about {} left", span_words(left))).unwrap_or_default();
    let so_far = match run.waits_for {
        Some(system) => format!("Waits for {system}: the connection is not in use"),
        None => format!("{} new differences so far, {} fixes started{left}", run.opened, run.fixes),
    };
    let figure = |step: usize, state: StepState| match (step, state) {
        (0, StepState::Now) if run.total > 0 => format!("{} %", percent(run.compared.min(run.total), run.total)),
        (0, StepState::Done) => format!("{} shipments, {} tickets", run.compared, run.tickets),
        (3, StepState::Waits | StepState::Now) => format!("at most {fixes_per_second} a second"),
        _ => String::new(),
    };
    let word = |state: StepState| match state {
        StepState::Done => "done",
        StepState::Now => "now",
        StepState::Waits => "waits",
    };
    let steps = run.steps.iter().enumerate();
    RunningView {
        id: run.id.to_string(),
        since: times.clock(run.started_at),
        by: who(run.by.clone()),
        dry_run: run.dry_run,
        compared: run.compared,
        total: run.total,
        so_far,
        steps: steps
            .map(|(n, (words, state))| ((*words).to_owned(), word(*state).to_owned(), figure(n, *state)))
            .collect(),
    }
}

fn shown_run(view: RunView, times: &Times) -> RunRow {
    let RunView { run, by } = view;
    let state = match (run.state, run.dry_run) {
        (RunState::Running, _) => "Running",
        (RunState::Done, false) => "Completed",
        (RunState::Done, true) => "Completed, dry run",
        (RunState::Stopped, _) => "Stopped",
        (RunState::Stalled, _) => "Given up: no answer",
    };
    let share = run.ended_at.filter(|_| run.state == RunState::Done).map(|at| Share {
        at,
        compared: run.counts.compared,
        differing: run.counts.differing,
    });
    RunRow {
        started: times.clock_or_date(run.started_at),
        by: who(by),
        state: state.to_owned(),
        took: run.ended_at.map(|at| exact_span(at.duration_since(run.started_at))).unwrap_or_default(),
        percent: share.map(|share| in_percent(basis_points(&share))).unwrap_or_default(),
        compared: run.counts.compared,
        differing: run.counts.differing,
        changes: (run.counts.opened, run.counts.closed, run.counts.fixes),
    }
}

fn said(said: &Said, labels: &BTreeMap<String, String>, nothing: &str, times: &Times) -> SaidView {
    let mut view = SaidView { odd: said.odd, note: said.note.clone().unwrap_or_default(), ..SaidView::default() };
    if let Some(at) = said.at.filter(|_| view.note.is_empty()) {
        view.note = times.clock_or_date(at).shown;
    }
    match &said.what {
        What::Silent => view.text = "–".into(),
        What::Nothing => view.text = nothing.into(),
        What::Words(words) => view.text.clone_from(words),
        What::State(state) => {
            view.state = Some(*state);
            view.text = state.label().into();
        }
        What::At(at) => view.text = times.dated(*at).shown,
        What::Ticket { number, desk, status } => {
            view.text = if number.is_empty() { status.clone() } else { format!("#{number} {status}") };
            view.note = labels.get(desk).unwrap_or(desk).clone();
        }
    }
    view
}

/// What is to be read of a difference that differs by a time.
fn title(topic: Topic, odoo: &Said, ours: &Said) -> String {
    let (What::At(there), What::At(here)) = (&odoo.what, &ours.what) else { return topic.label().to_owned() };
    let days = there.duration_since(*here).abs().as_hours() / 24;
    match (topic, days) {
        (Topic::Eta, 1) => "ETA differs by 1 day".into(),
        (Topic::Eta, 2..) => format!("ETA differs by {days} days"),
        _ => topic.label().to_owned(),
    }
}

fn shown(listed: Listed, labels: &BTreeMap<String, String>, me: Option<UserId>, times: &Times) -> DifferenceView {
    let Listed { difference, owner, url } = listed;
    let found = &difference.found;
    let choices: &[Choice] = match found.fix {
        Fix::Decide if found.topic.is_written() => &[Choice::Keep, Choice::Write],
        Fix::Decide | Fix::LinkOrder => &[Choice::Keep],
        _ => &[],
    };
    let state = match (difference.closed, difference.requested) {
        (Some((_, Resolution::Fixed)), _) => "Fixed",
        (Some((_, Resolution::Kept)), _) => "Decided",
        (Some((_, Resolution::Gone)), _) => "Gone",
        (None, Some(requested)) if requested.applied => "Being checked",
        (None, Some(_)) => "Being fixed",
        (None, None) => "",
    };
    let is_open = state.is_empty();
    DifferenceView {
        id: found.id.to_string(),
        revision: difference.revision,
        topic: found.topic,
        title: title(found.topic, &found.odoo, &found.ours),
        name: found.name.clone(),
        shipment: found.shipment.map(|id| id.to_string()),
        order: found.order.clone().unwrap_or_else(|| "Unlinked".into()),
        url,
        odoo: said(&found.odoo, labels, "none", times),
        ours: said(&found.ours, labels, "none", times),
        desk: said(&found.desk, labels, "no ticket", times),
        age: exact_span(times.now.duration_since(difference.opened_at)),
        since: times.dated(difference.opened_at),
        cause: found.cause,
        mine: me.is_some() && difference.owner == me,
        owner,
        fix: found.fix.code().to_owned(),
        action: found.fix.label().to_owned(),
        choosable: is_open && found.fix.group() == Group::Safe,
        choices: choices.iter().map(|choice| (*choice, found.topic.choice(*choice).to_owned())).collect(),
        state: state.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_all_is_less_than_all() {
        for (compared, differing, shown) in [
            (0, 0, "100"),
            (5_218, 38, "99.27"),
            (5_218, 0, "100"),
            (1_000_000, 1, "99.99"),
            (3, 3, "0"),
            (200, 1, "99.50"),
        ] {
            let share = Share { at: Timestamp::UNIX_EPOCH, compared, differing };
            assert_eq!(in_percent(basis_points(&share)), shown, "{compared} {differing}");
        }
    }

    #[test]
    fn a_target_is_said_with_the_decimals_that_it_has() {
        for (target, shown) in [(10_000, "100"), (9_950, "99.5"), (9_875, "98.75"), (5_000, "50"), (50, "0.5")] {
            assert_eq!(rounded(target), shown);
        }
    }

    #[test]
    fn a_schedule_is_said_in_words() {
        assert_eq!(often("every 1800 s"), "every 30 minutes");
        assert_eq!(often("every 90 s"), "every 90 seconds");
        assert_eq!(often("0 7 * * *"), "by schedule (0 7 * * *)");
    }
}
