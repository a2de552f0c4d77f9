//! One card, one thread: the shell around a [`Link`].
//!
//! ```text
//!  device ──► reader ──bytes──► card thread (Link) ──ring of PcmBlock──► media      (wake_media)
//!    ▲                           │  ▲   ▲       └──channel of CardOutput─► signalling (wake_signalling)
//!    └─────── writer ◄──bounded──┘  │   └──channel of CardInput────────── signalling
//!                                   └──────ring of PcmBlock────────────── media      (CardAudio::flush)
//! ```
//!
//! Reader and writer are threads of their own, because a tty's write may block for as long as the
//! other end pleases, and two ends that both block in writing never read again. When the writer
//! falls behind, audio is dropped before it. End of file, EIO, ENODEV, broken pipe, hang-up are one
//! thing: the device is gone, and is opened anew.
#![allow(clippy::disallowed_methods)] // The one place of this crate with a clock.

mod device;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant as Clock;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd};
use tipring_bridge_proto::{Descriptor, LineCommand, PcmBlock, PortKind};
use tipring_core::{Duration, Instant, PortNumber, Rng};
use tracing::{debug, info, warn};

use crate::{Link, LinkConfig, LinkCounters, LinkOutput, Transmit};

pub use device::Device;
use device::Stream;

/// How a card thread is set up.
pub struct CardThreadConfig {
    /// The card's name in the configuration; names the thread too.
    pub name: String,
    /// Where it is attached.
    pub device: Device,
    /// Real time at [`Instant::ZERO`]; all threads of the process share it.
    pub origin: Clock,
    /// Seed of the session numbers.
    pub rng: Rng,
    /// See [`LinkConfig::watchdog_ms`].
    pub watchdog_ms: u16,
    /// Called after each block of audio that was put into [`CardAudio::up`].
    pub wake_media: Box<dyn Fn() + Send>,
    /// Called after something was put into [`CardHandle::outputs`].
    pub wake_signalling: Box<dyn Fn() + Send>,
}

/// The far ends of a card thread. The thread ends when `inputs` is dropped.
pub struct CardHandle {
    /// Commands to ports. Discarded while the card is down.
    pub inputs: Sender<CardInput>,
    /// What the link says.
    pub outputs: Receiver<CardOutput>,
    /// Audio, for the media thread.
    pub audio: CardAudio,
    /// Counters of the link, at most 1 s old.
    pub counters: CardCounters,
}

/// The media thread's ends.
pub struct CardAudio {
    /// Blocks from the card, oldest first.
    pub up: HeapCons<PcmBlock>,
    /// Blocks to the card.
    pub down: HeapProd<PcmBlock>,
    flush: Sender<()>,
}

impl CardAudio {
    /// Tells the card thread that blocks were pushed to `down`. A system call at most; never
    /// blocks.
    pub fn flush(&self) {
        // Full means that it was told already.
        let _ = self.flush.try_send(());
    }
}

/// A view of a link's counters.
#[derive(Clone, Default)]
pub struct CardCounters(Arc<Mutex<LinkCounters>>);

impl CardCounters {
    /// The latest snapshot.
    pub fn snapshot(&self) -> LinkCounters {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, counters: LinkCounters) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counters;
    }
}

/// What signalling asks of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardInput {
    /// The port.
    pub port: PortNumber,
    /// What it shall do.
    pub command: LineCommand,
}

/// What a card thread tells signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOutput {
    /// When it was known.
    pub at: Instant,
    /// What happened.
    pub output: LinkOutput,
}

/// Starts the thread of a card. Fails when the operating system has no thread to give.
pub fn spawn(config: CardThreadConfig) -> std::io::Result<CardHandle> {
    let (inputs, input_ends) = bounded(QUEUE);
    let (output_ends, outputs) = bounded(QUEUE);
    let (flush, flushed) = bounded(1);
    let (up_in, up) = HeapRb::<PcmBlock>::new(RING_BLOCKS).split();
    let (down, down_out) = HeapRb::<PcmBlock>::new(RING_BLOCKS).split();
    let counters = CardCounters::default();
    let thread_name = format!("card-{}", config.name);
    let card = CardThread {
        name: config.name,
        origin: config.origin,
        link: Link::new(LinkConfig { rng: config.rng, watchdog_ms: config.watchdog_ms }),
        inputs: input_ends,
        outputs: output_ends,
        flushed,
        up: up_in,
        down: down_out,
        wake_media: config.wake_media,
        wake_signalling: config.wake_signalling,
        counters: counters.clone(),
        counted_at: Instant::ZERO,
        up_overflow: 0,
    };
    let device = config.device;
    thread::Builder::new().name(thread_name).spawn(move || card.run(&device))?;
    Ok(CardHandle { inputs, outputs, audio: CardAudio { up, down, flush }, counters })
}

