//! Server functions with fixed endpoints: authorise, call the port.

pub mod exceptions;
pub mod overview;
pub mod session;
pub mod shipments;
pub mod sync;

#[cfg(feature = "ssr")]
mod guard {
    use crate::contract::{
        Answer, ApiError, Ports,
        session::{Permission, Viewer},
    };
    use leptos::prelude::use_context;
    use std::sync::Arc;

    /// The ports of the request.
    pub fn ports() -> Answer<Arc<Ports>> {
        use_context::<Arc<Ports>>().ok_or(ApiError::Unavailable)
    }

    /// Whoever is signed in.
    pub fn viewer() -> Answer<Viewer> {
        use_context::<Option<Viewer>>().flatten().ok_or(ApiError::Unauthenticated)
    }

    /// Ports and viewer, if the viewer may.
    pub fn authorise(permission: Permission) -> Answer<(Arc<Ports>, Viewer)> {
        let viewer = viewer()?;
        if viewer.may(permission) { Ok((ports()?, viewer)) } else { Err(ApiError::Forbidden) }
    }
}
