//! Transfer: Refer-To (RFC 3515) and Referred-By (RFC 3892). Refer-Sub is a truth value.

use std::fmt;

use super::{Malformed, Method, NameAddr, Replaces, Uri};

/// Whom to contact (RFC 3515 §2.1): `Refer-To: <sip:carol@h;method=INVITE?Replaces=…>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo(pub NameAddr);

impl ReferTo {
    /// `target` alone: a blind transfer.
    pub const fn blind(target: Uri) -> Self {
        Self(NameAddr::new(target))
    }

    /// `target` with the dialog that the new call replaces: an attended transfer (RFC 5589 §7). A
    /// target that is no SIP URI cannot say that.
    pub fn attended(mut target: Uri, replaces: &Replaces) -> Option<Self> {
        target.as_sip_mut()?.set_header("Replaces", &replaces.to_string());
        Some(Self(NameAddr::new(target)))
    }

    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let address = NameAddr::parse(bytes)?;
        match address.uri.param("method") {
            Some(word) if Method::parse(word.as_bytes()).is_none() => Err(Malformed::Token),
            _ => Ok(Self(address)),
        }
    }

    /// The address to contact.
    pub const fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The method of the request that is asked for, INVITE when the URI names none.
    pub fn method(&self) -> Method {
        let word = self.0.uri.param("method");
        word.and_then(|word| Method::parse(word.as_bytes())).unwrap_or(Method::Invite)
    }

    /// The dialog that the new call shall replace, when the URI holds a Replaces.
    pub fn replaces(&self) -> Result<Option<Replaces>, Malformed> {
        let Some(uri) = self.0.uri.as_sip() else {
            return Ok(None);
        };
        uri.header("Replaces").map(|text| Replaces::parse(text.as_bytes())).transpose()
    }

    /// The Request-URI of the request that is asked for: without headers and `method` (RFC 3261
    /// §19.1.5).
    pub fn request_uri(&self) -> Uri {
        let mut uri = self.0.uri.clone();
        if let Some(sip) = uri.as_sip_mut() {
            sip.clear_headers();
            sip.remove_param("method");
        }
        uri
    }
}

impl fmt::Display for ReferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who asked for the request (RFC 3892 §3): `Referred-By: <sip:r@h>;cid="2@h"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferredBy(pub NameAddr);

impl ReferredBy {
    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        NameAddr::parse(bytes).map(Self)
    }

    /// Who asked.
    pub const fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The Content-ID of the body part that proves it.
    pub fn cid(&self) -> Option<&str> {
        self.0.params.value("cid")
    }
}

impl fmt::Display for ReferredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
