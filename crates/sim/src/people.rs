//! The people of the world, at this moment: SIP peers and those at the phones.

use std::ops::{Deref, DerefMut};

use tipring_core::Instant;
use tipring_virtual_card::{Dialling, PhoneSet};

use crate::agent::Agent;
use crate::sound::Sound;
use crate::world::World;

/// A SIP peer, now.
pub struct Here<'a> {
    pub(crate) agent: &'a mut Agent,
    pub(crate) now: Instant,
}

impl Here<'_> {
    /// Calls a number at the gateway.
    pub fn call(&mut self, number: &str) {
        self.agent.call(self.now, number);
    }

    /// Calls a URI by its outbound proxy.
    pub fn call_uri(&mut self, uri: &str) {
        self.agent.call_uri(self.now, uri.to_owned(), "");
    }

    /// Sends CANCEL.
    pub fn cancel(&mut self) {
        self.agent.cancel(self.now);
    }

    /// BYE, CANCEL or a refusal, as its call stands.
    pub fn hang_up(&mut self) {
        self.agent.hang_up(self.now);
    }

    /// Answers the call that rings.
    pub fn pick_up(&mut self) {
        self.agent.pick_up(self.now);
    }

    /// Changes the direction of its audio: `sendonly` holds.
    pub fn reinvite(&mut self, direction: &str) {
        self.agent.reinvite(self.now, direction);
    }

    /// Sends a request in its call.
    pub fn request(&mut self, method: &str, extra: &str, body: &str) {
        self.agent.request(self.now, method, extra, body);
    }

    /// Registers at the gateway for so many seconds.
    pub fn register(&mut self, expires: u32) {
        self.agent.register(self.now, expires);
    }

    /// Asks whether a call to `user` at the gateway would be taken (OPTIONS).
    pub fn ask_about(&mut self, user: &str) {
        self.agent.ask_about(self.now, user);
    }

    /// Writes a MESSAGE to `user` at the gateway.
    pub fn write(&mut self, user: &str, extra: &str, text: &str) {
        self.agent.write(self.now, user, extra, text);
    }

    /// Sends a request outside of its call with extra header lines.
    pub fn ask_with(&mut self, method: &str, extra: &str) {
        self.agent.ask_with(self.now, method, extra);
    }

    /// Sends a request outside of its call.
    pub fn ask(&mut self, method: &str) {
        self.agent.ask(self.now, method);
    }
}

impl Deref for Here<'_> {
    type Target = Agent;

    fn deref(&self) -> &Agent {
        self.agent
    }
}

impl DerefMut for Here<'_> {
    fn deref_mut(&mut self) -> &mut Agent {
        self.agent
    }
}

/// The phone at a line, and the person at it.
pub struct Phone<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) place: (usize, u8),
}

impl Phone<'_> {
    fn set(&mut self) -> &mut PhoneSet {
        let (card, port) = self.place;
        self.world.cards[card].virtual_card.phone(port).expect("the card has this port")
    }

    /// Lifts the receiver.
    pub fn off_hook(&mut self) {
        self.set().off_hook();
    }

    /// Whether it is lifted.
    pub fn is_off_hook(&mut self) -> bool {
        self.set().is_off_hook()
    }

    /// Puts it down.
    pub fn on_hook(&mut self) {
        self.set().on_hook();
    }

    /// Dials by keys.
    pub fn dial(&mut self, digits: &str) {
        self.dial_by(digits, Dialling::DTMF);
    }

    /// Dials by keys or dial, as it is said.
    pub fn dial_by(&mut self, digits: &str, how: Dialling) {
        self.set().dial(digits, how).expect("the phone is off the hook and has these digits");
    }

    /// Breaks the loop for so long.
    pub fn flash(&mut self, ms: u32) {
        self.set().flash(ms).expect("the phone is off the hook");
    }

    /// Speaks into the receiver from now on; gives what is said, with its time.
    pub fn say(&mut self, samples: &[i16]) -> Sound {
        self.set().play(samples, false);
        let step = 1250;
        let at = Instant::from_micros(self.world.now.as_micros() / step * step);
        Sound { at, samples: samples.to_vec() }
    }

    /// Keeps what is heard from now on.
    pub fn listen(&mut self) {
        self.set().record();
        let block = 5000;
        let at = Instant::from_micros(self.world.now.as_micros() / block * block);
        self.world.listening.insert(self.place, at);
    }

    /// What was heard since [`Phone::listen`].
    pub fn heard(&mut self) -> Sound {
        let samples = self.set().stop_recording().expect("somebody listens");
        Sound { at: self.world.listening[&self.place], samples }
    }
}
