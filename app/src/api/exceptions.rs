//! The exception queue.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    exceptions::{Act, ActWith, ExceptionPage, QueuePage, QueueQuery},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// A page of the queue.
#[server(prefix = "/api", endpoint = "exceptions", input = GetUrl)]
pub async fn exception_queue(query: QueueQuery) -> Result<QueuePage, ApiError> {
    shown(ports()?.exceptions.queue(query).await)
}

/// A person acts on an exception.
#[server(prefix = "/api", endpoint = "exceptions/act")]
pub async fn act_on_exception(
    id: String,
    act: Act,
    why: Option<String>,
    with: Option<ActWith>,
) -> Result<(), ApiError> {
    let with = ActWith { why: why.unwrap_or_default(), ..with.unwrap_or_default() };
    shown(ports()?.exceptions.act(id, act, with).await)
}

/// One exception.
#[server(prefix = "/api", endpoint = "exceptions/one", input = GetUrl)]
pub async fn get_exception(id: String) -> Result<ExceptionPage, ApiError> {
    shown(ports()?.exceptions.one(id).await)
}
