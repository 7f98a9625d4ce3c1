//! Server functions: they call the port, whose use case checks the permission. Their addresses are fixed, since pages may be older than the server.
#![expect(missing_docs, reason = "the macro makes a struct of each function's arguments, which the function documents")]

use crate::contract::{
    ApiError,
    exceptions::{Act, QueuePage, QueueQuery},
    mappings::{MappingQuery, MappingsView, NewMeaning},
    overview::OverviewView,
    session::{Frame, Installation, Permission},
    shipments::{ListPage, ListQuery, RawView, ShipmentView},
    sync::{Chosen, JobView, MessagePage, Planned, SyncQuery, SyncView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// Every server function by the end of its address, with the permission that its use case asks for; none: open to everybody.
pub const FUNCTIONS: &[(&str, Option<Permission>)] = &[
    ("installation", None),
    ("frame", Some(Permission::See)),
    ("sign-in", None),
    ("sign-out", None),
    ("set-up/open", None),
    ("set-up", None),
    ("shipments", Some(Permission::See)),
    ("shipments/find", Some(Permission::See)),
    ("shipments/one", Some(Permission::See)),
    ("shipments/link", Some(Permission::Act)),
    ("shipments/raw", Some(Permission::See)),
    ("exceptions", Some(Permission::See)),
    ("exceptions/act", Some(Permission::Act)),
    ("overview", Some(Permission::Figures)),
    ("sync", Some(Permission::Operate)),
    ("sync/retry", Some(Permission::Operate)),
    ("sync/read-deliveries", Some(Permission::Operate)),
    ("sync/job", Some(Permission::Operate)),
    ("sync/message", Some(Permission::Operate)),
    ("sync/start-replay", Some(Permission::Operate)),
    ("sync/stop-replay", Some(Permission::Operate)),
    ("sync/pause", Some(Permission::Operate)),
    ("sync/resume", Some(Permission::Operate)),
    ("sync/replay", Some(Permission::Operate)),
    ("mappings", Some(Permission::Operate)),
    ("mappings/publish", Some(Permission::Operate)),
    ("mappings/roll-back", Some(Permission::Operate)),
];

#[cfg(feature = "ssr")]
mod access {
    use crate::contract::{ApiError, Ports};
    use domain::visible::visible;
    use leptos::prelude::use_context;
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::Value;
    use std::{borrow::Cow, sync::Arc};

    /// The ports of this request.
    pub fn ports() -> Result<Arc<Ports>, ApiError> {
        use_context().ok_or_else(|| ApiError::Unavailable { message: "the page has no server behind it".into() })
    }

    /// An answer as people see it: whatever text of it is foreign, what deceives unseen has a visible form. Every answer with
    /// text goes through here, on its way into a page and on its way to the browser's half.
    pub fn shown<T: Serialize + DeserializeOwned>(answer: Result<T, ApiError>) -> Result<T, ApiError> {
        match answer {
            Ok(view) => made_visible(view),
            Err(error) => Err(made_visible(error)?),
        }
    }

    fn made_visible<T: Serialize + DeserializeOwned>(view: T) -> Result<T, ApiError> {
        let internal = |_| ApiError::Internal { correlation: String::new() };
        let mut value = serde_json::to_value(&view).map_err(internal)?;
        if walk(&mut value) { serde_json::from_value(value).map_err(internal) } else { Ok(view) }
    }

    /// Whether something was changed.
    fn walk(value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let Cow::Owned(shown) = visible(text) else { return false };
                *text = shown;
                true
            }
            Value::Array(list) => list.iter_mut().map(walk).fold(false, |changed, this| changed | this),
            Value::Object(fields) => fields.values_mut().map(walk).fold(false, |changed, this| changed | this),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::contract::mappings::SampleView;

        #[test]
        fn what_deceives_unseen_crosses_visibly() {
            let view = |number: &str| SampleView { shipment: "1".into(), number: number.into() };
            let shown = shown(Ok(vec![view("a\u{202E}b"), view("c")])).unwrap();
            assert_eq!(shown, [view("a⟨U+202E⟩b"), view("c")]);
            let error = super::shown::<()>(Err(ApiError::Conflict { message: "\u{1B}[2J".into() }));
            assert_eq!(error, Err(ApiError::Conflict { message: "⟨U+001B⟩[2J".into() }));
        }
    }
}
#[cfg(feature = "ssr")]
use crate::contract::session::local_page;
#[cfg(feature = "ssr")]
use access::{ports, shown};

/// What everybody may know of the installation.
#[server(prefix = "/api", endpoint = "installation", input = GetUrl)]
pub async fn get_installation() -> Result<Installation, ApiError> {
    Ok(use_context::<Installation>().unwrap_or_default())
}

/// The frame of every page.
#[server(prefix = "/api", endpoint = "frame", input = GetUrl)]
pub async fn get_frame() -> Result<Frame, ApiError> {
    shown(ports()?.session.frame().await)
}

/// Signs in, and leads to the page that was asked for, else to the start page.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(login: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    let home = shown(ports()?.session.sign_in(login, password).await)?;
    leptos_axum::redirect(next.as_deref().and_then(local_page).unwrap_or(&home));
    Ok(())
}

/// Signs out.
#[server(prefix = "/api", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    ports()?.session.sign_out().await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// Whether the first admin can be made with this token.
#[server(prefix = "/api", endpoint = "set-up/open")]
pub async fn set_up_is_open(token: String) -> Result<bool, ApiError> {
    shown(ports()?.session.set_up_is_open(token).await)
}

