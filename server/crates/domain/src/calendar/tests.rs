use super::*;
use jiff::civil::date;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> CompanyCalendar {
    CompanyCalendar { country: Some("DE".into()), zone: "Europe/Berlin".into(), ..CompanyCalendar::default() }
}

#[test]
fn working_hours_leave_out_nights_weekends_and_holidays_and_follow_the_clocks() {
    let calendar = berlin().own();
    for (from, hours, until) in [
        ("2026-03-05T09:00:00Z", 4, "2026-03-05T13:00:00Z"),
        ("2026-03-05T09:00:00Z", 24, "2026-03-09T13:00:00Z"), // Thursday 10 h: 8 + 10 + 6 h, over the weekend
        ("2026-03-05T03:00:00Z", 10, "2026-03-05T17:00:00Z"), // at night: from opening to closing
        ("2026-03-07T12:00:00Z", 1, "2026-03-09T08:00:00Z"),  // Saturday
        ("2026-03-27T16:00:00Z", 2, "2026-03-30T07:00:00Z"),  // summer time begins on Sunday: 9 h in Berlin is 7 h UTC
        ("2026-10-23T15:00:00Z", 2, "2026-10-26T08:00:00Z"),  // and ends
        ("2026-04-02T15:00:00Z", 2, "2026-04-07T07:00:00Z"),  // Good Friday to Easter Monday
        ("2026-12-24T16:00:00Z", 11, "2026-12-28T17:00:00Z"),
        ("2026-03-05T09:00:00Z", 0, "2026-03-05T09:00:00Z"),
    ] {
        let end = calendar.after(at(from), SignedDuration::from_hours(hours));
        assert_eq!(end.to_string(), until, "{from} and {hours} h");
    }
}

/// Work around the clock shows that the day of the change has 23 or 25 hours.
#[test]
fn the_days_of_the_clocks_change_have_their_own_length() {
    let company = CompanyCalendar {
        opens: Time::midnight(),
        closes: time(23, 59, 59, 999_999_999),
        working: [(COMPANY.to_owned(), [date(2026, 3, 29), date(2026, 10, 25)].into())].into(),
        ..berlin()
    };
    let calendar = company.own();
    for (day, next, hours) in
        [("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23), ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25)]
    {
        // the last nanosecond of the day is not worked
        let end = calendar.after(at(day), SignedDuration::from_hours(hours));
        assert_eq!(end.duration_since(at(next)), SignedDuration::from_nanos(1), "{day}");
    }
}

#[test]
fn working_days_keep_the_time_of_day() {
    let calendar = berlin().own();
    for (from, days, until) in [
        ("2026-03-05T09:00:00Z", 1, "2026-03-06T09:00:00Z"),
        ("2026-03-06T09:00:00Z", 1, "2026-03-09T09:00:00Z"),
        ("2026-03-27T09:00:00Z", 1, "2026-03-30T08:00:00Z"), // the same 10 h of Berlin
        ("2026-03-28T09:00:00Z", 1, "2026-03-30T22:00:00Z"), // Saturday counts from Monday's begin
        ("2026-04-02T09:00:00Z", 1, "2026-04-07T09:00:00Z"),
        ("2026-04-30T09:00:00Z", 2, "2026-05-05T09:00:00Z"), // the first of May
    ] {
        assert_eq!(calendar.after_days(at(from), days).to_string(), until, "{from} and {days}");
    }
}

#[test]
fn after_the_cut_off_hour_the_next_working_day_counts() {
    let calendar = berlin().own();
    for (handed_over, day, a_day_later) in [
        ("2026-03-05T13:59:00Z", date(2026, 3, 5), "2026-03-06T13:59:00Z"),
        ("2026-03-05T14:01:00Z", date(2026, 3, 6), "2026-03-08T23:00:00Z"),
        ("2026-03-06T14:01:00Z", date(2026, 3, 7), "2026-03-09T23:00:00Z"), // Friday: from Monday's begin to Tuesday's
        ("2026-03-07T08:00:00Z", date(2026, 3, 7), "2026-03-09T23:00:00Z"), // Saturday
        ("2026-03-07T20:00:00Z", date(2026, 3, 7), "2026-03-09T23:00:00Z"),
        ("2026-04-02T14:01:00Z", date(2026, 4, 3), "2026-04-07T22:00:00Z"), // before Good Friday
    ] {
        assert_eq!(calendar.hand_over_day(at(handed_over)), day, "{handed_over}");
        assert_eq!(calendar.after_hand_over(at(handed_over), 1).to_string(), a_day_later, "{handed_over}");
    }
}

#[test]
fn a_company_has_days_of_its_own() {
    let mut company = berlin();
    company.closed.insert(COMPANY.into(), [date(2026, 3, 6)].into());
    company.closed.insert("FR".into(), [date(2026, 3, 9)].into());
    company.working.insert(COMPANY.into(), [date(2026, 3, 7), date(2026, 5, 1)].into());
    let own = company.own();
    assert!(!own.is_working_day(date(2026, 3, 6)) && own.is_working_day(date(2026, 3, 9)));
    assert!(own.is_working_day(date(2026, 3, 7)), "a Saturday");
    assert!(own.is_working_day(date(2026, 5, 1)), "a holiday");
    let paris = company.of_place(Some("FR"), TimeZone::get("Europe/Paris").unwrap());
    assert!(paris.is_working_day(date(2026, 3, 6)) && !paris.is_working_day(date(2026, 3, 9)));
    assert!(!paris.is_working_day(date(2026, 7, 14)) && own.is_working_day(date(2026, 7, 14)));
}

#[test]
fn the_weekend_is_that_of_the_country() {
    let riyadh = CompanyCalendar::default().of_place(Some("SA"), TimeZone::get("Asia/Riyadh").unwrap());
    assert_eq!(riyadh.add_days(date(2026, 3, 5), 1), date(2026, 3, 8), "Friday and Saturday are off");
    assert_eq!(riyadh.end_after_days(date(2026, 3, 5), 1), at("2026-03-08T20:59:59Z"));
}

#[test]
fn what_has_no_working_day_ends() {
    let mut company = CompanyCalendar { closes: Time::midnight(), opens: Time::midnight(), ..berlin() };
    let never = company.own();
    assert!(never.after(at("2026-03-05T09:00:00Z"), SignedDuration::from_hours(1)) > at("2027-06-01T00:00:00Z"));
    company.opens = time(18, 0, 0, 0);
    let never = company.own();
    assert!(never.after(at("2026-03-05T09:00:00Z"), SignedDuration::from_hours(1)) > at("2027-06-01T00:00:00Z"));
}
