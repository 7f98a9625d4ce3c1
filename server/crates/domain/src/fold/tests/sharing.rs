//! R16: one number on several deliveries.

use super::*;

const STANDINGS: [DeliveryStanding; 4] =
    [DeliveryStanding::Done, DeliveryStanding::Open, DeliveryStanding::Cancelled, DeliveryStanding::Deleted];

fn beside(own: DeliveryStanding, others: &[(DeliveryStanding, &str)]) -> FoldInput {
    let reported = [said("CP", &day("08:00")), said("D1", &day("13:50"))];
    let mut all = input(&reported);
    all.plan.standing = own;
    let others = others.iter().map(|(standing, since)| OtherDelivery { standing: *standing, since: instant(since) });
    let tracker = TrackerId(Uuid::from_u128(1));
    all.bound.insert(tracker, instant(&day("07:00")));
    all.others.insert(tracker, others.collect());
    all
}

#[test]
fn what_did_not_leave_the_house_has_nothing_of_one_that_did() {
    use DeliveryStanding::{Cancelled, Deleted, Done, Open};
    for own in STANDINGS {
        for other in STANDINGS {
            let folded = fold(&beside(own, &[(other, &day("09:00"))]), now());
            let theirs = matches!((own, other), (Open | Cancelled | Deleted, Done) | (Cancelled | Deleted, Open));
            assert_eq!(folded.state == State::Delivered, !theirs, "{own:?} beside {other:?}");
            assert_eq!(folded.anomalies.contains(&Anomaly::NumberOfAnother), theirs);
            assert_eq!(folded.verdicts.len(), 2, "each fact has one");
            if theirs {
                assert!(folded.verdicts.iter().all(|v| (v.standing, v.rule) == (Standing::OtherUse, Rule::R16)));
                assert_eq!((folded.heard_at, folded.delivered_at, folded.attempts), (None, None, 0));
            }
        }
    }
}

#[test]
fn another_use_of_the_number_takes_nothing() {
    let mut all = beside(DeliveryStanding::Open, &[(DeliveryStanding::Done, "2025-03-01T08:00:00Z")]);
    all.facts.extend(
        [said("CP", "2025-03-02T10:00:00Z"), said("D1", "2025-03-04T10:00:00Z")]
            .map(|said| Said { recorded: instant("2025-03-04T12:00:00Z"), position: 7, ..said }.fact()),
    );
    assert_eq!(fold(&all, now()).state, State::Delivered, "its own parcel");
    let cancelled = beside(DeliveryStanding::Cancelled, &[]);
    assert!(!fold(&cancelled, now()).anomalies.contains(&Anomaly::NumberOfAnother));
}
