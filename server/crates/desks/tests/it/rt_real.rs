//! Against a real Request Tracker 5 (`tests/peers/rt-peer.sh`). Each test makes its own tickets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use desks::{Desk, DeskConfig, DeskStatus, NewCase, Options, PollFrom, request_tracker::RequestTracker};
use domain::Severity;
use jiff::Timestamp;
use outbound::{Discard, ErrorClass};
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

struct Peer {
    url: String,
    token: String,
    agent: String,
}

impl Peer {
    fn find(test: &str) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token =
            std::env::var("MILEPOST_TEST_RT_TOKEN_FILE").ok().and_then(|path| std::fs::read_to_string(path).ok());
        let agent =
            std::env::var("MILEPOST_TEST_RT_AGENT_TOKEN_FILE").ok().and_then(|path| std::fs::read_to_string(path).ok());
        match (std::env::var("MILEPOST_TEST_RT_URL"), token, agent) {
            (Ok(url), Some(token), Some(agent)) => {
                Some(Self { url, token: token.trim().to_owned(), agent: agent.trim().to_owned() })
            }
            _ => {
                skipped(test);
                None
            }
        }
    }

    fn config(&self) -> DeskConfig {
        DeskConfig {
            url: self.url.clone(),
            token: self.token.clone().into(),
            queue: "Shipments".into(),
            calls_per_second: None,
            options: Options::default(),
        }
    }

    fn desk(&self) -> Arc<dyn Desk> {
        desks::connect("request_tracker", self.config()).unwrap().unwrap()
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let http = reqwest::Client::new();
        let request = http.request(method.parse().unwrap(), format!("{}/REST/2.0/{path}", self.url));
        let answer = request.header("Authorization", format!("token {}", self.token)).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// An agent gives a ticket a status.
    async fn agent_sets(&self, number: &str, status: &str) {
        let http = reqwest::Client::new();
        let request = http.put(format!("{}/REST/2.0/ticket/{number}", self.url));
        let request = match status {
            // only the administrator may
            "deleted" => request.basic_auth("root", Some("password")),
            _ => request.header("Authorization", format!("token {}", self.agent)),
        };
        let said = request.json(&json!({"Status": status})).send().await.unwrap().text().await.unwrap();
        assert!(said.contains("Status changed") || said.contains("deleted"), "{said}");
    }

    /// The administrator says whether two tickets may have the same key.
    async fn keys_are_unique(&self, unique: bool) {
        let queue = self.get("queue/Shipments").await;
        let fields = queue["TicketCustomFields"].as_array().unwrap().iter();
        let key = fields.filter(|field| field["name"] == "External Id").find_map(|field| field["id"].as_str()).unwrap();
        let address = format!("{}/REST/2.0/customfield/{key}", self.url);
        let root = |request: reqwest::RequestBuilder| request.basic_auth("root", Some("password"));
        let put = reqwest::Client::new().put(&address).json(&json!({"UniqueValues": u8::from(unique)}));
        root(put).send().await.unwrap().error_for_status().unwrap();
        let now: Value = root(reqwest::Client::new().get(&address)).send().await.unwrap().json().await.unwrap();
        assert_eq!(now["UniqueValues"], json!(u8::from(unique).to_string()));
    }

    async fn get(&self, path: &str) -> Value {
        let http = reqwest::Client::new();
        let request =
            http.get(format!("{}/REST/2.0/{path}", self.url)).header("Authorization", format!("token {}", self.token));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// How many comments a ticket has.
    async fn comments(&self, number: &str) -> usize {
        let history = self.get(&format!("ticket/{number}/history?fields=Type&per_page=100")).await;
        history["items"].as_array().unwrap().iter().filter(|t| t["Type"] == "Comment").count()
    }
}

/// Says that a test was skipped, also in a run of all tests. With CI=1 that is a failure.
pub fn skipped(test: &str) {
    let line = format!("{test} (the peer's variables are not set)");
    assert!(std::env::var("CI").as_deref() != Ok("1"), "{line}: with CI=1 nothing is skipped");
    println!("skipped: {line}");
    if let Some(file) = std::env::var_os("MILEPOST_TEST_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tickets outlive a test run: their keys must differ from the last one's")]
fn case(test: &str) -> NewCase {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    NewCase {
        external_key: format!("{test}/{now}/O'Brien \\"),
        subject: format!("Damaged: Shipment 1Z999AA10123456784\nfor S00042 {}", "x".repeat(300)),
        body: "Damaged in Köln.".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Critical,
        odoo_url: Some("http://odoo.example/odoo/stock.picking/42".into()),
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into(), "damage".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

#[tokio::test]
async fn a_desk_that_is_set_up_right_has_nothing_missing() {
    let Some(peer) = Peer::find("a_desk_that_is_set_up_right_has_nothing_missing") else { return };
    assert_eq!(peer.desk().check(&Discard).await.unwrap(), []);
    assert!(peer.desk().version(&Discard).await.unwrap().is_some());
    let elsewhere = RequestTracker::new(DeskConfig { queue: "Nowhere".into(), ..peer.config() }).unwrap();
    assert_eq!(elsewhere.check(&Discard).await.unwrap().len(), 1);
    let stranger = RequestTracker::new(DeskConfig { token: "1-2-wrong".into(), ..peer.config() }).unwrap();
    assert_eq!(stranger.check(&Discard).await.unwrap_err().class, ErrorClass::Unauthorized);
}

#[tokio::test]
async fn a_case_is_made_and_found_again_by_its_key() {
    let Some(peer) = Peer::find("a_case_is_made_and_found_again_by_its_key") else { return };
    let desk = peer.desk();
    let case = case("made");
    assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap(), None);
    let made = desk.create(&case, &Discard).await.unwrap();
    assert_eq!(made.status, DeskStatus::Open);
    assert_eq!(made.url, format!("{}/Ticket/Display.html?id={}", peer.url, made.number));
    assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap(), Some(made.clone()));
    let look = desk.look(&made.number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((&look.case, look.by), (&made, None));
    assert_eq!((look.activity.replies, look.activity.notes), (0, 0));
    let row = peer.get(&format!("ticket/{}", made.number)).await;
    assert!(row["Subject"].as_str().unwrap().starts_with("Damaged: Shipment 1Z999AA10123456784 for S00042"));
    let fields = row["CustomFields"].as_array().unwrap();
    let value = |name: &str| fields.iter().find(|f| f["name"] == name).unwrap()["values"].clone();
    assert_eq!(value("Severity"), json!(["Critical"]));
    assert_eq!(value("Tags"), json!(["milepost", "damage"]));
    for nothing in ["999999999", "1/../2"] {
        let look = desk.look(nothing, DeskStatus::Open, &Discard).await.unwrap();
        assert_eq!((look.case.status, look.by.is_some()), (DeskStatus::Hidden, true), "{nothing}");
    }
}

#[tokio::test]
async fn a_second_ticket_with_one_key_gives_way_to_the_first() {
    let Some(peer) = Peer::find("a_second_ticket_with_one_key_gives_way_to_the_first") else { return };
    let desk = peer.desk();
    // an administrator may not have ticked "New values must be unique"
    for unique in [false, true] {
        peer.keys_are_unique(unique).await;
        let case = case(&format!("twice {unique}"));
        let subject = case.external_key.replace(|c: char| !c.is_ascii_alphanumeric(), " ");
        let case = NewCase { subject: subject.split_whitespace().collect::<Vec<_>>().join(" "), ..case };
        let first = desk.create(&case, &Discard).await.unwrap();
        assert_eq!(desk.create(&case, &Discard).await.unwrap().number, first.number, "unique: {unique}");
        assert_eq!(desk.find(&case.external_key, &Discard).await.unwrap().unwrap(), first, "unique: {unique}");
        let both = peer.get(&format!("tickets?query=Subject='{}'&fields=Status&orderby=id", case.subject)).await;
        let statuses = both["items"].as_array().unwrap().iter().map(|ticket| &ticket["Status"]);
        assert_eq!(statuses.collect::<Vec<_>>(), ["new", "resolved"], "unique: {unique}");
    }
}

#[tokio::test]
async fn notes_resolving_and_reopening_happen_once() {
    let Some(peer) = Peer::find("notes_resolving_and_reopening_happen_once") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("notes"), &Discard).await.unwrap().number;
    for _ in 0..2 {
        desk.note(&number, "DELIVERED/-/1", "Delivered in Köln.", &Discard).await.unwrap();
    }
    assert_eq!(peer.comments(&number).await, 1);
    for _ in 0..2 {
        desk.resolve(&number, "closed/1", "Over.", &Discard).await.unwrap();
    }
    assert_eq!(peer.comments(&number).await, 2);
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Resolved);
    // a note does not wake a settled case
    desk.note(&number, "late/1", "Proof of delivery came.", &Discard).await.unwrap();
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Resolved);
    for _ in 0..2 {
        desk.reopen(&number, "reopened/2", "Damaged again.", &Discard).await.unwrap();
    }
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Open);
    assert_eq!(peer.comments(&number).await, 4);
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_not_posted_again() {
    let Some(peer) = Peer::find("a_note_whose_answer_was_lost_is_not_posted_again") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("long"), &Discard).await.unwrap().number;
    desk.note(&number, "first", "The first.", &Discard).await.unwrap();
    // a long history after it
    for n in 0..5 {
        peer.send(
            "POST",
            &format!("ticket/{number}/comment"),
            json!({"Content": format!("chat {n}"), "ContentType": "text/plain"}),
        )
        .await;
    }
    desk.note(&number, "first", "The first.", &Discard).await.unwrap();
    assert_eq!(peer.comments(&number).await, 6);
}

