//! The signalling thread: one tokio task that owns the gateway and carries everything to and from it.
//!
//! ```text
//!  SIP sockets ─► inbox ─┐
//!  card threads ─notify──┼─► Gateway ─► outputs: SIP sockets, card threads, media ring, RTP thread, look-ups, records
//!  media thread ─notify──┤
//!  look-ups, deadline ───┘
//! ```

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use tipring_card::LinkOutput;
use tipring_card::thread::{CardInput as ToCard, CardOutput};
use tipring_core::{CardId, Duration, Instant, Rng};
use tipring_gateway::{CardInput, FlowInput, Gateway, Output};
use tipring_media::ControlEnd;
use tipring_media::control::Command as MediaCommand;
use tipring_rtp::Learning;
use tipring_sip::agent::Datagram;
use tipring_sip::message::Transport;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};

use crate::cdr::CdrFile;
use crate::clock::Clock;
use crate::resolver;
use crate::rtp_io::{RtpIo, RtpOrder, RtpSockets};
use crate::streams::{self, Report, Streams, What};
use crate::watch::Watch;
use crate::{Notice, Request};

/// One card, as signalling knows it.
pub(crate) struct CardPort {
    pub(crate) name: String,
    pub(crate) inputs: Sender<ToCard>,
    pub(crate) outputs: Receiver<CardOutput>,
    /// Whether it answers.
    pub(crate) up: bool,
}

/// A received SIP datagram.
pub(crate) struct Received {
    local: SocketAddr,
    remote: SocketAddr,
    bytes: Vec<u8>,
}

/// Everything that the signalling task owns.
pub(crate) struct Signalling {
    pub(crate) clock: Clock,
    pub(crate) gateway: Gateway,
    pub(crate) sockets: Vec<(SocketAddr, Arc<UdpSocket>)>,
    pub(crate) inbox: mpsc::Receiver<Received>,
    pub(crate) streams: Streams,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) resolver: resolver::Resolver,
    pub(crate) resolved: (mpsc::Sender<resolver::Answer>, mpsc::Receiver<resolver::Answer>),
    pub(crate) cards: Vec<CardPort>,
    pub(crate) media: ControlEnd,
    pub(crate) rtp: RtpIo,
    pub(crate) cdr: Option<CdrFile>,
    pub(crate) notify: Arc<Notify>,
    pub(crate) watch: Watch,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) notices: Box<dyn FnMut(Notice) + Send>,
    pub(crate) waiting: VecDeque<MediaCommand>,
    pub(crate) ready: bool,
    /// Where nothing could be sent to the last time: that is said once.
    pub(crate) unsendable: Option<SocketAddr>,
    pub(crate) leaving: Leaving,
}

/// How far the gateway is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It stays.
    No,
    /// It takes no new calls, and ends those that are left at this time.
    Draining(Instant),
    /// All calls are being ended: their peers answer, their streams report, their records are written. It leaves at this
    /// time at the latest.
    Ending(Instant),
}

/// How long peers may take to agree to the end of their calls.
const ENDING: Duration = Duration::from_secs(2);

/// Cards that have not answered after this time are not waited for any longer.
const CARDS_PATIENCE: Duration = Duration::from_secs(10);

/// Datagrams that may wait for the signalling task.
pub(crate) const INBOX: usize = 2048;
/// Media commands that may wait for a full ring.
const WAITING: usize = 4096;

impl Signalling {
    /// Runs until the process is asked to leave and every call is over, or its patience is.
    pub(crate) async fn run(mut self) {
        let start = self.clock.now();
        self.drain_outputs();
        loop {
            self.say_ready(start);
            let deadline = self.deadline();
            tokio::select! {
                biased;
                request = self.requests.recv() => {
                    if self.requested(request) { return }
                }
                () = self.notify.notified() => self.drain_threads(),
                // Few, and asked for: they do not wait behind a flood.
                answer = self.resolved.1.recv() => {
                    if let Some(answer) = answer {
                        let resolver::Answer { question, answer } = answer;
                        self.gateway.handle_dns_answer(self.clock.now(), &question, &answer);
                    }
                }
                arrival = arrival(&mut self.inbox, &mut self.reports) => match arrival {
                    Arrival::Datagram(received) => self.received(&received),
                    Arrival::Report(report) => self.reported(report),
                },
                () = tokio::time::sleep(deadline) => {}
            }
            let now = self.clock.now();
            self.miss_threads(now);
            if self.gateway.poll_timeout().is_some_and(|at| at <= now) {
                self.gateway.handle_timeout(now);
            }
            self.drain_outputs();
            if self.may_leave(now) {
                return;
            }
        }
    }

