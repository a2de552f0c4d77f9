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
//! Of what is read, the last step counts for the call. The entries of History-Info are passed on as they came, and what
//! happens here is added below the last of them; those of Diversion are passed on with their numbers at the host of who is
//! told, and what happens here is added above them. Both fields say it. A step that shall not be seen is told by its number
//! to trusted trunks alone, with the wish; others are told in History-Info that there was one.

use tipring_call::{Privacy, RedirectReason, Redirecting, Setup};
use tipring_sip::message::{
    Diversion, DiversionPrivacy, DiversionReason, HeaderName, Headers, HistoryIndex, HistoryInfo,
    HistoryTarget, Host, NameAddr, Uri,
};

use crate::identity::number_of;

/// The most entries of either field that are told; of more, the oldest are left out.
const MAX_HISTORY: usize = 20;

/// What the caller's side has told of a call's way.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Last step first.
    diversions: Vec<Diversion>,
    entries: Vec<HistoryInfo>,
    /// The caller wants none of it to be seen.
    is_hidden: bool,
    /// How many of the first steps of [`Setup::redirecting`] are in the entries.
    steps: usize,
    /// How many are in the diversions.
    diverted: usize,
}

impl History {
    pub(crate) fn of(headers: &Headers) -> Self {
        let mut entries = headers.history().unwrap_or_default();
        entries.drain(..entries.len().saturating_sub(MAX_HISTORY));
        let mut diversions = headers.diversions().unwrap_or_default();
        diversions.truncate(MAX_HISTORY);
        let wishes = headers.privacy();
        let is_hidden = wishes.history || wishes.header || wishes.session;
        let step = redirecting(headers).is_some();
        let steps = usize::from(step && !entries.is_empty());
        let diverted = usize::from(step && !diversions.is_empty());
        Self { diversions, entries, is_hidden, steps, diverted }
    }
}

/// The last step of a call's way here: the topmost Diversion (RFC 5806 §4), else the entry of History-Info that the last
/// one was mapped from (RFC 7044 §10.4).
pub(crate) fn redirecting(headers: &Headers) -> Option<Redirecting> {
    let privacy = |hidden| if hidden { Privacy::Restricted } else { Privacy::Allowed };
    if let Some(last) = headers.diversions().unwrap_or_default().first() {
        return Some(Redirecting {
            number: number_of(&last.address.uri)?,
            reason: last.reason.as_ref().map_or(RedirectReason::Unknown, reason_of),
            privacy: privacy(hides_its_number(last)),
        });
    }
    let history = headers.history().unwrap_or_default();
    let (left, cause) = last_left(&history)?;
    Some(Redirecting {
        number: number_of(&left.address.uri)?,
        reason: cause.map_or(RedirectReason::Unknown, reason_of_cause),
        privacy: privacy(is_hidden(left)),
    })
}

/// The entry that the call was sent on from last, and why. From the last entry it goes back to the one that it came from,
/// which is a step when another user was called there: `mp` says so, and where nothing is said, a reason does.
fn last_left(history: &[HistoryInfo]) -> Option<(&HistoryInfo, Option<u16>)> {
    let mut at = history.len().checked_sub(1)?;
    loop {
        let (before, rest) = history.split_at_checked(at)?;
        let here = rest.first()?;
        let place = |index: HistoryIndex| before.iter().rposition(|entry| entry.index == index);
        let above = || here.index.parent().and_then(place);
        let from = match &here.target {
            Some(
                HistoryTarget::MappedUser(index)
                | HistoryTarget::RegisteredContact(index)
                | HistoryTarget::NoChange(index),
            ) => place(index.clone()).or_else(above)?,
            None => above()?,
        };
        let left = before.get(from)?;
        let reason = left.reason().and_then(|reason| reason.cause);
        let is_step = match &here.target {
            Some(HistoryTarget::MappedUser(_)) => true,
            Some(HistoryTarget::RegisteredContact(_) | HistoryTarget::NoChange(_)) => false,
            None => here.cause().or(reason).is_some(),
        };
        if is_step {
            return Some((left, here.cause().or(reason)));
        }
        at = from;
    }
}

fn is_hidden(entry: &HistoryInfo) -> bool {
    let wishes = entry.privacy();
    wishes.history || wishes.hides_identity()
}

/// Tells a peer at `host` where a call was sent on from.
pub(crate) fn tell(
    headers: &mut Headers,
    setup: &Setup,
    history: &History,
    host: &Host,
    trusted: bool,
) {
    for diversion in diversions(setup, history, host, trusted) {
        headers.push(HeaderName::Diversion, diversion);
    }
    for entry in entries(setup, history, host, trusted) {
        headers.push(HeaderName::HistoryInfo, entry);
    }
}

/// The steps that were made here, last first, and those that came (RFC 5806 §4).
fn diversions(setup: &Setup, history: &History, host: &Host, trusted: bool) -> Vec<Diversion> {
    let at_host = |number: &str| NameAddr::new(Uri::sip(number, host.clone(), None));
    let here = setup.redirecting.iter().skip(history.diverted).rev().map(|step| Diversion {
        address: at_host(&step.number),
        reason: Some(words_of(step.reason).0),
        counter: None,
        limit: None,
        privacy: (step.privacy == Privacy::Restricted).then_some(DiversionPrivacy::Full),
        screen: None,
    });
    let came = history.diversions.iter().map(|came| {
        let address = number_of(&came.address.uri).map(|number| at_host(&number));
        Diversion { address: address.unwrap_or_else(|| came.address.clone()), ..came.clone() }
    });
    let all = here.chain(came).filter(|told| trusted || !hides_its_number(told));
    all.take(MAX_HISTORY).collect()
}

