//! What a channel costs: `Engine::tick` with every channel of a card joined with an RTP stream, 20 ms packets both ways.
//!
//! The throughput's elements are channels, so the time of one element is the cost of one channel for 5 ms of real time.
//! Engines of 120 channels each, as a card has at most 128. Only the ticks are timed, not the feeding.

use std::time::{Duration, Instant as Clock};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tipring_core::{CardId, ContextId, Instant, Rng, TerminationId};
use tipring_dsp::g711::Law;
use tipring_media::control::{Command, RtpFormat, RtpParams};
use tipring_media::{CardBlock, Engine, EngineConfig, EngineHandle};
use tipring_rtp::rtcp::Cname;

/// Channels of one engine.
const SHARD: u32 = 120;

/// An engine whose streams send to each other, in pairs.
struct Shard {
    engine: Engine,
    handle: EngineHandle,
    channels: u32,
    rng: Rng,
    up: CardBlock,
    now: Instant,
}

impl Shard {
    fn new(channels: u32, detect: bool) -> Self {
        let config = EngineConfig { datagrams: 4096, ..EngineConfig::default() };
        let (engine, mut handle) = Engine::new(config);
        let mut rng = Rng::new(1);
        let cname = Cname::new("bench");
        for call in 0..channels {
            let (a, b) = (TerminationId(call), TerminationId(1000 + call));
            let format = RtpFormat::g711(Law::Mu, Some(101));
            let ssrc = rng.next_u32();
            let params = RtpParams { format, ssrc, sequence: 0, timestamp: 0, cname };
            let (card, channel) = (CardId(0), call as u8);
            for command in [
                Command::AddCardChannel { termination: a, card, channel, law: Law::Mu, echo: None },
                Command::AddRtp { termination: b, params },
                Command::Join { context: ContextId(call), a, b },
                Command::DetectDigits { termination: a, on: detect, mute: true },
            ] {
                handle.control.send(command).expect("the ring has room");
            }
        }
        let up = CardBlock { channels: channels as u16, ..CardBlock::SILENCE };
        let mut shard = Self { engine, handle, channels, rng, up, now: Instant::from_millis(1) };
        // Past the jitter buffers' first fill.
        (0..200).for_each(|_| {
            shard.tick();
        });
        shard
    }

    /// Feeds the engine and ticks it; how long the tick took.
    #[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    fn tick(&mut self) -> Duration {
        self.up.clock = self.up.clock.wrapping_add(40);
        let filled = self.channels as usize * 40;
        for octets in self.up.octets[..filled].chunks_exact_mut(8) {
            // Noise with a telephone's level: the quieter half of the code.
            octets.copy_from_slice(&(self.rng.next_u64() | 0x4040_4040_4040_4040).to_le_bytes());
        }
        assert!(self.handle.cards[0].up.push(self.up).is_ok());
        let begun = Clock::now();
        self.engine.tick(self.now);
        let took = begun.elapsed();
        while self.handle.cards[0].down.pop().is_some() {}
        while self.handle.control.poll_event().is_some() {}
        while let Some(slot) = self.handle.rtp.pop() {
            let to = TerminationId(1000 + ((slot.termination.0 - 1000) ^ 1));
            self.handle.rtp.push(to, self.now, slot.rtcp, slot.datagram());
        }
        self.now += Duration::from_millis(5);
        took
    }
}

fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("tick");
    for channels in [30, 240] {
        group.throughput(Throughput::Elements(u64::from(channels)));
        for (name, detect) in [("plain", false), ("dtmf", true)] {
            let sizes = (0..channels).step_by(SHARD as usize).map(|at| SHARD.min(channels - at));
            let mut shards: Vec<_> = sizes.map(|n| Shard::new(n, detect)).collect();
            group.bench_function(BenchmarkId::new(name, channels), |bencher| {
                bencher.iter_custom(|ticks| {
                    (0..ticks).map(|_| shards.iter_mut().map(Shard::tick).sum::<Duration>()).sum()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
