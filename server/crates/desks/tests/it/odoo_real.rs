//! Against OCA's `helpdesk_mgmt` on a real Odoo 19 (`tests/peers/odoo-peer.sh`), in a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::rt_real::skipped;
use desks::{Desk, DeskConfig, DeskStatus, Labels, NewCase, Options, PollFrom, Reopened, Requester};
use domain::Severity;
use jiff::Timestamp;
use outbound::Discard;
use serde_json::{Value, json};
use std::{process::Command, sync::Arc};

const NAME: &str = "helpdesk";
const TEAM: &str = "Shipments";

/// An Odoo with a helpdesk; its database is removed in the end.
struct Peer {
    url: String,
    script: String,
    database: String,
    key: String,
    admin_key: String,
}

impl Peer {
    /// Installs the helpdesk in a fresh database, gives the integration's user its rights and makes a team.
    async fn find(test: &str) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let var = |name: &str| std::env::var(name).ok();
        let file = |name: &str| Some(std::fs::read_to_string(var(name)?).ok()?.trim().to_owned());
        let found = (|| {
            Some(Self {
                url: var("MILEPOST_TEST_ODOO_URL")?,
                script: var("MILEPOST_TEST_ODOO_PEER")?,
                database: format!("milepost_{NAME}"),
                key: file("MILEPOST_TEST_ODOO_KEY_FILE")?,
                admin_key: file("MILEPOST_TEST_ODOO_ADMIN_KEY_FILE")?,
            })
        })();
        let Some(peer) = found else {
            skipped(test);
            return None;
        };
        peer.script(&["clone", NAME]);
        peer.script(&["install", NAME, "helpdesk_mgmt"]);
        let group = json!({"domain": [["module", "=", "helpdesk_mgmt"], ["name", "=", "group_helpdesk_user"]], "fields": ["res_id"]});
        let group = peer.admin("ir.model.data/search_read", group).await[0]["res_id"].clone();
        let bot = peer.admin("res.users/search", json!({"domain": [["login", "=", "milepost-bot"]]})).await;
        peer.admin("res.users/write", json!({"ids": bot, "vals": {"group_ids": [[4, group]]}})).await;
        peer.admin("helpdesk.ticket.team/create", json!({"vals_list": [{"name": TEAM}]})).await;
        Some(peer)
    }

    fn script(&self, arguments: &[&str]) {
        let done = Command::new(&self.script).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    async fn admin(&self, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}/json/2/{path}", self.url)).bearer_auth(&self.admin_key);
        let answer = request.header("X-Odoo-Database", &self.database).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    fn desk(&self) -> Arc<dyn Desk> {
        let options = Options::from([("database", json!(self.database)), ("login", json!("milepost-bot"))]);
        let config = DeskConfig { options, ..DeskConfig::new(self.url.as_str(), self.key.as_str(), TEAM) };
        desks::connect("odoo_helpdesk", config).unwrap().unwrap()
    }

    /// A field of a ticket.
    async fn ticket(&self, number: &str) -> Value {
        let fields = ["name", "number", "description", "stage_id", "team_id", "tag_ids", "partner_email", "priority"];
        let body = json!({"ids": [number.parse::<i64>().unwrap()], "fields": fields});
        self.admin("helpdesk.ticket/read", body).await[0].clone()
    }

    /// The messages of a ticket, oldest first: text and whether customers see it.
    async fn messages(&self, number: &str) -> Vec<(String, bool)> {
        let domain = json!([
            ["model", "=", "helpdesk.ticket"],
            ["res_id", "=", number.parse::<i64>().unwrap()],
            ["message_type", "!=", "user_notification"]
        ]);
        let body = json!({"domain": domain, "fields": ["body", "subtype_id"], "order": "id"});
        let rows = self.admin("mail.message/search_read", body).await;
        let message = |row: &Value| (row["body"].as_str().unwrap().to_owned(), row["subtype_id"][1] == "Discussions");
        rows.as_array().unwrap().iter().map(message).collect()
    }

    /// Mails that Odoo made, sent or not.
    async fn mails(&self) -> usize {
        usize::try_from(self.admin("mail.mail/search_count", json!({"domain": []})).await.as_u64().unwrap()).unwrap()
    }

    async fn stage(&self, closed: bool) -> i64 {
        let body = json!({"domain": [["closed", "=", closed]], "order": "sequence, id", "limit": 1});
        self.admin("helpdesk.ticket.stage/search", body).await[0].as_i64().unwrap()
    }

    /// Whatever the agents' own mails were, they are none of Milepost's.
    async fn drop_mails(&self) {
        let mails = self.admin("mail.mail/search", json!({"domain": []})).await;
        if mails.as_array().is_some_and(|mails| !mails.is_empty()) {
            self.admin("mail.mail/unlink", json!({"ids": mails})).await;
        }
    }

    async fn agent_writes(&self, number: &str, vals: Value) {
        self.admin("helpdesk.ticket/write", json!({"ids": [number.parse::<i64>().unwrap()], "vals": vals})).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).args(["drop", NAME]).output();
    }
}

