//! What to raise in a review, in words: what the figures say, and what to ask for.

use super::measure::count;
use crate::views::figures::figure::Scale;
use app::{
    components::{charts::number, parts::grouped},
    contract::{
        carriers::{FindingView, SplitBy},
        figures::{FiguresQuery, Length},
    },
};
use kpi::{
    definition::Kpi,
    figure::Value,
    scorecard::{
        Share,
        findings::{Finding, Lane},
    },
};

/// A finding about the carrier that the question names.
pub(super) fn finding(of: &Finding, query: &FiguresQuery) -> FindingView {
    let view = FindingView { query: query.clone(), ..FindingView::default() };
    let against = |kpi: Kpi| (kpi.id().to_owned(), "against".to_owned());
    let percent = |share: Share| number(share.percent().unwrap_or_default());
    match of {
        Finding::OnTime { share, target } => {
            let (kpi, tab) = against(Kpi::OnTime);
            let words = format!(
                "{} of {} due were late: {} % on time against a target of {} %, {} more than it allows. Ask for the cause, and by \
                 when the target is met.",
                grouped(count(share.rest())),
                grouped(count(share.of)),
                percent(*share),
                number(*target),
                number(share.excess(*target).round())
            );
            FindingView { title: "On time.".into(), words, kpi, tab, ..view }
        }
        Finding::BelowLimit { weeks, since, until, mean } => {
            let (kpi, tab) = against(Kpi::OnTime);
            let run = if *weeks == 1 { "The last week is".to_owned() } else { format!("The last {weeks} weeks are") };
            let words = format!(
                "{run} below the lower limit, since {}; the weeks before had {} % on average. Ask what changed.",
                since.strftime("%a %-d %b"),
                number(*mean)
            );
            let query = FiguresQuery {
                length: Length::Days,
                from: since.to_string(),
                until: until.to_string(),
                ..query.clone()
            };
            FindingView { title: "Worse than usual.".into(), words, kpi, tab, query }
        }
        Finding::Lane { lane, share, all } => {
            let (kpi, tab) = against(Kpi::OnTime);
            let part = |part: i64, of: i64| number((part as f64 * 100.0 / of.max(1) as f64).round());
            let words = format!(
                "{} of {} late ones ({} %) go this way, which has {} % of what was due. Ask for a plan for this lane.",
                grouped(count(share.rest())),
                grouped(count(all.rest())),
                part(share.rest(), all.rest()),
                part(share.of, all.of)
            );
            let title = format!("{}.", lane_name(lane, SplitBy::Lane));
            match on_lane(query, lane, SplitBy::Lane) {
                Some(query) => FindingView { title, words, kpi, tab, query },
                None => FindingView { title, words, ..view },
            }
        }
        Finding::Slower { now, before } => {
            let scale =
                Scale::of(Kpi::TransitTime.definition(), &Value { main: None, lowest: None, upper: None, of: 0 });
            let words = format!(
                "Nine of ten arrive within {} working days, {} in the period before. Ask whether its transit times still hold.",
                number(scale.of_value(*now)),
                number(scale.of_value(*before))
            );
            FindingView { title: "Slower.".into(), words, kpi: Kpi::TransitTime.id().into(), ..view }
        }
        Finding::Share { kpi, share, target } => {
            let (title, words, tab) = share_words(*kpi, *share, *target);
            let kpi = if kpi.definition().is_listed() { kpi.id().to_owned() } else { String::new() };
            FindingView { title: title.into(), words, kpi, tab: tab.into(), ..view }
        }
        Finding::Latency { p90, target } => {
            let value = Value { main: Some(*p90), lowest: None, upper: None, of: 0 };
            let scale = Scale::of(Kpi::EventLatency.definition(), &value);
            let words = format!(
                "One event in ten is reported later than {} after it happened, at most {} are wanted. Ask for webhooks, or for a \
                 shorter interval.",
                scale.words(*p90),
                scale.words(*target)
            );
            FindingView { title: "Late reports.".into(), words, ..view }
        }
    }
}

/// A share that misses its target: title, words, and the tab of its rows.
fn share_words(kpi: Kpi, share: Share, target: f64) -> (&'static str, String, &'static str) {
    let (for_it, rest, of) = (grouped(count(share.part)), grouped(count(share.rest())), grouped(count(share.of)));
    let percent = number(share.percent().unwrap_or_default());
    let target = number(target);
    let few = |what: &str, ask: &str| format!("{for_it} of {of} {what}: {percent} % against at most {target} %. {ask}");
    let many = |what: &str, ask: &str| format!("{rest} of {of} {what}: {percent} % against at least {target} %. {ask}");
    match kpi {
        Kpi::FirstAttempt => {
            let words = many("first attempts failed", "Ask for notices before the delivery, and for time windows.");
            ("First attempt.", words, "against")
        }
        Kpi::LossRate => ("Lost.", few("were lost", "Ask what the searches found, and claim."), "for"),
        Kpi::DamageRate => ("Damaged.", few("were damaged", "Ask where, and claim."), "for"),
        Kpi::ReturnRate => ("Returned.", few("were returned", "Ask for the reasons."), "for"),
        Kpi::ConfirmationRate => {
            let words = many("have no closing event after 14 days", "Ask for the final scans.");
            ("Without an end.", words, "against")
        }
        Kpi::MilestonesComplete => {
            ("Missing scans.", many("expected milestones were not reported", "Ask which scans are made."), "against")
        }
        Kpi::UnmappedShare => {
            ("Unknown codes.", few("events have a code without a mapping", "Ask for the list of codes."), "")
        }
        Kpi::ImpossibleTimes => {
            let words = few("events have a time that cannot be", "Ask for the clocks and zones of the scanners.");
            ("Impossible times.", words, "")
        }
        other => (other.definition().title, few("count", ""), "for"),
    }
}

