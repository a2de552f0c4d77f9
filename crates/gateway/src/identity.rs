//! Who calls, as SIP says it: From, P-Asserted-Identity, P-Preferred-Identity, Privacy, Diversion, History-Info.
//!
//! | peer | its caller is | it is told |
//! |---|---|---|
//! | trusted trunk | P-Asserted-Identity, else From | P-Asserted-Identity; From is anonymous where the caller wants that |
//! | user | the account; From's name | From, anonymous where the caller wants that |
//! | anybody else | From | the same |
//!
//! RFC 3325 §5 and §6, RFC 3323. A P-Asserted-Identity of anybody else than a trusted trunk is passed over, and never
//! passed on. Who is to be shown to nobody is still known to the call and its record.

use std::net::SocketAddr;

use tipring_call::{Origin, Privacy, Setup};
use tipring_core::Number;
use tipring_sip::message::{Header, HeaderName, Headers, Host, NameAddr, Request, Uri};

use crate::distinctive;
use crate::gateway::Gateway;

impl Gateway {
    /// What a caller's INVITE says of the call.
    pub(crate) fn setup_of(&self, called: Number, origin: &Origin, request: &Request) -> Setup {
        let headers = &request.headers;
        let from = headers.from().ok();
        let anonymous = from.as_ref().is_some_and(is_anonymous);
        let mut setup = Setup::new(called);
        let shown = from.as_ref().filter(|_| !anonymous);
        setup.calling = shown.and_then(|from| number_of(&from.uri));
        setup.calling_name = shown.and_then(|from| from.display.clone());
        if self.is_trusted(origin)
            && let Ok(Some(asserted)) = headers.asserted_identity()
        {
            let mut numbers = asserted.tel().into_iter().chain(asserted.sip());
            setup.calling = numbers.find_map(|address| number_of(&address.uri)).or(setup.calling);
            setup.calling_name = asserted.display().map(str::to_owned).or(setup.calling_name);
        }
        if let (Origin::User(user), true) = (origin, anonymous) {
            // It has proved who it is, and the name that it prefers must be its own (RFC 3325 §6).
            setup.calling = Number::new(user.clone()).ok();
            let preferred = headers.preferred_identity().ok().flatten();
            let own = preferred.filter(|preferred| {
                preferred.sip().is_some_and(|sip| sip.uri.user().as_deref() == Some(user.as_str()))
            });
            setup.calling_name = own.and_then(|own| own.display().map(str::to_owned));
        }
        if anonymous || headers.privacy().hides_identity() {
            setup.privacy = Privacy::Restricted;
        }
        setup.redirecting = redirecting(headers);
        let ring = headers.first(&HeaderName::AlertInfo).and_then(distinctive::ring_of);
        setup.distinctive = ring.map(str::to_owned);
        setup
    }

    fn is_trusted(&self, origin: &Origin) -> bool {
        let Origin::Trunk(name) = origin else { return false };
        self.config.trunks.iter().any(|trunk| trunk.name == *name && trunk.trusted)
    }

    /// From and the identity headers of an outgoing INVITE.
    pub(crate) fn identity(
        &self,
        setup: &Setup,
        trunk: Option<usize>,
        local: SocketAddr,
    ) -> (NameAddr, Vec<Header>) {
        let trunk = trunk.and_then(|at| self.config.trunks.get(at));
        let account = trunk.and_then(|trunk| trunk.account.as_ref());
        let account = account.map(|account| account.username.clone());
        let own = self.config.sip.address_of(local);
        let host = trunk.and_then(|trunk| trunk.uri.host().cloned()).unwrap_or_else(|| own.into());
        let known = setup.calling.as_ref().map(|number| named(number, setup, &host));
        let mut headers = Headers::new();
        if let (true, Some(known)) = (trunk.is_some_and(|trunk| trunk.trusted), &known) {
            headers.push(HeaderName::PAssertedIdentity, known);
        }
        if let Some(number) = &setup.redirecting {
            let diverted = NameAddr::new(Uri::sip(number, host.clone(), None));
            headers.push(HeaderName::Diversion, diverted);
        }
        let from = match setup.privacy {
            Privacy::Restricted => {
                headers.push(HeaderName::Privacy, "id");
                // RFC 3323 §4.1.1.3.
                let uri = Uri::parse(b"sip:anonymous@anonymous.invalid").expect("a literal URI");
                NameAddr::new(uri).with_display("Anonymous")
            }
            Privacy::Allowed => known.unwrap_or_else(|| {
                let user = account.unwrap_or_default();
                let from = NameAddr::new(Uri::sip(&user, host, None));
                match &setup.calling_name {
                    Some(name) => from.with_display(name),
                    None => from,
                }
            }),
        };
        (from, headers.iter().cloned().collect())
    }
}

fn named(number: &Number, setup: &Setup, host: &Host) -> NameAddr {
    let address = NameAddr::new(Uri::sip(number, host.clone(), None));
    match &setup.calling_name {
        Some(name) => address.with_display(name),
        None => address,
    }
}

/// The number that an address names: a telephone number without its separators, else the user part.
pub(crate) fn number_of(uri: &Uri) -> Option<Number> {
    let telephone = uri.telephone().map(|telephone| telephone.digits());
    let user = telephone.or_else(|| uri.user().map(std::borrow::Cow::into_owned))?;
    Number::new(user).ok()
}

fn is_anonymous(from: &NameAddr) -> bool {
    let host = from.uri.host().map(ToString::to_string).unwrap_or_default();
    from.uri.user().as_deref() == Some("anonymous") || host == "anonymous.invalid"
}

/// The number that the call was sent on from, the last one: the topmost Diversion (RFC 5806 §4), else the entry of
/// History-Info that the last one was mapped from (RFC 7044 §5).
fn redirecting(headers: &Headers) -> Option<Number> {
    if let Some(last) = headers.diversions().unwrap_or_default().first() {
        return number_of(&last.address.uri);
    }
    let history = headers.history().unwrap_or_default();
    let (_, before) = history.split_last()?;
    let left = before.iter().rev().find(|entry| entry.reason().is_some());
    left.and_then(|entry| number_of(&entry.address.uri))
}
