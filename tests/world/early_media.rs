//! 183 with a session description: the caller hears what the network says before anybody answers.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{Answering, EndedBy, Phase};

use crate::common::{dial, ended, ms, s, world};

#[test]
fn an_announcement_before_the_answer_is_heard_and_no_ringback_over_it() {
    let mut world = world(111);
    world.agent("provider").answering = Answering::EarlyMedia { answer: s(6) };
    let said = sound::speech(9, 4.0);
    world.agent("provider").media.say(&said);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("183", s(5), |w| w.phase("provider") == Phase::Ringing);
    world.phone("kitchen").listen();
    world.run_for(s(5));
    let heard = world.phone("kitchen").heard();
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let found = Sound { at, samples: said }.align(&heard);
    assert!(found.correlation > 0.98, "{found:?}");
    world.wait("answer", s(3), |w| w.phase("provider") == Phase::Talking);
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Caller, true));
    let waited = cdr.answer.expect("it was answered") - cdr.start;
    assert!((ms(5900)..=ms(6300)).contains(&waited), "{waited:?}");
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn early_media_that_ends_in_busy_gives_busy() {
    let mut world = world(112);
    world.agent("provider").answering = Answering::EarlyMedia { answer: s(60) };
    dial(&mut world, "kitchen", "95551234#");
    world.wait("183", s(5), |w| w.phase("provider") == Phase::Ringing);
    world.run_for(s(2));
    world.agent("provider").hang_up();
    world.wait("the end", s(2), |w| w.cdrs().len() == 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (21, EndedBy::Callee, false));
}

#[test]
fn keys_pressed_before_the_answer_reach_the_voice_that_asks_for_them() {
    let mut world = world(113);
    world.agent("provider").answering = Answering::EarlyMedia { answer: s(60) };
    dial(&mut world, "kitchen", "95551234#");
    world.wait("183", s(5), |w| w.phase("provider") == Phase::Ringing);
    world.run_for(s(1));
    world.phone("kitchen").dial("42");
    world.run_for(s(1));
    let codes: Vec<u8> = world.agent("provider").media.events().iter().map(|(c, _)| *c).collect();
    assert_eq!(codes, [4, 2]);
    world.phone("kitchen").on_hook();
    world.wait("CANCEL", s(2), |w| w.phase("provider") == Phase::Idle);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
}
