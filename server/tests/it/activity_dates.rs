//! Until when activities in Odoo are due: days of the company's calendar, also for what has no due time of its own.

use crate::world::systems::Systems;
use application::{caller::Caller, exceptions::calendar, rules::manage};
use domain::rule::{Action, Content, Limits, Trigger};

/// The clock of an exception for which the customer has to pay stands still.
const HELD: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_006", "2026-03-05T08:00:00")];

#[tokio::test]
async fn an_activity_is_due_on_a_day_of_the_companys_zone() {
    // it is noon in UTC, a Thursday
    for (zone, today, a_working_day_later) in
        [("UTC", "2026-03-05", "2026-03-06"), ("Pacific/Auckland", "2026-03-06", "2026-03-07")]
    {
        let systems = Systems::new().await;
        let context = &systems.world.context;
        let person = Caller::trusted(context.scope());
        calendar::set(context, &person, |calendar| calendar.zone = zone.into()).await.unwrap();
        for (name, due_days) in [("By days", Some(0)), ("By exception", None)] {
            let content = Content {
                name: name.into(),
                trigger: Trigger::Change,
                when: "exception.reason == \"HOLD_PAYMENT\"".into(),
                then: vec![Action::ScheduleActivity { summary: Some(name.into()), login: None, due_days }],
                severity: None,
                limits: Limits::default(),
            };
            let id = manage::create(context, &person, content).await.unwrap();
            manage::publish(context, &person, &id).await.unwrap();
        }
        systems.advance(1).await;
        let picking = systems.order("N1").await;
        systems.world.receives("N1", HELD).await;
        let due = systems.odoo.deadlines(picking);
        let of = |name: &str| due.iter().find(|(summary, _)| summary == name).map(|(_, day)| day.as_str());
        assert_eq!((of("By days"), of("By exception")), (Some(today), Some(a_working_day_later)), "{zone}: {due:?}");
        assert!(due.iter().all(|(_, day)| day.as_str() <= a_working_day_later), "{zone}: {due:?}");
    }
}
