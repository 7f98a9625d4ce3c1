//! Next steps, teams and the calendar by their page, without a browser's half; and what follows in the queue.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site};
use app::contract::{
    ApiError,
    exceptions::{Act, ActWith, QueueQuery},
    playbooks::{CalendarForm, DayChange, PlaybookTab, PlaybooksQuery, TeamForm},
};
use domain::{Category, access::Role};
use http::{StatusCode, header};

const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];

fn asked(tab: PlaybookTab) -> PlaybooksQuery {
    PlaybooksQuery { tab, ..PlaybooksQuery::default() }
}

async fn trouble(world: &World, record: i64, number: &str) -> String {
    world.order(record, &[number]).await;
    world.receives(number, DAMAGED).await;
    let queue = world.ports(Role::Agent).exceptions.queue(QueueQuery::default()).await.unwrap();
    queue.rows.into_iter().find(|row| row.number == number).unwrap().id
}

#[tokio::test]
async fn the_companys_own_next_step_is_seen_at_the_exception_and_taken_back() {
    let world = World::new().await;
    let id = trouble(&world, 1, "N1").await;
    let ports = world.ports(Role::Admin);
    let step = async || ports.exceptions.one(id.clone()).await.unwrap().row.next_step;
    let shipped = step().await;
    ports.playbooks.set_step("DAMAGED".into(), "Call the depot.".into()).await.unwrap();
    assert_eq!(step().await, "Call the depot.");
    let view = ports.playbooks.view(PlaybooksQuery::default()).await.unwrap();
    let row = view.steps.iter().find(|row| row.reason.code() == "DAMAGED").unwrap();
    assert_eq!((row.category, row.shipped.as_deref()), (Category::Damage, Some(shipped.as_str())));
    // the shipped text is no text of the company's own
    ports.playbooks.set_step("DAMAGED".into(), shipped.clone()).await.unwrap();
    let view = ports.playbooks.view(PlaybooksQuery::default()).await.unwrap();
    assert!(view.steps.iter().all(|row| row.shipped.is_none()));
    let long = ports.playbooks.set_step("DAMAGED".into(), "x".repeat(501)).await;
    assert!(matches!(long, Err(ApiError::Invalid { .. })), "{long:?}");
    assert_eq!(world.ports(Role::Agent).playbooks.view(PlaybooksQuery::default()).await, Err(ApiError::Forbidden));
}

#[tokio::test]
async fn a_team_gets_new_exceptions_of_its_reasons_and_has_a_queue() {
    let world = World::new().await;
    let admin = world.ports(Role::Admin);
    let before = trouble(&world, 1, "N1").await;
    let team = TeamForm { name: "Claims".into(), reasons: vec!["DAMAGED".into()], ..TeamForm::default() };
    admin.playbooks.put_team(team).await.unwrap();
    let after = trouble(&world, 2, "N2").await;
    let queue = async |team: &str| {
        let query = QueueQuery { team: team.into(), ..QueueQuery::default() };
        let page = world.ports(Role::Agent).exceptions.queue(query).await.unwrap();
        (page.teams, page.rows.into_iter().map(|row| (row.id, row.team)).collect::<Vec<_>>())
    };
    let claims = || Some("Claims".to_owned());
    assert_eq!(queue("Claims").await, (vec!["Claims".to_owned()], vec![(after.clone(), claims())]));
    assert_eq!(queue("").await.1.len(), 2, "what was there before stays where it was");
    let with = ActWith { team: "Claims".into(), ..ActWith::default() };
    world.ports(Role::Agent).exceptions.act(before, Act::Team, with).await.unwrap();
    assert_eq!(queue("Claims").await.1.len(), 2);
    let view = admin.playbooks.view(asked(PlaybookTab::Teams)).await.unwrap();
    assert_eq!((view.teams[0].open, view.teams[0].gets.as_str()), (2, "Damaged"));
    let query = PlaybooksQuery { team: "Claims".into(), ..asked(PlaybookTab::Teams) };
    let form = admin.playbooks.view(query).await.unwrap().form.unwrap();
    assert_eq!(form.reasons[0], ("DAMAGED".to_owned(), "Damaged".to_owned(), true), "what is chosen comes first");
    let again = TeamForm { name: "Claims".into(), reasons: vec!["LOST".into()], ..TeamForm::default() };
    let taken = admin.playbooks.put_team(again.clone()).await;
    assert!(
        matches!(&taken, Err(ApiError::Invalid { field, .. }) if field == "name"),
        "a new one replaces none: {taken:?}"
    );
    let edit = TeamForm { mark: form.mark.clone(), reasons: vec!["DAMAGED".into(), "LOST".into()], ..again.clone() };
    admin.playbooks.put_team(edit).await.unwrap();
    let late = admin.playbooks.put_team(TeamForm { mark: form.mark, ..again }).await;
    assert!(matches!(late, Err(ApiError::Conflict { .. })), "another person was faster: {late:?}");
    let unknown = TeamForm { name: "X".into(), carriers: vec!["nobody".into()], ..TeamForm::default() };
    assert!(matches!(admin.playbooks.put_team(unknown).await, Err(ApiError::Invalid { .. })));
    admin.playbooks.remove_team("Claims".into()).await.unwrap();
    assert_eq!(admin.playbooks.remove_team("Claims".into()).await, Err(ApiError::NotFound));
    assert_eq!(queue("Claims").await.1, [], "a team that is gone looks after nothing");
    let without = queue("").await.1;
    assert!(without.len() == 2 && without.iter().all(|(_, team)| team.is_none()), "{without:?}");
}

