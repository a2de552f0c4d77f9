//! Where the users are (RFC 3261 §10).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tipring_core::{Duration, Instant};
use tipring_sip::message::{NameAddr, Transport, Uri, Via};
use tipring_sip::transaction::Path;
use tipring_sip::transport::FlowId;

/// One place where a user can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The contact as registered; its `expires` parameter is dropped.
    pub contact: NameAddr,
    /// Where the REGISTER came from: behind a NAT the only address that reaches the phone.
    pub source: SocketAddr,
    /// The address of ours that it came to.
    pub local: SocketAddr,
    /// What it came over.
    pub transport: Transport,
    /// The connection it came over.
    pub flow: Option<FlowId>,
    /// Where the contact itself says it is, when no NAT stood in between.
    pub written: Option<(Transport, SocketAddr)>,
    /// Preference in thousandths, 0 to 1000.
    pub q_thousandths: u16,
    /// The REGISTER's Call-ID.
    pub call_id: String,
    /// The REGISTER's CSeq.
    pub cseq: u32,
    /// The phone's User-Agent.
    pub user_agent: String,
    /// When the binding was first made.
    pub since: Instant,
    /// When it ends unless it is refreshed.
    pub expires_at: Instant,
}

impl Binding {
    /// The time left at `now`, in seconds, rounded up.
    pub fn remaining_seconds(&self, now: Instant) -> u64 {
        self.expires_at.since(now).as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
    }

    /// The way to it: where its contact says (RFC 3261 §16.6), from a socket of ours among `listen`. Behind a NAT, which
    /// the REGISTER showed, back to where it came from.
    pub fn path(
        &self,
        listen: &[(Transport, SocketAddr)],
        is_open: impl Fn(FlowId) -> bool,
    ) -> Path {
        let back = self.way_back(&is_open);
        let Some((transport, remote)) = self.written else { return back };
        let same_place = transport == self.transport && remote.ip() == self.source.ip();
        if same_place && self.flow.is_some_and(is_open) {
            return back;
        }
        let fits = |at: Transport, local: SocketAddr| {
            at == transport && local.is_ipv4() == remote.is_ipv4()
        };
        let ours = std::iter::once((self.transport, self.local)).chain(listen.iter().copied());
        let local = ours.into_iter().find(|(at, local)| fits(*at, *local));
        local.map_or(back, |(_, local)| Path::new(transport, local, remote))
    }

    /// The way back to where it registered from, over its connection while that is there. Without it, a telephone that is
    /// not behind a NAT may still take connections where its contact says.
    pub fn way_back(&self, is_open: impl Fn(FlowId) -> bool) -> Path {
        let path = Path { flow: self.flow, ..Path::new(self.transport, self.local, self.source) };
        let contact = &self.contact.uri;
        let same_host = contact.host().is_some_and(|host| host.address() == Some(self.source.ip()));
        if !same_host || self.flow.is_none_or(is_open) {
            return path;
        }
        let port = contact.port().unwrap_or_else(|| self.transport.default_port());
        Path { remote: SocketAddr::new(self.source.ip(), port), ..path }
    }

    /// Whether a REGISTER with `contact` refreshes this binding: the URI is equivalent (RFC 3261
    /// §10.3), or both carry the same instance and reg-id (RFC 5626 §6), as a phone does that has
    /// restarted on another port.
    pub fn is_for(&self, contact: &NameAddr) -> bool {
        let same_flow = self.contact.instance().is_some()
            && self.contact.instance() == contact.instance()
            && self.contact.params.value("reg-id") == contact.params.value("reg-id");
        same_flow || self.contact.uri.is_equivalent(&contact.uri)
    }
}

