//! One running gateway: its threads, started together and ended together.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tipring_card::thread::{CardHandle, CardThreadConfig, Device};
use tipring_core::{CardId, Duration};
use tipring_gateway::{Audit, EndedCall, Gateway};
use tipring_media::{CardEnd, ControlEnd, Engine, EngineConfig};
use tipring_rtp::rtcp::Ntp;
use tipring_sip::message::Transport;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::cdr::CdrFile;
use crate::clock::Clock;
use crate::config::{CardDevice, Config, StartError};
use crate::media::{CardPath, MediaCounters, MediaThread};
use crate::priority;
use crate::resolver;
use crate::rtp_io::{self, RtpCounters, RtpIo};
use crate::signalling::{self, CardPort, Leaving, Signalling};
use crate::streams::{self, Streams};
use crate::tls::Tls;
use crate::watch::Watch;

/// What a running gateway tells.
#[derive(Debug)]
pub enum Notice {
    /// SIP is served, and every card has answered or had its time.
    Ready {
        /// Where SIP is served.
        sip: Vec<(Transport, SocketAddr)>,
        /// Lines in service.
        lines: usize,
    },
    /// A call is over.
    Ended(Box<EndedCall>),
}

/// What is asked of a running gateway.
#[derive(Debug)]
pub enum Request {
    /// Take no new calls; leave when there are none, or after `patience`.
    Drain {
        /// How long calls may go on.
        patience: Duration,
    },
    /// End all calls and leave.
    Stop,
    /// Take over what can be changed while calls go on.
    Reload(Box<tipring_gateway::Config>),
    /// Use these certificates for connections to come.
    Tls(Box<Tls>),
    /// Count what is alive.
    Audit(oneshot::Sender<Audit>),
}

/// A running gateway.
pub struct Process {
    requests: mpsc::Sender<Request>,
    watch: Watch,
    signalling: Option<thread::JoinHandle<()>>,
    media: Option<thread::JoinHandle<()>>,
    media_counters: Arc<MediaCounters>,
    rtp_counters: Arc<RtpCounters>,
    sip: Vec<(Transport, SocketAddr)>,
}

/// A thread of the gateway has gone, by its own fault. Reads as a sentence.
#[derive(Debug)]
pub struct ThreadLost(String);

impl fmt::Display for ThreadLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the thread {:?} has failed, so the gateway cannot go on", self.0)
    }
}

impl std::error::Error for ThreadLost {}

/// Requests that may wait for the signalling thread; whoever asks for more waits himself.
const REQUESTS: usize = 64;
/// Commands and events that may wait between signalling and media.
const COMMANDS: usize = 4096;
/// Datagrams that may wait between media and the RTP sockets.
const DATAGRAMS: usize = 4096;
/// Terminations beyond the lines': RTP streams.
const STREAMS: usize = 1024;

impl Process {
    /// Starts everything; returns when SIP is served. `notices` is called on the signalling thread.
    pub fn start(
        clock: Clock,
        mut config: Config,
        notices: impl FnMut(Notice) + Send + 'static,
    ) -> Result<Self, StartError> {
        config.gateway.wall = clock.wall();
        let cdr = match config.cdr.take() {
            Some(path) => {
                Some(CdrFile::open(path.clone()).map_err(|error| StartError::Cdr(path, error))?)
            }
            None => None,
        };
        let tls = Tls::load(&config.tls).map_err(StartError::Tls)?;
        let notify = Arc::new(Notify::new());
        let cards = config.cards.len();
        let watch = Watch::new(Arc::clone(&notify));
        let realtime = config.realtime;
        let (engine, handle) = Engine::new(engine_config(&config, clock));
        let guard = watch.guard("rtp-io");
        let rtp = priority::realtime_if(realtime, || rtp_io::spawn(clock, handle.rtp, guard))
            .map_err(StartError::System)?;
        let media_counters = Arc::new(MediaCounters::default());
        // The media thread is started last, but cards must be able to wake it from the beginning.
        let media_thread: Arc<std::sync::OnceLock<thread::Thread>> = Arc::default();
        let devices = std::mem::take(&mut config.cards);
        let mut ports = Vec::with_capacity(cards);
        let mut paths = Vec::with_capacity(cards);
        for ((name, device), end) in
            config.gateway.cards.clone().into_iter().zip(devices).zip(handle.cards)
        {
            let card = card_config(clock, name, device, &notify, &media_thread);
            let (port, path) = priority::realtime_if(realtime, || start_card(card, end))?;
            ports.push(port);
            paths.push(path);
        }
        let rtp_thread = rtp.thread.clone();
        let rtp_counters = Arc::clone(&rtp.counters);
        let (requests, request_ends) = mpsc::channel(REQUESTS);
        let shell = Shell {
            clock,
            config,
            tls,
            cdr,
            notify: Arc::clone(&notify),
            watch: watch.clone(),
            ports,
            control: handle.control,
            rtp,
        };
        let (started, answer) = std::sync::mpsc::channel();
        let signalling = thread::Builder::new()
            .name("signalling".into())
            .spawn(move || shell.run(request_ends, Box::new(notices), &started))
            .map_err(StartError::System)?;
        let sip = answer.recv().map_err(|_| StartError::NoListener)??;
        let media = MediaThread {
            clock,
            engine,
            cards: paths,
            rtp: rtp_thread,
            wake_signalling: Box::new(move || notify.notify_one()),
            counters: Arc::clone(&media_counters),
            realtime,
            guard: watch.guard("media"),
        };
        let media = media.spawn().map_err(StartError::System)?;
        let _ = media_thread.set(media.thread().clone());
        Ok(Self {
            requests,
            watch,
            signalling: Some(signalling),
            media: Some(media),
            media_counters,
            rtp_counters,
            sip,
        })
    }

