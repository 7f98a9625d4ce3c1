//! What the address of a page of figures means: which days, compared with which, narrowed by what.

use crate::views::Asker;
use app::contract::{
    ApiResult,
    figures::{self as contract, ChoiceView, FiguresQuery, Narrowing},
};
use application::{
    caller::Caller,
    kpi::{
        period::{self, Compared, Length, Period},
        read::{self, Question},
    },
};
use domain::carriers::family_name;
use jiff::civil::Date;
use kpi::contribution::row::Dims;
use std::collections::BTreeMap;
use storage::rollups::Filter;

/// Points of a trend.
const POINTS: i32 = 13;
/// Points of a trend of quarters: two years.
const QUARTERS: i32 = 8;

/// A question of a page, understood.
pub(in crate::views) struct Asked {
    /// The question.
    pub question: Question,
    /// How long its period is.
    pub length: Length,
    /// The company's day.
    pub today: Date,
    /// As the page shows it.
    pub view: ChoiceView,
}

impl Asked {
    /// The periods of a trend that ends with this one, oldest first.
    pub fn course(&self) -> Vec<Period> {
        let points = if self.length == Length::Quarter { QUARTERS } else { POINTS };
        self.question.period.course(self.length, self.points_within(points))
    }

    /// So many points as the longest period of a reading has room for.
    fn points_within(&self, points: i32) -> i32 {
        points.min(period::DAYS_MAX / self.question.period.days().max(1)).max(1)
    }

    /// The same question about today alone.
    pub fn of_today(&self) -> Question {
        let period = Period::around(self.today, Length::Day);
        Question::of(period, self.question.filter.clone())
    }
}

/// What a question of a page means.
///
/// # Errors
/// When the caller may not, the period is none, or the store fails.
pub(in crate::views) async fn asked(asker: &Asker, caller: &Caller, query: FiguresQuery) -> ApiResult<Asked> {
    let refused = |error| asker.refused(error);
    let today = read::today(&asker.context, caller).await.map_err(refused)?;
    let length = length(query.length);
    // a day that is none is not asked for
    let day = |text: &str| text.parse::<Date>().ok();
    let period = Period::asked(length, day(&query.from), day(&query.until), today).map_err(refused)?;
    let with = match query.compared {
        contract::Compared::Before => Compared::Before,
        contract::Compared::Year => Compared::YearBefore,
    };
    let compared = period.compared(length, with);
    let dims = read::dims(&asker.context, caller).await.map_err(refused)?;
    let question = Question { period, filter: filter(&query), compared };
    let view = view(query, (period, compared), (length, today), &dims);
    Ok(Asked { question, length, today, view })
}

const fn length(length: contract::Length) -> Length {
    match length {
        contract::Length::Day => Length::Day,
        contract::Length::Week => Length::Week,
        contract::Length::Month => Length::Month,
        contract::Length::Quarter => Length::Quarter,
        contract::Length::Days => Length::Days,
    }
}

fn filter(query: &FiguresQuery) -> Filter {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Filter {
        company: given(&query.company),
        warehouse: given(&query.warehouse),
        carrier: given(&query.carrier),
        country: given(&query.country),
        segment: given(&query.segment),
    }
}

