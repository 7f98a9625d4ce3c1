//! Saved reports, from the form to the mail; remarks; the exceptions behind the analysis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use app::contract::{
    ApiError, Ports,
    analytics::{AnalyticsQuery, AnalyticsTab, TroublesQuery},
    figures::{FiguresQuery, Length},
    reports::{RemarkForm, ReportForm, ReportQuery, ReportRow},
};
use application::{
    caller::Caller,
    connections::{self, NewConnection},
    reports,
};
use domain::{access::Role, ids::UserId};
use server::views::{self, session::BrowserSession};
use simulator::channels::{MailFault, SandboxMail};
use storage::{jobs::Lane, people::UserRecord};

struct Office {
    world: World,
}

impl Office {
    /// With one delivered and one returned shipment.
    async fn new() -> Self {
        let world = World::new().await;
        for (record, number) in [(1, "N1"), (2, "N2")] {
            world.order(record, &[number]).await;
        }
        let picked_up = ("InTransit_003", "2026-03-02T09:00:00+00:00");
        world.receives("N1", &[picked_up, ("Delivered_001", "2026-03-04T10:00:00+00:00")]).await;
        world.receives("N2", &[picked_up, ("Exception_011", "2026-03-04T10:00:00+00:00")]).await;
        world.tick().await;
        world.settle().await;
        Self { world }
    }

    async fn mail(&self) -> SandboxMail {
        let mail = SandboxMail::start().await.unwrap();
        let fields = [
            ("host", "127.0.0.1".to_owned()),
            ("port", mail.port().to_string()),
            ("security", "none".to_owned()),
            ("login", mail.login().0.to_owned()),
            ("from", "Milepost <milepost@example.com>".to_owned()),
            ("to", "duty@example.com".to_owned()),
        ];
        let new = NewConnection {
            name: "mail".into(),
            label: "Mail".into(),
            connector: "mail".into(),
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            secret: Some(mail.login().1.to_owned().into()),
            enabled: Some(true),
            ..NewConnection::default()
        };
        connections::put(&self.world.context, &Caller::trusted(self.world.context.scope()), new).await.unwrap();
        mail
    }

    /// The pages of a person of their own.
    fn person(&self, role: Role) -> Ports {
        self.world.ports(role)
    }

    /// A person who is kept, so that reports can be sent on their behalf.
    async fn kept(&self, login: &str, role: Role) -> (UserRecord, Ports) {
        let user = UserRecord {
            id: UserId(self.world.context.clock.id()),
            company: self.world.context.company,
            login: login.into(),
            name: login.into(),
            password: String::new(),
            roles: vec![role],
            enabled: true,
            created_at: self.world.context.now(),
        };
        self.put(user.clone()).await;
        let ports = views::ports(&self.world.context, Some(&user), &BrowserSession::default());
        (user, ports)
    }

    async fn put(&self, user: UserRecord) {
        let (context, scope) = (&self.world.context, self.world.context.scope());
        let audit = context.audit("user.put", format!("user:{}", user.id));
        context.store.people.put_user(scope, user, audit).await.unwrap();
    }

    /// The clock looks for reports that are due, so many hours later, and what is due is sent.
    async fn later(&self, hours: i64) -> usize {
        self.world.clock.advance(jiff::Span::new().hours(hours));
        let started = reports::begin_due(&self.world.context, self.world.context.scope()).await.unwrap();
        self.world.work(Lane::RealTime).await;
        started
    }
}

fn weekly() -> ReportForm {
    ReportForm {
        name: "Weekly review".into(),
        figures: vec!["return_rate".into(), "on_time".into()],
        period: "month_to_date".into(),
        split: "carrier".into(),
        every: "day".into(),
        hour: "7".into(),
        to: "ines@example.com, omar@example.com".into(),
        format: "xlsx".into(),
        ..ReportForm::default()
    }
}

async fn row(ports: &Ports) -> ReportRow {
    ports.reports.list().await.unwrap().rows.remove(0)
}

