//! What our sockets reach.

use std::net::{IpAddr, SocketAddr};

use super::RecordType;
use crate::message::Transport;

/// Our sockets: transports and address families that there are.
///
/// One at port 0 does not listen: it only stands for the address that connections are made from. Nobody can call back on
/// it, so it is used where a URI asks for its transport, or for security, and not where we may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    sockets: Vec<(Transport, SocketAddr)>,
}

impl Reach {
    /// These sockets; the first of a transport and family is the one that is sent from.
    pub fn new(sockets: impl IntoIterator<Item = (Transport, SocketAddr)>) -> Self {
        Self { sockets: sockets.into_iter().collect() }
    }

    /// The socket that reaches `address` by `transport`.
    pub fn socket(&self, transport: Transport, address: IpAddr) -> Option<SocketAddr> {
        let fits = |(own, local): &&(Transport, SocketAddr)| {
            *own == transport && local.is_ipv4() == address.is_ipv4()
        };
        self.sockets.iter().find(fits).map(|(_, local)| *local)
    }

    pub(super) fn has(&self, transport: Transport, address: IpAddr) -> bool {
        self.socket(transport, address).is_some()
    }

    /// Whether we may choose `transport` for a URI that is `secure` or not.
    pub(super) fn speaks(&self, transport: Transport, secure: bool) -> bool {
        let fits = |(own, local): &(Transport, SocketAddr)| {
            *own == transport && (secure || local.port() != 0)
        };
        self.sockets.iter().any(fits)
    }

    /// Whether there is a socket at all for what is asked, so that a look-up is worth its questions.
    pub(super) fn may_reach(&self, transport: Option<Transport>, secure: bool) -> bool {
        let fits = |own: Transport| match transport {
            Some(transport) => own == transport,
            None => own.is_secure() || !secure,
        };
        self.sockets.iter().any(|(own, _)| fits(*own))
    }

    /// The address records worth asking for.
    pub(super) fn families(
        &self,
        transport: Transport,
    ) -> impl Iterator<Item = RecordType> + use<> {
        let has = |v4: bool| {
            self.sockets.iter().any(|(own, local)| *own == transport && local.is_ipv4() == v4)
        };
        let families = [has(false).then_some(RecordType::Aaaa), has(true).then_some(RecordType::A)];
        families.into_iter().flatten()
    }

    /// The transport where nothing says which: UDP, and TLS for `sips:` (RFC 3263 §4.1); where there is no socket for
    /// UDP, what there is.
    pub(super) fn usual(&self, secure: bool) -> Option<Transport> {
        let usual: &[Transport] = if secure {
            &[Transport::Tls]
        } else {
            &[Transport::Udp, Transport::Tcp, Transport::Tls]
        };
        usual.iter().copied().find(|transport| self.speaks(*transport, secure))
    }
}
