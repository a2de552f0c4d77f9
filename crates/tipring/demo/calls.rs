//! The demonstration calls.

use std::io;

use tipring_core::Duration;
use tipring_virtual_card::{PhoneEvent, ToneName};

use super::house::{PHONES, Phone};
use super::peer::{self, Command, Event};
use super::stage::{Expected, PATIENCE, Stage, Stop};
use super::talk::Party;

const KITCHEN: Phone = PHONES[0];
const HALL: Phone = PHONES[1];
const STUDY: Phone = PHONES[2];
const ATTIC: Phone = PHONES[3];

/// A call: its heading, what is expected of it, how it goes, and how it must be recorded.
struct Act {
    title: &'static str,
    expected: &'static str,
    play: fn(&mut Stage<'_>) -> Result<(), Stop>,
    records: &'static [Expected],
}

/// Q.850: normal call clearing.
const CLEARING: u8 = 16;
/// Q.850: user busy.
const BUSY: u8 = 17;

const ACTS: [Act; 5] = [
    Act {
        title: "phone to SIP",
        expected: "101 dials 201; 201 rings and answers; both are heard; 101 presses 4, 2, # and hangs up",
        play: phone_to_sip,
        records: &[Expected { from: "kitchen", to: peer::NAME, cause: CLEARING, answered: true }],
    },
    Act {
        title: "SIP to phone",
        expected: "201 proves who it is and calls 102, which rings, shows the caller and answers; both are heard; \
                   201 presses 7, 9 and hangs up",
        play: sip_to_phone,
        records: &[Expected { from: peer::NAME, to: "hall", cause: CLEARING, answered: true }],
    },
    Act {
        title: "phone to phone",
        expected: "101 dials 102, which rings, shows the caller and answers; both are heard; 102 hangs up",
        play: phone_to_phone,
        records: &[Expected { from: "kitchen", to: "hall", cause: CLEARING, answered: true }],
    },
    Act {
        title: "CANCEL",
        expected: "201 calls 103 and gives up before anybody answers: 487, and the bell is still",
        play: cancel,
        records: &[Expected { from: peer::NAME, to: "study", cause: CLEARING, answered: false }],
    },
    Act {
        title: "busy",
        expected: "the receiver of 104 is off: 201 gets 486, 101 hears busy tone",
        play: busy,
        records: &[
            Expected { from: peer::NAME, to: "attic", cause: BUSY, answered: false },
            Expected { from: "kitchen", to: "attic", cause: BUSY, answered: false },
        ],
    },
];

/// All calls, one after the other. What goes wrong in one is reported, and the next begins.
pub(super) fn play_all(stage: &mut Stage<'_>) -> io::Result<()> {
    for act in ACTS {
        stage.report.begin(act.title, act.expected)?;
        match (act.play)(stage) {
            Ok(()) | Err(Stop::Failed) => {}
            Err(Stop::Output(error)) => return Err(error),
        }
        stage.clear(act.records)?;
    }
    Ok(())
}

fn phone_to_sip(stage: &mut Stage<'_>) -> Result<(), Stop> {
    stage.dial(KITCHEN, peer::NAME)?;
    stage.await_peer("201 is called", |event| match event {
        Event::Called { number, name } if number == KITCHEN.number => {
            Some(format!("by {number} {name:?}", name = name.as_deref().unwrap_or_default()))
        }
        _ => None,
    })?;
    stage.peer.tell(Command::Ring);
    stage.await_phone("101 hears ringback tone", |phones| {
        phones.wait_tone(KITCHEN.port, PATIENCE, ToneName::Ringback)
    })?;
    stage.peer.tell(Command::Answer);
    talking(stage)?;
    stage.converse(Party::Phone(KITCHEN), Party::Peer)?;
    let pressed = stage.phones.dial(KITCHEN.port, "42#");
    stage.done("101 presses 4, 2, #", pressed)?;
    for digit in "42#".chars() {
        stage.await_peer(&format!("201 receives {digit}"), |event| {
            matches!(event, Event::Digit(got) if *got == digit).then(|| "(RFC 4733)".to_owned())
        })?;
    }
    let down = stage.phones.on_hook(KITCHEN.port);
    stage.done("101 hangs up", down)?;
    stage.await_peer("201 is told: BYE", |event| {
        matches!(event, Event::Over(None)).then(String::new)
    })
}

fn sip_to_phone(stage: &mut Stage<'_>) -> Result<(), Stop> {
    stage.peer.tell(Command::Call(HALL.number));
    ringing_at(stage, HALL)?;
    stage.caller_id(HALL, peer::NAME, peer::DISPLAY)?;
    let lifted = stage.phones.off_hook(HALL.port);
    stage.done("102 answers", lifted)?;
    talking(stage)?;
    stage.converse(Party::Peer, Party::Phone(HALL))?;
    stage.peer.tell(Command::Press("79"));
    for digit in "79".chars() {
        stage.await_phone(&format!("102 hears the key {digit}"), |phones| {
            let hears = |event: &PhoneEvent| (*event == PhoneEvent::Digit(digit)).then_some(());
            phones.wait(HALL.port, PATIENCE, hears).is_some()
        })?;
    }
    // What the phone hears comes back a little from its hybrid; that is no key of its own.
    let back = std::iter::from_fn(|| stage.peer.next(Duration::from_millis(200)));
    let back: Vec<_> = back.filter(|event| matches!(event, Event::Digit(_))).collect();
    let none = if back.is_empty() { Ok(String::new()) } else { Err(format!("{back:?}")) };
    stage.should("none comes back to 201", none)?;
    stage.peer.tell(Command::HangUp);
    disconnected(stage, HALL)
}

fn phone_to_phone(stage: &mut Stage<'_>) -> Result<(), Stop> {
    stage.dial(KITCHEN, HALL.number)?;
    stage.await_phone("102 rings", |phones| phones.wait_ring(HALL.port, PATIENCE, true))?;
    stage.await_phone("101 hears ringback tone", |phones| {
        phones.wait_tone(KITCHEN.port, PATIENCE, ToneName::Ringback)
    })?;
    stage.caller_id(HALL, KITCHEN.number, KITCHEN.display)?;
    let lifted = stage.phones.off_hook(HALL.port);
    stage.done("102 answers", lifted)?;
    // The ringback tone ends, and the ring is tripped.
    std::thread::sleep(Duration::from_millis(300));
    stage.converse(Party::Phone(KITCHEN), Party::Phone(HALL))?;
    let down = stage.phones.on_hook(HALL.port);
    stage.done("102 hangs up", down)?;
    disconnected(stage, KITCHEN)
}

fn cancel(stage: &mut Stage<'_>) -> Result<(), Stop> {
    stage.peer.tell(Command::Call(STUDY.number));
    ringing_at(stage, STUDY)?;
    stage.peer.tell(Command::HangUp);
    stage.await_peer("201 is told: 487 Request Terminated", |event| match event {
        Event::Over(Some(status)) if status.code() == 487 => Some(String::new()),
        _ => None,
    })?;
    stage.await_phone("the bell of 103 is still", |phones| {
        phones.wait_ring(STUDY.port, PATIENCE, false)
    })
}

fn busy(stage: &mut Stage<'_>) -> Result<(), Stop> {
    let lifted = stage.phones.off_hook(ATTIC.port);
    stage.done("104 is taken off the hook", lifted)?;
    stage.await_phone("104 hears dial tone", |phones| {
        phones.wait_tone(ATTIC.port, PATIENCE, ToneName::Dial)
    })?;
    stage.peer.tell(Command::Call(ATTIC.number));
    stage.await_peer("201 is told: 486 Busy Here", |event| match event {
        Event::Over(Some(status)) if status.code() == 486 => Some(String::new()),
        _ => None,
    })?;
    stage.dial(KITCHEN, ATTIC.number)?;
    stage.await_phone("101 hears busy tone", |phones| {
        phones.wait_tone(KITCHEN.port, PATIENCE, ToneName::Busy)
    })
}

fn talking(stage: &mut Stage<'_>) -> Result<(), Stop> {
    stage.await_peer("the call is answered and acknowledged", |event| {
        (*event == Event::Talking).then(String::new)
    })
}

/// The peer's call makes a phone ring, and the peer hears of it.
fn ringing_at(stage: &mut Stage<'_>, phone: Phone) -> Result<(), Stop> {
    let number = phone.number;
    stage.await_phone(&format!("{number} rings"), |phones| {
        phones.wait_ring(phone.port, PATIENCE, true)
    })?;
    stage.await_peer("201 is told: 180 Ringing", |event| {
        (*event == Event::Ringing).then(String::new)
    })
}

/// The other side has hung up, and the exchange says so with a gap in the feed.
fn disconnected(stage: &mut Stage<'_>, phone: Phone) -> Result<(), Stop> {
    let number = phone.number;
    stage.await_phone(&format!("{number} notices the end of the call"), |phones| {
        let gap = |event: &PhoneEvent| (*event == PhoneEvent::Loop { open: true }).then_some(());
        phones.wait(phone.port, PATIENCE, gap).is_some()
    })?;
    let down = stage.phones.on_hook(phone.port);
    stage.done(&format!("{number} hangs up"), down)?;
    stage.await_phone(&format!("{number} has its feed again"), |phones| {
        let back = |event: &PhoneEvent| (*event == PhoneEvent::Loop { open: false }).then_some(());
        phones.wait(phone.port, PATIENCE, back).is_some()
    })
}
