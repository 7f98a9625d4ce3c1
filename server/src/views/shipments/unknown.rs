//! Why nothing current is known of a shipment, with what this viewer can do about it.

use crate::views::{Asker, times::Times};
use app::contract::{
    ApiResult,
    unknown::{RemedyAct, RemedyView, UnknownView},
};
use application::{
    caller::Caller,
    remedies::{self, Known, Remedy},
};
use domain::{access::Permission, ids::ShipmentId, unknown::Cause};

/// The cause and the remedies; none where something current is known. `order_url` is the delivery's page in the order system.
pub(in crate::views) async fn of(
    asker: &Asker,
    caller: &Caller,
    shipment: ShipmentId,
    order_url: Option<&str>,
) -> ApiResult<Option<UnknownView>> {
    let known = remedies::of(&asker.context, caller, shipment).await.map_err(|e| asker.refused(e))?;
    Ok(known.map(|known| view(known, caller, order_url, &asker.times())))
}

fn view(known: Known, caller: &Caller, order_url: Option<&str>, times: &Times) -> UnknownView {
    let Known { cause, remedies, registered } = known;
    let (mine, others): (Vec<_>, Vec<_>) = remedies.into_iter().partition(|remedy| caller.may(needs(remedy)));
    let registered = registered.into_iter().map(|(label, since)| match since {
        Some(at) => format!("Registered at {label} {}", times.relative(at)),
        None => format!("Registered at {label}"),
    });
    let admin = (mine.is_empty() && !others.is_empty()).then(|| {
        let who = if caller.may(Permission::Act) { "An admin" } else { "An agent or admin" };
        format!("{who} can do it: {}", cause.action().label().to_lowercase())
    });
    let note = registered.chain(admin).collect::<Vec<_>>().join(". ");
    let is_number = cause == Cause::NoNumber || mine.iter().any(|remedy| matches!(remedy, Remedy::Correct(_)));
    let order = order_url
        .filter(|_| is_number)
        .map(|href| RemedyView::Outside { label: "Open in Odoo".to_owned(), href: href.to_owned() });
    UnknownView {
        cause: cause.label().to_owned(),
        owner: cause.owner().label().to_owned(),
        note,
        remedies: mine.into_iter().map(remedy_view).chain(order).collect(),
    }
}

/// The permission that a remedy needs.
const fn needs(remedy: &Remedy) -> Permission {
    match remedy {
        Remedy::Inspect => Permission::See,
        Remedy::Correct(_) | Remedy::Register { .. } | Remedy::Ask { .. } | Remedy::Retry => Permission::Act,
        Remedy::Connect { .. } | Remedy::Finish { .. } | Remedy::Resume { .. } | Remedy::Reprocess | Remedy::Map(_) => {
            Permission::Operate
        }
    }
}

fn remedy_view(remedy: Remedy) -> RemedyView {
    let page = |label: String, href: String| RemedyView::Page { label, href };
    let act = |label: String, act: RemedyAct, on: String| RemedyView::Act { label, act, on };
    match remedy {
        Remedy::Correct(wrong) => RemedyView::Correct { number: wrong.number, suggestion: wrong.suggestion },
        Remedy::Connect { connector, label } => {
            page(format!("Connect {label}"), format!("/connections/new?connector={connector}"))
        }
        Remedy::Finish { connection, label } => {
            page(format!("Finish {label}"), format!("/connections/new?connection={connection}"))
        }
        Remedy::Resume { connection, label } => act(format!("Resume {label}"), RemedyAct::Resume, connection),
        Remedy::Inspect => page("Look at the events".into(), "#timeline".into()),
        Remedy::Reprocess => act("Reprocess messages".into(), RemedyAct::Reprocess, String::new()),
        Remedy::Map(code) => RemedyView::Map { list: code.list, code: code.value },
        Remedy::Register { connection, label } => act(format!("Register at {label}"), RemedyAct::Register, connection),
        Remedy::Ask { connection, label } => act(format!("Ask {label} now"), RemedyAct::Ask, connection),
        Remedy::Retry => act("Retry the update".into(), RemedyAct::Retry, String::new()),
    }
}
