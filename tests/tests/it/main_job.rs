//! The main job, end to end on real systems: orders in Odoo, carriers' webhooks shuffled and doubled, a kill in the
//! middle; then Odoo, the service desk and the agent's page all say the same, and each thing was said once.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tests::{Desk, Installation, Odoo, Platform, Surroundings, shuffle, skipped, until};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The browser's part takes at most this long.
const BROWSER: Duration = Duration::from_secs(120);

/// Messages of one shipment: growing snapshots, as the platforms send them.
struct Story {
    number: String,
    source: &'static str,
    messages: Vec<Vec<u8>>,
}

/// AfterShip: picked up, on the way, refused by the recipient (major), on the way back.
fn refused(number: &str) -> Story {
    let steps = [
        ("InTransit", "InTransit_002", "Hamburg", "2026-03-02T10:00:00"),
        ("InTransit", "InTransit_003", "Leipzig", "2026-03-03T01:10:00"),
        ("OutForDelivery", "OutForDelivery_001", "Berlin", "2026-03-04T08:05:00"),
        ("Exception", "Exception_003", "Berlin", "2026-03-04T12:30:00"),
    ];
    let messages = (1..=steps.len()).map(|n| {
        let checkpoints: Vec<Value> = steps[..n]
            .iter()
            .map(|(tag, subtag, city, time)| {
                json!({"tag": tag, "subtag": subtag, "city": city, "country_iso3": "DEU", "checkpoint_time": time, "message": "scan", "slug": "dhl", "coordinates": []})
            })
            .collect();
        let (tag, subtag, _, time) = steps[n - 1];
        let msg = json!({"id": format!("afs-{number}"), "tracking_number": number, "slug": "dhl", "tag": tag, "subtag": subtag,
            "updated_at": format!("{time}+00:00"), "last_updated_at": format!("{time}+00:00"), "checkpoints": checkpoints});
        serde_json::to_vec(&json!({"event_id": format!("evt-{number}-{n}"), "event": "tracking_update", "msg": msg, "ts": 1_772_600_000 + n})).expect("JSON")
    });
    Story { number: number.into(), source: "aftership", messages: messages.collect() }
}

/// EasyPost: picked up, one failed attempt, delivered the next day.
fn delivered(number: &str) -> Story {
    let steps = [
        ("in_transit", "received_at_origin_facility", "COLUMBUS", "2026-03-08T15:00:00Z"),
        ("out_for_delivery", "out_for_delivery", "CHARLOTTE", "2026-03-09T12:00:00Z"),
        ("in_transit", "delivery_exception", "CHARLOTTE", "2026-03-09T16:00:00Z"),
        ("out_for_delivery", "out_for_delivery", "CHARLOTTE", "2026-03-10T12:00:00Z"),
        ("delivered", "arrived_at_destination", "CHARLOTTE", "2026-03-10T14:00:00Z"),
    ];
    let messages = (1..=steps.len()).map(|n| {
        let details: Vec<Value> = steps[..n]
            .iter()
            .map(|(status, detail, city, time)| {
                json!({"object": "TrackingDetail", "message": "scan", "status": status, "status_detail": detail, "datetime": time, "source": "UPS",
                    "tracking_location": {"object": "TrackingLocation", "city": city, "country": "US"}})
            })
            .collect();
        let (status, detail, _, time) = steps[n - 1];
        let result = json!({"id": format!("trk_{number}"), "object": "Tracker", "tracking_code": number, "status": status, "status_detail": detail,
            "updated_at": time, "carrier": "UPS", "tracking_details": details, "is_return": false});
        serde_json::to_vec(&json!({"id": format!("evt_{number}_{n}"), "object": "Event", "description": "tracker.updated", "result": result})).expect("JSON")
    });
    Story { number: number.into(), source: "easypost", messages: messages.collect() }
}