#[tokio::test]
async fn a_report_goes_out_once_at_its_hour_with_its_file() {
    let office = Office::new().await;
    let mail = office.mail().await;
    let (_, clara) = office.kept("clara", Role::Executive).await;
    let id = clara.reports.save(weekly()).await.unwrap();
    assert_eq!(row(&clara).await.recipients, 2);
    assert_eq!(office.later(24).await, 1);
    assert_eq!(office.later(0).await, 0, "not twice");
    let mails = mail.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ines@example.com", "omar@example.com"]);
    for part in ["Subject: Weekly review", "multipart/mixed", ".xlsx", "text/html"] {
        assert!(mails[0].text.contains(part), "{part}: {}", mails[0].text);
    }
    let shown = row(&clara).await;
    let last = shown.last.unwrap();
    assert_eq!((last.state.as_str(), last.note.as_str(), last.bad), ("Sent", "2 recipients", false));
    // three days without a server: one mail, and the next one in time
    assert_eq!(office.later(72).await, 1);
    assert_eq!(mail.mails().len(), 2);

    clara.reports.act(id.clone(), "pause".into()).await.unwrap();
    assert_eq!(office.later(48).await, 0);
    assert!(row(&clara).await.paused);
    clara.reports.act(id.clone(), "send".into()).await.unwrap();
    office.world.work(Lane::RealTime).await;
    assert_eq!(mail.mails().len(), 3, "sent by hand all the same");
    clara.reports.act(id.clone(), "resume".into()).await.unwrap();
    assert_eq!(office.later(24).await, 1);
    clara.reports.act(id, "delete".into()).await.unwrap();
    assert!(clara.reports.list().await.unwrap().rows.is_empty());
    assert_eq!(office.later(48).await, 0);
}

#[tokio::test]
async fn a_mail_that_fails_is_tried_again_and_none_goes_out_for_who_may_no_longer_see_figures() {
    let office = Office::new().await;
    office.world.leaves_jobs();
    let mail = office.mail().await;
    let (user, clara) = office.kept("clara", Role::Executive).await;
    clara.reports.save(ReportForm { every: "month".into(), day: "6".into(), ..weekly() }).await.unwrap();
    mail.fail(MailFault::SenderRefused, 1);
    office.later(24).await;
    let last = row(&clara).await.last.unwrap();
    assert!(last.bad && last.state == "Retrying" && !last.note.is_empty(), "{last:?}");
    for _ in 0..48 {
        office.later(1).await;
    }
    assert_eq!(mail.mails().len(), 1, "{:?}", row(&clara).await.last);

    office.put(UserRecord { enabled: false, ..user }).await;
    office.later(24 * 31).await;
    let shown = office.person(Role::Admin);
    let last = row(&shown).await.last.unwrap();
    assert_eq!(last.note, "Its owner may no longer see figures.");
    assert_eq!(mail.mails().len(), 1);
}

#[tokio::test]
async fn where_the_answer_is_lost_a_mail_goes_out_once_more_at_most() {
    let office = Office::new().await;
    office.world.leaves_jobs();
    let mail = office.mail().await;
    let (_, clara) = office.kept("clara", Role::Executive).await;
    clara.reports.save(ReportForm { every: "month".into(), day: "6".into(), ..weekly() }).await.unwrap();
    mail.fail(MailFault::EndsAfterMessage, 9);
    office.later(24).await;
    for _ in 0..6 {
        office.later(1).await;
    }
    let last = row(&clara).await.last.unwrap();
    assert!(last.bad && last.state.starts_with("Unknown"), "{last:?}");
    assert_eq!(mail.mails().len(), 2);
}

#[tokio::test]
async fn all_wait_for_a_recipient_who_is_refused_for_now() {
    let office = Office::new().await;
    office.world.leaves_jobs();
    let mail = office.mail().await;
    let (_, clara) = office.kept("clara", Role::Executive).await;
    clara.reports.save(ReportForm { every: "month".into(), day: "6".into(), ..weekly() }).await.unwrap();
    mail.fail(MailFault::Greylisted, 1);
    office.later(19).await;
    for _ in 0..6 {
        office.later(1).await;
    }
    assert_eq!(mail.mails().len(), 1);
    assert_eq!(mail.mails()[0].to.len(), 2);
}

