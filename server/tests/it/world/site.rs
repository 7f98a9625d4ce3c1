//! A whole server behind a port, and a browser's requests without a browser.

use super::{SECRET, World, fresh_store};
use app::contract::reports::ReportForm;
use application::caller::Caller;
use application::{
    clock::{Clock, ManualClock, SystemClock},
    people::{self, NewUser},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::access::Role;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusBuilder;
use ring::hmac;
use server::{
    bootstrap,
    cli::serve::{NodeRole, Running},
    config::Settings,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use storage::{
    inbox::MessageSelection,
    jobs::{JobFilter, JobSelection},
    work::QueueQuery,
};
use tokio::net::TcpStream;

/// How often records are looked for, and how far apart.
const LOOKS_MAX: usize = 1000;
const LOOK: Duration = Duration::from_millis(10);
const LOGIN: &str = "anna@example.test";
const PASSWORD: &str = "a password of the tests";

/// A server that listens, with the machine's own clock.
pub struct Site {
    pub world: World,
    pub address: SocketAddr,
    running: Running,
    events: AtomicUsize,
}

/// One record of each kind that has a page of its own.
pub struct Records {
    pub shipment: String,
    pub event: String,
    pub job: String,
    pub message: String,
    pub exception: String,
    pub report: String,
}

/// What came for a request.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Site {
    /// With an admin, shipments, an open exception and work that is done.
    pub async fn start() -> Self {
        let mut config = Settings::default().resolve().unwrap();
        config.addr = "127.0.0.1:0".parse().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = fresh_store().await;
        let context = bootstrap::assemble(config.clone(), Arc::new(SystemClock), store, &[7; 32]).await.unwrap();
        let world = World {
            context,
            config: Arc::new(config),
            clock: ManualClock::at(SystemClock.now()),
            leaves_jobs: AtomicBool::default(),
        };
        world.source_of("aftership", "aftership", SECRET, carriers::Settings::default()).await;
        let site = Self::on(world, "Anna Lind").await;
        for number in 1..=20 {
            site.world.order(number, &[&format!("N{number}")]).await;
            site.event(&format!("N{number}"), if number % 4 == 0 { "Exception_003" } else { "InTransit_003" }).await;
        }
        site
    }

    /// A server for this world, with an admin of this name. The world's address is one of any port.
    pub async fn on(world: World, name: &str) -> Self {
        let admin = NewUser {
            login: LOGIN.into(),
            name: name.into(),
            password: PASSWORD.into(),
            roles: vec![Role::Admin, Role::Agent, Role::Executive],
        };
        people::add(&world.context, &Caller::trusted(world.context.scope()), admin).await.unwrap();
        Self::again(world).await
    }

    /// A server for a world that has its admin.
    pub async fn again(world: World) -> Self {
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let running = Running::start(world.front(), NodeRole::All, metrics).await.unwrap();
        Self { world, address: running.address, running, events: AtomicUsize::new(0) }
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// The cookie of the admin, who signs in.
    pub async fn sign_in(&self) -> String {
        self.cookie_of(LOGIN).await
    }

    /// The cookie of somebody new with this role, who signs in.
    pub async fn sign_in_as(&self, role: Role) -> String {
        let login = format!("{role:?}@example.test").to_lowercase();
        let user =
            NewUser { login: login.clone(), name: "Somebody".into(), password: PASSWORD.into(), roles: vec![role] };
        people::add(&self.world.context, &Caller::trusted(self.world.context.scope()), user).await.unwrap();
        self.cookie_of(&login).await
    }

    /// The cookie of the user with this login, who signs in.
    pub async fn cookie_of(&self, login: &str) -> String {
        let answer = self.sign_in_form(login, "").await;
        let cookie = answer.headers.get(header::SET_COOKIE).unwrap_or_else(|| panic!("no session: {answer:?}"));
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// What the admin's sign-in form leads to, with these further fields.
    pub async fn sign_in_with(&self, more: &str) -> Reply {
        self.sign_in_form(LOGIN, more).await
    }

    async fn sign_in_form(&self, login: &str, more: &str) -> Reply {
        let form = format!("login={}&password={}{more}", login.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let request = Request::post("/api/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html")
            .body(Full::from(form))
            .unwrap();
        self.ask(request).await.unwrap()
    }

    /// A carrier says something new of this number.
    pub async fn event(&self, number: &str, subtag: &str) -> Reply {
        let n = self.events.fetch_add(1, Ordering::Relaxed);
        let past = SignedDuration::from_hours(48) - SignedDuration::from_secs(i64::try_from(n).unwrap());
        let at = SystemClock.now() - past;
        let (stamp, tag) = (at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), subtag.split('_').next());
        let point = serde_json::json!({"tag": tag, "subtag": subtag, "checkpoint_time": stamp, "city": "Lyon"});
        let msg = serde_json::json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": tag, "subtag": subtag,
            "updated_at": format!("{stamp}+00:00"), "checkpoints": [point]});
        let body = serde_json::json!({"event_id": format!("e-{n}"), "msg": msg}).to_string();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
        let request = Request::post("/ingest/aftership")
            .header("aftership-hmac-sha256", STANDARD.encode(tag.as_ref()))
            .body(Full::from(body))
            .unwrap();
        let answer = self.ask(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer
    }

    /// Waits for records of every kind that has a page.
    pub async fn records(&self) -> Records {
        let (context, scope) = (&self.world.context, self.world.context.scope());
        let shipment = context.store.shipments.find(scope, "N4").await.unwrap()[0];
        // no order system and no desk: only work inside is ever done
        let inside = JobSelection { destination: Some("inside".into()), ..JobSelection::default() };
        for _ in 0..LOOKS_MAX {
            let jobs = context.store.jobs.list(scope, JobFilter::Done, inside.clone(), None).await.unwrap();
            let messages = context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
            let loaded = self.world.load(shipment).await;
            let event = loaded.input.facts.first().map(|fact| fact.id.to_string());
            if let (Some(job), Some(message), Some(event)) = (jobs.rows.first(), messages.rows.first(), event) {
                let (job, message) = (job.job.id.to_string(), message.id.to_string());
                let exception = self.exception().await.0;
                let report = self.report().await;
                return Records { shipment: shipment.to_string(), event, job, message, exception, report };
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("the records of the pages do not come");
    }

    /// A saved report's id.
    async fn report(&self) -> String {
        let form = ReportForm {
            name: "Weekly".into(),
            figures: vec!["on_time".into()],
            period: "last_week".into(),
            every: "week".into(),
            weekday: "1".into(),
            hour: "7".into(),
            to: "ines@example.com".into(),
            ..ReportForm::default()
        };
        self.world.ports(Role::Admin).reports.save(form).await.unwrap()
    }

    /// Waits for an open exception: its id, and its shipment's.
    pub async fn exception(&self) -> (String, String) {
        let (context, scope) = (&self.world.context, self.world.context.scope());
        for _ in 0..LOOKS_MAX {
            let queue = context.store.work.queue(scope, QueueQuery::default(), context.now()).await.unwrap();
            if let Some(row) = queue.rows.first() {
                return (row.exception.id.to_string(), row.exception.shipment.to_string());
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("no exception is opened");
    }

    /// Asks for a page, as a browser does.
    pub async fn page(&self, path: &str, cookie: Option<&str>) -> Result<Reply, String> {
        self.ask(self.get(path, cookie)).await
    }

    fn get(&self, path: &str, cookie: Option<&str>) -> Request<Full<Bytes>> {
        let mut request = Request::get(path).header(header::ACCEPT, "text/html").header(header::HOST, "tower.test");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.body(Full::default()).unwrap()
    }

    /// What the browser's half asks of a server function.
    pub async fn call(&self, function: &str, form: &str, cookie: Option<&str>) -> Reply {
        let mut request = Request::post(format!("/api/{function}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.ask(request.body(Full::from(form.to_owned())).unwrap()).await.unwrap()
    }

    /// What the browser's half reads of a server function.
    pub async fn read(&self, function: &str, query: &str, cookie: Option<&str>) -> Reply {
        let mut request = Request::get(format!("/api/{function}?{query}")).header(header::ACCEPT, "application/json");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.ask(request.body(Full::default()).unwrap()).await.unwrap()
    }

    /// What a form on this page sends to a server function while the browser's half is not there.
    pub async fn submit(&self, page: &str, function: &str, form: &str, cookie: &str) -> Reply {
        let request = Request::post(format!("/api/{function}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header(header::REFERER, format!("http://{}{page}", self.address))
            .header(header::COOKIE, cookie);
        self.ask(request.body(Full::from(form.to_owned())).unwrap()).await.unwrap()
    }

    /// A live stream, as far as it goes.
    pub async fn live(&self, cookie: &str) -> Response<Incoming> {
        let answer = self.send(self.get("/live/shipments", Some(cookie))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    }

    /// The whole answer; why there is none.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let (parts, body) = self.send(request).await?.into_parts();
        let body = body.collect().await.map_err(|error| format!("cut off: {error}"))?.to_bytes();
        let body = String::from_utf8(body.to_vec()).map_err(|error| error.to_string())?;
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let here = HeaderValue::from_str(&self.address.to_string()).unwrap();
        request.headers_mut().entry(header::HOST).or_insert(here);
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| format!("no answer: {error}"))
    }
}