/// All that changed since, page by page.
async fn changed(desk: &dyn Desk, since: Timestamp) -> Vec<(String, DeskStatus)> {
    let (mut from, mut all) = (PollFrom::Since(since), Vec::new());
    for _ in 0..100 {
        let page = desk.changed(&from, &Discard).await.unwrap();
        all.extend(page.cases.into_iter().map(|change| (change.case.number, change.case.status)));
        match page.next {
            Some(next) => from = PollFrom::After(next),
            None => return all,
        }
    }
    panic!("the pages do not end");
}

#[tokio::test]
async fn what_an_agent_does_is_seen_with_the_agents_name() {
    let Some(peer) = Peer::find("what_an_agent_does_is_seen_with_the_agents_name") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("heard"), &Discard).await.unwrap().number;
    let made: Timestamp = peer.get(&format!("ticket/{number}")).await["Created"].as_str().unwrap().parse().unwrap();
    let seen = async |status| {
        let found = changed(&*desk, made).await;
        assert_eq!(
            found.iter().filter(|(n, s)| (n, *s) == (&number, status)).count(),
            1,
            "{number} {status:?}: {found:?}"
        );
    };
    let look = async |known| {
        let look = desk.look(&number, known, &Discard).await.unwrap();
        (look.case.status, look.by)
    };
    seen(DeskStatus::Open).await;
    peer.agent_sets(&number, "resolved").await;
    seen(DeskStatus::Resolved).await;
    assert_eq!(look(DeskStatus::Open).await, (DeskStatus::Resolved, Some("agent".into())));
    peer.agent_sets(&number, "open").await;
    seen(DeskStatus::Open).await;
    assert_eq!(look(DeskStatus::Resolved).await, (DeskStatus::Open, Some("agent".into())));
    // our own change has no agent, whatever an agent did before
    desk.resolve(&number, "closed/1", "Over.", &Discard).await.unwrap();
    assert_eq!(look(DeskStatus::Open).await, (DeskStatus::Resolved, None));
    peer.agent_sets(&number, "rejected").await;
    assert_eq!(look(DeskStatus::Resolved).await, (DeskStatus::Rejected, Some("agent".into())));
    peer.agent_sets(&number, "deleted").await;
    assert_eq!(look(DeskStatus::Rejected).await, (DeskStatus::Gone, Some("root".into())));
    assert!(changed(&*desk, made).await.iter().all(|(n, _)| *n != number), "a search does not show what was deleted");
    let tomorrow = made.checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
    assert_eq!(changed(&*desk, tomorrow).await, []);
}

