//! The agent as a proxy (RFC 3261 §16), or as one of RFC 2543 that routes strictly.
//!
//! ```text
//! request ─► 407? ─► Max-Forwards ─► Route, request URI ─► Record-Route, Via ─► next hop
//! response ─► its own Via off ─► the address of the next Via
//! ```
//!
//! It keeps no transactions: its branch follows from the one that came, so that CANCEL, ACK and
//! repetitions find their INVITE. A stateful proxy answers 100 and CANCEL by itself besides.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::text::{self, Text};
use super::{Agent, Phase};

/// What a proxy knows and does.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// Where the users of its domain are.
    pub users: BTreeMap<String, SocketAddr>,
    /// Where the hosts are that it knows by name; its own names lead to itself.
    pub hosts: BTreeMap<String, SocketAddr>,
    /// The URI that it record-routes, if it stays on the path: `sip:10.0.1.1;lr`. One without `lr`
    /// is that of a strict router (RFC 2543), as which it then acts.
    pub record_route: Option<String>,
    /// It answers INVITE with 100 and CANCEL with 200 at once.
    pub stateful: bool,
}

impl Proxy {
    fn is_strict(&self) -> bool {
        self.record_route.as_ref().is_some_and(|uri| !uri.contains(";lr"))
    }

    /// Where a URI leads, and the URI that it becomes: a user of ours is asked for at its place
    /// (RFC 3261 §16.5).
    fn find(&self, uri: &str, own: SocketAddr) -> Option<(SocketAddr, String)> {
        let (user, host) = user_and_host(uri);
        let at = address(host).or_else(|| self.hosts.get(host).copied());
        match (at, self.users.get(user)) {
            (Some(at), _) if at != own => Some((at, uri.to_owned())),
            (_, Some(place)) => Some((*place, format!("sip:{user}@{place}"))),
            (_, None) => None,
        }
    }

    /// Works the route set off (RFC 3261 §16.4, §16.6; RFC 2543 §6.33), and says where the request
    /// goes.
    fn route(&self, text: &mut Text, own: SocketAddr) -> Option<SocketAddr> {
        let mut routes = text.list("Route");
        text.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Route"));
        let mine = |uri: &str| self.record_route.as_ref().is_some_and(|own| own == uri);
        let mut uri = text.request_uri().to_owned();
        if self.is_strict() {
            // RFC 2543: the first Route is the next request URI.
            if !routes.is_empty() {
                uri = text::inside(&routes.remove(0)).to_owned();
            }
        } else {
            if mine(&uri)
                && let Some(last) = routes.pop()
            {
                // A strict router before us has put us there.
                uri = text::inside(&last).to_owned();
            }
            if routes.first().is_some_and(|first| {
                let first = text::inside(first);
                mine(first) || self.leads_here(first, own)
            }) {
                routes.remove(0);
            }
        }
        let mut hop = uri.clone();
        if let (Some(first), false) = (routes.first(), self.is_strict()) {
            text::inside(first).clone_into(&mut hop);
            if !first.contains(";lr") {
                let target = std::mem::replace(&mut uri, text::inside(&routes.remove(0)).into());
                routes.push(format!("<{target}>"));
            }
        }
        let (to, found) = self.find(&hop, own)?;
        if routes.is_empty() {
            uri = found;
        }
        text.first = format!("{} {uri} SIP/2.0", text.method());
        let lines = routes.into_iter().map(|route| ("Route".to_owned(), route));
        text.headers.splice(0..0, lines);
        Some(to)
    }

    fn leads_here(&self, uri: &str, own: SocketAddr) -> bool {
        let (_, host) = user_and_host(uri);
        address(host).or_else(|| self.hosts.get(host).copied()) == Some(own)
    }
}

impl Agent {
    pub(super) fn pass_on(&mut self, text: &Text, from: SocketAddr) {
        match text.status() {
            Some(status) => {
                self.log.push(format!("{status} {}", text.method()));
                self.pass_response(text.clone(), status);
            }
            None => {
                self.log.push(text.method().to_owned());
                self.requests.insert(text.method().to_owned(), text.clone());
                self.pass_request(text, from);
            }
        }
        debug_assert_eq!(self.phase, Phase::Idle, "a proxy has no calls");
    }

