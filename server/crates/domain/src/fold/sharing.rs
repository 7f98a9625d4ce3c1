//! Before the first step (R16): of several deliveries under one number, those have its parcel that left the house. A
//! number that was typed by mistake, copied to a backorder or left on a cancelled delivery brings no other one's events.

use super::{
    DeliveryStanding, Fact, FoldInput, Rule, Standing, Verdict,
    incarnation::{same_use, with},
};
use crate::ids::TrackerId;
use std::{borrow::Cow, collections::BTreeSet};

/// The shipment's part of what is reported under its numbers.
pub(super) struct Own<'a> {
    /// The input without the facts of trackers that others have.
    pub input: Cow<'a, FoldInput>,
    /// The standing of those facts.
    pub others: Vec<Verdict>,
}

/// Leaves to other deliveries what is theirs.
pub(super) fn own(input: &FoldInput) -> Own<'_> {
    let mine = rank(input.plan.standing);
    let bound = |tracker: &TrackerId| input.bound.get(tracker).copied();
    let theirs: BTreeSet<TrackerId> = input
        .others
        .iter()
        .filter(|(tracker, others)| {
            let mut before = others.iter().filter(|other| rank(other.standing) > mine);
            before.any(|other| bound(tracker).is_none_or(|own| same_use(input, **tracker, own, other.since)))
        })
        .map(|(tracker, _)| *tracker)
        .collect();
    if theirs.is_empty() {
        return Own { input: Cow::Borrowed(input), others: Vec::new() };
    }
    let (others, facts): (Vec<&Fact>, Vec<&Fact>) = input.facts.iter().partition(|f| theirs.contains(&f.tracker));
    let lists = input.snapshots.iter().filter(|list| !theirs.contains(&list.tracker)).cloned();
    let own = with(input, facts.into_iter().cloned().collect(), lists.collect());
    Own { input: Cow::Owned(own), others: others.into_iter().map(of_another).collect() }
}

/// What left the house goes before what did not, and that before what is not sent any more.
const fn rank(standing: DeliveryStanding) -> u8 {
    match standing {
        DeliveryStanding::Done => 2,
        DeliveryStanding::Open => 1,
        DeliveryStanding::Cancelled | DeliveryStanding::Deleted => 0,
    }
}

fn of_another(fact: &Fact) -> Verdict {
    let because = "Another delivery with this number was shipped, this one was not: the event belongs to the other.";
    Verdict { fact: fact.id, standing: Standing::OtherUse, rule: Rule::R16, because: because.to_owned() }
}
