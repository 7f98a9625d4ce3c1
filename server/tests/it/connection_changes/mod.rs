//! What may become of a connection when somebody changes it: where its secrets go, which system it leads to, what is kept of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lost_keys;
mod same_database;
mod secrets;
mod seeds;
mod sources;
mod systems;

use application::{
    caller::Caller,
    connections::{self, NewConnection},
    context::Context,
    error::UseCaseError,
};
use simulator::odoo::{DATABASE, SandboxOdoo};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use storage::connections::ConnectionRecord;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const KEY: &str = "the key of a second system";

fn caller(context: &Context) -> Caller {
    Caller::trusted(context.scope())
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A connection to an Odoo, in use.
fn odoo(name: &str, url: &str) -> NewConnection {
    NewConnection {
        name: name.into(),
        connector: "odoo".into(),
        fields: fields(&[("url", url), ("database", DATABASE)]),
        secret: Some(KEY.into()),
        enabled: Some(true),
        ..NewConnection::default()
    }
}

async fn second_odoo() -> SandboxOdoo {
    SandboxOdoo::start(KEY, Arc::new(|| "2026-03-05T12:00:00Z".parse().unwrap())).await.unwrap()
}

async fn put(context: &Context, new: NewConnection) -> Result<(), UseCaseError> {
    connections::put(context, &caller(context), new).await.map(drop)
}

/// The field that is wrong, and what is said of it.
async fn refused(context: &Context, new: NewConnection) -> (&'static str, String) {
    match put(context, new).await {
        Err(UseCaseError::Invalid { field, message }) => (field, message),
        other => panic!("{other:?}"),
    }
}

async fn record(context: &Context, name: &str) -> ConnectionRecord {
    context.store.connections.by_name(name).await.unwrap().unwrap().1
}

/// A server that refuses every key, and keeps what was sent to it.
struct Refusing {
    url: String,
    received: Arc<Mutex<String>>,
}

impl Refusing {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(refuse(stream, Arc::clone(&kept)));
            }
        });
        Self { url, received }
    }

    fn received(&self, secret: &str) -> bool {
        self.received.lock().unwrap().contains(secret)
    }
}

async fn refuse(mut stream: TcpStream, kept: Arc<Mutex<String>>) {
    let mut request = String::new();
    let mut part = vec![0; 64 * 1024];
    while !is_whole(&request) {
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => request.push_str(&String::from_utf8_lossy(&part[..read])),
            _ => break,
        }
    }
    kept.lock().unwrap().push_str(&request);
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}
