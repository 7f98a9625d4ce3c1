//! The vault: personal data is encrypted under a key of its own subject, each key under the master key. Destroying a
//! subject's key erases the data wherever copies of it lie. What must be found without being read is an HMAC token.

use crate::clock::Clock;
use domain::ids::{SourceId, SubjectId};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use std::sync::Arc;
use storage::{AuditKey, Sealed, WrappedKey};
use uuid::Uuid;

/// Bytes of the master key and of every data key.
pub const KEY_BYTES: usize = 32;

/// Why sealed data cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key was destroyed: the data is erased.
    #[error("the data was erased")]
    Erased,
    /// Another master key, another place, or damaged bytes.
    #[error("the data cannot be decrypted with this master key")]
    Undecipherable,
}

/// Seals, opens, and makes tokens.
pub struct Vault {
    clock: Arc<dyn Clock>,
    wrapping: LessSafeKey,
    deliveries: hmac::Key,
    digests: hmac::Key,
    tokens: hmac::Key,
    audit: AuditKey,
    files: hmac::Key,
}

/// The key of one subject, in clear; kept as short as possible.
pub struct DataKey {
    subject: SubjectId,
    key: LessSafeKey,
    clock: Arc<dyn Clock>,
}

impl Vault {
    /// A vault under a master key. Separate keys for separate purposes are derived from it by HMAC.
    pub fn new(master: &[u8; KEY_BYTES], clock: Arc<dyn Clock>) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master);
        let derive = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let wrapping = aead_key(derive("milepost wrapping key v1").as_ref());
        let mac = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        Self {
            clock,
            wrapping,
            deliveries: mac("milepost delivery v1"),
            digests: mac("milepost message digest v1"),
            tokens: mac("milepost search token v1"),
            audit: audit_key(mac("milepost audit trail v1")),
            files: mac("milepost file v1"),
        }
    }

    /// What seals lines of the audit trail.
    pub fn audit_key(&self) -> AuditKey {
        self.audit.clone()
    }

    /// The MAC of a file that lies outside of the database, in hexadecimal; `kind` is the kind of file.
    pub fn file_mac(&self, kind: &str, content: &[u8]) -> String {
        let mut mac = hmac::Context::with_key(&self.files);
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(content);
        mac.sign().as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// A new key for a subject, and its wrapped form to be stored.
    pub fn new_key(&self, subject: SubjectId) -> (DataKey, WrappedKey) {
        let mut bytes = [0; KEY_BYTES];
        self.clock.fill(&mut bytes);
        let wrapped = seal(&self.wrapping, &*self.clock, subject.0.as_bytes(), &bytes);
        let key = DataKey { subject, key: aead_key(&bytes), clock: Arc::clone(&self.clock) };
        zeroize::Zeroize::zeroize(&mut bytes);
        (key, WrappedKey { subject, bytes: wrapped })
    }

    /// A stored key in clear.
    ///
    /// # Errors
    /// `Undecipherable` under another master key.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, VaultError> {
        let mut bytes = open(&self.wrapping, wrapped.subject.0.as_bytes(), &wrapped.bytes)?;
        if bytes.len() != KEY_BYTES {
            return Err(VaultError::Undecipherable);
        }
        let key = DataKey { subject: wrapped.subject, key: aead_key(&bytes), clock: Arc::clone(&self.clock) };
        zeroize::Zeroize::zeroize(&mut bytes);
        Ok(key)
    }

    /// By which a repeated message is known: keyed, of the source, of the provider's id of the delivery where it has one,
    /// and of the plaintext, since every encryption differs. Of HMAC-SHA-256 the first half, which is as many bits as
    /// RFC 2104 (section 5) asks for at least.
    pub fn delivery(&self, source: SourceId, key: Option<&str>, plaintext: &[u8]) -> Uuid {
        let mut mac = hmac::Context::with_key(&self.deliveries);
        mac.update(source.0.as_bytes());
        // its length first, so that no other key and body read the same
        mac.update(&key.map_or(u64::MAX, |key| key.len() as u64).to_be_bytes());
        mac.update(key.unwrap_or_default().as_bytes());
        mac.update(plaintext);
        let mut half = [0; 16];
        half.copy_from_slice(&mac.sign().as_ref()[..16]);
        Uuid::from_bytes(half)
    }

    /// A keyed digest, by which the same is known again.
    pub fn digest(&self, plaintext: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&self.digests, plaintext).as_ref());
        digest
    }

    /// Whether two texts are the same. Their digests are compared, so that the time it takes does not say how much of a guess is
    /// right.
    pub fn is_same(&self, secret: &str, guess: &str) -> bool {
        self.digest(secret.as_bytes()) == self.digest(guess.as_bytes())
    }

    /// A token under which a value is found and from which it cannot be read. Case and outer blanks do not count.
    pub fn token(&self, kind: &str, value: &str) -> String {
        let text = format!("{kind}\0{}", value.trim().to_lowercase());
        hmac::sign(&self.tokens, text.as_bytes()).as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

impl DataKey {
    /// Encrypts; `place` binds the ciphertext to where it is stored, so that one cannot be put for another.
    pub fn seal(&self, place: &str, plaintext: &[u8]) -> Sealed {
        let bytes = seal(&self.key, &*self.clock, place.as_bytes(), plaintext);
        Sealed { subject: self.subject, bytes }
    }

    /// Decrypts.
    ///
    /// # Errors
    /// `Undecipherable` for another key, another place or damaged bytes.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        open(&self.key, place.as_bytes(), &sealed.bytes)
    }
}