    /// Where SIP is served.
    pub(crate) fn addresses(&self) -> Vec<(Transport, SocketAddr)> {
        self.gateway.config().sip.listen.clone()
    }

    fn deadline(&self) -> Duration {
        let longest = Duration::from_secs(1);
        let until = self.gateway.poll_timeout().map_or(longest, |at| self.clock.until(at));
        // tokio's clock counts in milliseconds; half of one early would spin.
        until.min(longest)
    }

    /// Ready is said once: when every card has answered, which puts its lines in service, or after [`CARDS_PATIENCE`].
    fn say_ready(&mut self, start: Instant) {
        if self.ready {
            return;
        }
        let missing: Vec<&str> =
            self.cards.iter().filter(|card| !card.up).map(|card| card.name.as_str()).collect();
        if missing.is_empty() || self.clock.now() - start >= CARDS_PATIENCE {
            if !missing.is_empty() {
                let cards = missing.join(", ");
                tracing::warn!(cards, "ready without these cards: they do not answer");
            }
            self.ready = true;
            let sip = self.addresses();
            let lines = self.gateway.audit().lines_in_service;
            (self.notices)(Notice::Ready { sip, lines });
        }
    }

    fn requested(&mut self, request: Option<Request>) -> bool {
        let now = self.clock.now();
        match request {
            Some(Request::Drain { patience }) => {
                self.gateway.drain();
                self.leaving = Leaving::Draining(now + patience);
                false
            }
            Some(Request::Stop) => {
                self.end(now);
                false
            }
            Some(Request::Reload(config)) => {
                self.gateway.reload(*config);
                false
            }
            Some(Request::Tls(tls)) => {
                self.streams.set_tls(*tls);
                false
            }
            Some(Request::Audit(answer)) => {
                let _ = answer.send(self.gateway.audit());
                false
            }
            None => true,
        }
    }

    /// Without one of its threads the gateway ends its calls and leaves.
    fn miss_threads(&mut self, now: Instant) {
        if let Some(thread) = self.watch.lost()
            && !matches!(self.leaving, Leaving::Ending(_))
        {
            tracing::error!(thread, "a thread has failed: the gateway leaves");
            self.end(now);
        }
    }

    fn end(&mut self, now: Instant) {
        self.gateway.shut_down(now);
        self.drain_outputs();
        self.leaving = Leaving::Ending(now + ENDING);
    }

    fn may_leave(&mut self, now: Instant) -> bool {
        if self.leaving == Leaving::No {
            return false;
        }
        let audit = self.gateway.audit();
        let rests = audit.calls + audit.closing + audit.legs == 0;
        match self.leaving {
            Leaving::No => false,
            Leaving::Draining(until) => {
                if rests || now >= until {
                    self.end(now);
                }
                false
            }
            Leaving::Ending(until) if (rests && audit.sip.registrations == 0) || now >= until => {
                // Nothing but zeros here, or something was left behind.
                tracing::info!(
                    calls = audit.calls + audit.closing,
                    legs = audit.legs,
                    streams = audit.streams,
                    rtp_ports = audit.rtp_ports,
                    lines_in_use = audit.lines_in_use,
                    unsettled = audit.unsettled,
                    "leaving"
                );
                true
            }
            Leaving::Ending(_) => false,
        }
    }

    fn received(&mut self, received: &Received) {
        let datagram = Datagram {
            transport: Transport::Udp,
            local: received.local,
            remote: received.remote,
            bytes: &received.bytes,
        };
        self.gateway.handle_datagram(self.clock.now(), datagram);
    }

