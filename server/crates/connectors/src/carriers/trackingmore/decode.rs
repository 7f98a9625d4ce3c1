//! From TrackingMore's messages to statements.

use super::super::DecodeError;
use domain::observation::Decoded;

/// Decodes.
pub(super) fn decode(_raw: &[u8]) -> Result<Decoded, DecodeError> {
    Err(DecodeError::NotTracking("not written yet".into()))
}
