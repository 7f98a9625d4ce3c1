//! The case that the rules that run want for an exception. Rules alone decide: where none opens a case, there is none.

use crate::{
    context::Context,
    error::Result,
    rules::{book::Book, regard},
};
use domain::{exceptions::lead::leader, rules};
use jiff::{SignedDuration, Timestamp};
use storage::{Scope, shipments::Loaded, work::ExceptionRecord};

/// A case that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// How long the exception may heal by itself, from when it was recorded.
    pub(crate) wait: SignedDuration,
    /// The desk; none: the one that takes such shipments. One that is not connected any more is none.
    pub(crate) desk: Option<String>,
    /// The queue of that desk; none: that of the connection.
    pub(crate) queue: Option<String>,
}

impl Wanted {
    /// When it is opened, if the exception is still open then.
    pub(crate) fn due(&self, exception: &ExceptionRecord) -> Timestamp {
        exception.recorded_at.checked_add(self.wait).unwrap_or(exception.recorded_at)
    }

    fn of_rule(context: &Context, case: rules::WantedCase<'_>) -> Self {
        let connections = context.connections.now();
        let desk = case.desk.filter(|desk| connections.get(desk).is_some()).map(str::to_owned);
        let queue = case.queue.filter(|_| desk.is_some()).map(str::to_owned);
        Self { wait: case.wait, desk, queue }
    }
}

/// The case that is wanted for an exception of a shipment; none where no rule opens one, or the exception is over or history.
///
/// # Errors
/// When the store fails.
pub(crate) async fn wanted(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    exception: &ExceptionRecord,
) -> Result<Option<Wanted>> {
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    Ok(of(context, &book, loaded, exception))
}

/// The same by these rules. One that is led by another of its shipment has none, where that one has.
pub(crate) fn of(context: &Context, book: &Book, loaded: &Loaded, exception: &ExceptionRecord) -> Option<Wanted> {
    let wanted = by_rules(context, book, loaded, exception)?;
    let open = || loaded.exceptions.iter().filter(|other| other.id != exception.id && is_at_work(other));
    let led_by = leader(exception.reason, open().map(|other| other.reason));
    let mut leading = open().filter(|other| Some(other.reason) == led_by);
    let is_led = leading.any(|other| by_rules(context, book, loaded, other).is_some());
    (!is_led).then_some(wanted)
}

/// The same, whatever else is open of its shipment.
pub(crate) fn by_rules(context: &Context, book: &Book, loaded: &Loaded, exception: &ExceptionRecord) -> Option<Wanted> {
    if !is_at_work(exception) {
        return None;
    }
    let committed: Vec<_> = loaded.exceptions.iter().map(ExceptionRecord::committed).collect();
    let about = regard::about(loaded, regard::steps(context, loaded));
    let change = regard::standing(loaded, &about, &committed, context.now());
    let policy = context.config.rules.policy();
    let case = rules::wanted_case(&book.running, &policy, &change, &regard::regarded(exception))?;
    change.linked.then(|| Wanted::of_rule(context, case))
}

/// The same, where only the exception is known; none too where a rule that opens cases asks for more than that.
pub(crate) fn by_exception(context: &Context, book: &Book, exception: &ExceptionRecord) -> Option<Wanted> {
    if !is_at_work(exception) {
        return None;
    }
    let (policy, regarded) = (context.config.rules.policy(), regard::regarded(exception));
    let case = rules::wanted_by_exception(&book.running, &policy, &regarded, context.now())?;
    Some(Wanted::of_rule(context, case))
}

fn is_at_work(exception: &ExceptionRecord) -> bool {
    exception.closed.is_none() && !exception.withheld
}