struct CardThread {
    name: String,
    origin: Clock,
    link: Link,
    inputs: Receiver<CardInput>,
    outputs: Sender<CardOutput>,
    flushed: Receiver<()>,
    up: HeapProd<PcmBlock>,
    down: HeapCons<PcmBlock>,
    wake_media: Box<dyn Fn() + Send>,
    wake_signalling: Box<dyn Fn() + Send>,
    counters: CardCounters,
    counted_at: Instant,
    /// Blocks that found the ring to the media thread full.
    up_overflow: u32,
}

/// Nobody holds the handle any more.
struct Abandoned;

/// From the reader and the writer.
enum FromDevice {
    Octets(Vec<u8>),
    Gone(std::io::Error),
}

impl CardThread {
    fn run(mut self, device: &Device) {
        let mut wait = BACKOFF_MIN;
        let mut complained = false;
        loop {
            match device.open(wait) {
                Ok(stream) => {
                    (wait, complained) = (BACKOFF_MIN, false);
                    debug!(card = %self.name, %device, "device opened");
                    if let Err(Abandoned) = self.serve(stream) {
                        return;
                    }
                }
                Err(error) if complained => debug!(card = %self.name, %device, %error, "absent"),
                Err(error) => {
                    complained = true;
                    warn!(card = %self.name, %device, %error, "card absent, will keep trying");
                }
            }
            if self.rest(wait).is_err() {
                return;
            }
            wait = (wait * 2).min(BACKOFF_MAX);
        }
    }

    /// Waits; commands that come meanwhile have no card to go to.
    fn rest(&self, wait: Duration) -> Result<(), Abandoned> {
        let until = Clock::now() + wait;
        loop {
            match self.inputs.recv_deadline(until) {
                Ok(CardInput { port, command }) => {
                    debug!(card = %self.name, %port, ?command, "card absent, command discarded");
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Abandoned),
            }
        }
    }

