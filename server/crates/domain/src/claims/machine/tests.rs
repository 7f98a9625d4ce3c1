use super::*;
use proptest::prelude::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn euro(amount: &str) -> Money {
    Money::read(amount, "EUR").unwrap()
}

fn draft() -> Claim {
    Claim { claimed: Some(euro("100")), ..Claim::new(ClaimReason::Damaged, Some(day("2026-11-30"))) }
}

fn file() -> Step {
    Step::File { reference: Some("C-1".into()), answer_by: Some(day("2026-12-24")) }
}

#[test]
fn a_claim_goes_from_draft_to_paid() {
    let today = day("2026-11-24");
    let filed = draft().after(&file(), today).unwrap();
    assert_eq!((filed.status, filed.filed_on, filed.due()), (ClaimStatus::Filed, Some(today), Some(day("2026-12-24"))));
    let offer = Step::Offer { amount: euro("60"), accept_by: Some(day("2026-12-07")) };
    let offered = filed.after(&offer, day("2026-12-01")).unwrap();
    assert_eq!(
        (offered.status, offered.offered, offered.due()),
        (ClaimStatus::Offer, Some(euro("60")), Some(day("2026-12-07")))
    );
    let accepted = offered.after(&Step::Accept, day("2026-12-02")).unwrap();
    assert_eq!((accepted.status, accepted.due()), (ClaimStatus::Accepted, None));
    let paid = accepted.after(&Step::Pay { amount: euro("60") }, day("2026-12-09")).unwrap();
    assert_eq!((paid.status, paid.paid, paid.ended_on), (ClaimStatus::Paid, Some(euro("60")), Some(day("2026-12-09"))));
    assert_eq!((paid.reference.as_deref(), paid.filed_on), (Some("C-1"), Some(today)));
}

#[test]
fn a_rejection_is_contested_and_a_closed_claim_reopened_where_it_stood() {
    let (today, later) = (day("2026-11-24"), day("2026-12-24"));
    let rejected = draft().after(&file(), today).unwrap().after(&Step::Reject, later).unwrap();
    let contested = rejected.after(&Step::Contest { answer_by: None }, later).unwrap();
    assert_eq!((contested.status, contested.ended_on), (ClaimStatus::Filed, None));
    assert_eq!(contested.filed_on, Some(today), "it was filed then");
    let closed = contested.after(&Step::Close, later).unwrap();
    assert_eq!(closed.after(&Step::Reopen, later).unwrap().status, ClaimStatus::Filed);
    let never_filed = draft().after(&Step::Close, today).unwrap();
    assert_eq!(never_filed.after(&Step::Reopen, later).unwrap(), draft());
}

#[test]
fn what_a_step_lacks_is_refused() {
    let today = day("2026-11-24");
    let nothing_claimed = Claim { claimed: None, ..draft() };
    assert_eq!(nothing_claimed.after(&file(), today), Err(NotPossible::NoAmount));
    let filed = draft().after(&file(), today).unwrap();
    let dollars = Money::read("5", "USD").unwrap();
    let eur = "EUR".parse().unwrap();
    assert_eq!(filed.after(&Step::Pay { amount: dollars }, today), Err(NotPossible::Currency(eur)));
    assert_eq!(filed.after(&Step::Pay { amount: euro("0") }, today), Err(NotPossible::NotPositive));
    let offered = filed.after(&Step::Offer { amount: euro("6"), accept_by: None }, today).unwrap();
    assert_eq!(offered.claiming(dollars), Err(NotPossible::Currency(eur)));
    assert_eq!(draft().claiming(euro("-1")), Err(NotPossible::NotPositive));
    assert_eq!(draft().claiming(dollars).unwrap().claimed, Some(dollars));
    let paid = filed.after(&Step::Pay { amount: euro("5") }, today).unwrap();
    assert!(paid.claiming(euro("7")).is_err());
    let said = paid.after(&Step::Close, today).unwrap_err().to_string();
    assert_eq!(said, "a claim that is paid cannot be taken this step: close without payment");
}

