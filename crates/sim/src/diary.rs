//! What the person at a phone has noticed so far.

use tipring_core::Instant;
use tipring_virtual_card::{CallerId, PhoneEvent, ToneName};

/// One phone's events, and what follows from them.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// Everything, in order.
    pub events: Vec<(Instant, PhoneEvent)>,
    /// The bell rings now.
    pub ringing: bool,
    /// The tone that is heard now.
    pub tone: Option<ToneName>,
    /// What the display shows.
    pub display: Option<CallerId>,
    /// The DTMF digits heard.
    pub digits: String,
    /// No voltage on the wires now.
    pub dead: bool,
}

impl Diary {
    pub(crate) fn note(&mut self, now: Instant, event: PhoneEvent) {
        match &event {
            PhoneEvent::Ring { on } => self.ringing = *on,
            PhoneEvent::Tone { name, on: true } => self.tone = Some(*name),
            PhoneEvent::Tone { name, on: false } if self.tone == Some(*name) => self.tone = None,
            PhoneEvent::Tone { .. } => {}
            PhoneEvent::CallerId(id) => self.display = Some(id.clone()),
            PhoneEvent::Digit(digit) => self.digits.push(*digit),
            PhoneEvent::Loop { open } => self.dead = *open,
            PhoneEvent::MessageWaiting { .. } | PhoneEvent::Polarity { .. } => {}
        }
        self.events.push((now, event));
    }

    /// When each burst of the bell began.
    pub fn rings(&self) -> Vec<Instant> {
        let began = |(at, event): &(Instant, PhoneEvent)| {
            (*event == PhoneEvent::Ring { on: true }).then_some(*at)
        };
        self.events.iter().filter_map(began).collect()
    }

    /// When this tone was recognised first.
    pub fn first(&self, tone: ToneName) -> Option<Instant> {
        let heard = PhoneEvent::Tone { name: tone, on: true };
        self.events.iter().find(|(_, event)| *event == heard).map(|(at, _)| *at)
    }

    /// When this event came first.
    pub fn when(&self, wanted: &PhoneEvent) -> Option<Instant> {
        self.events.iter().find(|(_, event)| event == wanted).map(|(at, _)| *at)
    }
}