fn hides_its_number(diversion: &Diversion) -> bool {
    matches!(diversion.privacy, Some(DiversionPrivacy::Full | DiversionPrivacy::Uri))
}

/// The entries that came, those of the steps that were made here, and that of who is called now, each below the one before
/// it (RFC 7044 §9, §10.3).
fn entries(setup: &Setup, history: &History, host: &Host, trusted: bool) -> Vec<HistoryInfo> {
    let steps = setup.redirecting.get(history.steps..).unwrap_or_default();
    if history.entries.is_empty() && steps.is_empty() {
        return Vec::new();
    }
    let passed = history.entries.iter().map(|entry| {
        let hidden = history.is_hidden || is_hidden(entry);
        let address = match (hidden, trusted) {
            (false, _) => entry.address.clone(),
            (true, true) => with_wish(entry.address.clone()),
            (true, false) => nobody(),
        };
        HistoryInfo { address, ..entry.clone() }
    });
    let mut told: Vec<HistoryInfo> = passed.collect();
    let mut cause = None;
    let here = steps.iter().map(|step| (&step.number, Some(step)));
    for (number, step) in here.chain([(&setup.called, None)]) {
        let above = told.last().map(|entry| entry.index.clone());
        let index = match &above {
            Some(above) => above.child(),
            None => HistoryIndex::new(vec![1]),
        };
        // A tree that is too deep is told as far as it goes.
        let Some(index) = index else { break };
        let mut address = NameAddr::new(Uri::sip(number, host.clone(), None));
        if let (Some(uri), Some(cause)) = (address.uri.as_sip_mut(), cause) {
            uri.set_param("cause", Some(&u16::to_string(&cause)));
        }
        let target = above.filter(|_| cause.is_some()).map(HistoryTarget::MappedUser);
        cause = step.map(|step| words_of(step.reason).1);
        if let (Some(uri), Some(cause)) = (address.uri.as_sip_mut(), cause) {
            uri.set_header("Reason", &format!("SIP;cause={cause}"));
        }
        let hidden = step.is_some_and(|step| step.privacy == Privacy::Restricted);
        let address = match (hidden, trusted) {
            (false, _) => address,
            (true, true) => with_wish(address),
            (true, false) => nobody(),
        };
        told.push(HistoryInfo { address, index, target });
    }
    told
}

/// The wish that an entry be shown to nobody (RFC 7044 §10.1). Where the address cannot say so, it is left out.
fn with_wish(mut address: NameAddr) -> NameAddr {
    match address.uri.as_sip_mut() {
        Some(uri) => uri.set_header("Privacy", "history"),
        None => return nobody(),
    }
    address
}

/// What stands for an entry that may not be seen: its place in the tree stays (RFC 7044 §10.1.2).
fn nobody() -> NameAddr {
    NameAddr::new(Uri::parse(b"sip:anonymous@anonymous.invalid").expect("a literal URI"))
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
    use tipring_core::Number;

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
                let setup = Setup { redirecting: vec![told.clone()], ..Setup::new(called.clone()) };
                tell(&mut headers, &setup, &History::default(), &host, true);
                assert_eq!(redirecting(&headers), Some(told.clone()), "{headers}");
                headers.remove(&HeaderName::Diversion);
                assert_eq!(redirecting(&headers), Some(told), "{headers}");
            }
        }
    }
    fn read(entries: &str) -> Option<(String, RedirectReason)> {
        let mut headers = Headers::new();
        headers.push(HeaderName::HistoryInfo, entries);
        let step = redirecting(&headers)?;
        Some((step.number.to_string(), step.reason))
    }

    /// RFC 7044 §10.4: `mp` says from where, whatever else was tried.
    #[test]
    fn the_last_step_is_where_the_last_entry_says_that_it_was_mapped_from() {
        let busy = |number: &str| Some((number.to_owned(), RedirectReason::Busy));
        let no_reason = "<sip:1@a>;index=1, <sip:2@a;cause=486>;index=1.1;mp=1";
        assert_eq!(read(no_reason), busy("1"));
        let device = "<sip:1@a>;index=1, <sip:1@d?Reason=SIP%3Bcause%3D408>;index=1.1;rc=1, \
                      <sip:2@a;cause=486>;index=1.2;mp=1";
        assert_eq!(read(device), busy("1"), "not the device that was tried first");
        let registered = "<sip:1@a>;index=1, <sip:2@a;cause=486>;index=1.1;mp=1, \
                          <sip:2@d>;index=1.1.1;rc=1.1";
        assert_eq!(read(registered), busy("1"), "a contact of who it was sent on to");
        let unmarked = "<sip:1@a?Reason=SIP%3Bcause%3D486>;index=1, <sip:2@a>;index=1.1";
        assert_eq!(read(unmarked), busy("1"), "RFC 4244 has no mp");
    }

    #[test]
    fn a_call_that_was_only_routed_was_not_sent_on() {
        assert_eq!(read("<sip:1@a>;index=1"), None);
        assert_eq!(read("<sip:1@a>;index=1, <sip:1@d>;index=1.1;rc=1"), None);
        assert_eq!(
            read("<sip:1@a>;index=1, <sip:1@d>;index=1.1;rc=1.7"),
            None,
            "an entry that is not there"
        );
        assert_eq!(read("<sip:1@a>;index=1.1;mp=1.1"), None, "from itself");
    }
}