fn audit_key(key: hmac::Key) -> AuditKey {
    AuditKey::new(move |line| {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&key, line).as_ref());
        mac
    })
}

fn aead_key(bytes: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, bytes).expect("32 bytes"))
}

fn seal(key: &LessSafeKey, clock: &dyn Clock, context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    clock.fill(&mut nonce);
    let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + CHACHA20_POLY1305.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed[NONCE_LEN..])
        .expect("a body within the cipher's limit");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

fn open(key: &LessSafeKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Undecipherable)?;
    let mut body = body.to_vec();
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut body)
        .map_err(|_| VaultError::Undecipherable)?;
    Ok(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use std::collections::HashSet;

    fn vault(byte: u8) -> Vault {
        Vault::new(&[byte; KEY_BYTES], ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap()))
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_under_its_key() {
        let vault_a = vault(1);
        let subject = SubjectId(vault_a.clock.id());
        let (key, wrapped) = vault_a.new_key(subject);
        let sealed = key.seal("message.body", b"Jane Doe");
        assert!(!sealed.bytes.windows(4).any(|w| w == b"Jane"));
        let again = vault_a.unwrap(&wrapped).unwrap();
        assert_eq!(again.open("message.body", &sealed).unwrap(), b"Jane Doe");
        assert_eq!(again.open("other.place", &sealed), Err(VaultError::Undecipherable));
        assert!(vault(2).unwrap(&wrapped).is_err(), "another master key");
        let (other, _) = vault_a.new_key(SubjectId(vault_a.clock.id()));
        assert!(other.open("message.body", &sealed).is_err(), "another subject");
    }

    #[test]
    fn another_source_key_or_body_is_another_delivery() {
        let (shop, other) = (SourceId(Uuid::from_u128(1)), SourceId(Uuid::from_u128(2)));
        let said = [
            (1, shop, Some("a"), "x"),
            (2, shop, Some("a"), "x"),
            (1, other, Some("a"), "x"),
            (1, shop, Some("b"), "x"),
            (1, shop, Some("a"), "y"),
            (1, shop, Some("ax"), ""),
            (1, shop, Some(""), "x"),
            (1, shop, None, "x"),
        ];
        let delivery = |(master, source, key, body): (u8, SourceId, Option<&str>, &str)| {
            vault(master).delivery(source, key, body.as_bytes())
        };
        let different: HashSet<Uuid> = said.into_iter().map(delivery).collect();
        assert_eq!(different.len(), said.len());
        assert_eq!(delivery(said[0]), delivery(said[0]));
    }

    #[test]
    fn a_digest_is_keyed_and_a_token_ignores_case() {
        assert_ne!(vault(1).digest(b"x"), vault(2).digest(b"x"));
        assert_eq!(vault(1).digest(b"x"), vault(1).digest(b"x"));
        assert_eq!(vault(1).token("name", " Jane "), vault(1).token("name", "jane"));
        assert_ne!(vault(1).token("name", "jane"), vault(1).token("city", "jane"));
    }
}