#[tokio::test]
async fn main_job() -> Result<()> {
    let Some(around) = Surroundings::find("main_job") else { return Ok(()) };
    let seed =
        std::env::var("MILEPOST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(u64::from(std::process::id()));
    println!("seed {seed} (set MILEPOST_SEED to repeat)");
    let (odoo, desk) = (Odoo::clone_database(&around, "main_job")?, Desk::new(&around));
    let mut installation = Installation::prepare(&around, [odoo.settings(), desk.settings()].concat())?;
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platforms =
        [Platform::new("aftership", "whole-system-aftership"), Platform::new("easypost", "whole-system-easypost")];
    for platform in &platforms {
        installation
            .command(&["source", "put", platform.source, "--connector", platform.source], Some(platform.secret))?;
    }
    installation.command(
        &["user", "add", "agent@main.test", "--name", "Main Agent", "--role", "agent"],
        Some("a sentence for the agent"),
    )?;

    // numbers of this run alone, since the desk is shared
    let run = format!("{:09}", std::process::id());
    let stories = [refused(&format!("0034043{run}1")), delivered(&format!("1Z999{run}2"))];
    let mut deliveries = Vec::new();
    for story in &stories {
        deliveries.push(odoo.order(&story.number).await?.1);
    }
    installation.start().await?;
    for delivery in &deliveries {
        until("the delivery to be imported", || async {
            Ok(odoo.delivery(*delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
        })
        .await
        .with_context(|| installation.log())?;
    }

    // every message two or three times, in any order, with a kill in the middle; the platform repeats what nobody took
    let mut post: Vec<(usize, &[u8])> =
        stories.iter().enumerate().flat_map(|(i, s)| s.messages.iter().map(move |m| (i, m.as_slice()))).collect();
    post.extend(post.clone());
    post.extend_from_slice(&post.clone()[..3]);
    shuffle(&mut post, seed);
    let middle = post.len() / 2;
    for (n, (story, body)) in post.into_iter().enumerate() {
        if n == middle {
            installation.kill()?;
            installation.start().await?;
        }
        let platform = platforms.iter().find(|p| p.source == stories[story].source).context("a platform")?;
        let status = platform.post(&installation.base(), body).await?;
        ensure!(status == 202, "message {n} was answered {status}\n{}", installation.log());
    }
    installation.idle().await.with_context(|| installation.log())?;

    let first =
        odoo.delivery(deliveries[0], &["x_milepost_status", "x_milepost_exception", "x_milepost_last_event"]).await?;
    assert_eq!(
        (first["x_milepost_status"].as_str(), first["x_milepost_exception"].as_str()),
        (Some("IN_TRANSIT"), Some("Refused by recipient")),
        "{first}"
    );
    let second =
        odoo.delivery(deliveries[1], &["x_milepost_status", "x_milepost_exception", "x_milepost_delivered_at"]).await?;
    assert_eq!(
        (second["x_milepost_status"].as_str(), second["x_milepost_delivered_at"].as_str()),
        (Some("DELIVERED"), Some("2026-03-10 14:00:00")),
        "{second}"
    );
    assert_eq!(second["x_milepost_exception"], json!(false), "the failed attempt was overcome");

    each_once(&odoo.notes(deliveries[0]).await?, &["Picked up", "Out for delivery", "Delivery attempted"]);
    each_once(
        &odoo.notes(deliveries[1]).await?,
        &["Picked up", "Out for delivery", "Delivery attempted", "Out for delivery (number 2)", "Delivered"],
    );

    let activities = json!({"domain": [["res_model", "=", "stock.picking"], ["res_id", "=", deliveries[0]], ["note", "like", "milepost"]]});
    assert_eq!(
        odoo.call("mail.activity", "search_count", activities).await?,
        json!(1),
        "one activity asks somebody to look at the refusal"
    );

    let tickets = desk.tickets(&stories[0].number).await?;
    assert_eq!(tickets.len(), 1, "one ticket for the refusal: {tickets:?}");
    assert!(desk.tickets(&stories[1].number).await?.is_empty(), "a minor exception that ended makes no ticket");
    the_desk_is_heard(&odoo, &desk, deliveries[0], &tickets[0].0).await.with_context(|| installation.log())?;

    agent_sees_an_event_arrive(&around, &installation, &platforms[0], &stories[0]).await?;
    Ok(())
}

/// An agent settles the refusal at the desk, and opens it again: the exception follows, in Milepost and so in Odoo.
async fn the_desk_is_heard(odoo: &Odoo, desk: &Desk, delivery: i64, ticket: &str) -> Result<()> {
    for (status, expected) in [("resolved", json!(false)), ("open", json!("Refused by recipient"))] {
        desk.agent_sets(ticket, status).await?;
        until(&format!("the ticket to be {status} in Milepost"), || async {
            let row = odoo.delivery(delivery, &["x_milepost_exception"]).await?;
            Ok((row["x_milepost_exception"] == expected).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Each milestone has one note, and no other note is there.
fn each_once(notes: &[String], expected: &[&str]) {
    let mut found: Vec<String> =
        notes.iter().map(|html| between(html, "<b>", "</b>").unwrap_or_else(|| html.clone())).collect();
    found.sort();
    let mut expected: Vec<String> = expected.iter().map(|e| (*e).to_owned()).collect();
    expected.sort();
    assert_eq!(found, expected);
}

fn between(text: &str, open: &str, close: &str) -> Option<String> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner.to_owned())
}

/// In Chromium: sign in, find the shipment by its number, and see the next event without reloading.
async fn agent_sees_an_event_arrive(
    around: &Surroundings,
    installation: &Installation,
    platform: &Platform,
    story: &Story,
) -> Result<()> {
    if around.site.is_none() || std::env::var_os("MILEPOST_TEST_CHROMIUM").is_none() {
        skipped("the browser's part of main_job", "no site folder or no Chromium");
        return Ok(());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/agent.mjs");
    let mut browser = tokio::process::Command::new("node")
        .args([
            script,
            &installation.base(),
            "agent@main.test",
            "a sentence for the agent",
            &story.number,
            "Return in transit",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(browser.stdout.take().context("piped")?).lines();
    let watched = async {
        while let Some(line) = lines.next_line().await? {
            println!("browser: {line}");
            if line == "watching" {
                let mut message: Value = serde_json::from_slice(story.messages.last().context("a message")?)?;
                message["event_id"] = json!(format!("evt-{}-live", story.number));
                message["msg"]["tag"] = json!("Exception");
                message["msg"]["subtag"] = json!("Exception_010");
                message["msg"]["updated_at"] = json!("2026-03-05T09:00:00+00:00");
                message["msg"]["last_updated_at"] = json!("2026-03-05T09:00:00+00:00");
                let back = json!({"tag": "Exception", "subtag": "Exception_010", "city": "Berlin", "country_iso3": "DEU", "checkpoint_time": "2026-03-05T09:00:00", "message": "Returning to sender", "slug": "dhl", "coordinates": []});
                message["msg"]["checkpoints"].as_array_mut().context("a list")?.push(back);
                ensure!(platform.post(&installation.base(), &serde_json::to_vec(&message)?).await? == 202);
            }
        }
        let ended = browser.wait().await?;
        ensure!(ended.success(), "the browser's part failed; the installation logged:\n{}", installation.log());
        Ok(())
    };
    tokio::time::timeout(BROWSER, watched).await.context("the browser's part took too long")?
}
