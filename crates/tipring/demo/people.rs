//! The people at the phones of `tipring demo`: they answer, talk and hang up by themselves, or do as they are asked.
//!
//! ```text
//!  state \ hears    second ring + 1 s   what is said is over   open loop      busy, congestion     asked
//!  Away             lifts ▸Talking      –                      –              –                    offhook ▸Manual; dial ▸Dialling
//!  Dialling         –                   –                      on-hook ▸Away  –                    onhook ▸Away
//!  (dial tone: dials, ▸Calling)
//!  Calling          –                   says it again          on-hook ▸Away  on-hook ▸Away        onhook ▸Away
//!  Talking          –                   listens, repeats it    on-hook ▸Away  on-hook ▸Away        onhook ▸Away
//!  Manual           –                   –                      –              –                    onhook ▸Away
//! ```

use std::sync::mpsc::{Receiver, RecvTimeoutError};

use tipring_core::{Duration, Instant};
use tipring_runtime::clock::Clock;
use tipring_runtime::virtual_card::CardWorld;
use tipring_virtual_card::control::{
    ControlAnswer, ControlRequest, DialMethod, Happening, WorldEvent,
};
use tipring_virtual_card::{PhoneEvent, ToneName};
use tokio::sync::oneshot;

use super::house::{PHONES, Phone};
use super::live::Print;
use super::sound;

/// Into the second ring, somebody has come to the phone.
const LIFT_AFTER: Duration = Duration::from_secs(1);
/// A ring after a longer pause is the first of another call.
const RING_PAUSE: Duration = Duration::from_secs(5);
/// How long somebody listens before repeating it.
const LISTEN: Duration = Duration::from_secs(4);
/// Nothing to do for so long at most.
const IDLE: Duration = Duration::from_secs(1);

/// What reaches the people.
pub(super) enum Word {
    /// A phone does something.
    Noticed(WorldEvent),
    /// Somebody types.
    Asked(Ask),
}

/// What somebody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Help,
    Quit,
    At(Phone, Deed),
}

/// What a person is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Dial(String),
    Press(String),
    OffHook,
    OnHook,
    Flash,
}

impl Ask {
    pub(super) fn help() -> &'static str {
        "    101 dial 201     lift the receiver, dial, and play a tune to whoever answers\n    \
         101 press 42#    press keys in a call\n    \
         101 flash        press the hook switch shortly: hold and back\n    \
         101 onhook       hang up\n    \
         101 offhook      lift the receiver and do nothing, as who knocked it off\n    \
         help, quit\n"
    }

    /// Reads a line; `None` where there is nothing in it.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (number, deed) = match words.as_slice() {
            [] => return Ok(None),
            ["help" | "?"] => return Ok(Some(Self::Help)),
            ["quit" | "exit"] => return Ok(Some(Self::Quit)),
            [number, "dial", digits] => (number, Deed::Dial((*digits).to_owned())),
            [number, "press", digits] => (number, Deed::Press((*digits).to_owned())),
            [number, "offhook"] => (number, Deed::OffHook),
            [number, "onhook"] => (number, Deed::OnHook),
            [number, "flash"] => (number, Deed::Flash),
            _ => return Err(format!("{:?} is not understood; try help", line.trim())),
        };
        let phone = PHONES.into_iter().find(|phone| phone.number == *number);
        let phone = phone.ok_or_else(|| format!("there is no phone {number}"))?;
        Ok(Some(Self::At(phone, deed)))
    }
}

/// What one of them is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    /// Away from the phone; the bell has rung so often, last at this time.
    Away { rings: u32, last: Instant },
    /// Waiting for dial tone.
    Dialling { number: String },
    /// Has dialled, and plays the tune.
    Calling { next: Instant },
    /// In a call: listens until then, or speaks until then.
    Talking { listening: bool, until: Instant },
    /// As somebody at the prompt wants.
    Manual,
}

impl Doing {
    const AWAY: Self = Self::Away { rings: 0, last: Instant::ZERO };
}

/// All of them.
pub(super) struct People {
    clock: Clock,
    world: CardWorld,
    print: Print,
    quit: Option<oneshot::Sender<()>>,
    doing: [Doing; PHONES.len()],
    tune: Vec<i16>,
}

