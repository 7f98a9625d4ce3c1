//! Passwords: which are taken, and how they are kept.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    people::slow_lane::{SlowTurn, TURN_MAX, busy},
};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{collections::BTreeSet, sync::Arc};
use unicode_normalization::UnicodeNormalization;

/// Characters of the shortest password (NIST SP 800-63B allows 8 beside a second factor; there is none yet).
pub const PASSWORD_MIN: usize = 12;
/// Characters of the longest password: hashing must stay cheap to refuse.
pub const PASSWORD_MAX: usize = 200;
/// Different characters of a password: one of fewer is a key that was held down.
const DIFFERENT_MIN: usize = 4;
/// Bytes of what is offered as a password, before it is normalised.
const OFFERED_BYTES_MAX: usize = 4096;
/// The signs of a password that is made here: none is easily taken for another.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of such a password, and signs of a group: 100 bits.
const GROUPS: (usize, usize) = (4, 5);

/// argon2id of a random string, for logins that do not exist (OWASP parameters, as `Argon2::default()`).
pub(crate) const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWlsZXBvc3QtdW5rbm93bg$7yNTNGWEuOqFnT0pBhXCTcWGzKVb6vTGCkWmq7HkIhA";

/// The same password typed on another keyboard is the same (NIST SP 800-63B section 3.1.1.2).
fn normalised(password: &str) -> String {
    password.nfkc().collect()
}

/// Checks that a password may be taken.
///
/// # Errors
/// Says how long it has to be, and of how many different characters.
pub fn check(password: &str) -> Result<()> {
    let normal = if password.len() <= OFFERED_BYTES_MAX { normalised(password) } else { String::new() };
    let different: BTreeSet<char> = normal.chars().collect();
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&normal.chars().count()) && different.len() >= DIFFERENT_MIN {
        return Ok(());
    }
    Err(UseCaseError::Invalid {
        field: "password",
        message: format!(
            "a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters, {DIFFERENT_MIN} of them different; a sentence is fine"
        ),
    })
}

/// A password that nobody has to invent.
pub fn make(context: &Context) -> String {
    let (groups, signs) = GROUPS;
    let mut random = vec![0; groups * signs];
    context.clock.fill(&mut random);
    let words = random.chunks(signs).map(|group| group.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])));
    words.map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// What is kept of a password.
///
/// # Errors
/// When too many are worked on.
pub async fn hash(context: &Context, password: &str) -> Result<String> {
    let mut salt = [0; 16];
    context.clock.fill(&mut salt);
    let password = normalised(password);
    let work =
        move || Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string());
    in_turn(context, work).await?.map_err(|error| UseCaseError::Internal(error.to_string()))
}

/// Whether this is the password. The turn in the slow lane, if it needs one, lasts as long as the work.
///
/// # Errors
/// When too many are worked on.
pub async fn verify(context: &Context, kept: String, offered: &str, turn: Option<SlowTurn>) -> Result<bool> {
    if offered.len() > OFFERED_BYTES_MAX {
        return Ok(false);
    }
    let offered = normalised(offered);
    let work = move || {
        let _turn = turn;
        let hash = PasswordHash::new(&kept).map_err(|error| error.to_string())?;
        Ok(Argon2::default().verify_password(offered.as_bytes(), &hash).is_ok())
    };
    in_turn(context, work).await?.map_err(UseCaseError::Internal)
}

/// Does the work when there is room for it. A client that hangs up meanwhile makes no room: the work goes on to its end.
async fn in_turn<T: Send + 'static>(context: &Context, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn = tokio::time::timeout(TURN_MAX, Arc::clone(&context.hashing).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(busy()) };
    let worked = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn);
        result
    });
    worked.await.map_err(|error| UseCaseError::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_counted_as_it_is_kept() {
        assert!(check("eleven chrs").is_err() && check("twelve chars").is_ok());
        let long = "wxyz".repeat(PASSWORD_MAX / 4);
        assert!(check(&long).is_ok() && check(&format!("{long}x")).is_err());
        assert!(check(&" ".repeat(PASSWORD_MIN)).is_err() && check(&"ab ".repeat(PASSWORD_MIN)).is_err());
        let decomposed = "o\u{308}a\u{308}u\u{308}e\u{308}".repeat(PASSWORD_MAX / 4);
        assert!(check(&decomposed).is_ok(), "each is one letter");
        // one sign that is eighteen when it is normalised
        assert!(check(&"\u{fdfa}".repeat(12)).is_err());
        assert!(check(&"\u{308}".repeat(100_000)).is_err());
    }

    #[test]
    fn the_same_words_are_the_same_password() {
        for (typed, elsewhere) in [("Größe", "Gro\u{308}ße"), ("①", "1"), ("ﬁne", "fine"), ("ＡＢ", "AB")] {
            assert_eq!(normalised(typed), normalised(elsewhere));
        }
        assert_ne!(normalised("Größe"), normalised("größe"));
    }
}
