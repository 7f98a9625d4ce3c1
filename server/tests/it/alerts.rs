//! Alerts over simulated channels: each condition fires once and resolves once; what flaps is one alert; what is sent is sent once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use app::contract::{
    ApiError,
    alerts::{AlertTab, AlertsPort, AlertsQuery, AlertsView, MaintenanceForm, SnoozeFor},
};
use application::{
    alerts::{self, Count, Raised},
    caller::Caller,
    connections::{self, NewConnection},
    machine::Machine,
};
use domain::{Severity, access::Role, alerts::AlertKind};
use jiff::{SignedDuration, Span, Timestamp};
use kinds::SetMachine;
use server::config::Settings;
use simulator::{channels::SandboxHooks, faults::Fault};
use std::sync::Arc;
use storage::{
    alerts::{AlertRecord, NoticeState},
    destinations::Health,
    jobs::Lane,
};

mod kinds;

struct Watched {
    world: World,
    hooks: SandboxHooks,
    machine: Arc<SetMachine>,
}

impl Watched {
    async fn new() -> Self {
        let hooks = SandboxHooks::start().await.unwrap();
        let mut world = World::with(Settings::default().resolve().unwrap()).await;
        let machine = Arc::new(SetMachine::new(Arc::clone(&world.clock)));
        // disk and clocks are the world's, and not this machine's
        let context = Arc::get_mut(&mut world.context).expect("nothing runs yet");
        context.machine = Arc::clone(&machine) as Arc<dyn Machine>;
        Self { world, hooks, machine }
    }

    /// The same with a Slack that gets what is critical or major, at once.
    async fn with_slack() -> Self {
        let watched = Self::new().await;
        watched.channel("slack", "slack", &[]).await;
        watched
    }

    async fn channel(&self, name: &str, connector: &str, settings: &[(&str, &str)]) {
        let mut fields: Vec<(String, String)> =
            settings.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        let secret = match connector {
            "webhook" => {
                fields.push(("url".into(), self.hooks.url(name)));
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()
            }
            _ => self.hooks.url(name),
        };
        let new = NewConnection {
            name: name.into(),
            label: name.into(),
            connector: connector.into(),
            fields: fields.into_iter().collect(),
            secret: Some(secret.into()),
            enabled: Some(true),
            ..NewConnection::default()
        };
        connections::put(&self.world.context, &self.caller(), new).await.unwrap();
    }

    fn caller(&self) -> Caller {
        Caller::trusted(self.world.context.scope())
    }

    /// A look at every condition, and what is sent because of it.
    async fn look(&self) {
        alerts::evaluate(&self.world.context, self.world.context.scope()).await.unwrap();
        self.world.work(Lane::RealTime).await;
    }

    async fn pass(&self, minutes: i64) {
        self.world.clock.advance(Span::new().minutes(minutes));
        self.look().await;
    }

    async fn open(&self, kind: AlertKind) -> Option<AlertRecord> {
        let open = self.world.context.store.alerts.open(self.world.context.scope()).await.unwrap();
        open.into_iter().find(|alert| alert.kind == kind)
    }