/// `WH → PL`; of a split by one part that part.
pub(super) fn lane_name(lane: &Lane, by: SplitBy) -> String {
    let known = |part: &Option<String>| part.clone().unwrap_or_else(|| "not known".to_owned());
    match by {
        SplitBy::Lane => format!("{} → {}", known(&lane.warehouse), known(&lane.country)),
        SplitBy::Country => known(&lane.country),
        SplitBy::Warehouse => known(&lane.warehouse),
    }
}

/// The question narrowed to a lane, or to the part that it is split by; none where a part is not known: no question asks for that.
pub(super) fn on_lane(query: &FiguresQuery, lane: &Lane, by: SplitBy) -> Option<FiguresQuery> {
    let query = query.clone();
    Some(match by {
        SplitBy::Lane => FiguresQuery { warehouse: lane.warehouse.clone()?, country: lane.country.clone()?, ..query },
        SplitBy::Country => FiguresQuery { country: lane.country.clone()?, ..query },
        SplitBy::Warehouse => FiguresQuery { warehouse: lane.warehouse.clone()?, ..query },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn said(of: &Finding) -> FindingView {
        finding(of, &FiguresQuery { carrier: "gls".into(), ..FiguresQuery::default() })
    }

    #[test]
    fn findings_say_their_numbers_and_lead_to_their_rows() {
        let share = |part, of| Share { part, of };
        let lane = Lane { warehouse: Some("POZ".into()), country: Some("DE".into()) };
        let on_time = said(&Finding::OnTime { share: share(1_031, 1_266), target: 95.0 });
        let start = "235 of 1,266 due were late: 81.4 % on time against a target of 95 %, 172 more than it allows.";
        assert!(on_time.words.starts_with(start), "{}", on_time.words);
        assert_eq!((on_time.kpi.as_str(), on_time.tab.as_str()), ("on_time", "against"));
        let of_lane = said(&Finding::Lane { lane, share: share(354, 543), all: share(3_277, 3_825) });
        assert_eq!(of_lane.title, "POZ → DE.");
        assert!(of_lane.words.starts_with("189 of 548 late ones (34 %) go this way, which has 14 % of"), "{of_lane:?}");
        assert_eq!((of_lane.query.warehouse.as_str(), of_lane.query.country.as_str()), ("POZ", "DE"));
        assert_eq!(of_lane.query.carrier, "gls");
        let below =
            said(&Finding::BelowLimit { weeks: 3, since: date(2026, 11, 2), until: date(2026, 11, 22), mean: 93.46 });
        assert!(
            below.words.starts_with(
                "The last 3 weeks are below the lower limit, since Mon 2 Nov; the weeks before had 93.5 %"
            )
        );
        let days = (below.query.length, below.query.from.as_str(), below.query.until.as_str());
        assert_eq!(days, (Length::Days, "2026-11-02", "2026-11-22"), "those weeks, not the period");
        let late = said(&Finding::Latency { p90: 840.0, target: 720.0 });
        assert!(late.words.contains("later than 14 h after") && late.words.contains("at most 12 h"), "{}", late.words);
        assert_eq!(late.kpi, "");
        let slower = said(&Finding::Slower { now: 120.0, before: 84.0 });
        assert!(slower.words.starts_with("Nine of ten arrive within 5 working days, 3.5 in"), "{}", slower.words);
    }

    #[test]
    fn each_share_has_words_of_its_own() {
        let kpis = [
            Kpi::FirstAttempt,
            Kpi::LossRate,
            Kpi::DamageRate,
            Kpi::ReturnRate,
            Kpi::ConfirmationRate,
            Kpi::MilestonesComplete,
            Kpi::UnmappedShare,
            Kpi::ImpossibleTimes,
        ];
        for kpi in kpis {
            let finding = said(&Finding::Share { kpi, share: Share { part: 20, of: 1_000 }, target: 0.5 });
            assert!(finding.words.contains(" of 1,000 ") && finding.words.contains("Ask "), "{finding:?}");
            assert_eq!(finding.kpi.is_empty(), !kpi.definition().is_listed(), "{finding:?}");
        }
    }

    #[test]
    fn what_is_not_known_of_a_lane_is_said_and_leads_nowhere() {
        let of = |warehouse: Option<&str>, country: Option<&str>| Lane {
            warehouse: warehouse.map(str::to_owned),
            country: country.map(str::to_owned),
        };
        let query = FiguresQuery { carrier: "gls".into(), ..FiguresQuery::default() };
        for (lane, by, name, leads) in [
            (of(Some("WH"), Some("DE")), SplitBy::Lane, "WH → DE", true),
            (of(Some("WH"), None), SplitBy::Lane, "WH → not known", false),
            (of(None, Some("DE")), SplitBy::Lane, "not known → DE", false),
            (of(None, Some("DE")), SplitBy::Country, "DE", true),
            (of(None, None), SplitBy::Country, "not known", false),
            (of(Some("WH"), None), SplitBy::Warehouse, "WH", true),
        ] {
            assert_eq!(lane_name(&lane, by), name);
            assert_eq!(on_lane(&query, &lane, by).is_some(), leads, "{name}");
        }
        let lane = Finding::Lane {
            lane: of(Some("WH"), None),
            share: Share { part: 1, of: 40 },
            all: Share { part: 90, of: 140 },
        };
        assert_eq!(said(&lane).kpi, "", "no list has exactly these");
    }
}
