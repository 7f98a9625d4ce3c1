//! A month of shipments whose troubles are known: what carriers report of each, and what is truly wrong with it. What notices
//! troubles is measured against it. Working days are Monday to Friday; the month has no public holiday of its countries.

use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::TimeZone};

/// What is truly wrong with a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Delivered after the promise.
    Late,
    /// On its way for far longer than such shipments are.
    Slow,
    /// A gap of more than a week in its updates, then it goes on.
    Silent,
    /// The label was made, and the parcel never left.
    NotShipped,
    /// Customs kept it for more than a week.
    Customs,
    /// It goes back.
    Returns,
    /// It was brought to another country.
    WrongCountry,
    /// It vanished.
    Lost,
    /// The carrier reports a code that is not in any list.
    UnknownCode,
}

/// A report of the carrier, by AfterShip's subtag; some carriers invent their own.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// When it happened, and was received.
    pub at: Timestamp,
    /// The subtag.
    pub code: &'static str,
    /// Where: the country.
    pub country: &'static str,
}

/// A shipment from Germany, and the truth about it.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// Its number in the month.
    pub number: u64,
    /// Country of destination.
    pub to: &'static str,
    /// When the label was made.
    pub labelled: Timestamp,
    /// What was promised, if anything.
    pub promised: Option<Timestamp>,
    /// What the carrier reports, in order.
    pub reports: Vec<Report>,
    /// What is truly wrong.
    pub troubles: Vec<Trouble>,
}

/// The scripts, and of how many in a hundred each is.
const SCRIPTS: &[(Script, u64)] = &[
    (Script::Fine, 76),
    (Script::Late, 6),
    (Script::Slow, 2),
    (Script::Silent, 4),
    (Script::NotShipped, 2),
    (Script::Customs, 2),
    (Script::Returns, 3),
    (Script::WrongCountry, 1),
    (Script::Lost, 2),
    (Script::UnknownCode, 2),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Fine,
    Late,
    Slow,
    Silent,
    NotShipped,
    Customs,
    Returns,
    WrongCountry,
    Lost,
    UnknownCode,
}

/// Countries, and the working days that a parcel from Germany usually takes there.
const COUNTRIES: &[(&str, u64)] = &[("DE", 2), ("FR", 3), ("NL", 3), ("CH", 4), ("US", 7)];

/// The month: its shipments, by a seed.
pub fn month(begin: Timestamp, shipments: u64, seed: u64) -> Vec<Shipment> {
    (0..shipments).map(|number| shipment(begin, number, seed)).collect()
}

/// Numbers that are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n.max(1)
    }
}

/// A carrier's day: scans are between 6 and 20 h of UTC, on working days.
struct Way {
    at: Timestamp,
    country: &'static str,
    reports: Vec<Report>,
}

impl Way {
    fn say(&mut self, code: &'static str) {
        self.reports.push(Report { at: self.at, code, country: self.country });
    }

    /// Goes on so many working days later, at about the same time of day.
    fn days(&mut self, days: u64) {
        for _ in 0..days {
            self.at += SignedDuration::from_hours(24);
            while matches!(TimeZone::UTC.to_datetime(self.at).weekday(), Weekday::Saturday | Weekday::Sunday) {
                self.at += SignedDuration::from_hours(24);
            }
        }
    }

    /// A scan on each of so many working days.
    fn scans(&mut self, days: u64) {
        for _ in 0..days {
            self.days(1);
            self.say("InTransit_003");
        }
    }

    fn deliver(&mut self) {
        self.days(1);
        self.say("OutForDelivery_001");
        self.at += SignedDuration::from_hours(2);
        self.say("Delivered_001");
    }

    /// Lives through a script on the way to a country that usually takes so many days; the promise, where one is made, and
    /// the trouble that there is.
    fn through(
        &mut self,
        script: Script,
        to: &'static str,
        usual: u64,
        dice: &mut Dice,
    ) -> (Option<Timestamp>, Option<Trouble>) {
        let (mut promised, mut trouble) = (None, None);
        match script {
            Script::Fine => {
                promised = Some(by_evening(self, usual + 2));
                self.scans(usual.saturating_sub(1));
                self.country = to;
                self.deliver();
            }
            Script::Late => {
                promised = Some(by_evening(self, usual));
                trouble = Some(Trouble::Late);
                self.scans(usual + 1 + dice.up_to(2));
                self.country = to;
                self.deliver();
            }
            Script::Slow => {
                trouble = Some(Trouble::Slow);
                self.scans(4 * usual + 6);
                self.country = to;
                self.deliver();
            }
            Script::Silent => {
                trouble = Some(Trouble::Silent);
                self.scans(1);
                self.days(9);
                self.country = to;
                self.deliver();
            }
            Script::NotShipped => trouble = Some(Trouble::NotShipped),
            Script::Customs => {
                trouble = Some(Trouble::Customs);
                self.scans(1);
                self.country = to;
                self.say("InTransit_006");
                self.days(7);
                self.say("InTransit_005");
                self.deliver();
            }
            Script::Returns => {
                trouble = Some(Trouble::Returns);
                self.scans(usual.saturating_sub(1));
                self.country = to;
                self.days(1);
                self.say("Exception_010");
                self.country = "DE";
                self.days(2);
                self.say("Exception_011");
            }
            Script::WrongCountry => {
                trouble = Some(Trouble::WrongCountry);
                self.scans(usual.saturating_sub(1));
                self.country = if to == "FR" { "ES" } else { "IT" };
                self.deliver();
            }
            Script::Lost => {
                trouble = Some(Trouble::Lost);
                self.scans(1);
            }
            Script::UnknownCode => {
                trouble = Some(Trouble::UnknownCode);
                self.days(1);
                self.say("InTransit_980");
                self.scans(usual.saturating_sub(2));
                self.country = to;
                self.deliver();
            }
        }
        (promised, trouble)
    }
}

fn shipment(begin: Timestamp, number: u64, seed: u64) -> Shipment {
    let mut dice = Dice(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let script = script(&mut dice);
    let abroad = matches!(script, Script::Customs);
    let choices = if abroad { &COUNTRIES[3..] } else { COUNTRIES };
    let (to, usual) = choices[usize::try_from(dice.up_to(choices.len() as u64)).unwrap_or_default()];
    let minutes = i64::try_from(dice.up_to(14 * 60)).unwrap_or_default();
    let mut way = Way { at: begin + SignedDuration::from_mins(6 * 60 + minutes), country: "DE", reports: Vec::new() };
    way.days(1 + dice.up_to(20));
    let labelled = way.at;
    way.say("InfoReceived_001");
    if script != Script::NotShipped {
        way.days(1);
        way.say("InTransit_002");
    }
    let (promised, trouble) = way.through(script, to, usual, &mut dice);
    Shipment { number, to, labelled, promised, reports: way.reports, troubles: trouble.into_iter().collect() }
}

fn script(dice: &mut Dice) -> Script {
    let mut at = dice.up_to(SCRIPTS.iter().map(|(_, n)| n).sum());
    for (script, n) in SCRIPTS {
        if at < *n {
            return *script;
        }
        at -= n;
    }
    Script::Fine
}

/// The end of the working day that many working days ahead.
fn by_evening(way: &Way, days: u64) -> Timestamp {
    let mut then = Way { at: way.at, country: way.country, reports: Vec::new() };
    then.days(days);
    let day = TimeZone::UTC.to_datetime(then.at).date();
    TimeZone::UTC.to_timestamp(day.at(20, 0, 0, 0)).unwrap_or(then.at)
}
