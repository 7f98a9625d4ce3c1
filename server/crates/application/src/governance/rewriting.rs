//! What an erasure does to texts. A message about nothing but the shipment loses body and key, so that copies of it
//! are noise too. One about others as well gets another key, and a mark replaces the person; the words of
//! the others' statements are sealed again. The words of the shipment's statements, its jobs' errors and calls are emptied,
//! and so is what hangs on no shipment and names the person. Done again, it does what is left.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    governance::persons::{Person, Search},
    tracking::{
        ingest::BODY,
        normalise::{StatementText, TEXT},
    },
    vault::{DataKey, VaultError},
};
use domain::ids::{MessageId, ObservationId, SubjectId, TrackerId};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};
use storage::{
    Scope, Sealed, WrappedKey,
    erasure::{Own, Rewritten},
    inbox::MessageBody,
};

/// How often a message is rewritten again that was changed meanwhile.
const TRIES: u32 = 5;

/// What an erasure leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// So many messages that are still to be read, or were rewritten meanwhile: they are erased later.
    pub unfinished: u32,
    /// Number of messages that the master key does not open: they cannot be read.
    pub unopened: u32,
    /// Whether something is still in the log beside the database.
    pub is_in_log: bool,
    /// When the first statement of an unfinished one was recorded.
    pub(crate) since: Option<Timestamp>,
}

/// Erases the texts about a shipment in what was recorded since then. A message that cannot be opened, or is still to be read,
/// stops nothing: it is left.
///
/// # Errors
/// When the store fails; what is erased stays so, and the rest is left.
pub(crate) async fn erase_texts(
    context: &Context,
    scope: Scope,
    own: Own,
    mut person: Person,
    since: Timestamp,
) -> Result<Left> {
    let mut work = Work { context, scope, own, its: HashSet::new(), left: Left::default() };
    work.learn(&mut person).await?;
    let search = Arc::new(aside(move || person.search()).await?);
    work.messages(&search, since).await?;
    if search.has_names() {
        work.unread(&search).await?;
        work.loose(&search).await?;
    }
    while context.store.erasure.empty(scope, work.own.clone()).await? {}
    Ok(work.left)
}

/// What takes long, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| UseCaseError::Internal(format!("erasure: {error}")))
}

struct Work<'a> {
    context: &'a Context,
    scope: Scope,
    own: Own,
    /// The shipment's own statements with words.
    its: HashSet<ObservationId>,
    left: Left,
}

