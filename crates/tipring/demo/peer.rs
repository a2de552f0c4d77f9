//! A SIP telephone of the demonstration's own: one account, one call at a time, on sockets and a thread of its own.
//!
//! ```text
//!  calls.rs ──Command──► thread: UserAgent (SIP socket) + Voice (RTP socket)
//!           ◄──Event───
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;

use tipring_core::{Duration, Instant, Rng};
use tipring_runtime::clock::Clock;
use tipring_sdp::{Codec, LocalMedia, OfferAnswer, Plan, Session};
use tipring_sip::agent::{Datagram, Output, UaConfig, UserAgent};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::locate::Reach;
use tipring_sip::message::{NameAddr, Response, Status, Transport, Uri};
use tipring_sip::registration::{Registration, RegistrationState};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::sound::Sound;
use super::voice::Voice;

/// The peer's name, which is its number too.
pub(crate) const NAME: &str = "201";
/// What it is called on displays.
pub(crate) const DISPLAY: &str = "Alice";
/// Nothing to do for so long at most.
const IDLE: Duration = Duration::from_secs(1);

/// What the peer is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Call this number.
    Call(&'static str),
    /// Let the bell ring: 180.
    Ring,
    /// Lift the receiver.
    Answer,
    /// Hang up, or give up calling.
    HangUp,
    /// Say this once.
    Say(Vec<i16>),
    /// Record what is heard.
    Listen,
    /// Give what was recorded, and when what was said was spoken.
    Hand(mpsc::Sender<Recording>),
    /// Press keys (RFC 4733).
    Press(&'static str),
}

/// What the peer has said and heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) spoken_at: Option<Instant>,
    pub(crate) heard: Option<Sound>,
    /// How late it sent a packet at worst: this machine's fault.
    pub(crate) latest: Duration,
}

/// What the peer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is registered.
    Registered,
    /// It is not, and why.
    NotRegistered(Status),
    /// Somebody calls: who says so.
    Called { number: String, name: Option<String> },
    /// Who it calls rings.
    Ringing,
    /// The call is answered, by either side, and acknowledged.
    Talking,
    /// A key was pressed at the other end.
    Digit(char),
    /// The call is over, with the final status where it was never answered.
    Over(Option<Status>),
    /// It could not do what it was told.
    Wrong(String),
}

/// The peer, from outside.
pub(crate) struct Peer {
    commands: UnboundedSender<Command>,
    events: mpsc::Receiver<Event>,
    /// Its SIP address.
    pub(crate) address: SocketAddr,
}

impl Peer {
    /// Opens its sockets, starts its thread, and registers at the gateway with `password`.
    pub(crate) fn start(clock: Clock, gateway: SocketAddr, password: &str) -> io::Result<Self> {
        let open = || {
            let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        let (sip, rtp) = (open()?, open()?);
        let (address, rtp_address) = (sip.local_addr()?, rtp.local_addr()?);
        let (commands, orders) = unbounded_channel();
        let (say, events) = mpsc::channel();
        let account = Account {
            username: NAME.to_owned(),
            secret: Secret::Password(password.to_owned()),
            // Where no domain is configured, the realm is the address.
            realms: vec![gateway.ip().to_string()],
        };
        let mut rng = Rng::new(clock.wall().unix_ms_at_origin);
        let config = UaConfig {
            product: "tipring-demo-peer".to_owned(),
            reach: Reach::new([(Transport::Udp, address)]),
            ..UaConfig::default()
        };
        let mut life = Life {
            clock,
            gateway,
            address,
            rtp_address,
            account,
            agent: UserAgent::new(config, rng.fork()),
            rng,
            call: None,
            say,
        };
        // It carries audio, so it asks for what the gateway's own threads ask for.
        tipring_runtime::realtime(|| {
            std::thread::Builder::new().name("sip-peer".into()).spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
                let ended =
                    runtime.and_then(|runtime| runtime.block_on(life.live(sip, rtp, orders)));
                if let Err(error) = ended {
                    life.tell(Event::Wrong(error.to_string()));
                }
            })
        })?;
        Ok(Self { commands, events, address })
    }

    /// Tells it something.
    pub(crate) fn tell(&self, command: Command) {
        // A peer whose thread is gone says nothing any more, and that is noticed.
        let _ = self.commands.send(command);
    }

    /// What it tells next, within `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok()
    }

    /// Forgets what it has told.
    pub(crate) fn forget(&self) {
        while self.events.try_recv().is_ok() {}
    }

    /// What it recorded.
    pub(crate) fn recording(&self, patience: Duration) -> Recording {
        let (give, recording) = mpsc::channel();
        self.tell(Command::Hand(give));
        recording.recv_timeout(patience).unwrap_or_default()
    }
}

/// Its one call.
struct Call {
    session: SessionId,
    media: OfferAnswer,
    /// The offer, and then the answer to it, while the bell rings.
    offered: Option<Vec<u8>>,
    voice: Option<Voice>,
}

