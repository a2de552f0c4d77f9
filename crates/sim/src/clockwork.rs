//! What happens at one instant: everything that is due, until nothing is.
//!
//! ```text
//!  cards ─► gateway ─► engine tick ─► RTP ─► network ─► agents, gateway ─► again while anything moved
//! ```

use tipring_core::{CardId, Instant, TerminationId};
use tipring_gateway::config::Transport;
use tipring_gateway::{CardInput, Datagram, Domain, FlowInput, FlowOrder, Output};
use tipring_media::Engine;
use tipring_media::control;
use tipring_rtp::Learning;

use crate::agent::Agent;
use crate::card::{Card, Said};
use crate::net::Parcel;
use crate::site::GATEWAY;
use crate::streams::{Arrival, ToGateway};
use crate::world::World;

impl World {
    pub(crate) fn next_deadline(&self) -> Instant {
        let media = self.ticked + Engine::PATIENCE;
        let others =
            [self.gateway.poll_timeout(), self.net.poll_timeout(), self.streams.poll_timeout()];
        let others = others.into_iter().flatten();
        let cards = self.cards.iter().map(Card::poll_timeout);
        let agents = self.agents.iter().filter_map(Agent::poll_timeout);
        others.chain(cards).chain(agents).chain(self.dns.poll_timeout()).fold(media, Instant::min)
    }

    /// Does everything that is due now.
    pub(crate) fn settle(&mut self) {
        let now = self.now;
        self.run_cards();
        self.tick();
        for _ in 0..64 {
            let mut busy = false;
            while let Some(parcel) = self.net.arrive(now) {
                busy = true;
                self.deliver(&parcel);
            }
            while let Some(arrival) = self.streams.arrive(now) {
                busy = true;
                self.deliver_stream(arrival);
            }
            for at in 0..self.agents.len() {
                if self.agents[at].poll_timeout().is_some_and(|due| due <= now) {
                    self.agents[at].handle_timeout(now);
                }
                while let Some(parcel) = self.agents[at].poll_transmit() {
                    self.post(at, parcel);
                }
            }
            if self.gateway.poll_timeout().is_some_and(|due| due <= now) {
                busy = true;
                self.gateway.handle_timeout(now);
            }
            while let Some((question, answer)) = self.dns.poll_answer(now) {
                busy = true;
                self.gateway.handle_dns_answer(now, &question, &answer);
            }
            busy |= self.obey();
            if !busy {
                return;
            }
        }
        panic!("the world does not come to rest at {now}");
    }

    fn run_cards(&mut self) {
        let mut said = Vec::new();
        for at in 0..self.cards.len() {
            self.cards[at].run(self.now, &mut said);
            for said in said.drain(..) {
                match said {
                    Said::ToGateway(input) => self.tell_gateway(at, input),
                    Said::AtPhone(port, event) => {
                        self.log(format!("card {at} port {port}: {event:?}"));
                        if let Some(diary) = self.diaries.get_mut(&(at, port)) {
                            diary.note(self.now, event);
                        }
                    }
                    Said::Log(text) => self.log(format!("card {at}: {text}")),
                }
            }
        }
        self.obey();
    }

    fn tell_gateway(&mut self, card: usize, input: CardInput) {
        match &input {
            CardInput::Up(_) => self.log(format!("card {card} up")),
            CardInput::Down { reason } => self.log(format!("card {card} down: {reason}")),
            CardInput::Event { .. } => {}
        }
        let card = CardId(u8::try_from(card).expect("few cards"));
        self.gateway.handle_card(self.now, card, input);
    }

    /// Ticks the engine for every block of the master, or by the clock where there is none.
    fn tick(&mut self) {
        let mut ticked = false;
        while self.engine.pending() > 0 {
            self.ticked = self.now;
            self.engine.tick(self.now);
            ticked = true;
        }
        // As the program's media thread: late once, then by absolute deadlines.
        while self.now >= self.ticked + Engine::PATIENCE {
            self.ticked += Engine::TICK;
            self.engine.tick(self.now);
            ticked = true;
        }
        if !ticked {
            return;
        }
        for card in &mut self.cards {
            card.give_blocks(self.now);
        }
        let Self { sockets, net, now, .. } = self;
        sockets.transmit(*now, |parcel| net.send(*now, parcel));
        while let Some(event) = self.control.poll_event() {
            if let control::Event::Refused { termination, refusal } = event {
                self.refused.push(format!("{termination}: {refusal:?}"));
            }
            self.gateway.handle_media(self.now, event);
        }
        self.obey();
    }

    fn deliver(&mut self, parcel: &Parcel) {
        if parcel.to == GATEWAY {
            let datagram = Datagram {
                transport: Transport::Udp,
                local: parcel.to,
                remote: parcel.from,
                bytes: &parcel.bytes,
            };
            self.gateway.handle_datagram(self.now, datagram);
        } else if parcel.to.ip() == GATEWAY.ip() {
            self.sockets.receive(self.now, parcel);
        } else if let Some(agent) = self.agents.iter_mut().find(|agent| {
            let rtcp = agent.rtp().port() + 1;
            parcel.to == agent.sip()
                || parcel.to.ip() == agent.rtp().ip()
                    && [agent.rtp().port(), rtcp].contains(&parcel.to.port())
        }) {
            agent.handle(self.now, parcel);
        }
    }

