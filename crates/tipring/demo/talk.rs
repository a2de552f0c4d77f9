//! Two talk at once: what each says, what the other hears of it, and what kept this machine busy meanwhile.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tipring_core::Duration;

use super::house::Phone;
use super::peer::{self, Recording};
use super::sound::{self, Comparison, Sound};
use super::stage::{PATIENCE, Stage, Stop};

/// How long both talk, in seconds.
const TALK: usize = 5;
/// After the last word, so that it arrives.
const TAIL: Duration = Duration::from_millis(500);
/// Less is no longer the same speech.
const CORRELATION: f64 = 0.95;
/// What an undisturbed path reaches.
const GOAL: f64 = 0.99;
/// A peer that sends later than this was kept from it.
const LATE: Duration = Duration::from_millis(10);

/// Who can be heard in a conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    Phone(Phone),
    Peer,
}

impl Party {
    fn number(self) -> &'static str {
        match self {
            Self::Phone(phone) => phone.number,
            Self::Peer => peer::NAME,
        }
    }
}

/// What came of talking: how each was heard by the other, and what kept this machine busy.
struct Talk {
    heard: [Result<String, String>; 2],
    strain: Strain,
    peer_late: Duration,
}

impl Talk {
    fn is_excused(&self) -> bool {
        self.heard.iter().any(Result::is_err) && (self.strain.is_visible() || self.peer_late > LATE)
    }
}

impl Stage<'_> {
    /// Both talk at once; reports how each was heard by the other. When that was bad because this machine was busy,
    /// they try once more.
    pub(crate) fn converse(&mut self, one: Party, other: Party) -> Result<(), Stop> {
        let names = [(one, other), (other, one)]
            .map(|(from, to)| format!("{} is heard by {}", from.number(), to.number()));
        self.report.note(&format!("both talk for {TALK} s …"))?;
        let mut talk = self.talk(one, other)?;
        if talk.is_excused() {
            for (name, came) in names.iter().zip(&talk.heard) {
                let (Ok(how) | Err(how)) = came;
                self.report.pass_over(name, how)?;
            }
            self.explain(&talk)?;
            self.report.note("once more …")?;
            talk = self.talk(one, other)?;
        }
        for (name, came) in names.iter().zip(&talk.heard) {
            self.should(name, came.clone())?;
        }
        self.explain(&talk)
    }

    fn talk(&mut self, one: Party, other: Party) -> Result<Talk, Stop> {
        let before = self.strain();
        let texts = [sound::speech(1, TALK), sound::speech(2, TALK)];
        for party in [one, other] {
            let listening = match party {
                Party::Phone(phone) => self.phones.listen(phone.port),
                Party::Peer => {
                    self.peer.tell(peer::Command::Listen);
                    Ok(())
                }
            };
            self.done("listening", listening)?;
        }
        let mut begun = [None; 2];
        for ((party, text), begun) in [one, other].into_iter().zip(&texts).zip(&mut begun) {
            match party {
                Party::Phone(phone) => *begun = self.phones.say(phone.port, text).ok(),
                Party::Peer => self.peer.tell(peer::Command::Say(text.clone())),
            }
        }
        std::thread::sleep(Duration::from_secs(TALK as u64) + TAIL);
        let recording = self.peer.recording(PATIENCE);
        let strain = self.strain().since(before);
        let [first, second] = texts;
        let heard = [(one, other, first, begun[0]), (other, one, second, begun[1])].map(
            |(from, to, samples, begun)| {
                let at = if from == Party::Peer { recording.spoken_at } else { begun };
                let heard = self.heard_by(to, &recording);
                at.zip(heard)
                    .and_then(|(at, heard)| sound::compare(&Sound { at, samples }, &heard))
                    .ok_or_else(|| "nothing was heard".to_owned())
                    .and_then(|found| verdict(found, strain))
            },
        );
        Ok(Talk { heard, strain, peer_late: recording.latest })
    }

    fn heard_by(&self, party: Party, recording: &Recording) -> Option<Sound> {
        match party {
            Party::Phone(phone) => self.phones.heard(phone.port).ok(),
            Party::Peer => recording.heard.clone(),
        }
    }

    /// Says what kept this machine busy, if anything did.
    fn explain(&mut self, talk: &Talk) -> Result<(), Stop> {
        if talk.strain.is_visible() {
            self.report.note(&format!("this machine was busy: {}", talk.strain))?;
        }
        if talk.peer_late > LATE {
            let late = talk.peer_late.as_millis();
            self.report.note(&format!("this machine was busy: the peer sent {late} ms late"))?;
        }
        Ok(())
    }

    /// What has been counted so far.
    pub(crate) fn strain(&self) -> Strain {
        let media = self.house.started.process.media_counters();
        let rtp = self.house.started.process.rtp_counters();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Strain {
            late: read(&media.late_ticks),
            without_block: read(&media.timer_ticks),
            full: read(&media.overflow) + read(&rtp.overflow) + read(&rtp.unsent),
        }
    }
}

/// What shows that other programs kept the audio threads from running.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strain {
    late: u64,
    without_block: u64,
    full: u64,
}

impl Strain {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            late: self.late - before.late,
            without_block: self.without_block - before.without_block,
            full: self.full - before.full,
        }
    }

    pub(crate) fn is_visible(self) -> bool {
        self.late + self.without_block + self.full > 0
    }
}

impl fmt::Display for Strain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { late, without_block, full } = self;
        write!(
            f,
            "{late} late audio ticks, {without_block} without a block of the card, \
             {full} blocks or packets dropped"
        )
    }
}

/// Whether that is good enough. A slip is our fault unless this machine had no time for us.
fn verdict(found: Comparison, strain: Strain) -> Result<String, String> {
    let slips = match found.slips {
        0 => "no slip".to_owned(),
        1 => "1 slip".to_owned(),
        slips => format!("{slips} slips"),
    };
    let mut text = format!(
        "correlation {:.4}, {:.1} ms later, {slips}, {:+.1} dB",
        found.correlation,
        found.delay_ms(),
        found.gain_db
    );
    if found.slips > 0 {
        text += &format!(" (in one piece {:.4})", found.rigid);
    }
    if found.correlation < CORRELATION || (found.slips > 0 && !strain.is_visible()) {
        return Err(text);
    }
    if found.correlation < GOAL {
        text += &format!("; below the goal of {GOAL}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Strain = Strain { late: 0, without_block: 0, full: 0 };
    const GOOD: Comparison =
        Comparison { correlation: 0.9996, rigid: 0.9996, delay: 168, slips: 0, gain_db: -0.04 };

    #[test]
    fn what_is_heard_well_is_told_with_its_figures() {
        let told = verdict(GOOD, IDLE);
        assert_eq!(told, Ok("correlation 0.9996, 21.0 ms later, no slip, -0.0 dB".to_owned()));
        let worse = verdict(Comparison { correlation: 0.97, ..GOOD }, IDLE);
        assert!(worse.is_ok_and(|told| told.ends_with("below the goal of 0.99")));
        assert!(verdict(Comparison { correlation: 0.94, ..GOOD }, IDLE).is_err());
    }

    #[test]
    fn a_slip_is_forgiven_to_a_busy_machine_only() {
        let slipped = Comparison { slips: 1, ..GOOD };
        assert!(verdict(slipped, IDLE).is_err());
        assert!(verdict(slipped, Strain { without_block: 1, ..IDLE }).is_ok());
    }
}
