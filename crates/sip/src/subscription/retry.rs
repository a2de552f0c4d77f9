//! Whether and when to subscribe again.
//!
//! ```text
//! reason of the NOTIFY (RFC 6665 §4.1.3)        again
//! deactivated, timeout                          at once
//! probation, giveup                             after retry-after, else later
//! none, unknown                                 after retry-after, else later
//! rejected, noresource, invariant               never
//!
//! failure of SUBSCRIBE                          again
//! 481 to a refresh, expiry                      at once
//! silence, 408, 480, 486, 491, 5xx but 501, 505 after Retry-After, else later
//! any other with Retry-After                    then
//! all others                                    never
//! ```
//!
//! "Later" grows from 1 s to 5 min; so does "at once" when it comes again and again.

use crate::message::{EventReason, Response, Status};

/// When to subscribe again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    AtOnce,
    /// Not before so many seconds.
    Later(u32),
}

impl Retry {
    pub(super) fn after_reason(reason: Option<&EventReason>, retry_after: Option<u32>) -> Self {
        match reason {
            Some(EventReason::Deactivated | EventReason::Timeout) => Self::AtOnce,
            Some(EventReason::Rejected | EventReason::NoResource | EventReason::Invariant) => {
                Self::Never
            }
            Some(EventReason::Probation | EventReason::GiveUp | EventReason::Other(_)) | None => {
                Self::Later(retry_after.unwrap_or(0))
            }
        }
    }

    pub(super) fn after_response(response: &Response) -> Self {
        match response.headers.retry_after() {
            Some(retry) => Self::Later(retry.seconds),
            None => Self::after_status(response.status),
        }
    }

    pub(super) fn after_status(status: Status) -> Self {
        match status.code() {
            481 => Self::AtOnce,
            408 | 480 | 486 | 491 => Self::Later(0),
            501 | 505 => Self::Never,
            500..600 => Self::Later(0),
            _ => Self::Never,
        }
    }
}

/// Whether a failure of a refresh ends the subscription at once; any other leaves it until it expires (RFC 6665
/// §4.1.2.2).
pub(super) const fn ends_subscription(status: Status) -> bool {
    matches!(status.code(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}