#[tokio::test]
async fn what_is_still_there_is_asked_for_at_once() {
    let Some(peer) = Peer::find("what_is_still_there_is_asked_for_at_once") else { return };
    let desk = peer.desk();
    let mut numbers = Vec::new();
    for name in ["one", "two", "three"] {
        numbers.push(desk.create(&case(name), &Discard).await.unwrap().number);
    }
    peer.agent_sets(&numbers[0], "deleted").await;
    peer.agent_sets(&numbers[1], "resolved").await;
    numbers.push("999999999".into());
    let shown = desk.shown(&numbers, &Discard).await.unwrap();
    let shown: Vec<_> = shown.into_iter().map(|case| (case.number, case.status)).collect();
    let mut expected = vec![(numbers[1].clone(), DeskStatus::Resolved), (numbers[2].clone(), DeskStatus::Open)];
    expected.sort_by_key(|(number, _)| shown.first().is_none_or(|(first, _)| first != number));
    assert_eq!(shown, expected);
    assert!(desk.shown(&[], &Discard).await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_of_changes_lose_nothing_that_happened_in_one_second() {
    let Some(peer) = Peer::find("pages_of_changes_lose_nothing_that_happened_in_one_second") else { return };
    let desk = peer.desk();
    let mut mine = Vec::new();
    for n in 0..6 {
        mine.push(desk.create(&case(&format!("page{n}")), &Discard).await.unwrap().number);
    }
    let first: Timestamp =
        peer.get(&format!("ticket/{}", mine[0])).await["LastUpdated"].as_str().unwrap().parse().unwrap();
    // one ticket a page: the cursor of each, as if it were the last of its page
    let (mut from, mut seen) = (PollFrom::Since(first), Vec::new());
    for _ in 0..500 {
        let page = desk.changed(&from, &Discard).await.unwrap();
        let Some(case) = page.cases.first().map(|change| &change.case) else { break };
        seen.push(case.number.clone());
        let at = peer.get(&format!("ticket/{}", case.number)).await["LastUpdated"].as_str().unwrap().to_owned();
        from = PollFrom::After(format!("{at}/{}", case.number));
    }
    for number in mine {
        assert!(seen.contains(&number), "{number} is missing: {seen:?}");
    }
}

#[tokio::test]
async fn a_follow_up_refers_to_the_earlier_ticket() {
    let Some(peer) = Peer::find("a_follow_up_refers_to_the_earlier_ticket") else { return };
    let desk = peer.desk();
    let first = desk.create(&case("earlier"), &Discard).await.unwrap().number;
    let follow = NewCase { follows: Some(first.clone()), ..case("follow-up") };
    let made = desk.create(&follow, &Discard).await.unwrap().number;
    let links = peer.get(&format!("ticket/{made}")).await["_hyperlinks"].clone();
    assert!(links.as_array().unwrap().iter().any(|l| l["ref"] == "refers-to" && l["id"] == first), "{links}");
    // one that is gone does not stop the new ticket
    peer.agent_sets(&first, "deleted").await;
    let again = NewCase { follows: Some(first), ..case("follow-up of nothing") };
    assert_eq!(desk.create(&again, &Discard).await.unwrap().status, DeskStatus::Open);
}

/// A request as it came in, answered with 200.
async fn received(listener: &tokio::net::TcpListener) -> (http::HeaderMap, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).await.unwrap();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let line = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.parse::<http::HeaderName>().ok()?, value.parse::<http::HeaderValue>().ok()?))
        };
        let headers: http::HeaderMap = head.lines().skip(1).filter_map(line).collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        let body = &bytes[head.len() + 4..];
        if body.len() >= length {
            let body = body[..length].to_vec();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            return (headers, body);
        }
    }
}