/// Where a contact is, and by what it is reached, when its REGISTER came from `source` with `via` on top and no NAT in
/// between: the Via then names the source itself. `None` leaves the way back to the source: behind a NAT; where the
/// contact asks for it (RFC 5626 §4.2.1: a reg-id, or `ob`); where it has a name instead of an address; where nobody can
/// be connected to, as over WebSocket (RFC 7118 §5); and where the contact would be less secure than its REGISTER.
pub fn as_written(
    via: &Via,
    contact: &NameAddr,
    source: SocketAddr,
    transport: Transport,
) -> Option<(Transport, SocketAddr)> {
    // Over a connection, the port of the Via is the one that is listened at, the source's is another.
    let same_port = transport.is_reliable() || via.port_or_default() == source.port();
    if via.host.address() != Some(source.ip()) || !same_port {
        return None;
    }
    let uri = &contact.uri;
    let Uri::Sip(written) = uri else { return None };
    let outbound = contact.params.contains("reg-id") || written.has_param("ob");
    if outbound || written.has_param("maddr") {
        return None;
    }
    let ip = uri.host()?.address().filter(|ip| !ip.is_unspecified() && !ip.is_multicast())?;
    // From elsewhere nobody has a say in what is sent to this machine, or to all of a network.
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if broadcast || (ip.is_loopback() && !source.ip().is_loopback()) {
        return None;
    }
    let wanted = match uri.param("transport") {
        Some(_) => uri.transport()?,
        None => transport,
    };
    let wanted = match (wanted, uri.is_secure()) {
        (Transport::Tcp, true) => Transport::Tls,
        (wanted, _) => wanted,
    };
    let weaker = (transport.is_secure() || uri.is_secure()) && !wanted.is_secure();
    if weaker || matches!(wanted, Transport::Ws | Transport::Wss) {
        return None;
    }
    let port = uri.port().unwrap_or_else(|| wanted.default_port());
    (port != 0).then(|| (wanted, SocketAddr::new(ip, port)))
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// A later request of the same Call-ID has been here already (RFC 3261 §10.3 step 7).
    OutOfOrder,
    /// More contacts than an address may have.
    TooManyContacts,
}

/// All bindings, by user.
#[derive(Clone, Debug, Default)]
pub struct Location {
    by_user: BTreeMap<String, Vec<Binding>>,
}

/// Contacts that one user may have.
pub const MAX_CONTACTS: usize = 10;

impl Location {
    /// No bindings.
    pub const fn new() -> Self {
        Self { by_user: BTreeMap::new() }
    }

    /// The bindings of `user` that have not expired, the preferred and then the latest first.
    pub fn lookup(&self, now: Instant, user: &str) -> Vec<Binding> {
        let all = self.by_user.get(user).map(Vec::as_slice).unwrap_or_default();
        let mut live: Vec<_> = all.iter().filter(|b| b.expires_at > now).cloned().collect();
        live.sort_by_key(|binding| {
            (std::cmp::Reverse(binding.q_thousandths), std::cmp::Reverse(binding.since))
        });
        live
    }

    /// Every user who has bindings, and these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Binding])> {
        self.by_user.iter().map(|(user, bindings)| (user.as_str(), bindings.as_slice()))
    }

    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.by_user.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    /// Takes the contacts of one REGISTER, all or none; each with its lifetime, zero to remove it.
    ///
    /// Gives what was added and what was removed. The bindings' `since` and `expires_at` are filled
    /// in here.
    pub fn update(
        &mut self,
        now: Instant,
        user: &str,
        changes: Vec<(Binding, Duration)>,
    ) -> Result<(Vec<Binding>, Vec<Binding>), UpdateError> {
        let old = self.by_user.get(user).cloned().unwrap_or_default();
        let mut new: Vec<_> = old.iter().filter(|b| b.expires_at > now).cloned().collect();
        for (binding, lifetime) in changes {
            let before = old.iter().find(|known| known.is_for(&binding.contact));
            if before.is_some_and(|before| is_late(before, &binding.call_id, binding.cseq)) {
                return Err(UpdateError::OutOfOrder);
            }
            new.retain(|known| !known.is_for(&binding.contact));
            if !lifetime.is_zero() {
                let since = before.map_or(now, |before| before.since);
                new.push(Binding { since, expires_at: now + lifetime, ..binding });
            }
        }
        if new.len() > MAX_CONTACTS {
            return Err(UpdateError::TooManyContacts);
        }
        Ok(self.replace(user, old, new))
    }

    /// Removes all bindings of `user` (`Contact: *`).
    pub fn remove_all(
        &mut self,
        user: &str,
        call_id: &str,
        cseq: u32,
    ) -> Result<Vec<Binding>, UpdateError> {
        let old = self.by_user.get(user).cloned().unwrap_or_default();
        if old.iter().any(|binding| is_late(binding, call_id, cseq)) {
            return Err(UpdateError::OutOfOrder);
        }
        Ok(self.replace(user, old, Vec::new()).1)
    }

    /// Removes and gives the bindings of `user` that have expired.
    pub fn expire(&mut self, now: Instant, user: &str) -> Vec<Binding> {
        let old = self.by_user.get(user).cloned().unwrap_or_default();
        let live = old.iter().filter(|binding| binding.expires_at > now).cloned().collect();
        self.replace(user, old, live).1
    }

    /// When the next binding of `user` expires.
    pub fn next_expiry(&self, user: &str) -> Option<Instant> {
        self.by_user.get(user)?.iter().map(|binding| binding.expires_at).min()
    }

    fn replace(
        &mut self,
        user: &str,
        old: Vec<Binding>,
        new: Vec<Binding>,
    ) -> (Vec<Binding>, Vec<Binding>) {
        let missing = |from: &[Binding], binding: &Binding| {
            !from.iter().any(|other| other.is_for(&binding.contact))
        };
        let added = new.iter().filter(|binding| missing(&old, binding)).cloned().collect();
        let removed = old.iter().filter(|binding| missing(&new, binding)).cloned().collect();
        if new.is_empty() {
            self.by_user.remove(user);
        } else {
            self.by_user.insert(user.to_owned(), new);
        }
        (added, removed)
    }
}

