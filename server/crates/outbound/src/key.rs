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
    /// What else may be valid.
    others: Arc<[SecretString]>,
    /// What stands before each of them where it is sent.
    before: Arc<str>,
    /// What stands behind each of them.
    after: Arc<str>,
    read: Option<Arc<Read>>,
}

impl Key {
    /// A key that is read again, by this, when it is refused.
    pub fn reloading(now: SecretString, read: impl Fn() -> Option<SecretString> + Send + Sync + 'static) -> Self {
        secrets::know(now.expose_secret());
        Self {
            now: Arc::new(RwLock::new(now)),
            others: Arc::new([]),
            before: "".into(),
            after: "".into(),
            read: Some(Arc::new(read)),
        }
    }

    /// The newest of several that are valid, while a key is being rotated. One that is refused gives way to what `file` holds by
    /// then, or to another of these.
    pub fn first_of(active: Vec<SecretString>, file: Option<Self>) -> Self {
        active.iter().for_each(|secret| secrets::know(secret.expose_secret()));
        let now = active.first().cloned().unwrap_or_else(|| String::new().into());
        Self {
            now: Arc::new(RwLock::new(now)),
            others: active.into(),
            before: "".into(),
            after: "".into(),
            read: file.and_then(|file| file.read),
        }
    }

    /// The same, sent behind this text: behind a user's name and a colon, as `Basic` has it.
    #[must_use]
    pub fn behind(&self, before: &str) -> Self {
        Self { before: before.into(), ..self.clone() }
    }

    /// The same, sent with this text behind it: a colon and a password that does not count, as `Basic` has it.
    #[must_use]
    pub fn ahead_of(&self, after: &str) -> Self {
        Self { after: after.into(), ..self.clone() }
    }

    /// The key as it was last read.
    pub fn get(&self) -> SecretString {
        let now = self.now.read().expect("no panic while held");
        format!("{}{}{}", self.before, now.expose_secret().trim(), self.after).into()
    }

    /// The key as its file holds it by now, where it lies in one.
    pub fn latest(&self) -> SecretString {
        let read = self.read.as_ref().and_then(|read| read());
        read.map_or_else(|| self.get(), |read| read.expose_secret().trim().to_owned().into())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.get().expose_secret().len() == self.before.len() + self.after.len()
    }

    /// The system refused this key: whether there is another one by now.
    pub fn renew(&self, refused: &SecretString) -> bool {
        let refused = refused.expose_secret();
        let refused = refused.strip_prefix(&*self.before).unwrap_or(refused);
        let refused = refused.strip_suffix(&*self.after).unwrap_or(refused);
        if self.now.read().expect("no panic while held").expose_secret().trim() != refused {
            return true;
        }
        let read = self.read.as_ref().and_then(|read| read());
        let is_another = |secret: &SecretString| {
            let secret = secret.expose_secret().trim();
            !secret.is_empty() && secret != refused
        };
        let Some(next) = read.into_iter().chain(self.others.iter().cloned()).find(is_another) else { return false };
        secrets::know(next.expose_secret());
        *self.now.write().expect("no panic while held") = next;
        true
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
        Self { now: Arc::new(RwLock::new(now)), others: Arc::new([]), before: "".into(), after: "".into(), read: None }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_refused_key_gives_way_to_another_that_is_valid() {
        let key = Key::first_of(vec!["new".into(), "old".into()], None);
        let text = |key: &Key| key.get().expose_secret().to_owned();
        assert_eq!(text(&key), "new");
        assert!(key.renew(&"new".into()));
        assert_eq!(text(&key), "old");
        assert!(key.renew(&"old".into()), "the other one may have been refused in error");
        assert_eq!(text(&key), "new");
        assert!(!Key::first_of(vec!["only".into()], None).renew(&"only".into()));
        assert!(Key::first_of(Vec::new(), None).is_empty());
    }

    #[test]
    fn a_key_behind_a_users_name_is_renewed_like_the_key_alone() {
        let key = Key::first_of(vec!["new".into(), "old".into()], None);
        let of_user = key.behind("bot@shop.test:");
        assert_eq!(of_user.get().expose_secret(), "bot@shop.test:new");
        assert!(of_user.renew(&of_user.get()));
        assert_eq!(of_user.get().expose_secret(), "bot@shop.test:old");
        assert_eq!(key.get().expose_secret(), "old", "they are one key");
        assert!(Key::from("").behind("bot:").is_empty());
        let with_password = key.ahead_of(":X");
        assert_eq!(with_password.get().expose_secret(), "old:X");
        assert!(with_password.renew(&with_password.get()));
        assert_eq!(with_password.get().expose_secret(), "new:X");
        assert!(Key::from("").ahead_of(":X").is_empty());
    }

    #[test]
    fn what_the_file_holds_by_now_comes_first() {
        let file = Arc::new(Mutex::new("new".to_owned()));
        let read = Arc::clone(&file);
        let of_file = Key::reloading("new".into(), move || Some(read.lock().unwrap().clone().into()));
        let key = Key::first_of(vec!["new".into(), "old".into()], Some(of_file));
        *file.lock().unwrap() = "newest".into();
        assert!(key.renew(&"new".into()));
        assert_eq!(key.get().expose_secret(), "newest");
    }
}