    /// Where SIP is served.
    pub fn sip(&self) -> &[(Transport, SocketAddr)] {
        &self.sip
    }

    /// Asks for something; waits while too much is asked, and does nothing once the gateway has left. Not for
    /// asynchronous tasks, nor for `notices`.
    pub fn request(&self, request: Request) {
        let _ = self.requests.blocking_send(request);
    }

    /// What is alive; `None` once the gateway has left.
    pub fn audit(&self) -> Option<Audit> {
        let (answer, result) = oneshot::channel();
        self.requests.blocking_send(Request::Audit(answer)).ok()?;
        result.blocking_recv().ok()
    }

    /// The media thread's counters.
    pub fn media_counters(&self) -> &MediaCounters {
        &self.media_counters
    }

    /// The RTP thread's counters.
    pub fn rtp_counters(&self) -> &RtpCounters {
        &self.rtp_counters
    }

    /// Ends all calls that there are and waits until the gateway has left; an error when a thread of it was gone.
    pub fn leave(mut self) -> Result<(), ThreadLost> {
        self.request(Request::Stop);
        self.wait();
        self.watch.lost().map_or(Ok(()), |thread| Err(ThreadLost(thread.to_owned())))
    }

    fn wait(&mut self) {
        if let Some(thread) = self.signalling.take() {
            let _ = thread.join();
        }
        self.media_counters.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.media.take() {
            thread.thread().unpark();
            let _ = thread.join();
            self.sum_up();
        }
    }

    /// One line on how audio fared, for whoever wonders whether this machine is quick enough.
    fn sum_up(&self) {
        let (media, rtp) = (&self.media_counters, &self.rtp_counters);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        tracing::info!(
            ticks = of(&media.ticks),
            by_timer = of(&media.timer_ticks),
            missed = of(&media.missed_ticks),
            late = of(&media.late_ticks),
            longest_us = of(&media.longest_tick_us),
            overflow = of(&media.overflow) + of(&rtp.overflow),
            strangers = of(&rtp.strangers),
            malformed = of(&rtp.malformed),
            unsent = of(&rtp.unsent),
            "audio summed up"
        );
    }
}

impl Drop for Process {
    /// Ends all calls and waits.
    fn drop(&mut self) {
        self.request(Request::Stop);
        self.wait();
    }
}

fn engine_config(config: &Config, clock: Clock) -> EngineConfig {
    let cards = u8::try_from(config.cards.len()).expect("the configuration has at most 255 cards");
    EngineConfig {
        cards,
        master: (cards > 0).then_some(CardId(0)),
        terminations: config.gateway.lines.len() + STREAMS,
        contexts: STREAMS,
        commands: COMMANDS,
        datagrams: DATAGRAMS,
        ntp_origin: ntp_of(clock.wall().unix_ms_at_origin),
    }
}

/// The time of RTCP: seconds since 1900 and 2⁻³² of them, modulo an era (RFC 3550 §4).
fn ntp_of(unix_ms: u64) -> Ntp {
    const UNIX_IN_NTP: u64 = 2_208_988_800;
    let seconds = (unix_ms / 1000 + UNIX_IN_NTP) & 0xFFFF_FFFF;
    Ntp((seconds << 32) | (((unix_ms % 1000) << 32) / 1000))
}

