//! A small HTTP server on this machine, stopped when dropped, and the list of what it was made to change.

use axum::Router;
use std::{collections::VecDeque, net::SocketAddr, time::Instant};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(router: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!("a sandbox server ended: {error}");
            }
        });
        Ok(Self { address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Changes that a sandbox server remembers; the oldest go first.
const CHANGES_MAX: usize = 200_000;

/// A change that a sandbox server was asked for and made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Instant,
    /// What was called: `stock.picking/write`, `POST comment`.
    pub operation: String,
    /// On which record: the delivery's, activity's or ticket's number.
    pub record: i64,
}

/// Changes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Changes(VecDeque<Change>);

impl Changes {
    pub(crate) fn push(&mut self, operation: &str, record: i64) {
        if self.0.len() >= CHANGES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Change { at: Instant::now(), operation: operation.to_owned(), record });
    }

    pub(crate) fn list(&self) -> Vec<Change> {
        self.0.iter().cloned().collect()
    }
}

/// Plain pages for people who follow a link of the demo.
pub(crate) mod page {
    use std::fmt::Write as _;

    pub(crate) fn escape(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    /// Fields as text, notes as HTML.
    pub(crate) fn render(
        system: &str,
        title: &str,
        fields: impl Iterator<Item = (String, String)>,
        notes: impl Iterator<Item = String>,
    ) -> String {
        let title = escape(title);
        let mut html = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title} · sandbox {system}</title><style>body{{font:16px/1.5 system-ui;max-width:48rem;margin:2rem auto;\
             padding:0 1rem}}dt{{font-weight:600}}dd{{margin:0 0 .5rem}}</style><p><strong>Sandbox {system}</strong>: \
             simulated, nothing here is real.</p><h1>{title}</h1><dl>"
        );
        for (name, value) in fields {
            let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escape(&name), escape(&value));
        }
        html.push_str("</dl><h2>Notes</h2>");
        for note in notes {
            let _ = write!(html, "<div>{note}</div>");
        }
        html
    }
}
