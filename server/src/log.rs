//! The log: one line for each event, without any known secret, and without characters that a terminal obeys or that change
//! how a line reads. Whatever a line quotes, it stays one line.

use crate::config::LogFormat;
use anyhow::Result;
use domain::visible::visible_line;
use outbound::secrets;
use std::{
    borrow::Cow,
    io::{self, Write},
    panic::PanicHookInfo,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// What is logged unless it is set. The session library warns of each stale cookie, of which anybody can send many.
pub const USUAL: &str = "info,tower_sessions=error,tower_sessions_core=error";

/// Begins to log to stderr.
///
/// # Errors
/// When the filter cannot be read, or somebody logs already.
pub fn begin(filter: &str, format: LogFormat) -> Result<()> {
    subscriber(filter, format, io::stderr)?.try_init()?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// What logs to a writer.
///
/// # Errors
/// When the filter cannot be read.
pub fn subscriber<W>(filter: &str, format: LogFormat, to: W) -> Result<Box<dyn tracing::Subscriber + Send + Sync>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(false)
        // a line that cannot be written (a full disk) would be complained of on the same stderr, and that panics
        .log_internal_errors(false);
    Ok(match format {
        LogFormat::Text => Box::new(log.with_target(false).with_writer(Lines(to)).finish()),
        LogFormat::Json => Box::new(log.json().flatten_event(true).with_writer(Lines(to)).finish()),
    })
}

/// Where a panic was, and its message where that is written in the code: one that was put together may quote what was
/// received.
fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&str>().copied().unwrap_or("a message that is not shown");
    tracing::error!(place, "panic: {message}");
}

/// Cleans what is written through it, line by line: an event comes whole.
struct Lines<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Lines<W> {
    type Writer = Clean<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Clean(self.0.make_writer())
    }

    fn make_writer_for(&'w self, meta: &tracing::Metadata<'_>) -> Self::Writer {
        Clean(self.0.make_writer_for(meta))
    }
}

struct Clean<W>(W);

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.0.write_all(cleaned(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An event as it may be written.
fn cleaned(event: &str) -> Cow<'_, str> {
    let (line, end) = event.strip_suffix('\n').map_or((event, ""), |line| (line, "\n"));
    match (secrets::hidden(line), end) {
        (Cow::Borrowed(line), _) if matches!(visible_line(line), Cow::Borrowed(_)) => Cow::Borrowed(event),
        (line, end) => Cow::Owned(format!("{}{end}", visible_line(&line))),
    }
}

/// A text for the command line's output.
pub fn shown(text: &str) -> String {
    visible_line(&secrets::hidden(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_without_secrets_and_commands() {
        secrets::know("log-secret-4711");
        for format in [LogFormat::Text, LogFormat::Json] {
            let kept = Kept::default();
            let into = kept.clone();
            let log = subscriber("trace", format, move || into.clone()).unwrap();
            tracing::subscriber::with_default(log, || {
                let hostile = "a\r\n2026 ERROR forged \u{1b}[31m\u{202e}\u{85}\u{7}log-secret-4711";
                tracing::info_span!("job", target = %hostile).in_scope(|| {
                    tracing::warn!(hostile, other = ?hostile, key = "log-secret-4711", "{hostile}");
                });
            });
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert!(text.ends_with('\n') && text.contains("forged"), "{text}");
            assert!(!text.contains("4711") && text.contains(secrets::MARK), "{text}");
            let commands: Vec<char> = text.trim_end_matches('\n').chars().filter(|c| c.is_control()).collect();
            assert!(commands.is_empty() && !text.contains('\u{202e}'), "{commands:?} in {text}");
            if format == LogFormat::Json {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}