fn card_config(
    clock: Clock,
    name: String,
    device: CardDevice,
    notify: &Arc<Notify>,
    media: &Arc<std::sync::OnceLock<thread::Thread>>,
) -> CardThreadConfig {
    let device = match device {
        CardDevice::Attached(device) => device,
        CardDevice::Virtual(end) => Device::Streams(end.streams),
    };
    let (notify, media) = (Arc::clone(notify), Arc::clone(media));
    CardThreadConfig {
        name,
        device,
        origin: clock.origin(),
        rng: signalling::chance(),
        watchdog_ms: tipring_bridge_proto::WATCHDOG_MS,
        wake_media: Box::new(move || {
            if let Some(thread) = media.get() {
                thread.unpark();
            }
        }),
        wake_signalling: Box::new(move || notify.notify_one()),
    }
}

fn start_card(config: CardThreadConfig, end: CardEnd) -> Result<(CardPort, CardPath), StartError> {
    let name = config.name.clone();
    let CardHandle { inputs, outputs, audio, .. } =
        tipring_card::thread::spawn(config).map_err(StartError::System)?;
    Ok((CardPort { name, inputs, outputs, up: false }, CardPath { audio, end }))
}

/// TLS, for each family that has a socket but none of TLS.
fn connect_from(listening: &[(Transport, SocketAddr)]) -> Vec<(Transport, SocketAddr)> {
    let mut found: Vec<(Transport, SocketAddr)> = Vec::new();
    for (_, local) in listening {
        let has = |(transport, other): &(Transport, SocketAddr)| {
            *transport == Transport::Tls && other.is_ipv4() == local.is_ipv4()
        };
        if !listening.iter().chain(&found).any(has) {
            found.push((Transport::Tls, SocketAddr::new(local.ip(), 0)));
        }
    }
    found
}

/// What the signalling thread is made of.
struct Shell {
    clock: Clock,
    config: Config,
    tls: Tls,
    cdr: Option<CdrFile>,
    notify: Arc<Notify>,
    watch: Watch,
    ports: Vec<CardPort>,
    control: ControlEnd,
    rtp: RtpIo,
}

type Started = std::sync::mpsc::Sender<Result<Vec<(Transport, SocketAddr)>, StartError>>;

impl Shell {
    fn run(
        self,
        requests: mpsc::Receiver<Request>,
        notices: Box<dyn FnMut(Notice) + Send>,
        started: &Started,
    ) {
        let _guard = self.watch.guard("signalling");
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = started.send(Err(StartError::System(error)));
                return;
            }
        };
        tokio::task::LocalSet::new().block_on(&runtime, async move {
            match self.open(requests, notices).await {
                Ok(signalling) => {
                    let _ = started.send(Ok(signalling.addresses()));
                    signalling.run().await;
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        });
    }

    async fn open(
        mut self,
        requests: mpsc::Receiver<Request>,
        notices: Box<dyn FnMut(Notice) + Send>,
    ) -> Result<Signalling, StartError> {
        let (inbox_in, inbox) = mpsc::channel(signalling::INBOX);
        let mut sockets = Vec::new();
        let mut listening = Vec::new();
        let (reports_in, reports) = mpsc::channel(streams::REPORTS);
        for (transport, address) in self.config.gateway.sip.listen.clone() {
            let failed = |error| StartError::Listen(address, error);
            let local = match transport {
                Transport::Udp => {
                    let (local, socket) =
                        signalling::listen(address, inbox_in.clone()).map_err(failed)?;
                    sockets.push((local, socket));
                    local
                }
                _ if transport.is_secure() && !self.tls.can_listen() => {
                    return Err(StartError::NoCertificate(address));
                }
                Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                    let listener = streams::bind_listener(address).map_err(failed)?;
                    let local = listener.local_addr().map_err(failed)?;
                    streams::accept_on(listener, transport, local, reports_in.clone());
                    local
                }
            };
            listening.push((transport, local));
        }
        if listening.is_empty() {
            return Err(StartError::NoListener);
        }
        let sip = &mut self.config.gateway.sip;
        for (_, local) in &listening {
            if sip.address_of(*local).is_unspecified() {
                sip.advertise.extend(signalling::reachable_address(local.ip()));
            }
        }
        sip.connect_from = connect_from(&listening);
        sip.listen = listening;
        let gateway = Gateway::new(self.clock.now(), self.config.gateway, signalling::chance());
        Ok(Signalling {
            clock: self.clock,
            gateway,
            sockets,
            inbox,
            streams: Streams::new(self.tls, self.config.ws_origins, reports_in),
            reports,
            resolver: resolver::Resolver::new(self.config.dns),
            resolved: mpsc::channel(256),
            cards: self.ports,
            media: self.control,
            rtp: self.rtp,
            cdr: self.cdr,
            notify: self.notify,
            watch: self.watch,
            requests,
            notices,
            waiting: VecDeque::new(),
            ready: false,
            unsendable: None,
            leaving: Leaving::No,
        })
    }
}
