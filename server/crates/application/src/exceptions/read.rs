//! The queue of exceptions, as a caller may read it.

use super::{playbook, teams};
use crate::{
    caller::Caller,
    cases::{
        agents::Names,
        routing::{self, NoTicket},
        wanted,
    },
    context::Context,
    error::Result,
};
use domain::{
    Category, Severity, access::Permission, exceptions::playbook::next_step, fold::Resolution, ids::ExceptionId,
};
use outbound::template::Family;
use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};
use storage::{
    audit::RESOLVED,
    people::AuditRecord,
    work::{QueueCounts, QueueQuery, QueueRow},
};

/// A page of the queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// How many exceptions are open, snoozed ones left out.
    pub open: u64,
    /// These by category, the worst first.
    pub categories: Vec<CategoryCount>,
    /// The rows.
    pub rows: Vec<QueueEntry>,
    /// The teams that there are.
    pub teams: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// The open exceptions of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CategoryCount {
    /// The category.
    pub category: Category,
    /// How many.
    pub count: u64,
    /// The worst severity among them.
    pub worst: Severity,
    /// How many have that.
    pub of_worst: u64,
}

/// An exception of the queue.
#[derive(Clone, Debug)]
pub struct QueueEntry {
    /// The exception, with its shipment and its case.
    pub row: QueueRow,
    /// The agent who closed the ticket, where one did and the name may be read.
    pub agent: Option<String>,
    /// Whether the caller looks after it.
    pub mine: bool,
    /// Who resolved it, where a person did.
    pub resolved_by: Option<Resolver>,
    /// Why it has no ticket, where it should have one.
    pub no_ticket: Option<NoTicket>,
    /// What to do next, by the playbook.
    pub next_step: String,
    /// What people call the desk that has its ticket, where there are several desks.
    pub desk: Option<String>,
}

/// Who resolved an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// Somebody of this name.
    Named(String),
    /// An agent of the service desk whose name is not known, or may not be read.
    Agent,
}

impl Resolver {
    /// Who resolved an exception last, by the audit lines about it: a person here, or an agent at the service desk.
    pub(crate) fn of(lines: &[(AuditRecord, Option<String>)], exception: ExceptionId, names: &Names) -> Option<Self> {
        let subject = format!("exception:{exception}");
        let resolved =
            |line: &AuditRecord| line.entry.subject == subject && RESOLVED.contains(&line.entry.action.as_str());
        let (line, who) = lines.iter().filter(|(line, _)| resolved(line)).max_by_key(|(line, _)| line.seq)?;
        let at_desk = || (line.entry.action == "case.resolved").then_some(Self::Agent);
        who.clone().or_else(|| names.of_line(&line.entry)).map(Self::Named).or_else(at_desk)
    }
}

/// A page of the queue.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn queue(context: &Context, caller: &Caller, query: QueueQuery) -> Result<Queue> {
    caller.require(Permission::See)?;
    let (work, scope, now) = (&context.store.work, caller.scope(), context.now());
    let page = work.queue(scope, query, now).await?;
    let counts = work.queue_counts(scope, now).await?;
    let by_person = |row: &&QueueRow| matches!(row.exception.closed, Some((_, Resolution::Person)));
    let resolved = page.rows.iter().filter(by_person).map(|row| row.exception.id).collect();
    let lines = context.store.people.resolutions(scope, resolved).await?;
    let cases = page.rows.iter().filter_map(|row| row.case.as_ref());
    let names = Names::read(context, caller, cases, lines.iter().map(|(line, _)| &line.entry)).await?;
    let book = context.rules.book(&context.store, scope, now).await?;
    let no_ticket = |row: &QueueRow| {
        let wanted = wanted::by_exception(context, &book, &row.exception).filter(|_| row.case.is_none())?;
        routing::no_ticket(context, &wanted, &row.exception, (row.origin.as_ref(), &row.numbers, &row.others))
    };
    let own = playbook::own(context, scope).await?;
    let connections = context.connections.now();
    let several = connections.has_several(Family::Desk);
    let entry = |row: QueueRow| QueueEntry {
        desk: row
            .case
            .as_ref()
            .filter(|case| several && case.number.is_some())
            .map(|case| connections.label(&case.desk)),
        agent: row.case.as_ref().and_then(|case| names.of_case(case)),
        mine: row.exception.owner.is_some() && row.exception.owner == caller.user(),
        resolved_by: Resolver::of(&lines, row.exception.id, &names),
        no_ticket: no_ticket(&row),
        next_step: next_step(&own, row.exception.reason).to_owned(),
        row,
    };
    Ok(Queue {
        open: counts.iter().map(|(_, _, n)| n).sum(),
        categories: categories(&counts),
        rows: page.rows.into_iter().map(entry).collect(),
        teams: teams::all(context, scope).await?.into_keys().collect(),
        next: page.next,
    })
}

fn categories(counts: &QueueCounts) -> Vec<CategoryCount> {
    let mut categories: BTreeMap<Category, CategoryCount> = BTreeMap::new();
    for (category, severity, n) in counts.iter().copied().filter(|(.., n)| *n > 0) {
        let none = CategoryCount { category, count: 0, worst: severity, of_worst: 0 };
        let known = categories.entry(category).or_insert(none);
        known.count += n;
        match severity.cmp(&known.worst) {
            Ordering::Greater => (known.worst, known.of_worst) = (severity, n),
            Ordering::Equal => known.of_worst += n,
            Ordering::Less => {}
        }
    }
    let mut categories: Vec<_> = categories.into_values().collect();
    categories.sort_by_key(|known| Reverse((known.worst, known.count)));
    categories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_as_bad_as_its_worst_exception() {
        let (delay, damage) = (Category::Delay, Category::Damage);
        let counts = vec![
            (delay, Severity::Minor, 7),
            (damage, Severity::Critical, 1),
            (delay, Severity::Major, 2),
            (delay, Severity::Critical, 0),
        ];
        let known = |category, count, worst, of_worst| CategoryCount { category, count, worst, of_worst };
        assert_eq!(
            categories(&counts),
            [known(damage, 1, Severity::Critical, 1), known(delay, 9, Severity::Major, 2)],
            "the worst first, each with its worst severity"
        );
    }
}
