//! A key of another system. One that lies in a file is read again when it is refused, so that a new one needs no restart.

use super::secrets;
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    sync::{Arc, RwLock},
};

type Read = dyn Fn() -> Option<SecretString> + Send + Sync;

/// A key.
#[derive(Clone)]
pub struct Key {
    now: Arc<RwLock<SecretString>>,
    read: Option<Arc<Read>>,
}

impl Key {
    /// A key that is read again, by this, when it is refused.
    pub fn reloading(now: SecretString, read: impl Fn() -> Option<SecretString> + Send + Sync + 'static) -> Self {
        secrets::know(now.expose_secret());
        Self { now: Arc::new(RwLock::new(now)), read: Some(Arc::new(read)) }
    }

    /// The key as it was last read.
    pub fn get(&self) -> SecretString {
        let now = self.now.read().expect("no panic while held");
        now.expose_secret().trim().to_owned().into()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.get().expose_secret().is_empty()
    }

    /// The system refused this key: whether there is another one by now.
    pub(super) fn renew(&self, refused: &SecretString) -> bool {
        let refused = refused.expose_secret();
        if self.get().expose_secret() != refused {
            return true;
        }
        let Some(read) = self.read.as_ref().and_then(|read| read()) else { return false };
        let is_new = !read.expose_secret().trim().is_empty() && read.expose_secret().trim() != refused;
        if is_new {
            secrets::know(read.expose_secret());
            *self.now.write().expect("no panic while held") = read;
        }
        is_new
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([REDACTED])")
    }
}

impl From<SecretString> for Key {
    fn from(now: SecretString) -> Self {
        secrets::know(now.expose_secret());
        Self { now: Arc::new(RwLock::new(now)), read: None }
    }
}

impl From<String> for Key {
    fn from(now: String) -> Self {
        SecretString::from(now).into()
    }
}

impl From<&str> for Key {
    fn from(now: &str) -> Self {
        SecretString::from(now).into()
    }
}