    /// What Slack, or another chat with a text, was sent.
    fn said(&self, to: &str) -> Vec<String> {
        let posts = self.hooks.posts(to).into_iter();
        posts.map(|post| post.body["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The circuit breaker of a connection opens, or closes.
    async fn suspend(&self, name: &str, suspended: bool) {
        let (context, now) = (&self.world.context, self.world.clock_now());
        let before = context.store.destinations.breakers(context.scope()).await.unwrap();
        let before = before.get(name).map(|breaker| breaker.health.clone()).unwrap_or_default();
        let health = match suspended {
            true => Health {
                failures: 10,
                times_opened: 1,
                open_until: Some(now + SignedDuration::from_mins(2)),
                failing_since: Some(now - SignedDuration::from_mins(10)),
                last_error: Some("unreachable".into()),
                ..Health::default()
            },
            false => Health::default(),
        };
        assert!(context.store.destinations.set_health(context.scope(), name, before, health).await.unwrap());
    }

    /// Asserts that the alert of this kind fires once and, once its cause is gone, resolves once.
    async fn fires_and_resolves(&self, kind: AlertKind, mend: impl AsyncFnOnce(&Self)) {
        self.look().await;
        let open = self.open(kind).await.unwrap_or_else(|| panic!("{kind:?} does not fire"));
        let mine = |said: Vec<String>| said.into_iter().filter(|text| text.contains(&open.title)).collect::<Vec<_>>();
        self.pass(1).await;
        let said = mine(self.said("slack"));
        assert_eq!(said.len(), 1, "{kind:?}: {said:?}");
        mend(self).await;
        self.pass(1).await;
        assert_eq!(self.open(kind).await.map(|alert| alert.id), Some(open.id), "{kind:?} is not clear for long enough");
        self.pass(11).await;
        assert!(self.open(kind).await.is_none(), "{kind:?} does not resolve: {:?}", self.open(kind).await);
        self.pass(1).await;
        let said = mine(self.said("slack"));
        assert_eq!(said.len(), 2, "{kind:?}: {said:?}");
        assert!(said[1].starts_with("Resolved: "), "{said:?}");
    }

    fn page(&self) -> Arc<dyn AlertsPort> {
        self.world.ports(Role::Admin).alerts
    }

    async fn view(&self) -> AlertsView {
        self.page().view(AlertsQuery::default()).await.unwrap()
    }
}

impl World {
    fn clock_now(&self) -> Timestamp {
        self.context.now()
    }
}

#[tokio::test]
async fn a_suspended_connection_fires_once_and_resolves_once() {
    let watched = Watched::with_slack().await;
    watched.suspend("aftership", true).await;
    watched
        .fires_and_resolves(AlertKind::ConnectionSuspended, async |watched: &Watched| {
            watched.suspend("aftership", false).await
        })
        .await;
    let view = watched.view().await;
    assert_eq!((view.rows.len(), view.quiet.len()), (0, 1));
    assert_eq!(view.quiet[0].how, "Cleared by itself");
    let id = view.quiet[0].id.clone();
    watched.pass(2 * 24 * 60).await;
    let of = |alert: &str| AlertsQuery { alert: alert.into(), ..AlertsQuery::default() };
    let led = watched.page().view(of(&id)).await.unwrap();
    assert_eq!(
        led.quiet.iter().map(|row| &row.id).collect::<Vec<_>>(),
        [&id],
        "its notification leads to it later, too"
    );
    assert_eq!(watched.page().view(of("another")).await.unwrap().quiet, []);
}

#[tokio::test]
async fn a_destination_that_flaps_makes_one_alert() {
    let watched = Watched::with_slack().await;
    for round in 0..20 {
        watched.suspend("aftership", round % 2 == 0).await;
        watched.pass(3).await;
        if round == 0 {
            assert_eq!(
                alerts::acknowledge_all(&watched.world.context, &watched.caller(), watched.world.clock_now())
                    .await
                    .unwrap(),
                1
            );
        }
    }
    assert_eq!(watched.said("slack").len(), 1, "{:?}", watched.said("slack"));
    watched.suspend("aftership", false).await;
    for _ in 0..15 {
        watched.pass(1).await;
    }
    assert_eq!(watched.said("slack").len(), 2, "opened once, resolved once");
    let context = &watched.world.context;
    let fired = context.store.alerts.fired(context.scope(), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(fired.iter().find(|(kind, _)| *kind == AlertKind::ConnectionSuspended).unwrap().1, 1);
}

#[tokio::test]
async fn an_alert_that_is_not_acknowledged_goes_to_the_next_channel() {
    let watched = Watched::with_slack().await;
    watched.channel("mattermost", "mattermost", &[("stage", "unacknowledged")]).await;
    watched.suspend("aftership", true).await;
    watched.look().await;
    assert_eq!((watched.said("slack").len(), watched.said("mattermost").len()), (1, 0));
    watched.suspend("aftership", true).await;
    watched.pass(5).await;
    let said = watched.said("mattermost");
    assert_eq!((watched.said("slack").len(), said.len()), (1, 1));
    assert!(said[0].contains("Not acknowledged"), "{said:?}");
    let id = watched.open(AlertKind::ConnectionSuspended).await.unwrap().id;
    alerts::acknowledge(&watched.world.context, &watched.caller(), id).await.unwrap();
    watched.pass(60).await;
    assert_eq!(watched.said("mattermost").len(), 1, "it is acknowledged");
    watched.suspend("aftership", false).await;
    for _ in 0..13 {
        watched.pass(1).await;
    }
    assert_eq!(
        (watched.said("slack").len(), watched.said("mattermost").len()),
        (2, 2),
        "both have it, and get the end"
    );
}

#[tokio::test]
async fn all_that_a_page_showed_is_acknowledged_and_nothing_that_came_later() {
    let watched = Watched::with_slack().await;
    watched.suspend("aftership", true).await;
    watched.look().await;
    let page = watched.view().await;
    watched.world.clock.advance(Span::new().seconds(5));
    let late = Raised {
        kind: AlertKind::RuleAlert,
        subject: "late".into(),
        severity: None,
        title: "Opened after the page was read".into(),
        detail: String::new(),
        count: Count::Total(1),
        unit: "shipments".into(),
        link: "/alerts".into(),
        channels: Vec::new(),
    };
    alerts::raise(&watched.world.context, watched.world.context.scope(), late).await.unwrap();
    assert!(page.unacknowledged > 0);
    assert_eq!(watched.page().acknowledge(String::new(), page.read_us).await.unwrap(), page.unacknowledged);
    assert_eq!(watched.view().await.unacknowledged, 1, "what opened after the page was read");
    assert!(matches!(watched.page().acknowledge(String::new(), String::new()).await, Err(ApiError::Invalid { .. })));
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_critical_is_sent() {
    // it is noon
    let watched = Watched::new().await;
    watched.channel("slack", "slack", &[("quiet", "11:00-14:00"), ("zone", "UTC")]).await;
    let (context, scope) = (&watched.world.context, watched.world.context.scope());
    let raised = |kind, severity, subject: &str| Raised {
        kind,
        subject: subject.into(),
        severity: Some(severity),
        title: format!("{subject} alert"),
        detail: "why".into(),
        count: Count::Total(1),
        unit: "shipments".into(),
        link: "/alerts".into(),
        channels: Vec::new(),
    };
    alerts::raise(context, scope, raised(AlertKind::RuleAlert, Severity::Major, "quiet")).await.unwrap();
    alerts::raise(context, scope, raised(AlertKind::RuleAlert, Severity::Critical, "loud")).await.unwrap();
    watched.world.work(Lane::RealTime).await;
    assert_eq!(watched.said("slack"), ["Critical: loud alert"]);
    watched.world.clock.advance(Span::new().hours(2));
    watched.world.work(Lane::RealTime).await;
    assert_eq!(watched.said("slack"), ["Critical: loud alert", "Major: quiet alert"]);
}

#[tokio::test]
async fn what_a_rule_raises_is_grouped_and_grows() {
    let watched = Watched::with_slack().await;
    watched.channel("mattermost", "mattermost", &[("severity", "critical")]).await;
    let (context, scope) = (&watched.world.context, watched.world.context.scope());
    for n in 1..=37 {
        let raised = Raised {
            kind: AlertKind::RuleAlert,
            subject: "held/Leipzig".into(),
            severity: None,
            title: "Shipments held at <!channel> Leipzig hub".into(),
            detail: "By the rule Storm".into(),
            count: Count::More(1),
            unit: "shipments".into(),
            link: "/exceptions".into(),
            channels: vec!["mattermost".into()],
        };
        alerts::raise(context, scope, raised).await.unwrap();
        watched.world.work(Lane::RealTime).await;
        let open = watched.open(AlertKind::RuleAlert).await.unwrap();
        assert_eq!(open.standing.affects, n);
    }
    assert_eq!(watched.said("slack").len(), 0, "the rule names another channel");
    assert_eq!(watched.said("mattermost").len(), 1, "37 shipments are one alert");
    let view = watched.view().await;
    assert_eq!(view.rows[0].affects, "37 shipments");
    let lines: Vec<_> = view.rows[0].history.iter().map(|line| line.text.clone()).collect();
    assert_eq!(lines.len(), 6, "opened, then each doubling: {lines:?}");
    alerts::clear(context, scope, AlertKind::RuleAlert, "held/Leipzig").await.unwrap();
    watched.pass(5).await;
    watched.pass(6).await;
    assert!(watched.open(AlertKind::RuleAlert).await.is_none());
    assert!(watched.said("mattermost")[1].contains("Resolved"));
}

#[tokio::test]
async fn a_condition_that_is_switched_off_makes_no_alert_and_its_open_one_ends() {
    let watched = Watched::with_slack().await;
    let port = watched.page();
    watched.suspend("aftership", true).await;
    watched.look().await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_some());
    port.set_rule("connection_suspended".into(), "off".into(), String::new()).await.unwrap();
    watched.pass(1).await;
    watched.pass(11).await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_none());
    port.set_rule("connection_suspended".into(), "on".into(), "30".into()).await.unwrap();
    watched.suspend("aftership", true).await;
    watched.look().await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_none(), "it fails for ten minutes yet");
    let rule = watched.view().await.rules.into_iter().find(|rule| rule.kind == "connection_suspended").unwrap();
    assert_eq!((rule.on, rule.threshold), (true, Some(30)));
    let error = port.set_rule("connection_suspended".into(), String::new(), "0".into()).await.unwrap_err();
    assert!(matches!(error, ApiError::Invalid { .. }), "{error}");
    assert!(matches!(port.set_rule("nothing".into(), "on".into(), String::new()).await, Err(ApiError::NotFound)));
    let trail = &watched.world.context.store.people;
    let lines = trail
        .audit_trail(watched.world.context.scope(), Some("alert_rule:connection_suspended".into()), 9)
        .await
        .unwrap();
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn what_may_have_been_sent_is_sent_again_only_where_it_is_recognised() {
    let watched = Watched::with_slack().await;
    watched.channel("webhook", "webhook", &[]).await;
    watched.hooks.fail("slack", &Fault::ResetAfterApply, 1);
    watched.hooks.fail("webhook", &Fault::ResetAfterApply, 1);
    watched.suspend("aftership", true).await;
    watched.look().await;
    watched.world.clock.advance(Span::new().minutes(1));
    watched.world.work(Lane::RealTime).await;
    assert_eq!(watched.said("slack").len(), 1, "nobody would know a repeat");
    let posts = watched.hooks.posts("webhook");
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].headers["webhook-id"], posts[1].headers["webhook-id"]);
    let context = &watched.world.context;
    let alert = watched.open(AlertKind::ConnectionSuspended).await.unwrap();
    let mut states: Vec<_> = context.store.alerts.notices(context.scope(), vec![alert.id]).await.unwrap();
    states.sort_by(|a, b| a.channel.cmp(&b.channel));
    let states: Vec<_> = states.iter().map(|notice| (notice.channel.as_str(), notice.state)).collect();
    assert_eq!(states, [("slack", NoticeState::Unknown), ("webhook", NoticeState::Sent)]);
    assert!(watched.view().await.rows[0].sent.iter().any(|(_, words)| words.contains("outcome unknown")));
}

#[tokio::test]
async fn a_channel_that_refuses_is_reported_on_the_others() {
    let watched = Watched::with_slack().await;
    watched.world.leaves_jobs();
    watched.channel("mattermost", "mattermost", &[]).await;
    watched.hooks.fail("slack", &Fault::Refused, 1);
    watched.suspend("aftership", true).await;
    watched.look().await;
    let failed = watched.open(AlertKind::ChannelFailed).await.unwrap();
    assert_eq!(failed.subject, "slack");
    watched.world.work(Lane::RealTime).await;
    assert_eq!(watched.said("slack").len(), 0);
    assert!(
        watched.said("mattermost").iter().any(|text| text.contains("does not deliver")),
        "{:?}",
        watched.said("mattermost")
    );
}

#[tokio::test]
async fn people_acknowledge_assign_snooze_and_resolve_on_the_page() {
    let watched = Watched::with_slack().await;
    let port = watched.page();
    watched.suspend("aftership", true).await;
    watched.look().await;
    let view = port.view(AlertsQuery::default()).await.unwrap();
    let row = &view.rows[0];
    assert!(view.summary.starts_with("1 open, 1 critical; 1 not acknowledged"), "{}", view.summary);
    assert_eq!(
        (row.severity, row.standing.as_str(), row.acknowledgeable),
        (Severity::Critical, "not acknowledged", true)
    );
    assert!(row.title.contains("is suspended") && !row.first_step.is_empty() && row.link == "/connections/aftership");
    assert_eq!(port.acknowledge(row.id.clone(), String::new()).await.unwrap(), 1);
    port.assign(row.id.clone(), true).await.unwrap();
    let row = port.view(AlertsQuery::default()).await.unwrap().rows.remove(0);
    assert!(row.standing.starts_with("acknowledged") && row.mine && !row.acknowledgeable);
    port.snooze(row.id.clone(), SnoozeFor::FourHours, "maintenance".into()).await.unwrap();
    let view = port.view(AlertsQuery::default()).await.unwrap();
    assert_eq!((view.rows.len(), view.quiet.len()), (0, 1));
    assert!(view.quiet[0].how.ends_with(": maintenance"), "{:?}", view.quiet);
    assert_eq!(view.tabs.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [0, 0, 1, 0]);
    watched.suspend("aftership", true).await;
    watched.pass(4 * 60).await;
    watched.suspend("aftership", true).await;
    watched.pass(1).await;
    let row = port.view(AlertsQuery::default()).await.unwrap().rows.remove(0);
    assert!(watched.said("slack").iter().any(|text| text.starts_with("Still open: ")), "{:?}", watched.said("slack"));
    port.resolve(row.id.clone(), "restarted".into()).await.unwrap();
    watched.world.work(Lane::RealTime).await;
    assert!(watched.said("slack").last().unwrap().starts_with("Resolved: "));
    let resolved = port.view(AlertsQuery { view: AlertTab::Resolved, ..AlertsQuery::default() }).await.unwrap();
    assert!(resolved.quiet[0].how.ends_with(": restarted"), "{:?}", resolved.quiet);
    let (store, scope) = (&watched.world.context.store.alerts, watched.world.context.scope());
    let kept = store.one(scope, row.id.parse().unwrap()).await.unwrap().unwrap();
    let events = format!("{:?}", store.events(scope, vec![kept.id]).await.unwrap());
    for typed in ["maintenance", "restarted"] {
        assert!(!format!("{kept:?}").contains(typed) && !events.contains(typed), "{typed} is sealed");
        let sent = watched.hooks.posts("slack").iter().any(|post| post.body.to_string().contains(typed));
        assert!(!sent, "{typed} goes to no channel");
    }
    assert!(matches!(port.resolve(row.id, String::new()).await, Err(ApiError::Conflict { .. })));
    assert!(matches!(port.acknowledge("nothing".into(), String::new()).await, Err(ApiError::NotFound)));
    let agent = watched.world.ports(Role::Agent).alerts;
    assert!(matches!(agent.view(AlertsQuery::default()).await, Err(ApiError::Forbidden)));
}

#[tokio::test]
async fn a_channel_is_a_connection_with_test_rotation_and_health() {
    let watched = Watched::with_slack().await;
    let (context, caller) = (&watched.world.context, watched.caller());
    let report = connections::test(context, &caller, "slack").await.unwrap();
    assert!(report.passed(), "{report:?}");
    assert_eq!(watched.page().test(String::new()).await.unwrap(), (1, 1));
    assert!(watched.said("slack").iter().all(|text| text.starts_with("Test: ")));
    let view = watched.view().await;
    assert_eq!((view.channels[0].label.as_str(), view.channels[0].state.as_str()), ("slack", "works"));
    assert!(connections::rotate(context, &caller, "slack", "not an address").await.is_err());
    assert_eq!(connections::rotate(context, &caller, "slack", &watched.hooks.url("mattermost")).await.unwrap(), 2);
    // what is kept of it shows no secret
    let (_, record, _) = context.store.connections.by_name("slack").await.unwrap().unwrap();
    assert!(
        !record.settings.contains("T0-sandbox-secret")
            && !record.tested.unwrap_or_default().contains("T0-sandbox-secret")
    );
    let far = NewConnection {
        name: "far".into(),
        connector: "mail".into(),
        fields: [
            ("host", "smtp.example.com"),
            ("security", "none"),
            ("from", "a@example.com"),
            ("to", "b@example.com"),
        ]
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .into(),
        ..NewConnection::default()
    };
    let error = connections::put(context, &caller, far).await.unwrap_err();
    assert!(error.to_string().contains("STARTTLS"), "{error}");
}

#[tokio::test]
async fn a_connection_under_maintenance_makes_no_alerts_until_that_ends() {
    let watched = Watched::with_slack().await;
    let alerts = watched.world.ports(Role::Admin).alerts;
    let form = |until: &str, why: &str| MaintenanceForm {
        connection: "aftership".into(),
        span: SnoozeFor::Hour,
        until: until.into(),
        why: why.into(),
    };
    for (wrong, field) in
        [(form("", " "), "why"), (form("2027-01-01T09:00", "x"), "until"), (form("soon", "x"), "until")]
    {
        let refused = alerts.maintain(wrong).await;
        assert!(matches!(&refused, Err(ApiError::Invalid { field: of, .. }) if of == field), "{field}: {refused:?}");
    }
    let nowhere = MaintenanceForm { connection: "nowhere".into(), ..form("", "x") };
    assert_eq!(alerts.maintain(nowhere).await, Err(ApiError::NotFound));
    alerts.maintain(form("", "new certificate")).await.unwrap();
    watched.suspend("aftership", true).await;
    watched.look().await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_none(), "a person works on it");
    let view = alerts.view(AlertsQuery::default()).await.unwrap();
    assert!(view.maintenance[0].why.ends_with("new certificate"), "{:?}", view.maintenance);
    // it ends by itself, and what is wrong then is found
    watched.pass(61).await;
    watched.suspend("aftership", true).await;
    watched.look().await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_some());
    assert_eq!(alerts.view(AlertsQuery::default()).await.unwrap().maintenance, []);
    // an open one stays as it is meanwhile
    alerts.maintain(form("", "again")).await.unwrap();
    watched.suspend("aftership", false).await;
    watched.pass(30).await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_some(), "nobody looks at it meanwhile");
    let of = |connection: &str| AlertsQuery { connection: connection.into(), ..AlertsQuery::default() };
    assert_eq!(alerts.view(of("aftership")).await.unwrap().rows.len(), 1);
    assert_eq!(alerts.view(of("nothing")).await.unwrap().rows, []);
    alerts.end_maintenance("aftership".into()).await.unwrap();
    assert_eq!(alerts.end_maintenance("aftership".into()).await, Err(ApiError::NotFound));
    watched.look().await;
    watched.pass(11).await;
    assert!(watched.open(AlertKind::ConnectionSuspended).await.is_none());
}
