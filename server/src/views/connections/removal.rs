//! What a removal of a connection ends and what stays, in words.

use super::super::words;
use super::list::family;
use app::{components::parts::grouped, contract::connections::RemovalView};
use application::connections::{DELIVERIES_COUNTED, Overview, Removal};
use outbound::template::Family;

/// What the question before a removal says.
pub(super) fn view(one: &Overview, removal: Removal) -> RemovalView {
    let Removal { blocked, deliveries } = removal;
    let secret = "Its secret is forgotten.".to_owned();
    let ends = [Some(secret), jobs(one), brought(one, deliveries)].into_iter().flatten().collect();
    RemovalView { blocked: blocked.map(|why| words::sentence(&why)), ends, stays: stays(one) }
}

/// Its jobs that are not done.
fn jobs(one: &Overview) -> Option<String> {
    let jobs = one.waiting + one.retrying + one.dead;
    match jobs {
        _ if family(one) == Some(Family::Carrier) => None,
        0 => None,
        1 => Some("Its job that waits or failed is dropped.".to_owned()),
        jobs => Some(format!("Its {} jobs that wait or failed are dropped.", grouped(jobs))),
    }
}

/// What comes of it no more.
fn brought(one: &Overview, deliveries: usize) -> Option<String> {
    let some = usize::try_from(DELIVERIES_COUNTED).is_ok_and(|most| deliveries >= most);
    let count = grouped(u64::try_from(deliveries).unwrap_or(u64::MAX));
    Some(match (family(one)?, deliveries) {
        (Family::Orders, 0) => NO_ORDERS.to_owned(),
        (Family::Orders, 1) => format!("{NO_ORDERS} Its 1 delivery that is not over counts as deleted there."),
        (Family::Orders, _) => {
            let least = if some { " or more" } else { "" };
            format!("{NO_ORDERS} Its {count}{least} deliveries that are not over count as deleted there.")
        }
        (Family::Desk, _) => {
            "No tickets are opened or updated there, and what agents do there is not noticed any more; its open differences end."
                .to_owned()
        }
        (Family::Carrier, _) => "What the platform sends is refused, and it may report that as an error: remove the address there too.".to_owned(),
        (Family::Shipping, _) => "No labels are booked and no numbers registered there.".to_owned(),
        (Family::Channel, _) => "No notifications go over it: alerts that name it reach people over the other channels alone.".to_owned(),
    })
}

const NO_ORDERS: &str = "Nothing is imported from it or written to it any more; its open differences end.";

fn stays(one: &Overview) -> Vec<String> {
    let there = match family(one) {
        Some(Family::Orders) => Some(
            "What was written in Odoo: fields, notes, activities. To take the fields out too, remove the set-up of Odoo first.",
        ),
        Some(Family::Desk) => Some("The tickets at the desk, and the links to them."),
        Some(Family::Carrier) => Some("The messages that came in, and the events read from them."),
        Some(Family::Shipping | Family::Channel) | None => None,
    };
    let history = "Shipments with their timelines, calls that were made, and the audit trail.";
    let again = "The name: a connection of this name may be made again, with a secret.";
    there.into_iter().chain([history, again]).map(str::to_owned).collect()
}