#[tokio::test]
async fn what_an_agent_does_is_reported_signed_and_our_own_changes_are_not() {
    let Some(peer) = Peer::find("what_an_agent_does_is_reported_signed_and_our_own_changes_are_not") else { return };
    let folder = std::env::var("MILEPOST_TEST_RT_WEBHOOK_DIR").unwrap();
    let desk = peer.desk();
    let number = desk.create(&case("reported"), &Discard).await.unwrap().number;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscriber = format!("{folder}/milepost-{}", std::process::id());
    let address = format!("http://{}/hooks/desk/rt", listener.local_addr().unwrap());
    std::fs::write(&subscriber, format!("{address}\nsecret-of-the-reports\n")).unwrap();
    // our own change is the first, and no report comes of it
    desk.note(&number, "ours", "A note of ours.", &Discard).await.unwrap();
    let reported = async {
        loop {
            let (headers, body) = received(&listener).await;
            let read = |secret: &str| {
                let secret = secrecy::SecretString::from(secret);
                #[expect(clippy::disallowed_methods, reason = "the desk signs with the time that it is")]
                let now = Timestamp::now();
                desk.read_hook(&desks::hooks::Hook { headers: &headers, body: &body, secret: &secret, now })
            };
            let report = read("secret-of-the-reports").unwrap();
            assert!(read("another-secret").is_err());
            // other tests change tickets meanwhile
            if report.numbers == [number.clone()] {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_ne!(body["actor"], "milepost");
                return report;
            }
        }
    };
    let (report, ()) = tokio::join!(reported, peer.agent_sets(&number, "resolved"));
    std::fs::remove_file(&subscriber).unwrap();
    assert!(report.delivery.unwrap().starts_with("rt-txn-"));
}