    fn pass_request(&mut self, text: &Text, from: SocketAddr) {
        let Some(proxy) = self.proxy.clone() else { return };
        let method = text.method().to_owned();
        let branch = text.param("Via", "branch").unwrap_or_default().to_owned();
        if method == "ACK" && self.refused.contains(&branch) {
            return;
        }
        if method == "INVITE"
            && let Some(challenge) = self.provider.challenge_invite(text)
        {
            let tag = self.token();
            let status = self.provider.invite_status();
            self.refused.insert(branch);
            let reason =
                if status == 401 { "Unauthorized" } else { "Proxy Authorization Required" };
            return self.post_to(text.answer(status, reason, &tag, &challenge, ""), from);
        }
        let hops = text.header("Max-Forwards").map_or(Some(70), |value| value.parse::<u8>().ok());
        let Some(hops) = hops.and_then(|hops| hops.checked_sub(1)) else {
            let tag = self.token();
            return self.post_to(text.answer(483, "Too Many Hops", &tag, "", ""), from);
        };
        if proxy.stateful && method == "INVITE" {
            self.post_to(text.answer(100, "Trying", "", "", "").replace(";tag=\r\n", "\r\n"), from);
        }
        if proxy.stateful && method == "CANCEL" {
            let tag = self.token();
            self.post_to(text.answer(200, "OK", &tag, "", ""), from);
        }
        let mut out = text.clone();
        // The challenge was ours, so the answer goes no further (RFC 3261 §22.3).
        if self.provider.caller.is_some() {
            let mine = |name: &str, proof: &str| {
                name.eq_ignore_ascii_case("Proxy-Authorization")
                    && self.provider.is_asked_for(proof)
            };
            out.headers.retain(|(name, value)| !mine(name, value));
        }
        out.set("Max-Forwards", &hops.to_string());
        let Some(to) = proxy.route(&mut out, self.sip) else {
            let tag = self.token();
            return self.post_to(text.answer(404, "Not Found", &tag, "", ""), from);
        };
        mark_sender(&mut out, from);
        if proxy.stateful && method == "CANCEL" {
            // A CANCEL of its own, for the next hop only (RFC 3261 §16.10).
            out.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Via"));
        }
        let in_dialog = text.param("To", "tag").is_some();
        if let Some(uri) = proxy.record_route.filter(|_| method == "INVITE" && !in_dialog) {
            out.headers.insert(0, ("Record-Route".to_owned(), format!("<{uri}>")));
        }
        let via = format!("SIP/2.0/UDP {};branch={}", self.sip, self.branch_for(text));
        out.headers.insert(0, ("Via".to_owned(), via));
        self.post_to(out.print(), to);
    }

    /// The branch that a request is passed on with: the same for the same Via.
    fn branch_for(&self, text: &Text) -> String {
        let key = [text.header("Via"), text.header("Call-ID")].map(Option::unwrap_or_default);
        let key = format!("{}{} {}", self.sip, key.concat(), text.cseq());
        // FNV-1a.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        format!("z9hG4bK{:016x}", key.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }

    fn pass_response(&mut self, mut text: Text, status: u16) {
        let stateful = self.proxy.as_ref().is_some_and(|proxy| proxy.stateful);
        if stateful && (status == 100 || text.method() == "CANCEL") {
            return; // From hop to hop only.
        }
        let own = text.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("Via"));
        own.into_iter().for_each(|at| drop(text.headers.remove(at)));
        let hosts = self.proxy.as_ref().map(|proxy| &proxy.hosts);
        let sent_by = text.header("Via").and_then(|via| via.split([' ', ';']).nth(1));
        let sent_by = sent_by.unwrap_or_default();
        let (host, port) = sent_by.split_once(':').unwrap_or((sent_by, "5060"));
        let host = text.param("Via", "received").unwrap_or(host);
        let port = text.param("Via", "rport").unwrap_or(port);
        let to = address(&format!("{host}:{port}")).or_else(|| hosts?.get(host).copied());
        if let Some(to) = to {
            self.post_to(text.print(), to);
        }
    }
}

/// Notes where a request came from in its top Via (RFC 3261 §18.2.1, RFC 3581 §4).
fn mark_sender(text: &mut Text, from: SocketAddr) {
    let Some(via) = text.header("Via").map(str::to_owned) else { return };
    let marked = format!("{};received={}", via.replacen(";rport", "", 1), from.ip());
    let rport = if via.contains(";rport") { format!(";rport={}", from.port()) } else { "".into() };
    text.set("Via", &(marked + &rport));
}

/// `bob` and `10.0.1.1:5060` of `sip:bob@10.0.1.1:5060;lr`.
fn user_and_host(uri: &str) -> (&str, &str) {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let rest = rest.split(';').next().unwrap_or_default();
    rest.split_once('@').unwrap_or(("", rest))
}

/// `10.0.1.1` or `10.0.1.1:5070` as an address.
fn address(host: &str) -> Option<SocketAddr> {
    host.parse().ok().or_else(|| Some(SocketAddr::new(host.parse().ok()?, 5060)))
}
