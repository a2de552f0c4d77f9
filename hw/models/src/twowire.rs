//! The two wires between line chip and phone: resistance, ringer load, hybrid.
//!
//! ```text
//!   chip: Feed ──tip── loop ──┬── set (hook closed)
//!              ──ring─ loop ──┴── ringer (REN)
//! ```

/// What a line chip puts on its wires for one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Feed {
    /// Open-circuit DC voltage, tip against ring; negative is reversed polarity, 0 an open feed.
    pub volts: f32,
    /// Where the feed limits its DC, mA.
    pub limit_ma: f32,
    /// Ringing voltage, RMS; 0 when silent.
    pub ringing_volts: f32,
}

/// What a line chip senses on its wires.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sense {
    /// Loop DC, signed like the feed, mA.
    pub loop_ma: f32,
    /// Tip against ring at the chip, V.
    pub volts: f32,
    /// Mean magnitude of the ringing current, mA.
    pub ringing_ma: f32,
}

/// What a phone finds at its socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Socket {
    /// Tip against ring, V.
    pub volts: f32,
    /// Ringing across the ringer, V RMS.
    pub ringing_volts: f32,
}

/// A two-wire loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoWire {
    /// Both wires in series, ohms.
    pub loop_ohms: f32,
    /// Ringer equivalence number of everything that rings on the loop.
    pub ren: f32,
    /// The wires are cut: the chip sees an open loop, the phone a dead one.
    pub cut: bool,
    echo_return_loss_db: f32,
    echo: f32,
}

impl Default for TwoWire {
    fn default() -> Self {
        let mut wire =
            Self { loop_ohms: 300.0, ren: 1.0, cut: false, echo_return_loss_db: 0.0, echo: 0.0 };
        wire.set_echo_return_loss_db(34.0);
        wire
    }
}

impl TwoWire {
    /// How far below the received signal its echo comes back through the hybrid, dB.
    pub fn echo_return_loss_db(&self) -> f32 {
        self.echo_return_loss_db
    }

    /// Sets the hybrid's balance; 120 dB and more is no echo at all.
    pub fn set_echo_return_loss_db(&mut self, db: f32) {
        self.echo_return_loss_db = db;
        self.echo = if db >= 120.0 { 0.0 } else { 10f32.powf(-db / 20.0) };
    }

    /// Currents and voltages with the hook switch closed or not.
    pub fn solve(&self, feed: &Feed, closed: bool) -> (Sense, Socket) {
        if self.cut {
            return (Sense { volts: feed.volts, ..Sense::default() }, Socket::default());
        }
        let mut sense = Sense { volts: feed.volts, ..Sense::default() };
        let mut socket = Socket { volts: feed.volts, ringing_volts: 0.0 };
        if closed && feed.volts != 0.0 {
            let ohms = self.loop_ohms + SET_OHMS;
            let ma = (feed.volts.abs() * 1000.0 / (ohms + FEED_OHMS)).min(feed.limit_ma);
            sense.loop_ma = ma.copysign(feed.volts);
            sense.volts = sense.loop_ma * ohms / 1000.0;
            socket.volts = sense.loop_ma * SET_OHMS / 1000.0;
        }
        if feed.ringing_volts > 0.0 {
            let load = if closed { SET_OHMS } else { RINGER_OHMS / self.ren.max(0.01) };
            let amps = feed.ringing_volts / (FEED_OHMS + self.loop_ohms + load);
            sense.ringing_ma = amps * 1000.0 * MEAN_OF_RMS;
            socket.ringing_volts = amps * load;
        }
        (sense, socket)
    }

    /// Adds the hybrid's echo of what was sent down the loop to what comes up.
    pub fn add_echo(&self, received: &[i16], sent: &mut [i16]) {
        if self.echo == 0.0 {
            return;
        }
        for (out, sample) in sent.iter_mut().zip(received) {
            let echo = (f32::from(*sample) * self.echo) as i16;
            *out = out.saturating_add(echo);
        }
    }
}

/// DC resistance of an off-hook set.
const SET_OHMS: f32 = 200.0;
/// Source resistance of the feed.
const FEED_OHMS: f32 = 200.0;
/// Impedance of one ringer equivalence at ringing frequency.
const RINGER_OHMS: f32 = 7000.0;
/// Mean magnitude of a sine over its RMS.
const MEAN_OF_RMS: f32 = 0.900_316;

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: Feed = Feed { volts: 48.0, limit_ma: 20.0, ringing_volts: 0.0 };

    #[test]
    fn an_open_loop_carries_the_battery_and_no_current() {
        let (sense, socket) = TwoWire::default().solve(&FEED, false);
        assert_eq!((sense.loop_ma, socket.volts), (0.0, 48.0));
    }

    #[test]
    fn a_closed_loop_is_limited_and_a_long_one_starves() {
        let mut wire = TwoWire::default();
        assert_eq!(wire.solve(&FEED, true).0.loop_ma, 20.0);
        let reversed = Feed { volts: -48.0, ..FEED };
        assert_eq!(wire.solve(&reversed, true).0.loop_ma, -20.0);
        wire.loop_ohms = 9600.0;
        let (sense, _) = wire.solve(&FEED, true);
        assert!((sense.loop_ma - 4.8).abs() < 0.01);
    }

    #[test]
    fn ringing_current_jumps_when_the_hook_closes() {
        let wire = TwoWire::default();
        let feed = Feed { volts: 0.0, limit_ma: 20.0, ringing_volts: 49.5 };
        let (idle, socket) = wire.solve(&feed, false);
        let (tripped, _) = wire.solve(&feed, true);
        assert!(idle.ringing_ma < 8.0 && tripped.ringing_ma > 50.0);
        assert!(socket.ringing_volts > 40.0);
    }

    #[test]
    fn the_hybrid_returns_the_stated_echo() {
        let mut wire = TwoWire::default();
        wire.set_echo_return_loss_db(20.0);
        let mut up = [100i16; 2];
        wire.add_echo(&[10_000, -10_000], &mut up);
        assert!((up[0] - 1100).abs() <= 1 && (up[1] + 900).abs() <= 1, "{up:?}");
        wire.set_echo_return_loss_db(120.0);
        let mut up = [0i16; 2];
        wire.add_echo(&[10_000, -10_000], &mut up);
        assert_eq!(up, [0, 0]);
    }
}
