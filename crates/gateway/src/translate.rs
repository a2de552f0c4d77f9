//! Between the line machine's words and the card protocol's.

use tipring_bridge_proto::{self as proto, LineCommand, LineEvent};
use tipring_line::country::{Impedance, RingCadence};
use tipring_line::{CardAction, CardInput, Digit, Linefeed};

/// What the port machine shall make of a card's event; `None` for what it does not need.
pub fn card_input(event: LineEvent) -> Option<CardInput> {
    Some(match event {
        LineEvent::Hook { off } => CardInput::Hook { off },
        LineEvent::Flash { .. } => CardInput::Flash,
        LineEvent::PulseDigit { digit, .. } => {
            // Ten pulses are the digit 0.
            let key = char::from_digit(u32::from(digit) % 10, 10)?;
            CardInput::PulseDigit(Digit::new(key)?)
        }
        LineEvent::Ringing { on } => CardInput::Ringing { on },
        LineEvent::RingTrip => CardInput::RingTrip,
        LineEvent::LoopCurrent { .. }
        | LineEvent::PowerAlarm { .. }
        | LineEvent::Fault { .. }
        | LineEvent::Unsupported { .. }
        | LineEvent::Unknown(_) => return None,
    })
}

/// The command that carries out `action`; `None` when the protocol cannot say it (an empty or overlong cadence).
pub fn line_command(action: CardAction) -> Option<LineCommand> {
    Some(match action {
        CardAction::Linefeed(feed) => LineCommand::Linefeed(match feed {
            Linefeed::Forward => proto::Linefeed::Forward,
            Linefeed::OnHookTransmission => proto::Linefeed::ForwardOnHookTransmission,
            Linefeed::ReverseOnHookTransmission => proto::Linefeed::ReverseOnHookTransmission,
        }),
        CardAction::Ring { cadence, frequency_hz } => LineCommand::Ring(proto::Ring {
            cadence: cadence_of(cadence)?,
            frequency_dhz: u16::from(frequency_hz) * 10,
        }),
        CardAction::StopRing => LineCommand::StopRing,
        CardAction::OpenLoop { ms } => LineCommand::OpenLoop { ms },
        CardAction::FlashWindow { min_ms, max_ms } => LineCommand::FlashWindow { min_ms, max_ms },
        CardAction::Impedance(impedance) => LineCommand::Impedance(match impedance {
            Impedance::R600 => proto::Impedance::Ohm600,
            // The chip has one setting for the harmonised complex impedance; the national ones are near it.
            Impedance::Tbr21 | Impedance::Uk | Impedance::De => proto::Impedance::Ctr21,
            Impedance::R600C1000 => proto::Impedance::Japan,
        }),
    })
}

fn cadence_of(cadence: RingCadence) -> Option<proto::Cadence> {
    let mut pairs = [(0, 0); proto::Cadence::MAX_PAIRS];
    for (pair, burst) in pairs.iter_mut().zip(cadence.0) {
        *pair = (burst.on_ms, burst.off_ms);
    }
    proto::Cadence::new(pairs.get(..cadence.0.len())?, 0)
}

/// A short name of an event for ladders and logs.
pub fn event_name(event: LineEvent) -> String {
    match event {
        LineEvent::Hook { off: true } => "off-hook".into(),
        LineEvent::Hook { off: false } => "on-hook".into(),
        LineEvent::Flash { ms } => format!("flash {ms} ms"),
        LineEvent::PulseDigit { digit, pps_x10, .. } => {
            format!("pulse {} at {}.{} pps", digit % 10, pps_x10 / 10, pps_x10 % 10)
        }
        LineEvent::Ringing { on: true } => "ring on".into(),
        LineEvent::Ringing { on: false } => "ring off".into(),
        LineEvent::RingTrip => "ring trip".into(),
        LineEvent::LoopCurrent { ma_x10 } => {
            format!("loop {}.{} mA", ma_x10 / 10, (ma_x10 % 10).abs())
        }
        LineEvent::PowerAlarm { .. } => "power alarm".into(),
        LineEvent::Fault { code } => format!("fault {code}"),
        LineEvent::Unsupported { opcode } => format!("unsupported {opcode:#04x}"),
        LineEvent::Unknown(code) => format!("event {code:#04x}"),
    }
}

/// A short name of a command for ladders and logs.
pub fn command_name(command: LineCommand) -> String {
    match command {
        LineCommand::Linefeed(feed) => format!("linefeed {feed:?}"),
        LineCommand::Ring(_) => "ring".into(),
        LineCommand::StopRing => "stop ringing".into(),
        LineCommand::OpenLoop { ms } => format!("open loop {ms} ms"),
        LineCommand::Polarity { reversed } => {
            format!("polarity {}", if reversed { "reversed" } else { "normal" })
        }
        LineCommand::FlashWindow { min_ms, max_ms } => {
            format!("flash window {min_ms} to {max_ms} ms")
        }
        LineCommand::Gain { .. } => "gain".into(),
        LineCommand::Impedance(_) => "impedance".into(),
        LineCommand::Unknown(opcode) => format!("command {opcode:#04x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_line::Country;

    #[test]
    fn ten_pulses_are_zero_and_other_counts_themselves() {
        for (pulses, key) in [(1, '1'), (9, '9'), (10, '0')] {
            let event = LineEvent::PulseDigit { digit: pulses, pps_x10: 100, break_percent: 60 };
            assert_eq!(card_input(event), Digit::new(key).map(CardInput::PulseDigit));
        }
    }

    #[test]
    fn every_country_rings_as_the_card_can() {
        for country in Country::ALL {
            let plan = country.ring;
            let action =
                CardAction::Ring { cadence: plan.cadence, frequency_hz: plan.frequency_hz };
            let Some(LineCommand::Ring(ring)) = line_command(action) else {
                panic!("{} cannot ring", country.code);
            };
            assert_eq!(ring.cadence.as_slice().len(), plan.cadence.0.len(), "{}", country.code);
            assert!((150..=700).contains(&ring.frequency_dhz), "{}", country.code);
        }
    }
}
