//! A card: the virtual card, its cable, and the host's link to it.

use tipring_bridge_proto::{LineCommand, PcmBlock};
use tipring_card::link::{Link, LinkConfig, LinkOutput};
use tipring_core::{Duration, Instant, PortNumber, Rng};
use tipring_gateway::CardInput;
use tipring_media::{CardBlock, CardEnd};
use tipring_virtual_card::{CardSpec, Happening, PhoneEvent, VirtualCard};

/// The host's card thread looks for a plugged card this often at worst.
const REOPEN: Duration = Duration::from_millis(500);

/// What comes out of a card's run.
#[derive(Debug)]
pub(crate) enum Said {
    ToGateway(CardInput),
    AtPhone(u8, PhoneEvent),
    Log(String),
}

pub(crate) struct Card {
    pub(crate) virtual_card: VirtualCard,
    pub(crate) link: Link,
    end: CardEnd,
    opens: Option<Instant>,
    bytes: Vec<u8>,
    /// Blocks that found a ring full.
    pub(crate) overflow: u64,
}

impl Card {
    pub(crate) fn new(spec: &CardSpec, rng: &mut Rng, end: CardEnd) -> Self {
        let config = LinkConfig { rng: rng.fork(), watchdog_ms: tipring_bridge_proto::WATCHDOG_MS };
        Self {
            virtual_card: VirtualCard::new(spec, rng.next_u64()),
            link: Link::new(config),
            end,
            opens: Some(Instant::ZERO),
            bytes: Vec::new(),
            overflow: 0,
        }
    }

    pub(crate) fn unplug(&mut self, now: Instant) {
        self.virtual_card.unplug();
        self.link.handle_closed(now);
        self.opens = None;
    }

    pub(crate) fn plug(&mut self, now: Instant) {
        self.virtual_card.plug();
        self.opens = Some(now + REOPEN);
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        let step = Instant::from_micros(self.virtual_card.poll_timeout());
        [self.link.poll_timeout(), self.opens].into_iter().flatten().fold(step, Instant::min)
    }

    /// Time has come to `now`: the card's steps, the link's timers, the bytes between them.
    pub(crate) fn run(&mut self, now: Instant, out: &mut Vec<Said>) {
        self.virtual_card.advance(now.as_micros());
        if self.opens.is_some_and(|at| at <= now) {
            self.opens = None;
            self.link.handle_opened(now);
        }
        self.link.handle_timeout(now);
        self.exchange(now);
        while let Some(block) = self.link.poll_pcm() {
            self.overflow += u64::from(self.end.up.push(up_block(&block)).is_err());
        }
        while let Some(output) = self.link.poll_output() {
            out.push(match output {
                LinkOutput::Up(card) => Said::ToGateway(CardInput::Up(card)),
                LinkOutput::Down(reason) => {
                    Said::ToGateway(CardInput::Down { reason: reason.to_string() })
                }
                LinkOutput::Event { port, event, .. } => {
                    Said::ToGateway(CardInput::Event { port, event })
                }
                other => Said::Log(format!("{other:?}")),
            });
        }
        while let Some(event) = self.virtual_card.poll_event() {
            match event.happening {
                Happening::Phone { port, event } => out.push(Said::AtPhone(port, event)),
                Happening::Host { connected } => out.push(Said::Log(format!("host {connected}"))),
            }
        }
    }

    /// Takes the engine's blocks down to the card.
    pub(crate) fn give_blocks(&mut self, now: Instant) {
        let mut any = false;
        while let Some(block) = self.end.down.pop() {
            any = true;
            self.link.send_pcm(now, &down_block(&block));
        }
        if any {
            self.exchange(now);
        }
    }

    pub(crate) fn command(
        &mut self,
        now: Instant,
        port: PortNumber,
        command: LineCommand,
    ) -> Result<(), String> {
        self.link.send_command(now, port, command).map_err(|error| error.to_string())?;
        self.exchange(now);
        Ok(())
    }

    /// Moves bytes both ways until there are none.
    fn exchange(&mut self, now: Instant) {
        for _ in 0..64 {
            self.bytes.clear();
            while self.link.poll_transmit(&mut self.bytes).is_some() {}
            let down = !self.bytes.is_empty();
            if down {
                self.virtual_card.handle_bytes(&self.bytes);
            }
            self.bytes.clear();
            if self.virtual_card.poll_transmit(&mut self.bytes) > 0 {
                self.link.handle_bytes(now, &self.bytes);
            } else if !down {
                return;
            }
        }
    }

    /// Octets that no card would send.
    pub(crate) fn garbage(&mut self, now: Instant, bytes: &[u8]) {
        self.link.handle_bytes(now, bytes);
    }
}

fn up_block(block: &PcmBlock) -> CardBlock {
    CardBlock {
        clock: block.clock,
        channels: block.channels,
        fill: block.fill,
        underruns: block.underruns,
        missing: block.missing,
        octets: block.octets,
    }
}

fn down_block(block: &CardBlock) -> PcmBlock {
    PcmBlock {
        clock: block.clock,
        channels: block.channels,
        fill: block.fill,
        underruns: block.underruns,
        missing: block.missing,
        octets: block.octets,
    }
}
