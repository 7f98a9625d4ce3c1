//! The simulated platforms that book shipments and track numbers: EasyPost, Shippo, ShipEngine, Karrio, AfterShip, 17TRACK, TrackingMore,
//! in the shapes of their real APIs, over one world. What each does with a second purchase is what its vendor documents, at worst.
//!
//! Everything is under one address: `/easypost/v2`, `/shippo`, `/shipengine/v1`, `/karrio`, `/aftership`, `/17track`, `/trackingmore`.

mod customs;
mod easypost;
mod karrio;
mod papers;
mod shipengine;
mod shippo;
mod trackers;
mod world;

use crate::{
    Clock,
    faults::{Fault, Faults, spoiled},
    journey::{self, Shipment as Journey},
    serve::Server,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use world::World;

pub use customs::Declared;
pub use world::{LABELS_OF, Label, Progress, REFUSED_CITY, Tracker, Void};

/// A platform: its name, the path of its API, and how it is signed in.
struct Platform {
    name: &'static str,
    path: &'static str,
    test_key: &'static str,
    live_key: &'static str,
    sign: Sign,
    answer: fn(&mut World, &Call) -> Reply,
    fault: fn(&Fault, &Call) -> Option<Reply>,
}

enum Sign {
    Basic,
    Scheme(&'static str),
    Header(&'static str),
}

const PLATFORMS: &[Platform] = &[
    Platform {
        name: "easypost",
        path: "/easypost/v2",
        test_key: "EZTKsandbox0001",
        live_key: "EZAKsandbox0001",
        sign: Sign::Basic,
        answer: easypost::answer,
        fault: easypost::fault,
    },
    Platform {
        name: "shippo",
        path: "/shippo",
        test_key: "shippo_test_sandbox0001",
        live_key: "shippo_live_sandbox0001",
        sign: Sign::Scheme("ShippoToken"),
        answer: shippo::answer,
        fault: shippo::fault,
    },
    Platform {
        name: "shipengine",
        path: "/shipengine/v1",
        test_key: "TEST_sandbox0001",
        live_key: "live_sandbox0001",
        sign: Sign::Header("api-key"),
        answer: shipengine::answer,
        fault: shipengine::fault,
    },
    Platform {
        name: "karrio",
        path: "/karrio",
        test_key: "key_sandbox_test",
        live_key: "key_sandbox_live",
        sign: Sign::Scheme("Token"),
        answer: karrio::answer,
        fault: karrio::fault,
    },
    Platform {
        name: "aftership",
        path: "/aftership",
        test_key: "asat_sandbox0001",
        live_key: "asat_sandbox0001",
        sign: Sign::Header("as-api-key"),
        answer: trackers::aftership,
        fault: trackers::aftership_fault,
    },
    Platform {
        name: "17track",
        path: "/17track",
        test_key: "SANDBOX17TRACK0001",
        live_key: "SANDBOX17TRACK0001",
        sign: Sign::Header("17token"),
        answer: trackers::seventeen_track,
        fault: trackers::seventeen_track_fault,
    },
    Platform {
        name: "trackingmore",
        path: "/trackingmore",
        test_key: "sandbox-tm-0001",
        live_key: "sandbox-tm-0001",
        sign: Sign::Header("tracking-api-key"),
        answer: trackers::trackingmore,
        fault: trackers::trackingmore_fault,
    },
];

/// A call that is signed in.
struct Call {
    method: Method,
    /// Behind the platform's path.
    path: Vec<String>,
    query: HashMap<String, String>,
    request_id: Option<String>,
    body: Value,
    live: bool,
    now: Timestamp,
    /// Where files are.
    files: String,
}

impl Call {
    /// The method with the segments, to be matched.
    fn route(&self) -> (&str, Vec<&str>) {
        (self.method.as_str(), self.path.iter().map(String::as_str).collect())
    }

    /// The link to a label's file.
    fn file(&self, label: &Label) -> String {
        format!("{}/{}.{}", self.files, label.id, label.format)
    }
}

/// An answer.
struct Reply {
    status: u16,
    body: Option<Value>,
}

impl Reply {
    fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }

    fn empty(status: u16) -> Self {
        Self { status, body: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match self.body {
            Some(body) => (status, axum::Json(body)).into_response(),
            None => status.into_response(),
        }
    }
}

struct Inner {
    world: Mutex<World>,
    faults: Faults,
    now: Clock,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Running simulated platforms; they stop when dropped.
pub struct SandboxBooking {
    inner: Arc<Inner>,
    server: Server,
}

impl SandboxBooking {
    /// Starts them on a free port of this machine. The same seed issues the same numbers.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(seed: u64, now: Clock) -> std::io::Result<Self> {
        let inner = Arc::new(Inner { world: Mutex::new(World::new(seed)), faults: Faults::default(), now });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&inner));
        Ok(Self { inner, server: Server::start(router).await? })
    }

    /// The address of a platform's API, as its connection is set to.
    pub fn url(&self, platform: &str) -> String {
        let path = PLATFORMS.iter().find(|of| of.name == platform).map_or("", |of| of.path);
        format!("{}{path}", self.server.url())
    }

    /// A platform's key for tests.
    pub fn test_key(&self, platform: &str) -> &'static str {
        PLATFORMS.iter().find(|of| of.name == platform).map_or("", |of| of.test_key)
    }

    /// A platform's live key. Its labels are no more real than the others.
    pub fn live_key(&self, platform: &str) -> &'static str {
        PLATFORMS.iter().find(|of| of.name == platform).map_or("", |of| of.live_key)
    }

    /// Orders faults: see [`Faults::order`]. An operation is the method, the platform and the path: `POST easypost/shipments/shp_1/buy`.
    pub fn fail(&self, operation: Option<&str>, fault: &Fault, count: usize) {
        self.inner.faults.order(operation, fault, count);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.inner.faults.clear();
    }

    /// Every label, oldest first, the void ones too.
    pub fn labels(&self) -> Vec<Label> {
        self.inner.lock().labels.clone()
    }

    /// The labels that were bought for a booking and are not void.
    pub fn valid_labels(&self, key: &str) -> Vec<Label> {
        let is_valid = |label: &Label| {
            label.key.as_deref() == Some(key)
                && label.void != Void::Voided
                && !matches!(label.progress, Progress::Failed(_))
        };
        self.labels().into_iter().filter(is_valid).collect()
    }

    /// Every registered number.
    pub fn trackers(&self) -> Vec<Tracker> {
        self.inner.lock().trackers.clone()
    }

    /// The platforms end their reports about a number by themselves.
    pub fn tracking_ends(&self, number: &str) {
        for of in self.inner.lock().trackers.iter_mut().filter(|of| of.number == number) {
            of.stopped = true;
        }
    }

    /// From now on carriers take long: purchases are answered as being worked on, until [`Self::settle`].
    pub fn take_long(&self) {
        self.inner.lock().slow = true;
    }

    /// From now on carriers refuse voids.
    pub fn refuse_voids(&self) {
        self.inner.lock().refuses_voids = true;
    }

    /// Carriers decide about what was asked of them: purchases are done, voids are granted or refused.
    pub fn settle(&self) {
        self.inner.lock().settle();
    }

    /// What happens to the booked parcels from now on, as [`crate::carrier::compose`] tells it: each goes where its label says.
    pub fn journeys(&self, seed: u64, now: Timestamp) -> Vec<Journey> {
        let labels = self.labels();
        let moving = labels.iter().filter(|label| label.progress == Progress::Bought && label.void == Void::None);
        moving
            .enumerate()
            .filter_map(|(n, label)| {
                let booked = journey::Booked { carrier: label.carrier, number: &label.number, to: label.to? };
                journey::booked(seed, n, &booked, now)
            })
            .collect()
    }
}

