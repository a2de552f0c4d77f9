//! A simulated card on the real clock: a thread that owns the card, its phones and the wire to the host.
//!
//! ```text
//!  people ──requests──► card thread (VirtualCard, a step each 1.25 ms) ◄──octets──► wire: socket pair, pseudo-terminal
//!         ◄──events───┘
//! ```

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tipring_core::{Duration, Instant};
use tipring_virtual_card::control::{ControlAnswer, ControlError, ControlRequest, WorldEvent};
use tipring_virtual_card::{CardSpec, VirtualCard};

use crate::clock::Clock;
use crate::priority;

/// The host's end of a card in this process: each stream is one plugging-in.
pub struct VirtualCardEnd {
    pub(crate) streams: Receiver<UnixStream>,
}

/// Where the card's other end is.
enum Attachment {
    /// In this process.
    Streams(Sender<UnixStream>),
    /// A pseudo-terminal that this link points to.
    Pty(PathBuf),
}

/// The card's end of what connects it with the host.
enum Wire {
    Stream(UnixStream),
    Pty { master: File, link: PathBuf },
    Cut,
}

/// What a watcher of a card reads; it ends with the card's thread.
pub type WorldEvents = Receiver<WorldEvent>;

/// The people and the mishaps of a simulated card.
#[derive(Clone)]
pub struct CardWorld {
    requests: Sender<Work>,
    ports: u8,
}

enum Work {
    Do(ControlRequest, Sender<Done>),
    Watch(Sender<WorldEvent>),
}

type Done = std::result::Result<ControlAnswer, ControlError>;

/// Requests that wait for the card's next step; whoever asks for more waits himself.
const REQUESTS: usize = 64;
/// Times that the card is plugged in without the host's looking; more fail, as a bad contact does.
const PLUGS: usize = 64;
/// Events that wait for a slow watcher; more are dropped.
const EVENTS: usize = 4096;
/// Octets that wait for a slow host; beyond, the oldest frames would be useless, so all are dropped.
const BACKLOG: usize = 64 * 1024;
/// A card that fell behind by more than this (the process was stopped) goes on from now.
const FORGIVE: Duration = Duration::from_millis(200);
/// A card that fell behind makes so much of its time at once, the step that is due and those until so much later, ...
const STRIDE: Duration = Duration::from_micros(8_750);
/// ... and then waits so long for the host: hardware never plays two blocks at once, and its buffer holds only two.
const BREATH: Duration = Duration::from_millis(1);
/// A card further behind than this is not worth waiting for: the host has concealed what is missing.
const HOPELESS: Duration = Duration::from_millis(20);

impl CardWorld {
    /// Does something and waits until it is done; `None` when the card's thread is gone.
    pub fn control(&self, request: ControlRequest) -> Option<Done> {
        let (answer, done) = bounded(1);
        self.requests.send(Work::Do(request, answer)).ok()?;
        done.recv().ok()
    }

    /// All events from now on.
    pub fn watch(&self) -> WorldEvents {
        let (events, watcher) = bounded(EVENTS);
        let _ = self.requests.send(Work::Watch(events));
        watcher
    }

    /// How many ports the card has.
    pub fn ports(&self) -> u8 {
        self.ports
    }
}

/// Starts a card for this process. The thread ends when the last [`CardWorld`] is dropped.
pub fn start_in_process(
    clock: Clock,
    spec: &CardSpec,
    seed: u64,
) -> Result<(VirtualCardEnd, CardWorld)> {
    let (sender, streams) = bounded(PLUGS);
    let world = start(clock, spec, seed, Attachment::Streams(sender))?;
    Ok((VirtualCardEnd { streams }, world))
}

/// Starts a card behind a pseudo-terminal that `link` is made to point to; a link that is there is replaced.
pub fn start_on_pty(clock: Clock, spec: &CardSpec, seed: u64, link: &Path) -> Result<CardWorld> {
    start(clock, spec, seed, Attachment::Pty(link.to_owned()))
}

fn start(clock: Clock, spec: &CardSpec, seed: u64, attachment: Attachment) -> Result<CardWorld> {
    let card = VirtualCard::new(spec, seed);
    let ports = card.ports();
    let (requests, work) = bounded(REQUESTS);
    let wire = attachment.plug()?;
    let started = clock.now();
    let thread = CardThread {
        clock,
        card,
        attachment,
        wire,
        watchers: Vec::new(),
        started,
        out: Vec::new(),
    };
    // Hardware does not wait for its turn.
    let builder = thread::Builder::new().name("virtual-card".into());
    priority::realtime(|| builder.spawn(move || thread.run(&work)))?;
    Ok(CardWorld { requests, ports })
}

struct CardThread {
    clock: Clock,
    card: VirtualCard,
    attachment: Attachment,
    wire: Wire,
    watchers: Vec<Sender<WorldEvent>>,
    /// When the card's time began.
    started: Instant,
    /// Octets that the host has not taken.
    out: Vec<u8>,
}

