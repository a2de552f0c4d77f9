//! Commands that make no sense, and how many there may be.

use tipring_core::{CardId, ContextId, TerminationId};
use tipring_dsp::dtmf::Digit;
use tipring_dsp::g711::Law;
use tipring_media::control::{Command, Event, MAX_DIGITS, Refusal, RtpFormat};

use crate::rig::{CALL, PHONE, Pair, STREAM, params};

fn refusals(pair: &Pair) -> Vec<(u32, Refusal)> {
    let refused = pair.a.events.iter().filter_map(|e| match e {
        Event::Refused { termination, refusal } => Some((termination.0, *refusal)),
        _ => None,
    });
    refused.collect()
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut pair = Pair::talking(1);
    let nobody = TerminationId(99);
    let stream = params(RtpFormat::g711(Law::Mu, None), 1);
    let channel = |termination, card, channel| Command::AddCardChannel {
        termination,
        card: CardId(card),
        channel,
        law: Law::Mu,
        echo: None,
    };
    for command in [
        Command::Remove { termination: nobody },
        Command::Leave { termination: nobody },
        Command::StopTone { termination: nobody },
        Command::StopSamples { termination: nobody },
        Command::PlaySamples { termination: nobody, samples: Box::new([1; 400]) },
        Command::Join { context: CALL, a: PHONE, b: nobody },
        Command::AddRtp { termination: STREAM, params: stream },
        channel(PHONE, 0, 1),
        channel(nobody, 0, 0),
        channel(nobody, 1, 0),
        channel(nobody, 0, 128),
        Command::Stats { termination: PHONE },
        Command::UpdateRtp { termination: PHONE, format: stream.format },
    ] {
        pair.a.send(command);
    }
    pair.run(5);
    use Refusal::{NoSuchChannel, NotRtp, TerminationExists, UnknownTermination};
    let mut expected = vec![(99, UnknownTermination); 6];
    expected.extend([(2, TerminationExists), (1, TerminationExists)]);
    expected.extend([(99, NoSuchChannel); 3]);
    expected.extend([(1, NotRtp); 2]);
    assert_eq!(refusals(&pair), expected);
}

#[test]
fn tables_and_queues_are_full_at_their_bounds() {
    let mut pair = Pair::talking(2);
    for id in 10..17 {
        let params = params(RtpFormat::g711(Law::Mu, None), id);
        pair.a.send(Command::AddRtp { termination: TerminationId(id), params });
    }
    let digit = Digit::from_char('1').expect("a key");
    for _ in 0..=MAX_DIGITS {
        pair.a.send(Command::SendDigit { termination: STREAM, digit, ms: 100 });
    }
    pair.run(5);
    assert_eq!(refusals(&pair), [(16, Refusal::Full), (2, Refusal::Full)]);
    assert_eq!(pair.a.engine.terminations(), 8);
}

#[test]
fn nothing_is_left_after_everything_is_removed() {
    let mut pair = Pair::talking(3);
    for round in 0..50u32 {
        let [x, y] = [100, 101].map(|n| TerminationId(n + 2 * round));
        for termination in [x, y] {
            let params = params(RtpFormat::g711(Law::Mu, None), round);
            pair.a.send(Command::AddRtp { termination, params });
        }
        pair.a.send(Command::Join { context: ContextId(100 + round), a: x, b: y });
        pair.a.send(Command::PlaySamples { termination: x, samples: Box::new([1; 400]) });
        pair.run(5);
        pair.a.send(Command::Remove { termination: x });
        pair.a.send(Command::Remove { termination: y });
        pair.run(5);
    }
    assert_eq!(refusals(&pair), []);
    assert_eq!(pair.a.count(|e| matches!(e, Event::Removed { .. })), 100);
    assert_eq!(pair.a.engine.terminations(), 2);
    // Contexts of the past take no place: as many as there may be at a time can still be made.
    let counters = pair.a.engine.counters();
    assert_eq!((counters.events_dropped, counters.datagrams_dropped), (0, 0));
}