impl Work<'_> {
    /// What the shipment's own observations have of the person.
    async fn learn(&mut self, person: &mut Person) -> Result<()> {
        let mut keys = HashMap::new();
        let mut after = None;
        loop {
            let texts = self.context.store.erasure.texts_about(self.scope, self.own.clone(), after).await?;
            let Some((last, _)) = texts.last() else { return Ok(()) };
            after = Some(*last);
            for (id, sealed) in &texts {
                self.its.insert(*id);
                if let Some(text) = self.statement(sealed, &mut keys).await? {
                    person.signed(text.signatory.as_deref());
                    text.words().for_each(|words| person.said(words));
                }
            }
        }
    }

    async fn statement(
        &self,
        sealed: &Sealed,
        keys: &mut HashMap<SubjectId, Option<DataKey>>,
    ) -> Result<Option<StatementText>> {
        let key = match keys.entry(sealed.subject) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let kept = self.context.store.people.key(self.scope, sealed.subject).await?;
                new.insert(kept.and_then(|kept| self.context.vault.unwrap(&kept).ok()))
            }
        };
        let Some(key) = key else { return Ok(None) };
        Ok(StatementText::opened(key, sealed))
    }

    async fn messages(&mut self, search: &Arc<Search>, since: Timestamp) -> Result<()> {
        let mut after = None;
        loop {
            let about = self.context.store.erasure.about(self.scope, self.own.clone(), since, after).await?;
            let Some(last) = about.last() else { return Ok(()) };
            after = Some(last.message);
            for message in about {
                let is_done = match (message.unfinished, message.others.is_empty()) {
                    (true, _) => false,
                    (false, true) => self.context.store.erasure.erase_message(self.scope, message.message).await?,
                    (false, false) => self.rewrite(message.message, &message.others, search).await?,
                };
                if !is_done {
                    self.left.unfinished += 1;
                    let first = self.left.since.unwrap_or(message.recorded_at);
                    self.left.since = Some(first.min(message.recorded_at));
                }
            }
        }
    }

    /// Messages that were read and of which nothing was recorded may name the person too.
    async fn unread(&mut self, search: &Arc<Search>) -> Result<()> {
        let mut after = None;
        loop {
            let unread = self.context.store.erasure.unread(self.scope, after).await?;
            let Some(last) = unread.last() else { return Ok(()) };
            after = Some(*last);
            for message in unread {
                let Some(body) = self.body(message).await? else { continue };
                // one that cannot be opened discloses nothing
                let Ok((_, plain)) = self.opened(&body) else { continue };
                let search_for = Arc::clone(search);
                if aside(move || search_for.names_in(&plain)).await? {
                    self.rewrite(message, &[], search).await?;
                }
            }
        }
    }

    /// Whether nothing is left of the person there. What cannot be opened is counted, and nothing can be done about it.
    async fn rewrite(&mut self, message: MessageId, others: &[TrackerId], search: &Arc<Search>) -> Result<bool> {
        for _ in 0..TRIES {
            match self.rewritten(message, others, search).await? {
                Try::Done => return Ok(true),
                Try::Unopened => {
                    self.left.unopened += 1;
                    tracing::warn!(%message, "not opened by the master key, so that nothing is erased in it");
                    return Ok(true);
                }
                Try::Changed => {}
            }
        }
        Ok(false)
    }

    async fn rewritten(&self, message: MessageId, others: &[TrackerId], search: &Arc<Search>) -> Result<Try> {
        let Some(stored) = self.body(message).await? else {
            // without its body it has a key for its statements' words at most
            return self.only_texts(message, others).await;
        };
        let Ok((old, body)) = self.opened(&stored) else { return Ok(Try::Unopened) };
        let others = self.texts_of_others(message, others, &old).await?;
        // where it is not known whom to look for, nothing is kept: the others' statements are recorded
        let body = if search.is_known() {
            let others_say: Vec<String> = others.iter().flat_map(|(_, text)| text.words().map(str::to_owned)).collect();
            let search = Arc::clone(search);
            Some(aside(move || search.removed(&body, &others_say)).await?)
        } else {
            None
        };
        let (key, wrapped) = self.context.vault.new_key(SubjectId(message.0));
        let body = body.map(|body| key.seal(BODY, &body));
        self.put(message, stored.key, Rewritten { body, texts: sealed(&key, &others), key: wrapped }).await
    }

    /// A body that retention has dropped: the words of the others' statements get another key.
    async fn only_texts(&self, message: MessageId, others: &[TrackerId]) -> Result<Try> {
        let context = self.context;
        let Some(wrapped) = context.store.people.key(self.scope, SubjectId(message.0)).await? else {
            return Ok(Try::Done);
        };
        let Ok(old) = context.vault.unwrap(&wrapped) else { return Ok(Try::Unopened) };
        let others = self.texts_of_others(message, others, &old).await?;
        let (key, new) = context.vault.new_key(SubjectId(message.0));
        self.put(message, wrapped, Rewritten { body: None, texts: sealed(&key, &others), key: new }).await
    }

    async fn put(&self, message: MessageId, read_with: WrappedKey, rewritten: Rewritten) -> Result<Try> {
        let put = self.context.store.erasure.rewrite_message(self.scope, message, read_with, rewritten).await?;
        Ok(if put { Try::Done } else { Try::Changed })
    }

    async fn texts_of_others(
        &self,
        message: MessageId,
        others: &[TrackerId],
        key: &DataKey,
    ) -> Result<Vec<(ObservationId, StatementText)>> {
        let texts = self.context.store.erasure.texts_under(self.scope, message, others.to_vec()).await?;
        let of_others = texts.into_iter().filter(|(id, _)| !self.its.contains(id));
        Ok(of_others.filter_map(|(id, sealed)| Some((id, StatementText::opened(key, &sealed)?))).collect())
    }

    async fn body(&self, message: MessageId) -> Result<Option<MessageBody>> {
        Ok(self.context.store.inbox.message_and_body(self.scope, message).await?.and_then(|(_, body)| body))
    }

    fn opened(&self, stored: &MessageBody) -> std::result::Result<(DataKey, Vec<u8>), VaultError> {
        let key = self.context.vault.unwrap(&stored.key)?;
        let body = key.open(BODY, &stored.body)?;
        Ok((key, body))
    }

    /// Errors and failed calls of any shipment, which quote what another system answered to several at once, and calls that
    /// concern no shipment, those of imports and polls.
    async fn loose(&self, search: &Search) -> Result<()> {
        let erasure = &self.context.store.erasure;
        let mut cursor = None;
        loop {
            let page = erasure.loose(self.scope, cursor).await?;
            let names = |text: &Sealed| {
                // one that cannot be opened discloses nothing
                self.context.texts.open_any(text).is_some_and(|text| search.names_in(text.as_bytes()))
            };
            let named: Vec<_> =
                page.rows.into_iter().filter(|one| one.texts.iter().any(names)).map(|one| one.of).collect();
            if !named.is_empty() {
                erasure.empty_loose(self.scope, named).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

fn sealed(key: &DataKey, texts: &[(ObservationId, StatementText)]) -> Vec<(ObservationId, Sealed)> {
    let seal = |text: &StatementText| key.seal(TEXT, &serde_json::to_vec(text).expect("plain data serialises"));
    texts.iter().map(|(id, text)| (*id, seal(text))).collect()
}

/// What came of rewriting a message.
enum Try {
    Done,
    /// Somebody else changed it meanwhile.
    Changed,
    /// The master key does not open it.
    Unopened,
}