#[tokio::test]
async fn hours_holidays_and_own_days_are_set_and_change_what_is_due() {
    let world = World::new().await;
    let playbooks = world.ports(Role::Admin).playbooks;
    let calendar = async || playbooks.view(asked(PlaybookTab::Calendar)).await.unwrap().calendar.unwrap();
    let first = calendar().await;
    assert!(first.holidays.is_empty() && first.week == "Mon to Fri" && first.days.is_empty());
    let form = CalendarForm {
        country: "de".into(),
        zone: "Europe/Berlin".into(),
        opens: "09:00".into(),
        closes: "16:00".into(),
        cut_off: "14:30".into(),
    };
    playbooks.set_calendar(form.clone()).await.unwrap();
    let set = calendar().await;
    assert_eq!(set.form, CalendarForm { country: "DE".into(), ..form.clone() });
    assert!(set.holidays.iter().any(|day| day.starts_with("Fri 1 May")), "{:?}", set.holidays);
    assert_ne!(set.due, first.due);
    for (field, wrong) in [
        ("zone", CalendarForm { zone: "Nowhere".into(), ..form.clone() }),
        ("country", CalendarForm { country: "QQ".into(), ..form.clone() }),
        ("closes", CalendarForm { closes: "08:00".into(), ..form.clone() }),
        ("opens", CalendarForm { opens: "early".into(), ..form.clone() }),
    ] {
        let refused = playbooks.set_calendar(wrong).await;
        assert!(matches!(&refused, Err(ApiError::Invalid { field: of, .. }) if of == field), "{field}: {refused:?}");
    }
    let day = async |change, place: &str| playbooks.set_day("2026-03-06".into(), place.into(), change).await;
    day(DayChange::Closed, "").await.unwrap();
    let off = calendar().await;
    assert_eq!((off.days.len(), off.days[0].place_label.as_str(), off.days[0].works), (1, "the company", false));
    assert_ne!(off.due, set.due, "the day is not counted");
    day(DayChange::Working, "").await.unwrap();
    assert!(calendar().await.days[0].works);
    day(DayChange::Usual, "").await.unwrap();
    assert_eq!(calendar().await.days, []);
    day(DayChange::Closed, "fr").await.unwrap();
    assert_eq!(calendar().await.days[0].place_label, "all of FR");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forms_work_without_the_browsers_half() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let page = async |path: &str| site.page(path, Some(&cookie)).await.unwrap();
    let sent = site.submit("/playbooks?reason=LATE", "playbooks/step", "reason=LATE&text=Call+them.", &cookie).await;
    assert_eq!(sent.status, StatusCode::FOUND);
    assert!(sent.headers[header::LOCATION].to_str().unwrap().ends_with("/playbooks#LATE"), "{sent:?}");
    assert!(page("/playbooks").await.body.contains("Call them."));
    let team = "team%5Bname%5D=Night+shift&team%5Breasons%5D%5B%5D=LATE&team%5Breasons%5D%5B%5D=LOST";
    let sent = site.submit("/playbooks?tab=teams&team=%2B", "playbooks/team", team, &cookie).await;
    assert_eq!(sent.status, StatusCode::FOUND, "{sent:?}");
    let teams = page("/playbooks?tab=teams").await;
    assert!(teams.body.contains("Night shift") && teams.body.contains("Lost, Late"), "{}", teams.body);
    assert!(page("/exceptions").await.body.contains("data-testid=\"team-filter\""));
    assert!(page("/exceptions?team=Night%20shift").await.body.contains("No exceptions match"));
    let refused = site.submit("/playbooks?tab=calendar", "playbooks/calendar", "form%5Bzone%5D=Nowhere", &cookie).await;
    let back = refused.headers[header::LOCATION].to_str().unwrap().to_owned();
    let said = page(back.split_once("://").map_or(back.as_str(), |(_, rest)| &rest[rest.find('/').unwrap()..])).await;
    assert!(said.body.contains("role=\"alert\""), "the page says why: {}", said.body);
    site.stop().await;
}
