//! Where a call was sent on from: Diversion (RFC 5806) and History-Info (RFC 7044), as RFC 7544 maps them.
//!
//! | reason | Diversion | `cause` of History-Info (RFC 4458 §2) |
//! |---|---|---|
//! | unknown | `unknown` | 404 |
//! | unconditional | `unconditional`; `time-of-day`, `do-not-disturb`, `follow-me`, `away` | 302 |
//! | busy | `user-busy` | 486 |
//! | no reply | `no-answer` | 408 |
//! | deflection | `deflection` | 480; 487 |
//! | not reachable | `unavailable`; `out-of-service` | 503 |
//!
//! Of what is read, the last step counts; of what is written, both fields say it. A step that shall not be seen is told
//! to trusted trunks alone, with the wish.

use tipring_call::{Privacy, RedirectReason, Redirecting};
use tipring_core::Number;
use tipring_sip::message::{
    Diversion, DiversionPrivacy, DiversionReason, HeaderName, Headers, HistoryIndex, HistoryInfo,
    HistoryTarget, Host, NameAddr, Uri,
};

use crate::identity::number_of;

/// The last step of a call's way here: the topmost Diversion (RFC 5806 §4), else the entry of History-Info that the last
/// one was mapped from (RFC 7044 §5).
pub(crate) fn redirecting(headers: &Headers) -> Option<Redirecting> {
    let privacy = |hidden| if hidden { Privacy::Restricted } else { Privacy::Allowed };
    if let Some(last) = headers.diversions().unwrap_or_default().first() {
        let hidden = matches!(last.privacy, Some(DiversionPrivacy::Full | DiversionPrivacy::Uri));
        return Some(Redirecting {
            number: number_of(&last.address.uri)?,
            reason: last.reason.as_ref().map_or(RedirectReason::Unknown, reason_of),
            privacy: privacy(hidden),
        });
    }
    let history = headers.history().unwrap_or_default();
    let (here, before) = history.split_last()?;
    let left = before.iter().rev().find(|entry| entry.reason().is_some())?;
    let cause = here.cause().or_else(|| left.reason().and_then(|reason| reason.cause));
    let wishes = left.privacy();
    Some(Redirecting {
        number: number_of(&left.address.uri)?,
        reason: cause.map_or(RedirectReason::Unknown, reason_of_cause),
        privacy: privacy(wishes.history || wishes.hides_identity()),
    })
}

/// Tells a peer at `host` where a call to `called` was sent on from.
pub(crate) fn tell(
    headers: &mut Headers,
    redirecting: &Redirecting,
    called: &Number,
    host: &Host,
    trusted: bool,
) {
    let Redirecting { number, reason, privacy } = redirecting;
    let hidden = *privacy == Privacy::Restricted;
    if hidden && !trusted {
        return;
    }
    let (word, cause) = words_of(*reason);
    let mut from = Uri::sip(number, host.clone(), None);
    headers.push(
        HeaderName::Diversion,
        Diversion {
            address: NameAddr::new(from.clone()),
            reason: Some(word),
            counter: None,
            limit: None,
            privacy: hidden.then_some(DiversionPrivacy::Full),
            screen: None,
        },
    );
    let mut to = Uri::sip(called, host.clone(), None);
    if let (Some(from), Some(to)) = (from.as_sip_mut(), to.as_sip_mut()) {
        from.set_header("Reason", &format!("SIP;cause={cause}"));
        if hidden {
            from.set_header("Privacy", "history");
        }
        to.set_param("cause", Some(&cause.to_string()));
    }
    let first = HistoryIndex::new(vec![1]).expect("one number");
    let second = first.child().expect("not deep");
    let entry = |uri, index, target| HistoryInfo { address: NameAddr::new(uri), index, target };
    headers.push(HeaderName::HistoryInfo, entry(from, first.clone(), None));
    let target = Some(HistoryTarget::MappedUser(first));
    headers.push(HeaderName::HistoryInfo, entry(to, second, target));
}

fn reason_of(reason: &DiversionReason) -> RedirectReason {
    match reason {
        DiversionReason::UserBusy => RedirectReason::Busy,
        DiversionReason::NoAnswer => RedirectReason::NoReply,
        DiversionReason::Unavailable | DiversionReason::OutOfService => {
            RedirectReason::NotReachable
        }
        DiversionReason::Unconditional
        | DiversionReason::TimeOfDay
        | DiversionReason::DoNotDisturb
        | DiversionReason::FollowMe
        | DiversionReason::Away => RedirectReason::Unconditional,
        DiversionReason::Deflection => RedirectReason::Deflection,
        DiversionReason::Unknown | DiversionReason::Other(_) => RedirectReason::Unknown,
    }
}

const fn reason_of_cause(cause: u16) -> RedirectReason {
    match cause {
        302 => RedirectReason::Unconditional,
        486 => RedirectReason::Busy,
        408 => RedirectReason::NoReply,
        480 | 487 => RedirectReason::Deflection,
        503 => RedirectReason::NotReachable,
        _ => RedirectReason::Unknown,
    }
}

const fn words_of(reason: RedirectReason) -> (DiversionReason, u16) {
    match reason {
        RedirectReason::Unknown => (DiversionReason::Unknown, 404),
        RedirectReason::Unconditional => (DiversionReason::Unconditional, 302),
        RedirectReason::Busy => (DiversionReason::UserBusy, 486),
        RedirectReason::NoReply => (DiversionReason::NoAnswer, 408),
        RedirectReason::Deflection => (DiversionReason::Deflection, 480),
        RedirectReason::NotReachable => (DiversionReason::Unavailable, 503),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_was_told_in_either_field() {
        let [from, called] = ["5550111", "5551234"].map(|n| Number::new(n).expect("a number"));
        let host: Host = std::net::IpAddr::from([192, 0, 2, 1]).into();
        for reason in [
            RedirectReason::Unknown,
            RedirectReason::Unconditional,
            RedirectReason::Busy,
            RedirectReason::NoReply,
            RedirectReason::Deflection,
            RedirectReason::NotReachable,
        ] {
            for privacy in [Privacy::Allowed, Privacy::Restricted] {
                let told = Redirecting { number: from.clone(), reason, privacy };
                let mut headers = Headers::new();
                tell(&mut headers, &told, &called, &host, true);
                assert_eq!(redirecting(&headers), Some(told.clone()), "{headers}");
                headers.remove(&HeaderName::Diversion);
                assert_eq!(redirecting(&headers), Some(told), "{headers}");
            }
        }
    }
}