fn case(key: &str) -> NewCase {
    NewCase {
        external_key: key.into(),
        subject: "Damaged: shipment 1Z999AA10123456784 for S00042".into(),
        body: "Damaged in Köln <b>&\nSeverity: Critical".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Critical,
        odoo_url: Some("http://odoo.example/odoo/stock.picking/42".into()),
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

/// One database for all of it: the module's installation is what takes time.
#[tokio::test]
async fn cases_live_in_ocas_helpdesk() {
    let Some(peer) = Peer::find("cases_live_in_ocas_helpdesk").await else { return };
    let desk = peer.desk();
    assert_eq!(desk.check(&Discard).await.unwrap(), []);
    assert!(desk.version(&Discard).await.unwrap().unwrap().starts_with("19"));
    made_once(&peer, &*desk).await;
    notes_and_context(&peer, &*desk).await;
    agents(&peer, &*desk).await;
    who_moved_it(&peer, &*desk).await;
    gone(&peer, &*desk).await;
    assert_eq!(peer.mails().await, 0, "no customer gets mail of what Milepost does");
}

async fn made_once(peer: &Peer, desk: &dyn Desk) {
    let requester = Requester { name: "Jane Doe".into(), email: "jane@customer.test".into() };
    let new = NewCase { requester: Some(requester), ..case("made") };
    assert_eq!(desk.find("made", &Discard).await.unwrap(), None);
    let made = desk.create(&new, &Discard).await.unwrap();
    assert_eq!(made.status, DeskStatus::Open);
    assert_eq!(desk.find("made", &Discard).await.unwrap().unwrap(), made);
    // twelve at once: Odoo keeps the external id unique, and refuses or repeats what collides
    let new = case("raced");
    let all = futures::future::join_all((0..12).map(|_| desk.create(&new, &Discard))).await;
    let one = desk.find("raced", &Discard).await.unwrap().unwrap();
    assert!(all.iter().flatten().all(|made| made.number == one.number), "{all:?}");
    let count = json!({"domain": [["name", "=", case("").subject]], "context": {"active_test": false}});
    assert_eq!(peer.admin("helpdesk.ticket/search_count", count).await, 2);
    let ticket = peer.ticket(&made.number).await;
    assert_eq!((&ticket["partner_email"], &ticket["team_id"][1]), (&json!("jane@customer.test"), &json!(TEAM)));
    assert_eq!(ticket["priority"], "3");
    let description = ticket["description"].as_str().unwrap();
    assert!(description.contains("&lt;b&gt;&amp;"), "texts stay texts: {description}");
}

async fn notes_and_context(peer: &Peer, desk: &dyn Desk) {
    let number = desk.create(&case("notes"), &Discard).await.unwrap().number;
    let before = peer.messages(&number).await.len();
    for _ in 0..2 {
        desk.note(&number, "n/1", "Delivered in Köln <b>.", &Discard).await.unwrap();
        desk.set_context(&number, "Status: In transit", &Discard).await.unwrap();
    }
    desk.set_context(&number, "Status: Delivered", &Discard).await.unwrap();
    let messages = peer.messages(&number).await;
    assert_eq!(messages.len() - before, 2, "{messages:?}");
    assert!(messages.iter().all(|(_, public)| !public), "customers see none of it: {messages:?}");
    let all: String = messages.iter().map(|(text, _)| text.as_str()).collect();
    assert!(
        all.contains("Status: Delivered") && !all.contains("In transit") && all.contains("Köln &lt;b&gt;"),
        "{all}"
    );
    for _ in 0..2 {
        desk.resolve(&number, "closed", "Over.", &Discard).await.unwrap();
    }
    let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by, look.activity.notes), (DeskStatus::Resolved, None, 0));
    for _ in 0..2 {
        assert_eq!(desk.reopen(&number, "again", "Again.", &Discard).await.unwrap(), Reopened::Open);
    }
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Open);
    assert_eq!(peer.messages(&number).await.len() - before, 4);
}

