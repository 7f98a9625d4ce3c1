//! Next steps, teams and the calendar, for their page.

use super::{Asker, times::Times};
use app::contract::{
    ApiError, ApiResult,
    playbooks::{
        CalendarForm, CalendarView, DayChange, NEW_TEAM, Options, OwnDay, PlaybookTab, PlaybooksQuery, PlaybooksView,
        StepRow, TeamEdit, TeamForm, TeamRow,
    },
    session::Permission,
};
use application::{
    caller::Caller,
    context::Context,
    exceptions::{
        calendar,
        playbook::{self, Step},
        teams::{self, Replaces},
    },
};
use async_trait::async_trait;
use domain::{
    ExceptionReason, Severity,
    calendar::{COMPANY, CompanyCalendar, countries, holidays_of},
    carriers::{families, family_name},
    exceptions::{
        act_by,
        playbook::shipped,
        teams::{Team, Teams},
    },
    ids::UserId,
};
use jiff::{
    ToSpan,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use std::collections::{BTreeMap, BTreeSet};

/// A day as pages write it.
const DAY: &str = "%a %-d %b %Y";

/// Next steps, teams and the calendar.
pub struct PlaybooksPort(pub Asker);

#[async_trait]
impl app::contract::playbooks::PlaybooksPort for PlaybooksPort {
    async fn view(&self, query: PlaybooksQuery) -> ApiResult<PlaybooksView> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let steps = playbook::list(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let teams = teams::list(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let company = calendar::show(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let own_days = own_days(&company);
        let tabs = [
            (PlaybookTab::Steps, steps.len()),
            (PlaybookTab::Teams, teams.len()),
            (PlaybookTab::Calendar, own_days.len()),
        ];
        let mut view = PlaybooksView {
            tabs: tabs.into_iter().map(|(tab, n)| (tab, n as u64)).collect(),
            ..PlaybooksView::default()
        };
        match query.tab {
            PlaybookTab::Steps => view.steps = steps.into_iter().map(step_row).collect(),
            PlaybookTab::Teams => {
                let people = self.people(&caller).await?;
                let open = teams::open(context, &caller).await.map_err(|e| self.0.refused(e))?;
                view.form = edited(context, &query.team, &teams, &people);
                view.teams = teams.iter().map(|(name, team)| team_row(name, team, &people, &open)).collect();
            }
            PlaybookTab::Calendar => view.calendar = Some(calendar_view(&company, own_days, &query, &self.0.times())),
        }
        Ok(view)
    }

    async fn set_step(&self, reason: String, text: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let reason = ExceptionReason::from_code(&reason).ok_or(ApiError::NotFound)?;
        // as shipped is not the company's own
        let text = if text.trim() == shipped(reason) { "" } else { text.as_str() };
        playbook::set(context, &caller, reason, text).await.map_err(|e| self.0.refused(e))
    }

    async fn put_team(&self, team: TeamForm) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let invalid = |field: &str, message: &str| ApiError::Invalid { field: field.into(), message: message.into() };
        let members = team.members.iter().map(|id| id.parse::<UserId>().ok()).collect::<Option<BTreeSet<_>>>();
        let reasons = team.reasons.iter().map(|code| ExceptionReason::from_code(code)).collect::<Option<_>>();
        let replaces = if team.mark.is_empty() { Replaces::None } else { Replaces::Seen(team.mark) };
        let put = Team {
            members: members.ok_or_else(|| invalid("members", "Choose members of the list."))?,
            carriers: team.carriers.into_iter().collect(),
            reasons: reasons.ok_or_else(|| invalid("reasons", "Choose reasons of the list."))?,
        };
        teams::put(context, &caller, &team.name, put, replaces).await.map_err(|e| self.0.refused(e))
    }

    async fn remove_team(&self, name: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        teams::remove(context, &caller, &name).await.map_err(|e| self.0.refused(e))
    }

    async fn set_calendar(&self, form: CalendarForm) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let country = Some(form.country.trim().to_uppercase()).filter(|country| !country.is_empty());
        let (opens, closes) = (time("opens", &form.opens)?, time("closes", &form.closes)?);
        let cut_off = time("cut_off", &form.cut_off)?;
        let set = calendar::set(context, &caller, |calendar| {
            calendar.country.clone_from(&country);
            form.zone.trim().clone_into(&mut calendar.zone);
            (calendar.opens, calendar.closes, calendar.cut_off) = (opens, closes, cut_off);
        });
        set.await.map_err(|e| self.0.refused(e))
    }

    async fn set_day(&self, day: String, place: String, change: DayChange) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let day: Date = day
            .trim()
            .parse()
            .map_err(|_| ApiError::Invalid { field: "day".into(), message: "Enter the day as 2026-12-24.".into() })?;
        let place = match place.trim() {
            "" | COMPANY => COMPANY.to_owned(),
            place => place.to_uppercase(),
        };
        let set = calendar::set(context, &caller, |calendar| {
            let CompanyCalendar { closed, working, .. } = calendar;
            for (days, takes) in [(closed, DayChange::Closed), (working, DayChange::Working)] {
                let of_place = days.entry(place.clone()).or_default();
                if takes == change {
                    of_place.insert(day)
                } else {
                    of_place.remove(&day)
                };
                days.retain(|_, days| !days.is_empty());
            }
        });
        set.await.map_err(|e| self.0.refused(e))
    }
}

impl PlaybooksPort {
    /// The company's people, by name.
    async fn people(&self, caller: &Caller) -> ApiResult<Vec<(UserId, String)>> {
        teams::people(&self.0.context, caller).await.map_err(|e| self.0.refused(e))
    }
}

fn time(field: &str, text: &str) -> ApiResult<Time> {
    text.trim().parse().map_err(|_| ApiError::Invalid { field: field.into(), message: "Enter times as 08:00.".into() })
}