fn view(
    query: FiguresQuery,
    (period, compared): (Period, Period),
    (length, today): (Length, Date),
    dims: &[Dims],
) -> ChoiceView {
    let at = |period: Period| FiguresQuery {
        from: period.from.to_string(),
        until: if length == Length::Days { period.last().to_string() } else { String::new() },
        ..query.clone()
    };
    let later = period.moved(length, 1);
    let year = period.from.year() != compared.from.year();
    let of_year = if year && length == Length::Week {
        format!(" {}", compared.from.iso_week_date().year())
    } else {
        String::new()
    };
    ChoiceView {
        period: period.name(length),
        days: period.days_in_full(),
        compared: format!("{}{of_year}", compared.name(length)),
        first: period.from.to_string(),
        last: period.last().to_string(),
        earlier: at(period.moved(length, -1)),
        later: (later.from <= today).then(|| at(later)),
        unfinished: period.contains(today),
        companies: named(dims, |dims| dims.company.iter().collect(), ToOwned::to_owned),
        warehouses: named(dims, |dims| dims.warehouse.iter().collect(), ToOwned::to_owned),
        carriers: named(dims, |dims| dims.carrier.iter().collect(), carrier_name),
        countries: named(dims, |dims| dims.country.iter().collect(), ToOwned::to_owned),
        segments: named(dims, |dims| dims.segments.iter().collect(), ToOwned::to_owned),
        query,
    }
}

/// What people call a carrier's family.
pub(in crate::views) fn carrier_name(family: &str) -> String {
    family_name(family).unwrap_or(family).to_owned()
}

/// Each value once, by what people read.
fn named(dims: &[Dims], of: fn(&Dims) -> Vec<&String>, label: fn(&str) -> String) -> Vec<Narrowing> {
    let all: BTreeMap<(String, &String), ()> = dims.iter().flat_map(of).map(|code| ((label(code), code), ())).collect();
    all.into_keys().map(|(label, code)| Narrowing { code: code.clone(), label }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn shown(query: FiguresQuery, today: Date) -> ChoiceView {
        let length = length(query.length);
        let day = |text: &str| text.parse().ok();
        let period = Period::asked(length, day(&query.from), day(&query.until), today).unwrap();
        let with = if query.compared == contract::Compared::Year { Compared::YearBefore } else { Compared::Before };
        view(query, (period, period.compared(length, with)), (length, today), &[])
    }

    #[test]
    fn without_a_word_it_is_the_last_week_and_the_one_before() {
        let today = date(2026, 11, 23);
        let shown = shown(FiguresQuery::default(), today);
        assert_eq!((shown.period.as_str(), shown.compared.as_str(), shown.unfinished), ("week 47", "week 46", false));
        assert_eq!((shown.first.as_str(), shown.last.as_str()), ("2026-11-16", "2026-11-22"));
        assert_eq!(shown.later.unwrap().from, "2026-11-23", "the week that goes on");
        assert_eq!(shown.earlier.from, "2026-11-09");
    }

    #[test]
    fn what_has_not_begun_is_not_led_to() {
        let today = date(2026, 11, 23);
        for length in
            [contract::Length::Day, contract::Length::Week, contract::Length::Month, contract::Length::Quarter]
        {
            let now = shown(FiguresQuery::default().at(length, "2026-11-23"), today);
            assert!(now.unfinished && now.later.is_none(), "{length:?}");
            let next = shown(now.earlier, today).later.unwrap();
            assert_eq!(shown(next, today).period, now.period, "there and back");
        }
        let days = FiguresQuery {
            length: contract::Length::Days,
            from: "2026-11-01".into(),
            until: "2026-11-10".into(),
            ..Default::default()
        };
        let earlier = shown(days, today).earlier;
        assert_eq!((earlier.from.as_str(), earlier.until.as_str()), ("2026-10-22", "2026-10-31"));
    }

    #[test]
    fn filters_are_named_once_each() {
        let dims = |carrier: &str, segments: &[&str]| Dims {
            carrier: Some(carrier.into()),
            segments: segments.iter().map(|segment| (*segment).to_owned()).collect(),
            ..Dims::default()
        };
        let all = [dims("dpd", &["b", "a"]), dims("dpd", &["a"]), dims("gls", &[]), Dims::default()];
        let carriers = named(&all, |dims| dims.carrier.iter().collect(), carrier_name);
        assert_eq!(carriers.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["dpd", "gls"]);
        let segments = named(&all, |dims| dims.segments.iter().collect(), ToOwned::to_owned);
        assert_eq!(segments.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