impl CardThread {
    fn run(mut self, work: &Receiver<Work>) {
        loop {
            let now = self.clock.now();
            let caught_up = self.step(now);
            let due = self.started + Duration::from_micros(self.card.poll_timeout());
            let next = if caught_up { due } else { due.max(now + BREATH) };
            match work.recv_timeout(self.clock.until(next)) {
                Ok(Work::Do(request, answer)) => {
                    let done = self.card.control(request);
                    self.follow_cable();
                    let _ = answer.send(done);
                }
                Ok(Work::Watch(watcher)) => self.watchers.push(watcher),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.attachment.pull(&mut self.wire);
                    return;
                }
            }
        }
    }

    /// Lets the card's time pass until now, as far as that is good for it; whether it is now there too.
    fn step(&mut self, now: Instant) -> bool {
        let mut buffer = [0u8; 16 * 1024];
        while let Some(octets) = self.wire.read(&mut buffer) {
            self.card.handle_bytes(octets);
        }
        let behind = now.since(self.started + Duration::from_micros(self.card.poll_timeout()));
        if behind > FORGIVE {
            self.started += behind;
        }
        let time = now.since(self.started);
        let most = Duration::from_micros(self.card.poll_timeout()) + STRIDE;
        let to = if behind > HOPELESS { time } else { time.min(most) };
        self.card.advance(u64::try_from(to.as_micros()).unwrap_or(u64::MAX));
        self.card.poll_transmit(&mut self.out);
        let taken = self.wire.write(&self.out);
        self.out.drain(..taken);
        if self.out.len() > BACKLOG {
            self.out.clear();
        }
        while let Some(event) = self.card.poll_event() {
            self.watchers.retain(|watcher| {
                !matches!(watcher.try_send(event.clone()), Err(TrySendError::Disconnected(_)))
            });
        }
        to == time
    }

    /// Cuts or makes the wire as the card's cable says.
    fn follow_cable(&mut self) {
        match (self.card.is_plugged(), &self.wire) {
            (false, Wire::Stream(_) | Wire::Pty { .. }) => {
                self.attachment.pull(&mut self.wire);
                self.out.clear();
            }
            (true, Wire::Cut) => match self.attachment.plug() {
                Ok(wire) => self.wire = wire,
                Err(error) => tracing::error!(%error, "the simulated card cannot be plugged in"),
            },
            _ => {}
        }
    }
}

impl Attachment {
    fn plug(&self) -> Result<Wire> {
        match self {
            Self::Streams(streams) => {
                let (host, card) = UnixStream::pair()?;
                card.set_nonblocking(true)?;
                // Without a host nobody looks.
                if let Err(TrySendError::Full(_)) = streams.try_send(host) {
                    return Err(ErrorKind::WouldBlock.into());
                }
                Ok(Wire::Stream(card))
            }
            Self::Pty(link) => {
                let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
                let master = rustix::pty::openpt(flags)?;
                rustix::pty::grantpt(&master)?;
                rustix::pty::unlockpt(&master)?;
                let name = rustix::pty::ptsname(&master, Vec::new())?;
                let slave = PathBuf::from(name.to_string_lossy().into_owned());
                // Raw from the start: nothing is echoed or translated before a host opens it.
                let mut modes = tcgetattr(&master)?;
                modes.make_raw();
                tcsetattr(&master, OptionalActions::Now, &modes)?;
                let current = rustix::fs::fcntl_getfl(&master)?;
                rustix::fs::fcntl_setfl(&master, current | OFlags::NONBLOCK)?;
                match std::fs::symlink_metadata(link) {
                    Ok(found) if !found.is_symlink() => return Err(ErrorKind::AlreadyExists.into()),
                    Ok(_) => std::fs::remove_file(link)?,
                    Err(_) => {}
                }
                std::os::unix::fs::symlink(slave, link)?;
                Ok(Wire::Pty { master: File::from(master), link: link.clone() })
            }
        }
    }

    fn pull(&self, wire: &mut Wire) {
        if let Wire::Pty { link, .. } = wire {
            let _ = std::fs::remove_file(link);
        }
        *wire = Wire::Cut;
    }
}

impl Wire {
    /// What the host has sent; `None` when there is nothing now.
    fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let read = match self {
            Self::Stream(stream) => stream.read(buffer),
            // EIO: no host has the pseudo-terminal open.
            Self::Pty { master, .. } => master.read(buffer),
            Self::Cut => return None,
        };
        match read {
            Ok(0) | Err(_) => None,
            Ok(len) => buffer.get(..len),
        }
    }

    /// How much of `octets` the host has taken; what cannot be delivered at all counts as taken.
    fn write(&mut self, octets: &[u8]) -> usize {
        if octets.is_empty() {
            return 0;
        }
        let written = match self {
            Self::Stream(stream) => stream.write(octets),
            Self::Pty { master, .. } => master.write(octets),
            Self::Cut => return octets.len(),
        };
        match written {
            Ok(len) => len,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                0
            }
            Err(_) => octets.len(),
        }
    }
}
