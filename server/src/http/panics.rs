//! A panic ends the request that it happened in and nothing else: the answer is 500 with the correlation id, the log has
//! it, and it is counted. Tasks that a page starts belong to its request.

use super::problem::{CORRELATION, Problem};
use any_spawner::{CustomExecutor, PinnedFuture, PinnedLocalFuture};
use app::SiteAssets;
use application::context::Context;
use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ids::CorrelationId;
use futures::{FutureExt, StreamExt};
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
};
use tokio::sync::Notify;

tokio::task_local! {
    static REQUEST: Arc<Tasks>;
}

/// What the tasks of a request report.
#[derive(Default)]
struct Tasks {
    panic: OnceLock<String>,
    reported: Notify,
}

impl Tasks {
    fn report(&self, panic: String) {
        // the first one is the cause
        let _ = self.panic.set(panic);
        self.reported.notify_one();
    }

    /// The first panic; pending while there is none.
    async fn panicked(&self) -> String {
        loop {
            self.reported.notified().await;
            if let Some(panic) = self.panic.get() {
                return panic.clone();
            }
        }
    }
}

/// What the layer needs to answer.
#[derive(Clone)]
pub struct Catch {
    /// The installation.
    pub context: Arc<Context>,
    /// The style of the page that is shown.
    pub assets: SiteAssets,
}

/// Answers 500 where a handler, or a task that it started, panics. Handlers find the request's [`CorrelationId`] among its
/// extensions.
pub async fn catch(State(catch): State<Catch>, mut request: Request, next: Next) -> Response {
    let correlation = catch.context.correlation();
    let to_a_person = to_a_person(&request);
    request.extensions_mut().insert(correlation);
    let tasks = Arc::new(Tasks::default());
    let answering = AssertUnwindSafe(REQUEST.scope(Arc::clone(&tasks), next.run(request))).catch_unwind();
    let answered = tokio::select! {
        biased;
        answered = answering => answered.map_err(|panic| message(&*panic)),
        panic = tasks.panicked() => Err(panic),
    };
    match answered {
        // a body that is there already cannot panic
        Ok(response) if response.body().size_hint().exact().is_some() => response,
        Ok(response) => response.map(|body| guarded(body, correlation)),
        Err(panic) => {
            note("request", &panic, correlation);
            let mut response = if to_a_person {
                app::ssr::broken(&catch.assets, correlation.to_string())
            } else {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
                    .correlated(correlation)
                    .into_response()
            };
            let header = HeaderValue::from_str(&correlation.to_string()).expect("an id is ASCII");
            response.headers_mut().insert(CORRELATION, header);
            response
        }
    }
}

/// Whether a person reads the answer: a page (it has no route of its own), or a form that a browser sends by itself.
fn to_a_person(request: &Request) -> bool {
    let Some(route) = request.extensions().get::<MatchedPath>() else { return true };
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    route.as_str().starts_with("/api/") && accept.contains("text/html")
}

fn note(part: &'static str, panic: &str, correlation: CorrelationId) {
    metrics::counter!("milepost_panics_total", "in" => part).increment(1);
    tracing::error!(%correlation, "panic in a {part}: {panic}");
}

/// A message that was put together may quote what was received: only one that is written in the code is shown.
fn message(panic: &(dyn Any + Send)) -> String {
    panic.downcast_ref::<&str>().map_or_else(|| "see the place on stderr".into(), |text| (*text).to_owned())
}

/// A body that is made while it is sent is cut off after a panic, so that nobody takes it for whole.
fn guarded(body: Body, correlation: CorrelationId) -> Body {
    let parts = AssertUnwindSafe(body.into_data_stream()).catch_unwind();
    Body::from_stream(parts.map(move |part| {
        part.unwrap_or_else(|panic| {
            note("stream", &message(&*panic), correlation);
            Err(axum::Error::new("an error on our side ended the stream"))
        })
    }))
}

/// Runs what pages start beside themselves: a panic there is one of the request, which would else wait for ever.
pub struct PageTasks;

impl CustomExecutor for PageTasks {
    fn spawn(&self, task: PinnedFuture<()>) {
        let Ok(tasks) = REQUEST.try_with(Arc::clone) else {
            tokio::spawn(task);
            return;
        };
        tokio::spawn(REQUEST.scope(Arc::clone(&tasks), async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                tasks.report(message(&*panic));
            }
        }));
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(task);
    }

    fn poll_local(&self) {}
}