    fn reported(&mut self, report: Report) {
        let now = self.clock.now();
        match report {
            Report::Accepted { transport, local, remote, socket } => {
                match self.gateway.accept(now, transport, local, remote) {
                    Some(flow) => self.streams.adopt(flow, transport, socket),
                    None => tracing::debug!(%transport, %remote, "connection refused: no room"),
                }
            }
            Report::Flow { flow, what } => {
                let input = match &what {
                    What::Connected => FlowInput::Connected,
                    What::Established(names) => FlowInput::Established(names.clone()),
                    What::Bytes(bytes) => FlowInput::Bytes(bytes),
                    What::Begun => FlowInput::Begun,
                    What::Message(bytes) => FlowInput::Message(bytes),
                    What::Pong => FlowInput::Pong,
                    What::Sent(octets) => FlowInput::Sent(*octets),
                    What::Finished => FlowInput::Finished,
                    What::Ended => FlowInput::Ended,
                    What::Failed(reason) => {
                        tracing::info!(%flow, reason, "connection failed");
                        FlowInput::Failed
                    }
                };
                if matches!(input, FlowInput::Ended | FlowInput::Failed) {
                    self.streams.forget(flow);
                }
                self.gateway.handle_flow(now, flow, input);
            }
        }
    }

    fn drain_threads(&mut self) {
        for at in 0..self.cards.len() {
            let card = CardId(u8::try_from(at).expect("the configuration has at most 256 cards"));
            loop {
                let CardOutput { at: when, output } = match self.cards[at].outputs.try_recv() {
                    Ok(output) => output,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.watch.lose(&format!("card-{}", self.cards[at].name));
                        break;
                    }
                };
                if let Some(input) = card_input(output) {
                    match input {
                        CardInput::Up(_) => self.cards[at].up = true,
                        CardInput::Down { .. } => self.cards[at].up = false,
                        CardInput::Event { .. } => {}
                    }
                    self.gateway.handle_card(when.max(self.clock.now()), card, input);
                    self.drain_outputs();
                }
            }
        }
        while let Some(event) = self.media.poll_event() {
            self.gateway.handle_media(self.clock.now(), event);
        }
        self.media.collect_garbage();
        self.flush_media();
    }

    fn drain_outputs(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            self.carry_out(output);
        }
        self.flush_media();
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Datagram { transport, local, remote, bytes } => {
                self.send(transport, local, remote, &bytes);
            }
            Output::Flow(order) => {
                if let Err(flow) = self.streams.obey(order) {
                    self.gateway.handle_flow(self.clock.now(), flow, FlowInput::Failed);
                }
            }
            Output::Card { card, port, command } => {
                let Some(to) = self.cards.get(usize::from(card.0)) else { return };
                if let Err(TrySendError::Full(_)) = to.inputs.try_send(ToCard { port, command }) {
                    tracing::error!(%card, "card command dropped: its thread is stuck");
                }
            }
            Output::Media(command) => {
                if self.waiting.len() < WAITING {
                    self.waiting.push_back(command);
                } else {
                    tracing::error!("media command dropped: the media thread is stuck");
                }
            }
            Output::OpenRtp { termination, local, port } => match RtpSockets::bind(local, port) {
                Ok(sockets) => self.tell_rtp(RtpOrder::Open(termination, sockets)),
                Err(error) => {
                    tracing::warn!(port, %error, "RTP port not available");
                    self.gateway.handle_rtp_unavailable(self.clock.now(), termination);
                }
            },
            Output::RtpPeer { termination, rtp, rtcp, behind_nat } => {
                let learning = if behind_nat { Learning::AnyHost } else { Learning::SameHost };
                self.tell_rtp(RtpOrder::Peer { termination, rtp, rtcp, learning });
            }
            Output::CloseRtp { termination } => self.tell_rtp(RtpOrder::Close(termination)),
            Output::Ask(question) => self.resolver.ask(question, self.resolved.0.clone()),
            Output::Ended(ended) => {
                if let Some(cdr) = &mut self.cdr {
                    let record = ended.cdr.record(self.clock.wall());
                    match serde_json::to_string(&record) {
                        Ok(line) => cdr.write(line),
                        Err(error) => tracing::error!(%error, "call record not written"),
                    }
                }
                (self.notices)(Notice::Ended(ended));
            }
        }
    }

    fn send(&mut self, transport: Transport, local: SocketAddr, remote: SocketAddr, bytes: &[u8]) {
        let Some((_, socket)) = self.sockets.iter().find(|(own, _)| *own == local) else { return };
        match socket.try_send_to(bytes, remote) {
            Ok(_) => self.unsendable = self.unsendable.filter(|last| *last != remote),
            // As good as lost on the way: its transaction sends it again.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // What can never arrive fails at once.
            Err(error) => {
                if self.unsendable.replace(remote) == Some(remote) {
                    tracing::debug!(%remote, %error, "SIP cannot be sent");
                } else {
                    tracing::warn!(%remote, %error, "SIP cannot be sent");
                }
                self.gateway.handle_send_error(self.clock.now(), transport, local, remote);
            }
        }
    }

    fn flush_media(&mut self) {
        while let Some(command) = self.waiting.pop_front() {
            if let Err(command) = self.media.send(command) {
                self.waiting.push_front(command);
                return;
            }
        }
    }

    fn tell_rtp(&self, order: RtpOrder) {
        if self.rtp.orders.try_send(order).is_err() {
            tracing::error!("RTP order dropped: the RTP thread is stuck");
        }
        self.rtp.thread.unpark();
    }
}

