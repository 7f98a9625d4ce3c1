//! What people type about an alert, as it is kept: sealed, like every other reason.

use crate::{context::Context, texts::Slot};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use storage::Sealed;

/// A reason as it is kept; empty where none was given.
pub(super) fn sealed(context: &Context, why: &str) -> String {
    match why {
        "" => String::new(),
        why => STANDARD.encode(context.texts.seal(Slot::Reason, why).packed()),
    }
}

/// A kept reason; empty where none was given, or it was erased. One from before reasons were sealed is shown as it is.
pub(super) fn opened(context: &Context, kept: &str) -> String {
    match STANDARD.decode(kept).ok().and_then(|packed| Sealed::unpacked(&packed)) {
        Some(packed) => context.texts.open(Slot::Reason, Some(&packed)).unwrap_or_default(),
        None => kept.to_owned(),
    }
}