impl People {
    pub(super) fn new(
        clock: Clock,
        world: CardWorld,
        print: Print,
        quit: oneshot::Sender<()>,
    ) -> Self {
        let tune = [sound::tune(), vec![0; sound::RATE / 2], sound::beep()].concat();
        let quit = Some(quit);
        Self { clock, world, print, quit, doing: [const { Doing::AWAY }; PHONES.len()], tune }
    }

    /// Until the card is gone.
    pub(super) fn live(mut self, words: &Receiver<Word>) {
        loop {
            let now = self.clock.now();
            let wake = self.doing.iter().filter_map(deadline).fold(now + IDLE, Instant::min);
            match words.recv_timeout(self.clock.until(wake)) {
                Ok(Word::Noticed(event)) => {
                    if let Happening::Phone { port, event } = event.happening
                        && let Some(phone) = PHONES.into_iter().find(|phone| phone.port == port)
                    {
                        self.notice(phone, &event);
                    }
                }
                Ok(Word::Asked(Ask::Help)) => self.print.say(Ask::help()),
                Ok(Word::Asked(Ask::Quit)) => {
                    if let Some(quit) = self.quit.take() {
                        let _ = quit.send(());
                    }
                }
                Ok(Word::Asked(Ask::At(phone, deed))) => {
                    if let Err(why) = self.obey(phone, deed) {
                        self.print.say(&format!("{}: {why}", phone.number));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for phone in PHONES {
                self.go_on(phone);
            }
        }
    }

    fn doing(&mut self, phone: Phone) -> &mut Doing {
        &mut self.doing[usize::from(phone.port) - 1]
    }

    fn tell(&self, phone: Phone, text: &str) {
        self.print.say(&format!("{} ({}) {text}", phone.number, phone.name));
    }

    fn notice(&mut self, phone: Phone, event: &PhoneEvent) {
        let now = self.clock.now();
        let doing = self.doing(phone).clone();
        match (event, doing) {
            (PhoneEvent::Ring { on: true }, Doing::Away { rings, last }) => {
                let rings = if now.since(last) > RING_PAUSE { 1 } else { rings + 1 };
                *self.doing(phone) = Doing::Away { rings, last: now };
                if rings == 1 {
                    self.tell(phone, "rings");
                }
            }
            // The caller gave up while somebody was coming.
            (PhoneEvent::Ring { on: false }, Doing::Away { rings, .. }) => {
                *self.doing(phone) = Doing::Away { rings: rings.min(1), last: now };
            }
            (PhoneEvent::CallerId(caller), _) => {
                let number = caller.number.as_deref().unwrap_or("no number");
                let name = caller.name.as_deref().unwrap_or("no name");
                self.tell(phone, &format!("shows the caller: {number}, {name}"));
            }
            (PhoneEvent::Tone { name: ToneName::Dial, on: true }, Doing::Dialling { number }) => {
                *self.doing(phone) = Doing::Calling { next: now + Duration::from_secs(2) };
                self.dial(phone, number);
            }
            (PhoneEvent::Tone { name, on: true }, doing) => {
                self.tell(phone, &format!("hears {} tone", name.as_str()));
                let over = matches!(name, ToneName::Busy | ToneName::Congestion | ToneName::Howler);
                let minds = matches!(doing, Doing::Calling { .. } | Doing::Talking { .. });
                if over && minds {
                    self.hang_up(phone);
                }
            }
            (PhoneEvent::Digit(digit), _) => self.tell(phone, &format!("hears the key {digit}")),
            (PhoneEvent::Loop { open: true }, doing) => match doing {
                Doing::Away { .. } => {}
                Doing::Manual => self.tell(phone, "is told that the other side has hung up"),
                _ => self.hang_up(phone),
            },
            _ => {}
        }
    }

    /// Does what is due.
    fn go_on(&mut self, phone: Phone) {
        let now = self.clock.now();
        let doing = self.doing(phone).clone();
        if deadline(&doing).is_none_or(|at| at > now) {
            return;
        }
        match doing {
            Doing::Away { .. } => {
                self.tell(phone, "answers");
                self.ask(ControlRequest::OffHook { port: phone.port });
                let tune = self.tune.clone();
                self.speak(phone, &tune);
            }
            Doing::Calling { .. } => {
                let tune = self.tune.clone();
                self.play(phone, &tune);
                *self.doing(phone) =
                    Doing::Calling { next: now + long(&tune) + Duration::from_secs(1) };
            }
            Doing::Talking { listening: false, .. } => {
                self.ask(ControlRequest::Record { port: phone.port });
                *self.doing(phone) = Doing::Talking { listening: true, until: now + LISTEN };
            }
            Doing::Talking { listening: true, .. } => {
                let heard = match self.ask(ControlRequest::Stop { port: phone.port }) {
                    Some(ControlAnswer::Recording(heard)) => heard,
                    _ => Vec::new(),
                };
                self.speak(phone, &[heard, sound::beep()].concat());
            }
            Doing::Dialling { .. } | Doing::Manual => {}
        }
    }

    fn speak(&mut self, phone: Phone, samples: &[i16]) {
        self.play(phone, samples);
        let until = self.clock.now() + long(samples);
        *self.doing(phone) = Doing::Talking { listening: false, until };
    }

    fn play(&self, phone: Phone, samples: &[i16]) {
        let port = phone.port;
        self.ask(ControlRequest::Play { port, samples: samples.into(), looped: false });
    }

    fn dial(&self, phone: Phone, digits: String) {
        let (port, method) = (phone.port, DialMethod::Dtmf);
        self.ask(ControlRequest::Dial { port, digits, method, on_ms: None, off_ms: None });
    }

    fn hang_up(&mut self, phone: Phone) {
        self.tell(phone, "hangs up");
        self.ask(ControlRequest::Stop { port: phone.port });
        self.ask(ControlRequest::OnHook { port: phone.port });
        *self.doing(phone) = Doing::AWAY;
    }

    fn obey(&mut self, phone: Phone, deed: Deed) -> Result<(), String> {
        let away = matches!(self.doing(phone), Doing::Away { .. });
        match deed {
            Deed::OnHook if away => return Err("the receiver is on the hook".to_owned()),
            Deed::OnHook => self.hang_up(phone),
            Deed::OffHook if away => {
                *self.doing(phone) = Doing::Manual;
                self.ask(ControlRequest::OffHook { port: phone.port });
            }
            Deed::Dial(number) if away => {
                *self.doing(phone) = Doing::Dialling { number };
                self.ask(ControlRequest::OffHook { port: phone.port });
            }
            Deed::OffHook => return Err("the receiver is off the hook already".to_owned()),
            Deed::Dial(digits) | Deed::Press(digits) => {
                let (port, method) = (phone.port, DialMethod::Dtmf);
                let dial = ControlRequest::Dial { port, digits, method, on_ms: None, off_ms: None };
                self.try_ask(dial)?;
            }
            Deed::Flash => drop(self.try_ask(ControlRequest::Flash { port: phone.port, ms: 500 })?),
        }
        Ok(())
    }

    fn ask(&self, request: ControlRequest) -> Option<ControlAnswer> {
        match self.try_ask(request) {
            Ok(answer) => Some(answer),
            Err(why) => {
                self.print.say(&why);
                None
            }
        }
    }

    fn try_ask(&self, request: ControlRequest) -> Result<ControlAnswer, String> {
        let answer = self.world.control(request).ok_or("the simulated card is gone")?;
        answer.map_err(|error| error.to_string())
    }
}

/// When somebody does the next thing by themselves.
fn deadline(doing: &Doing) -> Option<Instant> {
    match doing {
        Doing::Away { rings, last } => (*rings >= 2).then(|| *last + LIFT_AFTER),
        Doing::Calling { next } => Some(*next),
        Doing::Talking { until, .. } => Some(*until),
        Doing::Dialling { .. } | Doing::Manual => None,
    }
}

fn long(samples: &[i16]) -> Duration {
    Duration::from_micros(samples.len() as u64 * 1_000_000 / sound::RATE as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_understood_or_refused_in_words() {
        let kitchen = PHONES[0];
        let parse = |line| Ask::parse(line);
        assert_eq!(parse("  "), Ok(None));
        assert_eq!(parse("quit\n"), Ok(Some(Ask::Quit)));
        assert_eq!(parse("101 dial 102"), Ok(Some(Ask::At(kitchen, Deed::Dial("102".to_owned())))));
        assert_eq!(parse(" 101  onhook "), Ok(Some(Ask::At(kitchen, Deed::OnHook))));
        assert_eq!(parse("109 onhook"), Err("there is no phone 109".to_owned()));
        assert!(parse("101 explode").is_err_and(|why| why.contains("help")));
        assert!(parse("\u{0}\u{ffff}").is_err());
    }
}
