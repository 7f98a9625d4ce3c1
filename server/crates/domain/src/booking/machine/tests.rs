//! A purchase against a platform that takes its time, loses answers and crashes: never two labels.

use super::*;
use proptest::{collection::vec, prelude::*};

fn start() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn rate() -> Found {
    Found {
        shipment: "shp_1".into(),
        rate: "rate_1".into(),
        carrier: "UPS".into(),
        service: "Ground".into(),
        price: Money::read("7.58", "USD").unwrap(),
    }
}

fn label(n: usize) -> Label {
    Label {
        reference: Some(LabelRef { shipment: "shp_1".into(), label: format!("lbl_{n}") }),
        number: format!("1Z{n}"),
        carrier: None,
        service: None,
        charged: None,
        tracked: false,
    }
}

fn refused() -> Refused {
    Refused { code: "address".into(), what: "no such street".into(), todo: "Correct the address.".into() }
}

/// What keeps a platform from a second label of one shipment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Guard {
    /// It refuses, and answers with the first.
    Object,
    /// Nothing, and it cannot prove that there is none.
    None,
}

/// How one call to buy ends.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// At once.
    Done,
    /// Answered as being worked on, done after so many seconds.
    Queued(i64),
    /// No answer; done after so many seconds.
    LostDone(i64),
    /// No answer, not done.
    LostUndone,
    /// Certainly not sent.
    NotSent,
    /// The process ends before the call.
    CrashBefore,
    /// The process ends after it, before the answer is kept.
    CrashAfter,
    Refused,
}

struct Platform {
    guard: Guard,
    /// When each label appears.
    labels: Vec<Timestamp>,
}

impl Platform {
    fn buy(&mut self, at: Timestamp) {
        if self.guard == Guard::None || self.labels.is_empty() {
            self.labels.push(at);
        }
    }

    fn look(&self, now: Timestamp, quiet: bool) -> Look {
        let there: Vec<_> =
            self.labels.iter().enumerate().filter(|(_, at)| **at <= now).map(|(n, _)| label(n)).collect();
        match (there.is_empty(), self.guard, quiet) {
            (false, ..) => Look::Labels(there),
            (true, _, false) => Look::NotYet,
            (true, Guard::Object, true) => Look::Absent,
            (true, Guard::None, true) => Look::CannotTell,
        }
    }

