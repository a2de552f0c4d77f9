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

use tipring_call::{Link, Origin, Privacy, Setup};
use tipring_core::Number;
use tipring_sip::message::{Header, HeaderName, Headers, Host, NameAddr, Request, Uri};

use crate::diversion::History;
use crate::gateway::Gateway;
use crate::{distinctive, diversion};

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
        setup.redirecting = diversion::redirecting(headers).into_iter().collect();
        if setup.privacy == Privacy::Allowed && *origin != Origin::Guest {
            setup.links = links(headers);
        }
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
        history: &History,
        trunk: Option<usize>,
        to_user: bool,
        local: SocketAddr,
    ) -> (NameAddr, Vec<Header>) {
        let trunk = trunk.and_then(|at| self.config.trunks.get(at));
        let account = trunk.and_then(|trunk| trunk.account.as_ref());
        let account = account.map(|account| account.username.clone());
        let own = self.config.sip.address_of(local);
        let host = trunk.and_then(|trunk| trunk.uri.host().cloned()).unwrap_or_else(|| own.into());
        let known = setup.calling.as_ref().map(|number| named(number, setup, &host));
        let mut headers = Headers::new();
        let trusted = trunk.is_some_and(|trunk| trunk.trusted);
        if let (true, Some(known)) = (trusted, &known) {
            headers.push(HeaderName::PAssertedIdentity, known);
        }
        diversion::tell(&mut headers, setup, history, &host, trusted);
        if trusted || to_user {
            tell_particulars(&mut headers, setup);
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
        (from, headers.iter().map(Header::from).collect())
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

/// What Call-Info tells of the caller (RFC 3261 §20.9): places on the web for people to look at, no others.
fn links(headers: &Headers) -> Vec<Link> {
    let told = headers.info_uris(HeaderName::CallInfo).unwrap_or_default();
    let links = told.into_iter().filter_map(|told| {
        let purpose = told.purpose().unwrap_or("info").to_ascii_lowercase();
        let known = ["icon", "info", "card"].contains(&purpose.as_str());
        let web = ["http", "https"].contains(&told.uri.scheme());
        (known && web).then(|| Link { uri: told.uri.to_string(), purpose })
    });
    links.take(MAX_LINKS).collect()
}

/// Tells a peer who knows us of the call beside who calls: how to ring, and what Call-Info said.
fn tell_particulars(headers: &mut Headers, setup: &Setup) {
    if let Some(alert) = setup.distinctive.as_deref().and_then(distinctive::alert_info) {
        headers.push(HeaderName::AlertInfo, alert);
    }
    for Link { uri, purpose } in &setup.links {
        headers.push(HeaderName::CallInfo, format!("<{uri}>;purpose={purpose}"));
    }
}

const MAX_LINKS: usize = 4;
