//! What a gateway wants done, in order.

use std::net::{IpAddr, SocketAddr};

use tipring_bridge_proto::LineCommand;
use tipring_call::Cdr;
use tipring_core::{CardId, PortNumber, TerminationId};
use tipring_media::control;
use tipring_sip::locate::Question;
use tipring_sip::message::Transport;
use tipring_sip::transport::FlowOrder;

use crate::ladder::Ladder;

/// What to do.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an output is carried out as soon as it is made")]
pub enum Output {
    /// Send a SIP message.
    Datagram {
        /// How.
        transport: Transport,
        /// From this socket.
        local: SocketAddr,
        /// To this address.
        remote: SocketAddr,
        /// One message.
        bytes: Vec<u8>,
    },
    /// Do something with a connection; what happens to it is said with [`crate::Gateway::handle_flow`].
    Flow(FlowOrder),
    /// Tell a port of a card.
    Card {
        /// The card.
        card: CardId,
        /// The port.
        port: PortNumber,
        /// What.
        command: LineCommand,
    },
    /// Tell the media engine.
    Media(control::Command),
    /// Open an RTP socket and the RTCP one above it. If it cannot be had, say so with
    /// [`crate::Gateway::handle_rtp_unavailable`].
    OpenRtp {
        /// Whose packets pass there.
        termination: TerminationId,
        /// The address of ours that its signalling uses; unspecified for all of its family.
        local: IpAddr,
        /// The even port.
        port: u16,
    },
    /// Where the peer of an RTP stream is, by its session description.
    RtpPeer {
        /// Which stream.
        termination: TerminationId,
        /// Its RTP address; `None` stops sending.
        rtp: Option<SocketAddr>,
        /// Its RTCP address.
        rtcp: Option<SocketAddr>,
        /// Its signalling comes from another host than its description names: it is behind a NAT, and its media may
        /// come from anywhere. Else only another port of the same host is learnt.
        behind_nat: bool,
    },
    /// Close the sockets of an RTP stream.
    CloseRtp {
        /// Which.
        termination: TerminationId,
    },
    /// Ask the DNS, without waiting for it; the answer goes to [`crate::Gateway::handle_dns_answer`].
    Ask(Question),
    /// A call is over.
    Ended(Box<EndedCall>),
}

/// A finished call.
#[derive(Debug)]
pub struct EndedCall {
    /// Its record.
    pub cdr: Cdr,
    /// What happened in it.
    pub ladder: Ladder,
}
