//! What a person does on a page.

use crate::contract::ApiError;
use leptos::{prelude::*, server_fn::ServerFn};

/// An action of a page. Where a form was sent before the browser's half had come, its error is in the address; and since anybody
/// can write an address, of such an error the code counts and nothing else.
pub fn action<S>() -> ServerAction<S>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place where an action is made")]
    let action = ServerAction::<S>::new();
    let value = action.value();
    let written = value.with_untracked(|value| value.as_ref().and_then(|value| value.as_ref().err().cloned()));
    if let Some(error) = written {
        value.set(Some(Err(error.known(S::PATH))));
    }
    action
}
