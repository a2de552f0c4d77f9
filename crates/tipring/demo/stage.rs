//! The stage of the demonstration calls: everybody on it, and the checks that all calls have in common.

use std::io;
use std::sync::mpsc;

use tipring_call::Cdr;
use tipring_core::{Duration, Instant};
use tipring_gateway::Ladder;
use tipring_virtual_card::{CallerId, PhoneEvent, ToneName};

use super::house::{House, Phone};
use super::peer::{self, Peer};
use super::phones::{Phones, Refused};
use super::report::Report;

/// How long anything may take: far more than it does, because other things may keep this machine busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest hook flash in the country of the demonstration, and a little.
const FLASH: Duration = Duration::from_millis(1100);
/// The call cannot go on, and what was to happen has been reported.
pub(crate) enum Stop {
    /// Something essential did not happen.
    Failed,
    /// The report cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Everybody.
pub(crate) struct Stage<'a> {
    pub(crate) house: House,
    pub(crate) phones: Phones,
    pub(crate) peer: Peer,
    pub(crate) ended: mpsc::Receiver<(Cdr, Ladder)>,
    pub(crate) report: Report<'a>,
}

impl Stage<'_> {
    pub(crate) fn now(&self) -> Instant {
        self.house.clock.now()
    }

    /// Reports something that must be for the call to go on.
    pub(crate) fn must(&mut self, what: &str, came: Result<String, String>) -> Result<(), Stop> {
        self.report.check(what, &came)?;
        came.map(drop).map_err(|_| Stop::Failed)
    }

    /// Reports something without which the call goes on all the same.
    pub(crate) fn should(&mut self, what: &str, came: Result<String, String>) -> Result<(), Stop> {
        Ok(self.report.check(what, &came)?)
    }

    /// Reports a hand that did not obey.
    pub(crate) fn done(&mut self, what: &str, came: Result<(), Refused>) -> Result<(), Stop> {
        match came {
            Ok(()) => Ok(()),
            Err(why) => self.must(what, Err(why)),
        }
    }

    /// Waits for something at a phone and reports how long it took.
    pub(crate) fn await_phone(
        &mut self,
        what: &str,
        wait: impl FnOnce(&mut Phones) -> bool,
    ) -> Result<(), Stop> {
        let began = self.now();
        let came = wait(&mut self.phones);
        let took = self.now().since(began);
        self.must(what, timed(came, took))
    }

    /// Lifts a receiver and dials.
    pub(crate) fn dial(&mut self, phone: Phone, number: &str) -> Result<(), Stop> {
        let lifted = self.phones.off_hook(phone.port);
        self.done("the receiver is lifted", lifted)?;
        self.await_phone(&format!("{} hears dial tone", phone.number), |phones| {
            phones.wait_tone(phone.port, PATIENCE, ToneName::Dial)
        })?;
        let dialled = self.phones.dial(phone.port, number);
        self.done(&format!("{} dials {number}", phone.number), dialled)
    }

    /// Waits for a caller on a phone's display.
    pub(crate) fn caller_id(&mut self, phone: Phone, number: &str, name: &str) -> Result<(), Stop> {
        let what = format!("the display of {} shows the caller", phone.number);
        let before = self.strain();
        let shown = self.phones.wait(phone.port, PATIENCE, |event| match event {
            PhoneEvent::CallerId(caller) => Some(caller.clone()),
            _ => None,
        });
        let strain = self.strain().since(before);
        let came = match shown {
            None if strain.is_visible() => {
                // A hole of a block in a burst of data is enough.
                return Ok(self.report.pass_over(&what, &format!("it stayed dark; {strain}"))?);
            }
            None => Err("the display stayed dark".to_owned()),
            Some(CallerId { number: Some(seen), name: Some(called), standard, .. })
                if seen == number && called == name =>
            {
                Ok(format!("{seen} \"{called}\" ({})", standard.as_str()))
            }
            Some(other) => Err(format!("it shows {other:?}")),
        };
        self.should(&what, came)
    }

    /// Waits until the peer tells what is wanted; what it tells before that is passed over.
    pub(crate) fn await_peer(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&peer::Event) -> Option<String>,
    ) -> Result<(), Stop> {
        let began = self.now();
        let mut came = Err("it did not happen".to_owned());
        while let Some(event) = self.peer.next(PATIENCE) {
            if let Some(how) = wanted(&event) {
                let took = self.now().since(began).as_millis();
                came = Ok(format!("after {took} ms {how}").trim_end().to_owned());
                break;
            }
            if let peer::Event::Wrong(_) | peer::Event::Over(_) = event {
                came = Err(format!("instead: {event:?}"));
                break;
            }
        }
        self.must(what, came)
    }

    /// Ends a call, however it went: everybody hangs up, and the gateway's records are shown.
    pub(crate) fn clear(&mut self, expected: &[Expected]) -> io::Result<()> {
        for phone in super::house::PHONES {
            let _ = self.phones.on_hook(phone.port);
        }
        self.peer.tell(peer::Command::HangUp);
        // Whoever lifts the receiver sooner has pressed the hook switch: a flash.
        std::thread::sleep(FLASH);
        let mut records = Vec::new();
        while records.len() < expected.len()
            && let Ok(record) = self.ended.recv_timeout(PATIENCE)
        {
            records.push(record);
        }
        let quiet = self.quiet();
        for (at, wanted) in expected.iter().enumerate() {
            let came = match records.get(at) {
                Some((cdr, _)) => wanted.compare(cdr),
                None => Err("there is none".to_owned()),
            };
            self.report.check("call record", &came)?;
        }
        let wall = self.house.clock.wall();
        for (cdr, ladder) in &records {
            self.report.block(&ladder.to_string())?;
            let record = serde_json::to_string(&cdr.record(wall)).unwrap_or_default();
            self.report.block(&format!("CDR {record}"))?;
        }
        quiet
    }

    /// Nothing of the call may be left behind; transactions alone stay for their timers (RFC 3261 §17).
    fn quiet(&mut self) -> io::Result<()> {
        let deadline = self.now() + PATIENCE;
        let mut came = Err("the gateway is gone".to_owned());
        while let Some(audit) = self.house.started.process.audit() {
            let busy = audit.calls + audit.closing + audit.legs + audit.lines_in_use;
            if busy + audit.streams + audit.rtp_ports == 0 {
                came = Ok("lines, streams, ports".to_owned());
                break;
            }
            if self.now() > deadline {
                came = Err(format!("{audit:?}"));
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.forget();
        self.report.check("everything is free again", &came)
    }

    fn forget(&mut self) {
        self.phones.forget();
        self.peer.forget();
        while self.ended.try_recv().is_ok() {}
    }
}

/// What a call's record must say.
pub(crate) struct Expected {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) cause: u8,
    pub(crate) answered: bool,
}

impl Expected {
    fn compare(&self, cdr: &Cdr) -> Result<String, String> {
        let to = cdr.to_leg.as_deref().unwrap_or("nobody");
        let answered = if cdr.answer.is_some() { "answered" } else { "not answered" };
        let cause = cdr.cause();
        let said = format!(
            "{} to {to}, {answered}, cause {} ({})",
            cdr.from_leg,
            cause.value(),
            cause.name()
        );
        let right = cdr.from_leg == self.from
            && to == self.to
            && cdr.answer.is_some() == self.answered
            && cause.value() == self.cause;
        if right {
            return Ok(said);
        }
        let Self { from, to, cause, answered } = self;
        Err(format!("{said}, instead of {from} to {to}, cause {cause}, answered: {answered}"))
    }
}

fn timed(came: bool, took: Duration) -> Result<String, String> {
    if came {
        Ok(format!("after {} ms", took.as_millis()))
    } else {
        Err(format!("not within {} s", PATIENCE.as_secs()))
    }
}