fn step_row(step: Step) -> StepRow {
    StepRow {
        reason: step.reason,
        category: step.reason.category(),
        shipped: step.own.then(|| shipped(step.reason).to_owned()),
        text: step.text,
    }
}

fn team_row(name: &str, team: &Team, people: &[(UserId, String)], open: &BTreeMap<String, u64>) -> TeamRow {
    let members = people.iter().filter(|(id, _)| team.members.contains(id)).map(|(_, name)| name.clone());
    let carriers: Vec<&str> = team.carriers.iter().map(|one| family_name(one).unwrap_or(one)).collect();
    let reasons: Vec<&str> = team.reasons.iter().map(|reason| reason.label()).collect();
    let gets = [carriers.join(", "), reasons.join(", ")];
    TeamRow {
        name: name.to_owned(),
        members: members.collect(),
        gets: gets.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(": "),
        open: open.get(name).copied().unwrap_or_default(),
    }
}

/// The form of a team; none where none is edited.
fn edited(context: &Context, asked: &str, teams: &Teams, people: &[(UserId, String)]) -> Option<TeamEdit> {
    let blank = Team::default();
    let (name, team) = match asked {
        NEW_TEAM => ("", &blank),
        name => (name, teams.get(name)?),
    };
    let chosen = |value: &str, label: &str, is: bool| (value.to_owned(), label.to_owned(), is);
    let mut reasons: Options = ExceptionReason::ALL
        .iter()
        .map(|reason| chosen(reason.code(), reason.label(), team.reasons.contains(reason)))
        .collect();
    let mut carriers: Options =
        families().map(|(family, label)| chosen(family, label, team.carriers.contains(family))).collect();
    // what is chosen comes first
    for options in [&mut reasons, &mut carriers] {
        options
            .sort_by(|(_, a, is), (_, b, other)| other.cmp(is).then_with(|| a.to_lowercase().cmp(&b.to_lowercase())));
    }
    Some(TeamEdit {
        name: name.to_owned(),
        people: people.iter().map(|(id, name)| chosen(&id.to_string(), name, team.members.contains(id))).collect(),
        carriers,
        reasons,
        mark: if asked == NEW_TEAM { String::new() } else { teams::mark(context, team) },
    })
}

fn own_days(company: &CompanyCalendar) -> Vec<OwnDay> {
    let of = |days: &BTreeMap<String, BTreeSet<Date>>, works: bool| -> Vec<OwnDay> {
        let each = days.iter().flat_map(|(place, days)| days.iter().map(move |day| (place, day)));
        let own = each.map(|(place, day)| OwnDay {
            day: day.to_string(),
            shown: day.strftime(DAY).to_string(),
            place: place.clone(),
            place_label: if place == COMPANY { "the company".to_owned() } else { format!("all of {place}") },
            works,
        });
        own.collect()
    };
    let mut days = of(&company.closed, false);
    days.extend(of(&company.working, true));
    days.sort_by(|a, b| (&a.day, &a.place).cmp(&(&b.day, &b.place)));
    days
}

fn calendar_view(company: &CompanyCalendar, days: Vec<OwnDay>, query: &PlaybooksQuery, times: &Times) -> CalendarView {
    let own = company.own();
    let zone = TimeZone::get(&company.zone).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(times.now).date();
    let of = Some(query.country.to_uppercase()).filter(|code| countries().any(|known| known == code));
    let of = of.or_else(|| company.country.clone()).unwrap_or_default();
    let years = [today.year(), today.year() + 1];
    let holidays = years.into_iter().flat_map(|year| holidays_of(&of, year)).filter(|day| *day >= today);
    let clock = |at: Time| at.strftime("%H:%M").to_string();
    let due = [Severity::Critical, Severity::Major, Severity::Minor, Severity::Info];
    CalendarView {
        form: CalendarForm {
            country: company.country.clone().unwrap_or_default(),
            zone: company.zone.clone(),
            opens: clock(company.opens),
            closes: clock(company.closes),
            cut_off: clock(company.cut_off),
        },
        countries: countries().map(|code| (code.to_owned(), code.to_owned(), code == of)).collect(),
        week: week(company.country.as_deref()),
        due: due.iter().map(|one| (one.label().to_owned(), times.dated(act_by(*one, times.now, &own)))).collect(),
        days,
        holidays: holidays.map(|day| day.strftime(DAY).to_string()).collect(),
        holidays_of: of,
    }
}

/// The days of a week on which work is done: `Mon to Fri`.
fn week(country: Option<&str>) -> String {
    let off = domain::calendar::weekend(country);
    let first = Date::constant(2026, 3, 2);
    let days = (0..7_i32).filter_map(|after| first.checked_add(after.days()).ok());
    let works: Vec<Date> = days.filter(|day| !off.contains(&day.weekday())).collect();
    let name = |day: &Date| day.strftime("%a").to_string();
    // a week of work begins after its weekend
    match off.contains(&Weekday::Friday) {
        true => "Sun to Thu".to_owned(),
        false => {
            works.first().zip(works.last()).map(|(a, b)| format!("{} to {}", name(a), name(b))).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::contract::playbooks::STEP_CHARS_MAX;
    use domain::exceptions::playbook::TEXT_CHARS_MAX;

    #[test]
    fn the_form_takes_what_is_kept() {
        assert_eq!(STEP_CHARS_MAX, TEXT_CHARS_MAX);
    }

    #[test]
    fn a_week_of_work_begins_after_its_weekend() {
        assert_eq!(week(Some("DE")), "Mon to Fri");
        assert_eq!(week(None), "Mon to Fri");
        assert_eq!(week(Some("EG")), "Sun to Thu");
    }
}