    fn send(&mut self, fate: Fate, now: Timestamp) -> Option<Answer> {
        match fate {
            Fate::Done => {
                self.buy(now);
                Some(Answer::Done(label(0)))
            }
            Fate::Queued(seconds) => {
                self.buy(later(now, SignedDuration::from_secs(seconds)));
                Some(Answer::Pending { handle: None, after: SignedDuration::from_secs(5) })
            }
            Fate::LostDone(seconds) => {
                self.buy(later(now, SignedDuration::from_secs(seconds)));
                Some(Answer::Unknown)
            }
            Fate::LostUndone => Some(Answer::Unknown),
            Fate::NotSent => Some(Answer::NotSent),
            Fate::CrashBefore => None,
            Fate::CrashAfter => {
                self.buy(now);
                None
            }
            Fate::Refused => Some(Answer::Refused(refused())),
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let queued = 0..QUIET_PERIOD.as_secs();
    prop_oneof![
        Just(Fate::Done),
        queued.clone().prop_map(Fate::Queued),
        queued.prop_map(Fate::LostDone),
        Just(Fate::LostUndone),
        Just(Fate::NotSent),
        Just(Fate::CrashBefore),
        Just(Fate::CrashAfter),
        Just(Fate::Refused),
    ]
}

/// One step of one of two workers; what it read may be older than what is kept.
#[derive(Clone, Copy, Debug)]
struct Step {
    fate: Fate,
    /// Seconds that pass before.
    passes: i64,
    /// Another job does the same at the same time.
    twice: bool,
    /// The delivery is cancelled now.
    cancelled: bool,
    /// A person who is asked decides so, having looked at the platform.
    person: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (fate(), 0..2_000_i64, any::<bool>(), prop::bool::weighted(0.05), any::<bool>())
        .prop_map(|(fate, passes, twice, cancelled, person)| Step { fate, passes, twice, cancelled, person });
    vec(step, 1..60)
}

/// What is kept, with its revision.
#[derive(Clone)]
struct Kept {
    purchase: Purchase,
    revision: u64,
}

impl Kept {
    /// As the store does: only from the revision that was read.
    fn save(&mut self, read: u64, event: Event, now: Timestamp) -> bool {
        match self.purchase.after(event, now) {
            Ok(next) if self.revision == read => {
                (self.purchase, self.revision) = (next, read + 1);
                true
            }
            _ => false,
        }
    }

    fn work(&mut self, read: &Self, platform: &mut Platform, fate: Fate, now: Timestamp) {
        match read.purchase.todo(now) {
            Todo::Rate => drop(self.save(read.revision, Event::Rated(rate()), now)),
            Todo::Buy => {
                if self.save(read.revision, Event::Sending, now)
                    && let Some(answer) = platform.send(fate, now)
                {
                    self.save(self.revision, Event::Answered(answer), now);
                }
            }
            Todo::Look(quiet) => {
                self.save(read.revision, Event::Looked(platform.look(now, quiet)), now);
            }
            Todo::Void | Todo::LookAtVoid | Todo::Wait(_) | Todo::Nothing => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn at_most_one_label_whatever_fails_and_however_often_jobs_run(steps in steps(), object in any::<bool>()) {
        let guard = if object { Guard::Object } else { Guard::None };
        let mut platform = Platform { guard, labels: Vec::new() };
        let mut kept = Kept { purchase: Purchase::default(), revision: 0 };
        let mut now = start();
        for step in steps {
            now = later(now, SignedDuration::from_secs(step.passes));
            if step.cancelled {
                kept.save(kept.revision, Event::Unwanted, now);
            }
            if kept.purchase.phase == Phase::Undecided && step.person {
                let event = match platform.labels.first() {
                    Some(_) => Event::Adopted(label(0)),
                    None => Event::SendAgain,
                };
                kept.save(kept.revision, event, now);
            }
            if kept.purchase.phase == Phase::Refused && step.person {
                kept.save(kept.revision, Event::SendAgain, now);
            }
            let read = kept.clone();
            kept.work(&read, &mut platform, step.fate, now);
            if step.twice {
                kept.work(&read, &mut platform, step.fate, now);
            }
            prop_assert!(platform.labels.len() <= 1, "{} labels: {:?}", platform.labels.len(), kept.purchase);
            if kept.purchase.phase.has_no_label() {
                prop_assert!(platform.labels.is_empty(), "a label is left behind: {:?}", kept.purchase);
            }
        }
        // left alone, it comes to an end that is one
        for _ in 0..400 {
            now = later(now, SignedDuration::from_mins(11));
            let read = kept.clone();
            kept.work(&read, &mut platform, Fate::Done, now);
        }
        let todo = kept.purchase.todo(now);
        prop_assert!(matches!(todo, Todo::Nothing | Todo::Void), "{todo:?}: {:?}", kept.purchase);
        prop_assert_eq!(platform.labels.len() == 1, kept.purchase.label.is_some() || kept.purchase.phase == Phase::Undecided && !platform.labels.is_empty());
    }
}

fn sent() -> Purchase {
    let rated = Purchase::default().after(Event::Rated(rate()), start()).unwrap();
    rated.after(Event::Sending, start()).unwrap()
}

#[test]
fn looks_have_growing_gaps_and_only_quiet_absence_is_proof() {
    let mut unknown = sent().after(Event::Answered(Answer::Unknown), start()).unwrap();
    let mut waits = Vec::new();
    let mut now = start();
    for _ in 0..4 {
        let at = unknown.next_at.unwrap();
        assert_eq!(unknown.todo(now), Todo::Wait(at));
        waits.push(at.duration_since(now).as_secs());
        now = at;
        assert_eq!(unknown.todo(now), Todo::Look(false));
        unknown = unknown.after(Event::Looked(Look::Absent), now).unwrap();
    }
    assert_eq!(waits, [5, 30, 120, 600], "each look before the quiet period is over says nothing");
    now = unknown.next_at.unwrap();
    assert_eq!(unknown.todo(now), Todo::Look(true));
    let again = unknown.after(Event::Looked(Look::Absent), now).unwrap();
    assert_eq!(
        (again.phase, again.todo(now), again.attempts),
        (Phase::Planned, Todo::Buy, 1),
        "the same purchase again"
    );
    let asked = unknown.after(Event::Looked(Look::CannotTell), now).unwrap();
    assert_eq!((asked.phase, asked.todo(now)), (Phase::Undecided, Todo::Nothing));
}

#[test]
fn of_several_labels_the_oldest_stays_and_the_others_are_surplus() {
    let unknown = sent().after(Event::Answered(Answer::Unknown), start()).unwrap();
    let booked = unknown.after(Event::Looked(Look::Labels(vec![label(0), label(1), label(2)])), start()).unwrap();
    assert_eq!(booked.label, Some(label(0)));
    assert_eq!(booked.surplus.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["lbl_1", "lbl_2"]);
}

#[test]
fn what_is_cancelled_under_way_is_voided_once_it_is_there() {
    let under_way = sent().after(Event::Answered(Answer::Unknown), start()).unwrap();
    let unwanted = under_way.after(Event::Unwanted, start()).unwrap();
    assert_eq!((unwanted.phase, unwanted.next_at), (Phase::Unknown, under_way.next_at), "looked for all the same");
    let at = unwanted.next_at.unwrap();
    let booked = unwanted.after(Event::Looked(Look::Labels(vec![label(0)])), at).unwrap();
    assert_eq!(booked.todo(at), Todo::Void);
    let voiding = booked.after(Event::Voiding, at).unwrap();
    let asked = voiding.after(Event::VoidIs(Some(Void::Requested)), at).unwrap();
    let day = asked.next_at.unwrap();
    assert_eq!(day.duration_since(at), VOID_EVERY);
    assert_eq!(asked.todo(day), Todo::LookAtVoid);
    assert_eq!(asked.after(Event::VoidIs(Some(Void::Voided)), day).unwrap().phase, Phase::Voided);
    assert_eq!(asked.after(Event::VoidIs(Some(Void::Rejected)), day).unwrap().phase, Phase::NotVoided);
    let late = later(at, VOID_WATCHED);
    assert_eq!(asked.after(Event::VoidIs(Some(Void::Requested)), late).unwrap().phase, Phase::NotVoided);
    let planned = Purchase::default().after(Event::Unwanted, start()).unwrap();
    assert_eq!(planned.phase, Phase::Cancelled, "nothing was sent");
}

#[test]
fn what_was_not_done_is_refused_and_what_does_not_fit_changes_nothing() {
    let no = sent().after(Event::Answered(Answer::Refused(refused())), start()).unwrap();
    assert_eq!((no.phase, no.refused.clone()), (Phase::Refused, Some(refused())));
    assert!(no.phase.has_no_label());
    for event in [Event::Sending, Event::Answered(Answer::Unknown), Event::Looked(Look::Absent), Event::Voiding] {
        assert_eq!(no.after(event, start()), Err(Wrong(Phase::Refused)));
    }
    let again = no.after(Event::SendAgain, start()).unwrap();
    assert_eq!((again.todo(start()), again.refused), (Todo::Rate, None), "a person settled it");
    let gone = Refused { code: "rate".into(), ..refused() };
    let other = sent().after(Event::Answered(Answer::Refused(gone)), start()).unwrap();
    assert_eq!((other.phase, other.todo(start())), (Phase::Planned, Todo::Rate), "another rate");
    let mut sent = sent();
    for _ in 1..ATTEMPTS_MAX {
        let now = later(start(), QUIET_PERIOD);
        sent = sent.after(Event::Looked(Look::Absent), now).unwrap().after(Event::Sending, start()).unwrap();
    }
    let over = sent.after(Event::Looked(Look::Absent), later(start(), QUIET_PERIOD)).unwrap();
    assert_eq!(over.phase, Phase::Undecided, "a purchase is not sent for ever");
}

#[test]
fn every_state_of_the_list_is_that_of_a_phase() {
    for state in LabelState::ALL {
        assert!(Phase::ALL.iter().any(|phase| phase.state() == Some(*state)), "{state:?}");
    }
}

#[test]
fn a_label_that_a_person_entered_is_left_to_a_person_once_it_is_not_wanted() {
    let entered = Label {
        reference: None,
        number: "1Z999AA10123456784".into(),
        carrier: None,
        service: None,
        charged: None,
        tracked: false,
    };
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let undecided = Purchase { phase: Phase::Undecided, ..Purchase::default() };
    let adopted = undecided.after(Event::Adopted(entered.clone()), now).unwrap();
    assert_eq!((adopted.phase, adopted.todo(now)), (Phase::Booked, Todo::Nothing));
    assert_eq!(adopted.after(Event::Unwanted, now).unwrap().phase, Phase::NotVoided);
    // in the other order too
    let unwanted = undecided.after(Event::Unwanted, now).unwrap();
    assert_eq!(unwanted.after(Event::Adopted(entered), now).unwrap().phase, Phase::NotVoided);
}
