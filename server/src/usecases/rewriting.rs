//! What an erasure does to texts. A message that speaks of nothing but the shipment loses body and key, so that copies of it
//! are noise too. One that speaks of others as well gets another key, and a mark stands where the person stood; the words of
//! the others' statements are sealed again. The words of the shipment's statements, its jobs' errors and calls are emptied,
//! and so is what hangs on no shipment and names the person. Done again, it does what is left.

use super::{
    Result, UseCaseError,
    ingest::BODY,
    normalise::{StatementText, TEXT},
    persons::Person,
};
use crate::{
    tower::Tower,
    vault::{DataKey, VaultError},
};
use domain::ids::{MessageId, ObservationId, ShipmentId, SubjectId};
use jiff::Timestamp;
use std::collections::{HashMap, hash_map::Entry};
use storage::{
    Scope, Sealed,
    erasure::{About, Rewritten},
    inbox::MessageBody,
};

/// How often a message is rewritten again that somebody else rewrote meanwhile.
const TRIES: u32 = 5;

/// Erases the texts about a shipment in what was received since then.
///
/// # Errors
/// When the store fails or the master key is another one; what is erased stays so, and the rest is left.
pub(super) async fn erase_texts(
    tower: &Tower,
    scope: Scope,
    shipment: ShipmentId,
    mut person: Person,
    since: Timestamp,
) -> Result<()> {
    let work = Work { tower, scope };
    work.learn(shipment, &mut person).await?;
    work.messages(shipment, &person, since).await?;
    if person.has_names() {
        work.unread(&person).await?;
        work.loose(&person).await?;
    }
    while tower.store.erasure.empty(scope, shipment).await? {}
    Ok(())
}

struct Work<'a> {
    tower: &'a Tower,
    scope: Scope,
}

impl Work<'_> {
    /// What the shipment's own statements say of the person.
    async fn learn(&self, shipment: ShipmentId, person: &mut Person) -> Result<()> {
        let mut keys = HashMap::new();
        let mut after = None;
        loop {
            let texts = self.tower.store.erasure.texts_about(self.scope, shipment, after).await?;
            let Some((last, _)) = texts.last() else { return Ok(()) };
            after = Some(*last);
            for (_, sealed) in &texts {
                if let Some(text) = self.statement(sealed, &mut keys).await? {
                    person.signed(text.signatory.as_deref());
                    person.said(text.description.as_deref());
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
                let kept = self.tower.store.people.key(self.scope, sealed.subject).await?;
                new.insert(kept.map(|kept| self.tower.vault.unwrap(&kept)).transpose().map_err(internal)?)
            }
        };
        let Some(key) = key else { return Ok(None) };
        Ok(key.open(TEXT, sealed).ok().and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    async fn messages(&self, shipment: ShipmentId, person: &Person, since: Timestamp) -> Result<()> {
        let mut after = None;
        loop {
            let about = self.tower.store.erasure.about(self.scope, shipment, since, after).await?;
            let Some(last) = about.last() else { return Ok(()) };
            after = Some(last.message);
            for message in about {
                if message.others.is_empty() {
                    self.tower.store.erasure.erase_message(self.scope, message.message).await?;
                } else {
                    self.rewrite(&message, person).await?;
                }
            }
        }
    }

    /// Messages of which nothing was recorded may name the person too.
    async fn unread(&self, person: &Person) -> Result<()> {
        let mut after = None;
        loop {
            let unread = self.tower.store.erasure.unread(self.scope, after).await?;
            let Some(last) = unread.last() else { return Ok(()) };
            after = Some(*last);
            for message in unread {
                let Some(body) = self.body(message).await? else { continue };
                let (_, plain) = self.opened(&body)?;
                if person.names_in(&plain) {
                    self.rewrite(&About { message, others: Vec::new() }, person).await?;
                }
            }
        }
    }

    async fn rewrite(&self, about: &About, person: &Person) -> Result<()> {
        for _ in 0..TRIES {
            if self.rewritten(about, person).await? {
                return Ok(());
            }
        }
        Err(UseCaseError::Unavailable(format!("message {} is being rewritten by somebody else", about.message)))
    }

    /// Whether nothing has come between.
    async fn rewritten(&self, about: &About, person: &Person) -> Result<bool> {
        let (erasure, message) = (&self.tower.store.erasure, about.message);
        let Some(stored) = self.body(message).await? else {
            // without its body it has a key for its statements' words at most
            return self.only_texts(about).await;
        };
        let (old, body) = self.opened(&stored)?;
        let others = self.texts_of_others(about, &old).await?;
        let others_say: Vec<&str> = others.iter().filter_map(|(_, text)| text.description.as_deref()).collect();
        // where nobody knows any more whom to look for, nothing is kept: the others' statements are recorded
        let body = person.is_known().then(|| person.removed(&body, &others_say));
        let (key, wrapped) = self.tower.vault.new_key(SubjectId(message.0));
        let body = body.map(|body| key.seal(BODY, &body));
        let rewritten = Rewritten { body, texts: sealed(&key, &others), key: wrapped };
        Ok(erasure.rewrite_message(self.scope, message, stored.key, rewritten).await?)
    }

    /// A body that retention has dropped: the words of the others' statements get another key.
    async fn only_texts(&self, about: &About) -> Result<bool> {
        let (tower, message) = (self.tower, about.message);
        let Some(wrapped) = tower.store.people.key(self.scope, SubjectId(message.0)).await? else { return Ok(true) };
        let others = self.texts_of_others(about, &tower.vault.unwrap(&wrapped).map_err(internal)?).await?;
        let (key, new) = tower.vault.new_key(SubjectId(message.0));
        let rewritten = Rewritten { body: None, texts: sealed(&key, &others), key: new };
        Ok(tower.store.erasure.rewrite_message(self.scope, message, wrapped, rewritten).await?)
    }

    async fn texts_of_others(&self, about: &About, key: &DataKey) -> Result<Vec<(ObservationId, StatementText)>> {
        let erasure = &self.tower.store.erasure;
        let texts = erasure.texts_under(self.scope, about.message, about.others.clone()).await?;
        let opened = texts.into_iter().filter_map(|(id, sealed)| {
            let plain = key.open(TEXT, &sealed).ok()?;
            Some((id, serde_json::from_slice(&plain).ok()?))
        });
        Ok(opened.collect())
    }

    async fn body(&self, message: MessageId) -> Result<Option<MessageBody>> {
        Ok(self.tower.store.inbox.message_and_body(self.scope, message).await?.and_then(|(_, body)| body))
    }

    fn opened(&self, stored: &MessageBody) -> Result<(DataKey, Vec<u8>)> {
        let key = self.tower.vault.unwrap(&stored.key).map_err(internal)?;
        let body = key.open(BODY, &stored.body).map_err(internal)?;
        Ok((key, body))
    }

    /// Calls and errors that hang on no shipment, those of imports and polls.
    async fn loose(&self, person: &Person) -> Result<()> {
        let erasure = &self.tower.store.erasure;
        let mut cursor = None;
        loop {
            let page = erasure.loose(self.scope, cursor).await?;
            let names = |text: &Sealed| {
                // one that cannot be opened says nothing to anybody
                self.tower.texts.open_any(text).is_some_and(|text| person.names_in(text.as_bytes()))
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

fn internal(error: VaultError) -> UseCaseError {
    UseCaseError::Internal(error.to_string())
}