/// Makes the first admin.
#[server(prefix = "/api", endpoint = "set-up")]
pub async fn set_up(token: String, login: String, name: String, password: String) -> Result<(), ApiError> {
    shown(ports()?.session.set_up(token, login, name, password).await)?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A page of the list.
#[server(prefix = "/api", endpoint = "shipments", input = GetUrl)]
pub async fn list_shipments(query: ListQuery) -> Result<ListPage, ApiError> {
    shown(ports()?.shipments.list(query).await)
}

/// Where a search leads: straight to the shipment that goes under exactly this.
#[server(prefix = "/api", endpoint = "shipments/find", input = GetUrl)]
pub async fn find_shipment(text: String) -> Result<Option<String>, ApiError> {
    let found = shown(ports()?.shipments.find(text).await)?;
    if let Some(id) = &found {
        leptos_axum::redirect(&format!("/shipments/{id}"));
    }
    Ok(found)
}

/// One shipment.
#[server(prefix = "/api", endpoint = "shipments/one", input = GetUrl)]
pub async fn get_shipment(id: String, as_known_at: Option<String>) -> Result<ShipmentView, ApiError> {
    shown(ports()?.shipments.get(id, as_known_at).await)
}

/// Links an order's shipment with an unlinked one of the same number.
#[server(prefix = "/api", endpoint = "shipments/link")]
pub async fn link_number(claimed: String, unlinked: String) -> Result<(), ApiError> {
    shown(ports()?.shipments.link(claimed, unlinked).await)
}

/// One event's raw message.
#[server(prefix = "/api", endpoint = "shipments/raw", input = GetUrl)]
pub async fn raw_event(id: String, observation: String) -> Result<RawView, ApiError> {
    shown(ports()?.shipments.raw(id, observation).await)
}

/// A page of the queue.
#[server(prefix = "/api", endpoint = "exceptions", input = GetUrl)]
pub async fn exception_queue(query: QueueQuery) -> Result<QueuePage, ApiError> {
    shown(ports()?.exceptions.queue(query).await)
}

/// A person acts on an exception.
#[server(prefix = "/api", endpoint = "exceptions/act")]
pub async fn act_on_exception(id: String, act: Act, why: Option<String>) -> Result<(), ApiError> {
    shown(ports()?.exceptions.act(id, act, why.unwrap_or_default()).await)
}

/// The overview.
#[server(prefix = "/api", endpoint = "overview", input = GetUrl)]
pub async fn get_overview() -> Result<OverviewView, ApiError> {
    shown(ports()?.overview.overview().await)
}

/// The sync page.
#[server(prefix = "/api", endpoint = "sync", input = GetUrl)]
pub async fn get_sync(query: SyncQuery) -> Result<SyncView, ApiError> {
    shown(ports()?.sync.view(query).await)
}

/// Takes one dead job up again.
#[server(prefix = "/api", endpoint = "sync/retry")]
pub async fn retry_job(job: String) -> Result<(), ApiError> {
    shown(ports()?.sync.retry(job).await)
}

/// Tries to read deliveries again that could not be read.
#[server(prefix = "/api", endpoint = "sync/read-deliveries")]
pub async fn read_deliveries() -> Result<(), ApiError> {
    shown(ports()?.sync.read_deliveries().await)
}

/// A job with every call that it made.
#[server(prefix = "/api", endpoint = "sync/job", input = GetUrl)]
pub async fn get_job(id: String) -> Result<JobView, ApiError> {
    shown(ports()?.sync.job(id).await)
}

/// A message as received.
#[server(prefix = "/api", endpoint = "sync/message", input = GetUrl)]
pub async fn get_message(id: String) -> Result<MessagePage, ApiError> {
    shown(ports()?.sync.message(id).await)
}

/// Starts a bulk retry of what is selected.
#[server(prefix = "/api", endpoint = "sync/start-replay")]
pub async fn start_replay(chosen: Chosen) -> Result<Planned, ApiError> {
    shown(ports()?.sync.start_replay(chosen).await)
}

/// Stops that.
#[server(prefix = "/api", endpoint = "sync/stop-replay")]
pub async fn stop_replay(replay: String) -> Result<(), ApiError> {
    shown(ports()?.sync.stop_replay(replay).await)
}

/// Stops a destination: its jobs wait.
#[server(prefix = "/api", endpoint = "sync/pause")]
pub async fn pause_destination(destination: String, why: String) -> Result<(), ApiError> {
    shown(ports()?.sync.pause(destination, why).await)
}

/// Lets a destination go on.
#[server(prefix = "/api", endpoint = "sync/resume")]
pub async fn resume_destination(destination: String) -> Result<(), ApiError> {
    shown(ports()?.sync.resume(destination).await)
}

/// Reads a message again.
#[server(prefix = "/api", endpoint = "sync/replay")]
pub async fn replay_message(message: String) -> Result<(), ApiError> {
    shown(ports()?.sync.replay(message).await)
}

/// The page of unmapped codes.
#[server(prefix = "/api", endpoint = "mappings", input = GetUrl)]
pub async fn get_mappings(query: MappingQuery) -> Result<MappingsView, ApiError> {
    shown(ports()?.mappings.view(query).await)
}

/// Publishes what a code means.
#[server(prefix = "/api", endpoint = "mappings/publish")]
pub async fn publish_meaning(meaning: NewMeaning) -> Result<(), ApiError> {
    let version = shown(ports()?.mappings.publish(meaning).await)?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}

/// Publishes an earlier version again.
#[server(prefix = "/api", endpoint = "mappings/roll-back")]
pub async fn roll_back_mapping(version: u32, why: String) -> Result<(), ApiError> {
    let version = shown(ports()?.mappings.roll_back(version, why).await)?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}
