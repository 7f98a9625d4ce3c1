//! The frame of every simulated desk: its state behind HTTP, who may call, faults, and what a test does at it. A desk's own module
//! has its dialect: addresses, forms, and habits.

use super::{
    base::{Base, Data},
    control::{Access, Act, Control, On, Report, Seen},
};
use crate::{faults::Fault, serve::Server};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, sync::Arc};

/// How one platform speaks.
pub trait Dialect: Send + Sync + Sized + 'static {
    /// The connector that speaks it.
    const CONNECTOR: &'static str;
    /// The secret that it takes.
    const SECRET: &'static str;
    /// Its queue, group, team or project.
    const QUEUE: &'static str;
    /// Whether tokens are given out, which end.
    const TOKENS_END: bool = false;
    /// Whether new tickets may be missing from searches for a while.
    const SEARCH_LAGS: bool = false;
    /// Whether a case can name the customer without a mail to them.
    const NAMES_CUSTOMERS: bool = true;

    /// Its addresses.
    fn routes() -> Router<Shared<Self>>;

    /// The addresses that ask for no sign-in.
    fn open_routes() -> Router<Shared<Self>> {
        Router::new()
    }

    /// The connector's own settings.
    fn options() -> Map<String, Value> {
        Map::new()
    }

    /// What a call gets that is not signed in; none where it is.
    fn refusal(data: &Data, headers: &HeaderMap) -> Option<Response>;

    /// An answer with what every one has.
    fn completed(answer: Response) -> Response {
        answer
    }

    /// What an agent does, as far as the platform can: whether it can.
    fn act(base: &Base, number: &str, act: &Act) -> bool {
        base.act(number, act)
    }

    /// A ticket's number in the platform's words.
    fn number(id: u64) -> String {
        id.to_string()
    }

    /// As [`Control::report`].
    fn report(number: &str, secret: &str, at: i64) -> Report;
}

/// What the calls of one desk share.
pub struct Desk<D> {
    /// What it has, and the faults to come.
    pub base: Base,
    /// What only this platform keeps.
    pub dialect: D,
}

/// A desk, as the handlers of its addresses have it.
pub type Shared<D> = Arc<Desk<D>>;

impl<D> Desk<D> {
    /// As [`Base::answer`].
    pub async fn answer(&self, operation: &str, apply: impl FnOnce(&mut Data) -> Response + Send) -> Response {
        self.base.answer(operation, apply).await
    }
}

/// A running desk; stops when dropped.
pub struct Running<D> {
    desk: Shared<D>,
    server: Server,
}

impl<D: Dialect + Default> Running<D> {
    /// Starts one on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        Self::speaking(D::default()).await
    }
}

impl<D: Dialect> Running<D> {
    /// The same with this dialect.
    pub(super) async fn speaking(dialect: D) -> std::io::Result<Self> {
        let desk = Arc::new(Desk { base: Base::default(), dialect });
        let signed_in = D::routes().route_layer(from_fn_with_state(Arc::clone(&desk), signed_in::<D>));
        let router = signed_in.merge(D::open_routes()).with_state(Arc::clone(&desk));
        Ok(Self { desk, server: Server::start(router).await? })
    }

    /// What it has.
    pub(super) fn base(&self) -> &Base {
        &self.desk.base
    }
}

async fn signed_in<D: Dialect>(State(desk): State<Shared<D>>, request: Request, next: Next) -> Response {
    let refusal = D::refusal(&desk.base.lock(), request.headers());
    match refusal {
        Some(refusal) => refusal,
        None => D::completed(next.run(request).await),
    }
}

impl<D: Dialect> Control for Running<D> {
    fn access(&self) -> Access {
        Access {
            connector: D::CONNECTOR,
            url: self.server.url(),
            secret: D::SECRET.into(),
            queue: D::QUEUE.into(),
            options: D::options(),
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.desk.base.seen(D::number)
    }

    fn act(&self, number: &str, act: &Act) -> bool {
        D::act(&self.desk.base, number, act)
    }

    fn fail(&self, on: On, fault: &Fault, count: usize) {
        self.desk.base.fail(on, fault, count);
    }

    fn expire_tokens(&self) -> bool {
        self.desk.base.lock().tokens.clear();
        D::TOKENS_END
    }

    fn lag(&self, lags: bool) -> bool {
        if D::SEARCH_LAGS {
            self.desk.base.lag(lags);
        }
        D::SEARCH_LAGS
    }

    fn names_customers(&self) -> bool {
        D::NAMES_CUSTOMERS
    }

    fn report(&self, number: &str, secret: &str, at: i64) -> Report {
        D::report(number, secret, at)
    }
}

/// The `Authorization` of a call.
pub(super) fn authorization(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a call has a token that was given out and has not ended.
pub(super) fn has_token(data: &Data, headers: &HeaderMap) -> bool {
    authorization(headers).strip_prefix("Bearer ").is_some_and(|token| data.tokens.contains(token))
}

/// Settings of texts.
pub(super) fn options<const N: usize>(options: [(&str, &str); N]) -> Map<String, Value> {
    options.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// A report of a platform that signs nothing: the secret stands in a header of ours.
pub(super) fn report_with_secret(secret: &str, body: &Value) -> Report {
    Report { headers: vec![("x-milepost-secret", secret.to_owned())], body: body.to_string().into_bytes() }
}

/// A signature in hexadecimal digits.
pub(super) fn hex(tag: &ring::hmac::Tag) -> String {
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The number of the ticket that a text says it follows up, where a desk has no field for it.
pub(super) fn followed_up(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Follows up ticket #")?;
    Some(rest.chars().take_while(char::is_ascii_digit).collect())
}