#[test]
fn a_deadline_is_missed_when_its_day_is_over() {
    for (filed, today, missed) in [
        (None, "2026-11-30", false),
        (None, "2026-12-01", true),
        (Some("2026-11-30"), "2026-12-24", false),
        (Some("2026-12-03"), "2026-12-24", true),
    ] {
        let claim = Claim { filed_on: filed.map(day), ..draft() };
        assert_eq!(claim.missed(day(today)), missed, "{filed:?} {today}");
    }
    let in_time = draft().after(&Step::Close, day("2026-11-25")).unwrap();
    assert!(!in_time.missed(day("2027-01-01")), "it was given up before");
    assert!(!Claim::new(ClaimReason::Lost, None).missed(day("2100-01-01")));
}

#[test]
fn reminders_go_out_before_the_deadline_and_after_it() {
    let claim = draft();
    let mut days = Vec::new();
    let mut last = None;
    while let Some(next) = claim.remind_after(last) {
        days.push(next.to_string());
        last = Some(next);
    }
    assert_eq!(days, ["2026-11-23", "2026-11-28", "2026-12-01"]);
    for (today, reminder) in [
        ("2026-11-22", None),
        ("2026-11-23", Some(Reminder::Before(7))),
        ("2026-11-27", Some(Reminder::Before(7))),
        ("2026-11-28", Some(Reminder::Before(2))),
        ("2026-11-30", Some(Reminder::Before(2))),
        ("2026-12-01", Some(Reminder::Missed)),
        ("2027-12-01", Some(Reminder::Missed)),
    ] {
        assert_eq!(claim.reminder(day(today)), reminder, "{today}");
        assert_eq!(claim.after(&file(), day("2026-11-01")).unwrap().reminder(day(today)), None, "{today}: it is filed");
    }
    assert_eq!(claim.after(&file(), day("2026-11-24")).unwrap().remind_after(None), None);
    assert_eq!(Claim::new(ClaimReason::Lost, None).remind_after(None), None);
}

#[test]
fn the_list_goes_by_deadline_then_newest_first() {
    let of = |number: u32, claim: &Claim| (claim.rank(ClaimNumber(number)), number);
    let filed = draft().after(&Step::File { reference: None, answer_by: None }, day("2026-11-01")).unwrap();
    let closed = draft().after(&Step::Close, day("2026-11-01")).unwrap();
    let later = Claim { file_by: Some(day("2027-01-02")), ..draft() };
    let mut list = [of(1, &closed), of(2, &filed), of(3, &later), of(4, &draft()), of(5, &closed)];
    list.sort();
    assert_eq!(list.map(|(_, number)| number), [4, 3, 2, 5, 1]);
}

fn any_step() -> impl Strategy<Value = Step> {
    let amount = || {
        (1_i64..100_000, prop::bool::ANY)
            .prop_map(|(minor, euro)| Money { minor, currency: if euro { "EUR" } else { "USD" }.parse().unwrap() })
    };
    prop_oneof![
        Just(Step::File { reference: None, answer_by: None }),
        amount().prop_map(|amount| Step::Offer { amount, accept_by: None }),
        Just(Step::Accept),
        amount().prop_map(|amount| Step::Pay { amount }),
        Just(Step::Reject),
        Just(Step::Contest { answer_by: None }),
        Just(Step::Close),
        Just(Step::Reopen),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_claim_holds_together(steps in prop::collection::vec(any_step(), 0..20)) {
        let today = day("2026-11-24");
        let mut claim = draft();
        for step in &steps {
            let offered = claim.status.steps().contains(&step.kind());
            match claim.after(step, today) {
                Ok(next) => {
                    prop_assert!(offered);
                    claim = next;
                }
                Err(NotPossible::From(..)) => prop_assert!(!offered),
                Err(_) => {}
            }
            prop_assert_eq!(claim.status.is_open(), claim.ended_on.is_none());
            prop_assert_eq!(claim.status == ClaimStatus::Paid, claim.paid.is_some());
            prop_assert!(claim.filed_on.is_some() || matches!(claim.status, ClaimStatus::Draft | ClaimStatus::Closed));
            let currencies = [claim.claimed, claim.offered, claim.paid].into_iter().flatten().map(|money| money.currency);
            prop_assert!(currencies.clone().all(|currency| currency.code() == "EUR"));
        }
    }
}