    /// Carries what an agent sends: over its connection, which is made if need be, or as a datagram.
    fn post(&mut self, at: usize, parcel: Parcel) {
        let (now, agent) = (self.now, &self.agents[at]);
        let transport = agent.transport;
        if transport == Transport::Udp || parcel.from != agent.sip() {
            return self.net.send(now, parcel);
        }
        let name = agent.name().to_owned();
        let flow = self.streams.of(&name).or_else(|| {
            let listen = &self.gateway.config().sip.listen;
            let local =
                listen.iter().find(|(own, _)| *own == transport).map(|(_, local)| *local)?;
            let remote = self.streams.address(parcel.from);
            let names = self.agents[at].proves.iter().map(|name| Domain::from(name.as_str()));
            let names: Vec<Domain> = names.collect();
            let flow = self.gateway.accept(now, transport, local, remote)?;
            self.streams.open(now, flow, transport, &name, None);
            self.gateway.handle_flow(now, flow, FlowInput::Established(names));
            Some(flow)
        });
        match flow {
            Some(flow) => self.streams.send(now, flow, parcel.bytes),
            None => self.log(format!("{name} cannot connect")),
        }
    }

    fn deliver_stream(&mut self, arrival: Arrival) {
        let now = self.now;
        match arrival {
            Arrival::Gateway(flow, what) => {
                let input = match &what {
                    ToGateway::Established(names) => FlowInput::Established(names.clone()),
                    ToGateway::Bytes(bytes) if self.streams.is_web_socket(flow) => {
                        FlowInput::Message(bytes)
                    }
                    ToGateway::Bytes(bytes) => FlowInput::Bytes(bytes),
                    ToGateway::Pong => FlowInput::Pong,
                    ToGateway::Read(octets) => FlowInput::Sent(*octets),
                    ToGateway::Ended => FlowInput::Ended,
                    ToGateway::Failed => FlowInput::Failed,
                };
                self.gateway.handle_flow(now, flow, input);
            }
            Arrival::Agent(name, bytes) => {
                let agent = self.agents.iter_mut().find(|agent| agent.name() == name);
                if let Some(agent) = agent {
                    let parcel = Parcel { from: GATEWAY, to: agent.sip(), bytes };
                    agent.handle(now, &parcel);
                }
            }
        }
    }

    /// The gateway connects to an agent that listens over that transport, and proves over TLS whom it is asked for.
    fn connect_or_obey(&mut self, order: FlowOrder) {
        let now = self.now;
        let FlowOrder::Connect { flow, transport, remote, domain, .. } = order else {
            return self.streams.obey(now, order);
        };
        let listens = |agent: &&Agent| {
            agent.sip() == remote && agent.transport == transport && !agent.switched_off
        };
        let Some(agent) = self.agents.iter().find(listens) else {
            return self.streams.refuse(now, flow);
        };
        let names: Vec<Domain> =
            agent.proves.iter().map(|name| Domain::from(name.as_str())).collect();
        let believed = !transport.is_secure() || domain.is_some_and(|name| names.contains(&name));
        if believed {
            self.streams.open(now, flow, transport, agent.name(), Some(names));
        } else {
            self.streams.refuse(now, flow);
        }
    }

    /// Does what the gateway wants; whether it wanted anything.
    fn obey(&mut self) -> bool {
        let now = self.now;
        let mut any = false;
        while let Some(output) = self.gateway.poll_output() {
            any = true;
            match output {
                Output::Datagram { local, remote, bytes, .. } => {
                    self.net.send(now, Parcel { from: local, to: remote, bytes });
                }
                Output::Flow(order) => self.connect_or_obey(order),
                Output::Card { card, port, command } => {
                    let card = &mut self.cards[usize::from(card.0)];
                    if let Err(error) = card.command(now, port, command) {
                        self.log(format!("{port} {command:?}: {error}"));
                    }
                }
                Output::Media(command) => self.orders.push_back(command),
                Output::OpenRtp { termination, port, .. } => self.open_rtp(termination, port),
                Output::RtpPeer { termination, rtp, rtcp, behind_nat } => {
                    let learning = if behind_nat { Learning::AnyHost } else { Learning::SameHost };
                    self.sockets.peer(now, termination, rtp, rtcp, learning);
                }
                Output::CloseRtp { termination } => self.sockets.close(now, termination),
                Output::Ask(question) => self.dns.ask(now, question),
                Output::Ended(ended) => self.ended.push(*ended),
            }
        }
        while let Some(command) = self.orders.pop_front() {
            if let Err(command) = self.control.send(command) {
                self.orders.push_front(command);
                break;
            }
        }
        any
    }

    fn open_rtp(&mut self, termination: TerminationId, port: u16) {
        if !self.sockets.open(termination, port) {
            self.gateway.handle_rtp_unavailable(self.now, termination);
        }
    }
}