    /// Runs the link on an open stream until it is gone.
    fn serve(&mut self, stream: Stream) -> Result<(), Abandoned> {
        let (from_device, octets) = bounded(READS);
        let (to_device, writes) = bounded::<Vec<u8>>(WRITES);
        let stop = Arc::new(AtomicBool::new(false));
        let halves = stream.try_clone().and_then(|second| {
            let reader = self.spawn_reader(stream, from_device.clone(), stop.clone())?;
            self.spawn_writer(second, writes, from_device, stop.clone())?;
            Ok(reader)
        });
        let reader = match halves {
            Ok(reader) => reader,
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                warn!(card = %self.name, %error, "cannot use the device");
                return Ok(());
            }
        };
        self.link.handle_opened(self.now());
        let end = loop {
            let turn = self.turn(&octets);
            self.hand_over(&to_device);
            match turn {
                Ok(None) => {}
                Ok(Some(error)) => break Ok(error),
                Err(Abandoned) => break Err(Abandoned),
            }
        };
        stop.store(true, Ordering::Relaxed);
        drop(to_device);
        // So that a reader that waits to hand over octets ends too.
        drop(octets);
        self.link.handle_closed(self.now());
        self.hand_over_outputs();
        // The writer may sit in a write that the other end holds up; it ends with it.
        if reader.join().is_err() {
            warn!(card = %self.name, "the reader has panicked");
        }
        end.map(|error| debug!(card = %self.name, %error, "device gone"))
    }

    /// Waits for one thing and takes all that is there. Octets come before timers: what has arrived
    /// has arrived in time.
    fn turn(&mut self, octets: &Receiver<FromDevice>) -> Result<Option<std::io::Error>, Abandoned> {
        let now = self.now();
        let deadline = self.link.poll_timeout().unwrap_or(now + IDLE);
        let mut gone = None;
        let mut abandoned = false;
        select! {
            recv(octets) -> message => match message {
                Ok(message) => gone = self.take(message),
                Err(_) => gone = Some(std::io::ErrorKind::BrokenPipe.into()),
            },
            recv(self.inputs) -> input => match input {
                Ok(input) => self.command(input),
                Err(_) => abandoned = true,
            },
            recv(self.flushed) -> _ => {}
            default(deadline.since(now)) => {}
        }
        while gone.is_none()
            && let Ok(message) = octets.try_recv()
        {
            gone = self.take(message);
        }
        while let Ok(input) = self.inputs.try_recv() {
            self.command(input);
        }
        let now = self.now();
        while let Some(block) = self.down.try_pop() {
            self.link.send_pcm(now, &block);
        }
        self.link.handle_timeout(now);
        if abandoned { Err(Abandoned) } else { Ok(gone) }
    }

    fn take(&mut self, message: FromDevice) -> Option<std::io::Error> {
        match message {
            FromDevice::Octets(octets) => {
                self.link.handle_bytes(self.now(), &octets);
                self.hand_over_audio();
                None
            }
            FromDevice::Gone(error) => Some(error),
        }
    }

    fn command(&mut self, CardInput { port, command }: CardInput) {
        if let Err(error) = self.link.send_command(self.now(), port, command) {
            debug!(card = %self.name, %port, ?command, %error, "command discarded");
        }
    }

    fn hand_over(&mut self, to_device: &Sender<Vec<u8>>) {
        self.hand_over_audio();
        self.hand_over_outputs();
        loop {
            let mut octets = Vec::new();
            let Some(kind) = self.link.poll_transmit(&mut octets) else { break };
            if kind == Transmit::Audio && to_device.len() >= WRITES_BEFORE_AUDIO_DROPS {
                continue;
            }
            // A full queue means a device that takes nothing: what matters is sent again by the
            // link.
            let _ = to_device.try_send(octets);
        }
        let now = self.now();
        if now.since(self.counted_at) >= COUNTERS {
            self.counted_at = now;
            self.counters.set(self.link.counters());
        }
    }

    fn hand_over_audio(&mut self) {
        while let Some(mut block) = self.link.poll_pcm() {
            block.missing = block.missing.saturating_add(self.up_overflow);
            match self.up.try_push(block) {
                Ok(()) => self.up_overflow = 0,
                Err(_) => self.up_overflow = self.up_overflow.saturating_add(1),
            }
            (self.wake_media)();
        }
    }

    fn hand_over_outputs(&mut self) {
        let at = self.now();
        let mut any = false;
        // A full queue is not drained into: the link then takes no more events, and the card keeps
        // them.
        while !self.outputs.is_full()
            && let Some(output) = self.link.poll_output()
        {
            self.report(&output);
            any |= self.outputs.try_send(CardOutput { at, output }).is_ok();
        }
        if any {
            self.counters.set(self.link.counters());
            (self.wake_signalling)();
        }
    }

    fn report(&self, output: &LinkOutput) {
        let card = &self.name;
        match output {
            LinkOutput::Up(descriptor) => info!(
                %card,
                serial = %descriptor.serial().collect::<String>(),
                build = %descriptor.build().collect::<String>(),
                ports = %ports(descriptor),
                "card up"
            ),
            LinkOutput::Down(reason) => info!(%card, %reason, "card lost"),
            LinkOutput::Refused { major, minor } => {
                warn!(%card, "card refused: it speaks protocol {major}.{minor}");
            }
            LinkOutput::Quarantined => warn!(%card, "card quarantined: three resets within 60 s"),
            LinkOutput::Fault(fault) => warn!(%card, ?fault, "card fault"),
            LinkOutput::Event { port, clock, event } => {
                debug!(%card, %port, clock, ?event, "event");
            }
        }
    }

    fn spawn_reader(
        &self,
        mut stream: Stream,
        to_card: Sender<FromDevice>,
        stop: Arc<AtomicBool>,
    ) -> std::io::Result<thread::JoinHandle<()>> {
        thread::Builder::new().name(format!("card-{}-rx", self.name)).spawn(move || {
            let mut buffer = [0; READ_OCTETS];
            while !stop.load(Ordering::Relaxed) {
                let message = match stream.read(&mut buffer) {
                    Ok(Some(octets)) => FromDevice::Octets(octets.to_vec()),
                    Ok(None) => continue,
                    Err(error) => FromDevice::Gone(error),
                };
                let gone = matches!(message, FromDevice::Gone(_));
                if to_card.send(message).is_err() || gone {
                    return;
                }
            }
        })
    }

    fn spawn_writer(
        &self,
        mut stream: Stream,
        writes: Receiver<Vec<u8>>,
        to_card: Sender<FromDevice>,
        stop: Arc<AtomicBool>,
    ) -> std::io::Result<()> {
        thread::Builder::new().name(format!("card-{}-tx", self.name)).spawn(move || {
            for octets in writes {
                let mut rest = octets.as_slice();
                while !rest.is_empty() && !stop.load(Ordering::Relaxed) {
                    match stream.write(rest) {
                        Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                        Err(error) => {
                            // A card thread that does not listen any more needs no telling.
                            let _ = to_card.send(FromDevice::Gone(error));
                            return;
                        }
                    }
                }
            }
        })?;
        Ok(())
    }

    fn now(&self) -> Instant {
        let elapsed = Clock::now().saturating_duration_since(self.origin);
        Instant::ZERO + elapsed
    }
}

/// `4 fxs, 2 fxo`, as the log says it.
fn ports(descriptor: &Descriptor) -> String {
    let count = |kind| descriptor.ports().iter().filter(|port| port.kind == kind).count();
    [(PortKind::Fxs, "fxs"), (PortKind::Fxo, "fxo"), (PortKind::Bri, "bri"), (PortKind::Pri, "pri")]
        .into_iter()
        .map(|(kind, name)| (count(kind), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_millis(500);
const COUNTERS: Duration = Duration::from_secs(1);
/// Commands and outputs that may wait.
const QUEUE: usize = 1024;
/// Blocks in each ring: 80 ms.
const RING_BLOCKS: usize = 16;
/// Portions of octets read that may wait for the card thread.
const READS: usize = 64;
/// Portions of octets that may wait for the writer.
const WRITES: usize = 32;
/// With so many waiting, audio is dropped: 20 ms and more behind.
const WRITES_BEFORE_AUDIO_DROPS: usize = 4;
/// Largest single read.
const READ_OCTETS: usize = 4096;