/// The peer, from inside.
struct Life {
    clock: Clock,
    gateway: SocketAddr,
    address: SocketAddr,
    rtp_address: SocketAddr,
    account: Account,
    agent: UserAgent,
    rng: Rng,
    call: Option<Call>,
    say: mpsc::Sender<Event>,
}

impl Life {
    async fn live(
        &mut self,
        sip: std::net::UdpSocket,
        rtp: std::net::UdpSocket,
        mut orders: UnboundedReceiver<Command>,
    ) -> io::Result<()> {
        let (sip, rtp) = (UdpSocket::from_std(sip)?, UdpSocket::from_std(rtp)?);
        let mut message = vec![0; 65_536];
        let mut packet = [0; 2048];
        self.register();
        loop {
            self.carry_out(&sip).await;
            self.speak(&rtp).await;
            let wake = tokio::time::Instant::from_std(
                self.clock.origin() + self.poll_timeout().since(Instant::ZERO),
            );
            // An error of a socket is an ICMP message about an earlier datagram: the socket goes on.
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return Ok(()),
                },
                got = sip.recv_from(&mut message) => if let Ok((length, remote)) = got {
                    self.agent.handle_datagram(self.clock.now(), Datagram {
                        transport: Transport::Udp,
                        local: self.address,
                        remote,
                        bytes: &message[..length],
                    });
                },
                got = rtp.recv_from(&mut packet) => if let Ok((length, _)) = got {
                    self.hear(&packet[..length]);
                },
                () = tokio::time::sleep_until(wake) => {}
            }
            self.agent.handle_timeout(self.clock.now());
        }
    }

    fn poll_timeout(&self) -> Instant {
        let voice = self.call.as_ref().and_then(|call| call.voice.as_ref());
        let due = [self.agent.poll_timeout(), voice.map(Voice::poll_timeout)];
        let idle = self.clock.now() + IDLE;
        due.into_iter().flatten().fold(idle, Instant::min)
    }

    fn tell(&self, event: Event) {
        // Nobody listens when the demonstration is over.
        let _ = self.say.send(event);
    }

    fn uri(&self, user: &str) -> Uri {
        Uri::sip(user, self.gateway.ip(), Some(self.gateway.port()))
    }

    fn register(&mut self) {
        let registration = Registration {
            registrar: self.uri(""),
            route: Vec::new(),
            aor: NameAddr::new(self.uri(NAME)),
            contact_user: NAME.to_owned(),
            expires: 3600,
            credentials: Some(self.account.clone()),
            instance: None,
            reg_id: 1,
            keep_alive: None,
        };
        self.agent.register(self.clock.now(), registration);
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.now();
        let session = self.call.as_ref().map(|call| call.session);
        let done = match (command, session) {
            (Command::Call(number), None) => self.place(now, number),
            (Command::Ring, Some(session)) => {
                self.agent.progress(now, session, Status::RINGING, Vec::new()).map_err(drop)
            }
            (Command::Answer, Some(session)) => self.answer(now, session),
            (Command::HangUp, Some(session)) => {
                self.agent.hang_up(now, session, None).map_err(drop)
            }
            (Command::HangUp, None) => Ok(()),
            (Command::Hand(give), _) => {
                let voice = self.call.as_mut().and_then(|call| call.voice.as_mut());
                let recording = voice.map(|voice| Recording {
                    spoken_at: voice.spoken_at(),
                    heard: voice.take_heard(),
                    latest: voice.latest,
                });
                give.send(recording.unwrap_or_default()).map_err(drop)
            }
            (command, _) => match self.call.as_mut().and_then(|call| call.voice.as_mut()) {
                Some(voice) => {
                    match command {
                        Command::Say(samples) => voice.say(&samples),
                        Command::Listen => voice.listen(),
                        Command::Press(keys) => voice.press(keys),
                        _ => {}
                    }
                    Ok(())
                }
                None => Err(()),
            },
        };
        if done.is_err() {
            self.tell(Event::Wrong("there is no call to do that with".to_owned()));
        }
    }

    fn local_media(&self) -> LocalMedia {
        LocalMedia {
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            // Reports come along with the audio and are passed over.
            rtcp_port: self.rtp_address.port(),
            ..LocalMedia::new(self.rtp_address.ip(), self.rtp_address.port())
        }
    }

    fn place(&mut self, now: Instant, number: &str) -> Result<(), ()> {
        let mut media = OfferAnswer::new(self.rng.next_u64());
        let offer = media.offer(&self.local_media());
        let invite = Invite {
            target: self.uri(number),
            path: Path::new(Transport::Udp, self.address, self.gateway),
            others: Vec::new(),
            impatient: false,
            contact: None,
            from: NameAddr::new(self.uri(NAME)).with_display(DISPLAY),
            to: NameAddr::new(self.uri(number)),
            route: Vec::new(),
            headers: Vec::new(),
            body: offer.to_body(),
            call_id: None,
            credentials: Some(self.account.clone()),
            max_forwards: 70,
            tried: Vec::new(),
        };
        let session = self.agent.invite(now, invite).map_err(drop)?;
        self.call = Some(Call { session, media, offered: None, voice: None });
        Ok(())
    }

    fn answer(&mut self, now: Instant, session: SessionId) -> Result<(), ()> {
        let local = self.local_media();
        let call = self.call.as_mut().ok_or(())?;
        let offer = Session::parse(&call.offered.take().ok_or(())?).map_err(drop)?;
        let (answer, plan) = call.media.answer(&local, &offer).map_err(drop)?;
        let (answer, plan) = (answer.to_body(), plan.clone());
        self.start_voice(now, &plan);
        self.agent.answer(now, session, answer).map_err(drop)
    }

    fn start_voice(&mut self, now: Instant, plan: &Plan) {
        let seed = self.rng.next_u64();
        if let (Some(call), Some(to)) = (&mut self.call, plan.rtp) {
            call.voice.get_or_insert_with(|| Voice::new(now, plan, to, seed));
        }
    }

    /// Sends what the agent sends, and acts on what it says.
    async fn carry_out(&mut self, sip: &UdpSocket) {
        while let Some(output) = self.agent.poll_output() {
            let now = self.clock.now();
            match output {
                Output::Transmit { path: Path { remote, .. }, bytes } => {
                    // What is lost is sent again.
                    let _ = sip.send_to(&bytes, remote).await;
                }
                Output::Request { id, request, .. } => {
                    self.agent.respond(now, id, Response::new(&request, Status::OK, None));
                }
                Output::Incoming { session, request, .. } => {
                    if self.call.is_some() {
                        let _ = self.agent.reject(now, session, Status::BUSY_HERE, &[]);
                        continue;
                    }
                    let from = request.headers.from().ok();
                    let user = from.as_ref().and_then(|from| from.uri.user()).unwrap_or_default();
                    let (number, media) =
                        (user.into_owned(), OfferAnswer::new(self.rng.next_u64()));
                    let name = from.and_then(|from| from.display);
                    let offered = Some(request.session_description().to_vec());
                    self.call = Some(Call { session, media, offered, voice: None });
                    self.tell(Event::Called { number, name });
                }
                output => self.follow(now, output),
            }
        }
    }

    /// What becomes of a call that has begun.
    fn follow(&mut self, now: Instant, output: Output) {
        match output {
            Output::Progress { status: Status::RINGING, .. } => self.tell(Event::Ringing),
            Output::Answered { body, .. } => {
                let answer = Session::parse(&body).ok();
                let call = self.call.as_mut();
                let plan = answer
                    .zip(call)
                    .and_then(|(answer, call)| call.media.accept_answer(&answer).ok().cloned());
                match plan {
                    Some(plan) => {
                        self.start_voice(now, &plan);
                        self.tell(Event::Talking);
                    }
                    None => self.tell(Event::Wrong("the answer cannot be used".to_owned())),
                }
            }
            Output::Confirmed { .. } => self.tell(Event::Talking),
            Output::Offer { session, body, .. } => self.accept_change(now, session, &body),
            Output::Ended { session, status, .. }
                if self.call.as_ref().is_some_and(|call| call.session == session) =>
            {
                self.call = None;
                self.tell(Event::Over(status));
            }
            Output::Registration { state, .. } => match state {
                RegistrationState::Registered(_) => self.tell(Event::Registered),
                RegistrationState::Failed { status, .. } => {
                    self.tell(Event::NotRegistered(status));
                }
                RegistrationState::Unregistered => {}
            },
            _ => {}
        }
    }

    /// The gateway changes the session, as for hold: agreed.
    fn accept_change(&mut self, now: Instant, session: SessionId, body: &[u8]) {
        let local = self.local_media();
        let answer = self.call.as_mut().and_then(|call| {
            let offer = Session::parse(body).ok()?;
            call.media.answer(&local, &offer).ok().map(|(answer, _)| answer.to_body())
        });
        let _ = match answer {
            Some(answer) => self.agent.accept_offer(now, session, answer),
            None => self.agent.reject_offer(now, session, Status::NOT_ACCEPTABLE_HERE, &[]),
        };
    }

    async fn speak(&mut self, rtp: &UdpSocket) {
        let Some(voice) = self.call.as_mut().and_then(|call| call.voice.as_mut()) else { return };
        while let Some((to, packet)) = voice.poll_packet(self.clock.now()) {
            let _ = rtp.send_to(&packet, to).await;
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        let Some(voice) = self.call.as_mut().and_then(|call| call.voice.as_mut()) else { return };
        voice.handle_packet(now, bytes);
        while let Some(digit) = voice.poll_digit() {
            // The channel is the caller's; see `tell`.
            let _ = self.say.send(Event::Digit(digit));
        }
    }
}