async fn handle(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    if let Some(file) = path.strip_prefix("/files/") {
        return file_of(&inner, file);
    }
    let Some((platform, rest)) = PLATFORMS.iter().find_map(|of| Some((of, path.strip_prefix(of.path)?))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let live = match key_of(platform, &headers) {
        Some(key) if key == platform.test_key && platform.test_key != platform.live_key => false,
        Some(key) if key == platform.live_key => true,
        _ => return unauthorised(platform.name).into_response(),
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let call = Call {
        path: rest.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        query,
        request_id: headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        live,
        now: (inner.now)(),
        files: format!("http://{host}/files"),
        method,
    };
    let operation = format!("{} {}/{}", call.method, platform.name, call.path.join("/"));
    let fault = inner.faults.take(&operation);
    if let Some(reply) = fault.as_ref().and_then(|fault| (platform.fault)(fault, &call)) {
        return reply.into_response();
    }
    spoiled(fault, || (platform.answer)(&mut inner.lock(), &call).into_response()).await
}

fn file_of(inner: &Inner, file: &str) -> Response {
    let world = inner.lock();
    let found = file.split_once('.').and_then(|(id, format)| {
        Some((world.labels.iter().find(|label| label.id == id && label.progress == Progress::Bought)?, format))
    });
    let Some((label, format)) = found else { return StatusCode::NOT_FOUND.into_response() };
    let (media, bytes) = papers::label(format, &label.number);
    ([(header::CONTENT_TYPE, media)], bytes).into_response()
}

fn key_of(platform: &Platform, headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    match platform.sign {
        Sign::Header(name) => text(name),
        Sign::Scheme(scheme) => Some(text("authorization")?.strip_prefix(scheme)?.trim().to_owned()),
        Sign::Basic => {
            let encoded = text("authorization")?.strip_prefix("Basic ")?.to_owned();
            let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
            Some(decoded.strip_suffix(':')?.to_owned())
        }
    }
}

fn unauthorised(platform: &str) -> Reply {
    let words = "This key is not one of the sandbox.";
    match platform {
        "easypost" => Reply::json(401, json!({"error": {"code": "APIKEY.INACTIVE", "message": words, "errors": []}})),
        "shippo" => Reply::json(401, json!({"detail": words})),
        "17track" => {
            Reply::json(200, json!({"code": 0, "data": {"errors": [{"code": -18_010_002, "message": words}]}}))
        }
        "aftership" | "trackingmore" => {
            Reply::json(401, json!({"meta": {"code": 401, "type": "Unauthorized", "message": words}, "data": {}}))
        }
        "shipengine" => {
            let error = json!({"error_source": "shipengine", "error_type": "security", "error_code": "unauthorized", "message": words});
            Reply::json(401, json!({"request_id": "sandbox", "errors": [error]}))
        }
        _ => Reply::json(401, json!({"errors": [{"code": "authentication_failed", "message": words}]})),
    }
}