#[tokio::test]
async fn replies_notes_and_owners_are_seen_and_the_context_is_a_field() {
    let Some(peer) = Peer::find("replies_notes_and_owners_are_seen_and_the_context_is_a_field") else { return };
    let desk = peer.desk();
    let number = desk.create(&case("activity"), &Discard).await.unwrap().number;
    for text in ["Status: In transit\nETA: tomorrow", "Status: Delivered"] {
        for _ in 0..2 {
            desk.set_context(&number, text, &Discard).await.unwrap();
        }
    }
    let row = peer.get(&format!("ticket/{number}")).await;
    let fields = row["CustomFields"].as_array().unwrap();
    let context = fields.iter().find(|field| field["name"] == "Shipment Context").unwrap();
    assert_eq!(context["values"], json!(["Status: Delivered"]));
    desk.note(&number, "ours", "A note of ours.", &Discard).await.unwrap();
    let http = reqwest::Client::new();
    for (what, text) in [("comment", "Called the carrier."), ("correspond", "We are looking into it.")] {
        let body = json!({"Content": text, "ContentType": "text/plain"});
        let post = http.post(format!("{}/REST/2.0/ticket/{number}/{what}", peer.url)).json(&body);
        let answer = post.header("Authorization", format!("token {}", peer.agent)).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.text().await.unwrap());
    }
    let owned = http.put(format!("{}/REST/2.0/ticket/{number}", peer.url)).json(&json!({"Owner": "agent"}));
    owned.header("Authorization", format!("token {}", peer.agent)).send().await.unwrap().error_for_status().unwrap();
    let activity = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().activity;
    assert_eq!((activity.replies, activity.notes, activity.assignee.as_deref()), (1, 1, Some("agent")));
    assert!(activity.last_at.is_some() && activity.changed_at >= activity.last_at);
}