/// Whether a request with this Call-ID and CSeq is not newer than the one that made the binding.
fn is_late(binding: &Binding, call_id: &str, cseq: u32) -> bool {
    binding.call_id == call_id && cseq <= binding.cseq
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What may happen: a REGISTER with a contact and a lifetime, `Contact: *`, time.
    #[derive(Clone, Debug)]
    enum Step {
        Register { host: u8, call_id: u8, cseq: u32, seconds: u64 },
        RemoveAll { call_id: u8, cseq: u32 },
        Wait { seconds: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let seconds = prop_oneof![Just(0u64), 1..100u64];
        prop_oneof![
            6 => (0..14u8, 0..3u8, 0..50u32, seconds).prop_map(|(host, call_id, cseq, seconds)| {
                Step::Register { host, call_id, cseq, seconds }
            }),
            1 => (0..3u8, 0..50u32).prop_map(|(call_id, cseq)| Step::RemoveAll { call_id, cseq }),
            2 => (1..60u64).prop_map(|seconds| Step::Wait { seconds }),
        ]
    }

    fn binding(host: u8, call_id: u8, cseq: u32) -> Binding {
        let address: SocketAddr = ([192, 0, 2, host], 5060).into();
        Binding {
            contact: NameAddr::new(Uri::sip("alice", address.ip(), None)),
            source: address,
            local: address,
            transport: Transport::Udp,
            flow: None,
            written: None,
            q_thousandths: u16::from(host),
            call_id: call_id.to_string(),
            cseq,
            user_agent: String::new(),
            since: Instant::ZERO,
            expires_at: Instant::ZERO,
        }
    }

    proptest! {
        #[test]
        fn what_was_added_less_what_was_removed_is_what_there_is(steps in vec(step(), 1..60)) {
            let (mut location, mut now, mut tally) = (Location::new(), Instant::ZERO, 0);
            for step in steps {
                let before = location.lookup(now, "alice");
                let done = match step {
                    Step::Register { host, call_id, cseq, seconds } => {
                        let change = (binding(host, call_id, cseq), Duration::from_secs(seconds));
                        location.update(now, "alice", vec![change])
                    }
                    Step::RemoveAll { call_id, cseq } => {
                        let removed = location.remove_all("alice", &call_id.to_string(), cseq);
                        removed.map(|removed| (Vec::new(), removed))
                    }
                    Step::Wait { seconds } => {
                        now += Duration::from_secs(seconds);
                        Ok((Vec::new(), location.expire(now, "alice")))
                    }
                };
                match done {
                    Ok((added, removed)) => tally = tally + added.len() - removed.len(),
                    Err(_) => prop_assert_eq!(&before, &location.lookup(now, "alice")),
                }
                let live = location.lookup(now, "alice");
                prop_assert_eq!(location.len(), tally);
                prop_assert!(live.len() <= MAX_CONTACTS);
                prop_assert!(live.iter().all(|binding| binding.expires_at > now));
                prop_assert!(live.is_sorted_by(|a, b| a.q_thousandths >= b.q_thousandths));
                let next = live.iter().map(|binding| binding.expires_at).min();
                prop_assert!(next.is_none() || location.next_expiry("alice") <= next);
            }
        }
    }
}
