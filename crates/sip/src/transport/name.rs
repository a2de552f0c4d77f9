//! What connections are called by, and who is at their far end.

use core::fmt;
use std::sync::Arc;

use crate::message::Host;

/// One connection, from the moment it is asked for or accepted until it is gone. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// The name that a peer must prove over TLS: what the user or the configuration asked for, before any look-up
/// (RFC 5922 §7.3). Kept in lower case, an IPv6 address without brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// The name that a URI's or Via's host is.
    pub fn of(host: &Host) -> Self {
        Self(match host {
            Host::V4(address) => address.to_string().into(),
            Host::V6(address) => address.to_string().into(),
            Host::Name(name) => (**name).into(),
        })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Domain {
    /// The name `text`, as it stands in a certificate.
    fn from(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into())
    }
}

/// `flow-7`
impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flow-{}", self.0)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