#[tokio::test]
async fn a_report_is_mailed_by_hand_once_at_a_time_and_not_without_end() {
    let office = Office::new().await;
    let mail = office.mail().await;
    let (_, clara) = office.kept("clara", Role::Executive).await;
    let id = clara.reports.save(weekly()).await.unwrap();
    let send = async || clara.reports.act(id.clone(), "send".into()).await;
    send().await.unwrap();
    assert!(matches!(send().await, Err(ApiError::Conflict { .. })), "the first one is not sent yet");
    let mut sent = 1;
    loop {
        office.world.work(Lane::RealTime).await;
        if send().await.is_err() {
            break;
        }
        sent += 1;
        assert!(sent < 50, "there is a limit");
    }
    assert_eq!(mail.mails().len(), sent);
}

#[tokio::test]
async fn without_a_mail_channel_a_report_says_so() {
    let office = Office::new().await;
    let (_, clara) = office.kept("clara", Role::Executive).await;
    clara.reports.save(weekly()).await.unwrap();
    assert!(!clara.reports.list().await.unwrap().mail);
    office.later(24).await;
    assert_eq!(row(&clara).await.last.unwrap().note, "No mail channel is connected.");
}

#[tokio::test]
async fn a_private_report_is_its_owners_and_the_administrators() {
    let office = Office::new().await;
    let (clara, omar, admin) =
        (office.person(Role::Executive), office.person(Role::Executive), office.person(Role::Admin));
    let id = clara.reports.save(weekly()).await.unwrap();
    let query = || ReportQuery { id: id.clone(), ..ReportQuery::default() };
    assert!(omar.reports.list().await.unwrap().rows.is_empty());
    assert_eq!(omar.reports.one(query()).await, Err(ApiError::NotFound));
    assert_eq!(omar.reports.file(id.clone(), "report.csv".into()).await.err(), Some(ApiError::NotFound));
    assert_eq!(admin.reports.list().await.unwrap().rows.len(), 1);

    let form = clara.reports.one(query()).await.unwrap().form;
    assert_eq!(form.to, "ines@example.com, omar@example.com");
    let shared = ReportForm { sharing: "team".into(), ..form.clone() };
    clara.reports.save(shared.clone()).await.unwrap();
    assert!(matches!(clara.reports.save(form).await, Err(ApiError::Conflict { .. })), "another revision");
    let seen = omar.reports.one(query()).await.unwrap();
    assert!(!seen.row.unwrap().may_change);
    assert_eq!(seen.form.to, "", "addresses are for who may change them");
    let act = omar.reports.act(id.clone(), "delete".into()).await;
    assert!(matches!(act, Err(ApiError::Refused { .. })), "{act:?}");
    assert!(matches!(omar.reports.save(shared).await, Err(ApiError::Refused { .. })));
}

#[tokio::test]
async fn a_file_has_the_figures_of_its_period() {
    let office = Office::new().await;
    let clara = office.person(Role::Executive);
    let form = ReportForm {
        name: "=Weekly \"review\"".into(),
        every: String::new(),
        period: "month_to_date".into(),
        ..weekly()
    };
    let id = clara.reports.save(form).await.unwrap();
    office.world.clock.advance(jiff::Span::new().hours(24 * 9));
    let file = async |name: &str| clara.reports.file(id.clone(), name.into()).await.unwrap();
    let csv = file("report.csv").await;
    let text = String::from_utf8(csv.bytes).unwrap();
    assert!(csv.name.starts_with("weekly-review-") && csv.name.ends_with(".csv"), "{}", csv.name);
    assert!(text.contains("\"Returned to sender\",\"return_rate v1\",\"total\""), "{text}");
    assert!(text.contains("\"50.0\""), "one of two came back: {text}");
    assert!(text.contains("\"carrier\""), "{text}");
    let html = String::from_utf8(file("report.html").await.bytes).unwrap();
    assert!(html.contains("=Weekly &quot;review&quot;") && html.contains("Definitions") && !html.contains("<script"));
    assert!(file("report.xlsx").await.bytes.starts_with(b"PK"));
    assert_eq!(clara.reports.file(id, "report.exe".into()).await.err(), Some(ApiError::NotFound));
}