/// What came from the network.
enum Arrival {
    Datagram(Received),
    Report(Report),
}

/// The next of either kind; none has to wait for the other.
async fn arrival(
    datagrams: &mut mpsc::Receiver<Received>,
    reports: &mut mpsc::Receiver<Report>,
) -> Arrival {
    tokio::select! {
        Some(received) = datagrams.recv() => Arrival::Datagram(received),
        Some(report) = reports.recv() => Arrival::Report(report),
        else => std::future::pending().await,
    }
}

fn card_input(output: LinkOutput) -> Option<CardInput> {
    Some(match output {
        LinkOutput::Up(descriptor) => CardInput::Up(descriptor),
        LinkOutput::Down(reason) => CardInput::Down { reason: reason.to_string() },
        LinkOutput::Event { port, event, .. } => CardInput::Event { port, event },
        // The card thread has logged these.
        LinkOutput::Fault(_) | LinkOutput::Refused { .. } | LinkOutput::Quarantined => return None,
    })
}

/// Opens a SIP socket and starts to read it. The address returned is the one in use (port 0 is filled in).
pub(crate) fn listen(
    address: SocketAddr,
    inbox: mpsc::Sender<Received>,
) -> std::io::Result<(SocketAddr, Arc<UdpSocket>)> {
    let socket = Arc::new(streams::bind_datagrams(address)?);
    let local = socket.local_addr()?;
    let reader = Arc::clone(&socket);
    tokio::task::spawn_local(async move {
        let mut buffer = vec![0u8; 65_536];
        loop {
            // An error here is an ICMP message about an earlier datagram; the socket goes on.
            let Ok((len, remote)) = reader.recv_from(&mut buffer).await else { continue };
            let bytes = buffer.get(..len).unwrap_or_default().to_vec();
            if inbox.send(Received { local, remote, bytes }).await.is_err() {
                return;
            }
        }
    });
    Ok((local, socket))
}

/// The address that peers reach us at when we listen on all: that of the interface with the default route.
pub fn reachable_address(listen: IpAddr) -> Option<IpAddr> {
    if !listen.is_unspecified() {
        return Some(listen);
    }
    // Connecting a UDP socket sends nothing; it asks the routing table. The addresses are documentation ones.
    let (bind, probe): (IpAddr, IpAddr) = if listen.is_ipv4() {
        (listen, Ipv4Addr::new(192, 0, 2, 1).into())
    } else {
        (listen, Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
    };
    let socket = std::net::UdpSocket::bind((bind, 0)).ok()?;
    socket.connect((probe, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Chance that nobody can foresee, from the operating system.
pub(crate) fn chance() -> Rng {
    let mut key = [0; 32];
    getrandom::fill(&mut key).expect("the operating system has a generator");
    Rng::from_key(key)
}