async fn agents(peer: &Peer, desk: &dyn Desk) {
    let number = desk.create(&case("agents"), &Discard).await.unwrap().number;
    let id = number.parse::<i64>().unwrap();
    let start: Timestamp = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().activity.changed_at.unwrap();
    let changes = async || desk.changed(&PollFrom::Since(start), &Discard).await.unwrap().cases;
    assert!(changes().await.iter().any(|change| change.case.number == number));
    for subtype in ["mail.mt_comment", "mail.mt_note"] {
        let body = json!({"ids": [id], "body": "By an agent.", "subtype_xmlid": subtype, "message_type": "comment"});
        peer.admin("helpdesk.ticket/message_post", body).await;
    }
    peer.agent_writes(&number, json!({"stage_id": peer.stage(true).await, "user_id": 2})).await;
    let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.activity.replies, look.activity.notes), (1, 1), "{look:?}");
    assert_eq!((look.case.status, look.by.is_some()), (DeskStatus::Resolved, true));
    assert_eq!(look.activity.team.as_deref(), Some(TEAM));
    assert!(look.activity.assignee.is_some() && look.activity.last_at.is_some());
    let seen = changes().await.into_iter().find(|change| change.case.number == number).unwrap();
    assert_eq!(seen.case.status, DeskStatus::Resolved);
    peer.drop_mails().await;
}

/// Whatever Milepost writes after an agent's change of the stage, and an agent after Milepost's.
async fn who_moved_it(peer: &Peer, desk: &dyn Desk) {
    let number = desk.create(&case("moved"), &Discard).await.unwrap().number;
    peer.agent_writes(&number, json!({"stage_id": peer.stage(true).await})).await;
    peer.drop_mails().await;
    let labels = Labels { severity: Some(Severity::Minor), tags: vec!["late".into()] };
    desk.label(&number, &labels, &Discard).await.unwrap();
    let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by.as_deref()), (DeskStatus::Resolved, Some("Mitchell Admin")));
    let ours = desk.create(&case("ours"), &Discard).await.unwrap().number;
    desk.resolve(&ours, "settled", "It arrived.", &Discard).await.unwrap();
    assert_eq!(peer.mails().await, 0);
    peer.agent_writes(&ours, json!({"priority": "0"})).await;
    let look = desk.look(&ours, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by), (DeskStatus::Resolved, None));
    let body = json!({"domain": [["name", "=", "Rejected"]], "limit": 1});
    let rejected = peer.admin("helpdesk.ticket.stage/search", body).await[0].clone();
    peer.agent_writes(&ours, json!({"stage_id": rejected})).await;
    let look = desk.look(&ours, DeskStatus::Resolved, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by.is_some()), (DeskStatus::Rejected, true), "{look:?}");
    peer.drop_mails().await;
}

async fn gone(peer: &Peer, desk: &dyn Desk) {
    let number = desk.create(&case("gone"), &Discard).await.unwrap().number;
    peer.agent_writes(&number, json!({"active": false})).await;
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Gone);
    assert_eq!(desk.find("gone", &Discard).await.unwrap(), None, "an archived ticket is not taken for the case");
    desk.note(&number, "late", "late", &Discard).await.unwrap();
    let deleted = desk.create(&case("deleted"), &Discard).await.unwrap().number;
    peer.admin("helpdesk.ticket/unlink", json!({"ids": [deleted.parse::<i64>().unwrap()]})).await;
    assert_eq!(desk.look(&deleted, DeskStatus::Open, &Discard).await.unwrap().case.status, DeskStatus::Hidden);
    assert_eq!(desk.find("deleted", &Discard).await.unwrap(), None);
    assert_eq!(desk.reopen(&deleted, "again", "Again.", &Discard).await.unwrap(), Reopened::FollowUp);
    assert_ne!(desk.create(&case("deleted"), &Discard).await.unwrap().number, deleted);
    let shown = desk.shown(&[number, deleted], &Discard).await.unwrap();
    assert!(shown.iter().all(|case| case.status != DeskStatus::Open), "{shown:?}");
}