#[tokio::test]
async fn what_is_no_report_is_refused_with_its_field() {
    let office = Office::new().await;
    let clara = office.person(Role::Executive);
    let many = "a@example.com,".repeat(21);
    for (field, form) in [
        ("name", ReportForm { name: "  ".into(), ..weekly() }),
        ("figures", ReportForm { figures: Vec::new(), ..weekly() }),
        ("figures", ReportForm { figures: vec!["nothing".into()], ..weekly() }),
        ("figures", ReportForm { figures: vec!["eta_calibration".into()], ..weekly() }),
        ("figures", ReportForm { figures: vec!["sync_failed".into()], ..weekly() }),
        ("period", ReportForm { period: "ever".into(), ..weekly() }),
        ("split", ReportForm { split: "mood".into(), ..weekly() }),
        ("rhythm", ReportForm { every: "hour".into(), ..weekly() }),
        ("rhythm", ReportForm { hour: "24".into(), ..weekly() }),
        ("rhythm", ReportForm { every: "week".into(), weekday: "0".into(), ..weekly() }),
        ("rhythm", ReportForm { every: "month".into(), day: "32".into(), ..weekly() }),
        ("to", ReportForm { to: "nowhere".into(), ..weekly() }),
        ("to", ReportForm { to: String::new(), ..weekly() }),
        ("to", ReportForm { to: many, ..weekly() }),
    ] {
        match clara.reports.save(form).await {
            Err(ApiError::Invalid { field: at, .. }) => assert_eq!(at, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(clara.reports.list().await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_remark_stands_on_the_charts_of_its_days_until_it_is_removed() {
    let office = Office::new().await;
    let (admin, clara) = (office.person(Role::Admin), office.person(Role::Executive));
    let form = RemarkForm {
        kind: "strike".into(),
        first: "2026-03-03".into(),
        last: "2026-03-04".into(),
        text: "Depot north".into(),
        left_out: "on".into(),
        ..RemarkForm::default()
    };
    assert_eq!(clara.reports.annotate(form.clone()).await, Err(ApiError::Forbidden));
    admin.reports.annotate(form.clone()).await.unwrap();
    let query = FiguresQuery { length: Length::Week, from: "2026-03-04".into(), ..FiguresQuery::default() };
    let marks = async || {
        let asked = AnalyticsQuery { figures: query.clone(), ..AnalyticsQuery::default() };
        clara.analytics.view(asked).await.unwrap().annotations
    };
    let shown = marks().await;
    assert_eq!((shown.len(), shown[0].words.as_str(), shown[0].from), (1, "Depot north", 12));
    let overview = clara.figures.overview(query.clone()).await.unwrap();
    assert_eq!(overview.annotations, shown);
    for (field, odd) in [
        ("kind", RemarkForm { kind: "mood".into(), ..form.clone() }),
        ("first", RemarkForm { first: "soon".into(), ..form.clone() }),
        ("to", RemarkForm { last: "2026-03-01".into(), ..form.clone() }),
        ("text", RemarkForm { text: "x".repeat(81), ..form.clone() }),
    ] {
        match admin.reports.annotate(odd).await {
            Err(ApiError::Invalid { field: at, .. }) => assert_eq!(at, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let remark = clara.reports.targets().await.unwrap().remarks.remove(0);
    assert!(remark.left_out && remark.kind == "Strike");
    admin.reports.remove_remark(remark.id.clone()).await.unwrap();
    assert_eq!(admin.reports.remove_remark(remark.id).await, Err(ApiError::NotFound));
    assert!(marks().await.is_empty());
}

#[tokio::test]
async fn a_target_is_typed_and_taken_back() {
    let office = Office::new().await;
    let admin = office.person(Role::Admin);
    let set = async || {
        let rows = admin.reports.targets().await.unwrap().rows;
        rows.into_iter().find(|row| row.id == "on_time").unwrap().set
    };
    assert_eq!(set().await, "");
    admin.reports.set_target("on_time".into(), " 97,5 ".into()).await.unwrap();
    assert_eq!(set().await, "97.5");
    for odd in ["many", "-1", "NaN", "inf", "1,000"] {
        let refused = admin.reports.set_target("on_time".into(), odd.into()).await;
        assert!(matches!(refused, Err(ApiError::Invalid { .. })), "{odd}: {refused:?}");
    }
    admin.reports.set_target("on_time".into(), String::new()).await.unwrap();
    assert_eq!(set().await, "");
    assert_eq!(admin.reports.set_target("nothing".into(), "1".into()).await, Err(ApiError::NotFound));
}

/// Each number of the analysis is the number of its rows.
#[tokio::test]
async fn the_numbers_of_the_analysis_are_those_of_their_rows() {
    let world = World::new().await;
    for n in 1..=6_i64 {
        let number = format!("N{n}");
        world.order(n, &[&number]).await;
        let picked_up = ("InTransit_003", "2026-03-02T09:00:00+00:00");
        let trouble =
            [("AttemptFail_001", "2026-03-03T16:30:00+00:00"), ("Exception_006", "2026-03-04T08:10:00+00:00")];
        let trouble = trouble[usize::try_from(n).unwrap() % 2];
        world.receives(&number, &[picked_up, trouble]).await;
    }
    world.tick().await;
    world.settle().await;
    let clara = world.ports(Role::Executive);
    let figures = FiguresQuery { length: Length::Week, from: "2026-03-04".into(), ..FiguresQuery::default() };
    let asked = AnalyticsQuery { figures: figures.clone(), tab: AnalyticsTab::Exceptions };
    let view = clara.analytics.view(asked).await.unwrap();
    let troubles = view.troubles.unwrap();
    assert!(troubles.opened >= 3, "{troubles:?}");
    let rows = async |change: &dyn Fn(&mut TroublesQuery)| {
        let mut query = TroublesQuery { figures: figures.clone(), ..TroublesQuery::default() };
        change(&mut query);
        clara.analytics.rows(query).await.unwrap().total
    };
    assert_eq!(rows(&|_| ()).await, troubles.opened);
    assert_eq!(rows(&|query| query.took = "open".into()).await, troubles.opened - troubles.ended);
    for reason in &troubles.reasons {
        assert_eq!(rows(&|query| query.reason = reason.code.clone()).await, reason.count, "{reason:?}");
    }
    for party in &troubles.parties {
        assert_eq!(rows(&|query| query.party = party.code.clone()).await, party.count, "{party:?}");
    }
    for lane in &troubles.lanes {
        assert_eq!(rows(&|query| query.lane = lane.code.clone()).await, lane.count, "{lane:?}");
    }
    for carrier in troubles.carriers.iter().filter(|carrier| !carrier.code.is_empty()) {
        assert_eq!(rows(&|query| query.figures.carrier = carrier.code.clone()).await, carrier.count, "{carrier:?}");
    }
    let mut heat = 0;
    for (day, hours) in troubles.hours.iter().enumerate() {
        for (two, n) in hours.iter().enumerate() {
            heat += n;
            if *n > 0 {
                assert_eq!(rows(&|query| query.hours = format!("{day}-{}", two * 2)).await, *n);
            }
        }
    }
    assert_eq!(heat, troubles.opened);
    assert_eq!(troubles.reasons.iter().map(|reason| reason.count).sum::<u64>(), troubles.opened);
    assert_eq!(troubles.kinds.iter().filter_map(|kind| kind.course.last()).sum::<u64>(), troubles.opened);
    let rate = view.tiles.iter().find(|tile| tile.id == "exception_rate").unwrap();
    let counted = rate.parts.iter().find(|part| part.code == "for").map_or(0, |part| part.count);
    assert_eq!(counted, troubles.opened, "as the figure counts: {:?}", rate.parts);
    for tab in [AnalyticsTab::Impact, AnalyticsTab::Sync] {
        let view = clara.analytics.view(AnalyticsQuery { figures: figures.clone(), tab }).await.unwrap();
        assert!(view.troubles.is_none() && view.tiles.len() == 8);
    }
}
