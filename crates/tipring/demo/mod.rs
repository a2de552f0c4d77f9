//! The demonstration: a gateway on loopback with a simulated card, for nothing but the asking.
//!
//! What: [`once`] places five calls and reports on them; [`live`] runs until stopped, for anybody's SIP client.
//! Why: a newcomer sees a whole call within a minute, and every release is tried the same way. All is real but the
//! card: sockets, the byte stream to the card, the clock.
//! Start at [`calls`]: what happens and what must come of it.
//!
//! ```text
//!  people (phones) ─► simulated card ═ byte stream ═ gateway (house) ═ UDP ═ SIP telephone (peer: agent and voice)
//!        └──────────── calls on a stage, which watches both ends and writes the report ───────────────┘
//! ```

mod calls;
mod house;
mod live;
mod peer;
mod people;
mod phones;
mod report;
mod sound;
mod stage;
mod talk;
mod voice;

use std::io::Write;
use std::sync::mpsc;

use crate::command::Failure;
use crate::style::Style;
use house::{House, PASSWORD, PHONES};
use peer::{Event, Peer};
use phones::Phones;
use report::Report;
use stage::{PATIENCE, Stage};

pub(crate) use live::live;

/// Places the demonstration calls and reports on them; fails with status 1 when one of them did.
pub(crate) fn once(out: &mut dyn Write, style: Style) -> Result<(), Failure> {
    let (tell, ended) = mpsc::channel();
    let house = house::open(false, move |call| {
        // Nobody listens when the demonstration is over.
        let _ = tell.send((call.cdr.clone(), call.ladder.clone()));
    })?;
    let phones = Phones::new(house.clock, house.world.clone());
    let peer = Peer::start(house.clock, house.sip, PASSWORD)
        .map_err(|error| Failure::Failed(format!("no SIP telephone: {error}")))?;
    let mut report = Report::new(out, style);
    introduce(&mut report, &house, &peer)?;
    let mut stage = Stage { house, phones, peer, ended, report };
    calls::play_all(&mut stage)?;
    let Stage { report, peer, phones, house, .. } = stage;
    let passed = report.end()?;
    drop((peer, phones, house));
    if passed { Ok(()) } else { Err(Failure::Said(1)) }
}

fn introduce(report: &mut Report<'_>, house: &House, peer: &Peer) -> Result<(), Failure> {
    let numbers: Vec<&str> = PHONES.iter().map(|phone| phone.number).collect();
    report.say(&format!(
        "Five calls between the phones {} on a simulated card and a SIP telephone, {}, in real time.\n\
         Gateway at udp:{}, SIP telephone at udp:{}.",
        numbers.join(", "),
        peer::NAME,
        house.sip,
        peer.address
    ))?;
    loop {
        match peer.next(PATIENCE) {
            Some(Event::Registered) => return Ok(()),
            Some(Event::NotRegistered(status)) => {
                let (code, reason) = (status.code(), status.reason());
                return Err(Failure::Failed(format!("{} is refused: {code} {reason}", peer::NAME)));
            }
            Some(_) => {}
            None => return Err(Failure::Failed("the registrar does not answer".to_owned())),
        }
    }
}
