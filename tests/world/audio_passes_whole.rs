//! What is said at one end is heard at the other: all of it, soon, and without a sample too many or
//! too few.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{Alignment, Duration, World};

use crate::common::{
    house, kitchen_calls_provider, ms, provider_calls_kitchen, s, talk, world, world_of,
};

/// One way through the simulated network.
const NETWORK: Duration = ms(1);

/// A minute of speech both ways at once: (kitchen as the provider hears it, provider as the kitchen
/// hears it).
fn converse(world: &mut World, seconds: u64) -> [(Sound, Sound); 2] {
    let (mine, theirs) = (sound::speech(1, seconds as f64), sound::speech(2, seconds as f64));
    world.agent("provider").media.listen_anew();
    world.phone("kitchen").listen();
    world.agent("provider").media.say(&theirs);
    let mine = world.phone("kitchen").say(&mine);
    world.run_for(s(seconds) + ms(400));
    let provider = world.agent("provider");
    let at = provider.media.spoken_at().expect("it has spoken");
    let theirs = Sound { at, samples: theirs };
    let (at, samples) = provider.media.heard();
    let there = Sound { at, samples };
    let here = world.phone("kitchen").heard();
    [(mine, there), (theirs, here)]
}

fn judge(said: &Sound, heard: &Sound) -> Alignment {
    let found = said.align(heard);
    let delays = said.delays(heard, found);
    println!("{found:?}, {:?}, levels {:.0} {:.0}", found.delay(), said.rms(), heard.rms());
    assert!(found.correlation >= 0.99, "{found:?}");
    assert!(delays.iter().all(|delay| *delay == found.delay), "slipped: {delays:?}");
    found
}

#[test]
fn a_minute_of_speech_passes_both_ways_between_phone_and_sip() {
    let mut world = world(21);
    kitchen_calls_provider(&mut world);
    let [to_sip, to_phone] = converse(&mut world, 60);
    let out = judge(&to_sip.0, &to_sip.1).delay();
    assert!(out <= ms(20 + 15) + NETWORK, "towards SIP: {out:?}");
    let back = judge(&to_phone.0, &to_phone.1).delay();
    // The jitter buffer comes on top: 40 ms at most where nothing jitters.
    assert!(back <= ms(20 + 15 + 40) + NETWORK, "towards the phone: {back:?}");
    world.phone("kitchen").on_hook();
    world.rest();
    let rtp = world.cdr().rtp.expect("the stream has reported");
    assert_eq!((rtp.lost, rtp.late), (0, 0));
}

#[test]
fn it_passes_as_well_in_a_call_from_sip_with_a_law() {
    let mut world = world(22);
    world.agent("provider").codecs = vec![8, 101];
    provider_calls_kitchen(&mut world);
    let [to_sip, to_phone] = converse(&mut world, 10);
    judge(&to_sip.0, &to_sip.1);
    judge(&to_phone.0, &to_phone.1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().codec.as_deref(), Some("PCMA"));
}

#[test]
fn two_phones_hear_each_other_after_a_few_milliseconds() {
    let mut world = world(23);
    crate::phones_call_each_other::kitchen_calls_hall(&mut world);
    let (mine, theirs) = (sound::speech(3, 20.0), sound::speech(4, 20.0));
    world.phone("kitchen").listen();
    world.phone("hall").listen();
    let mine = world.phone("kitchen").say(&mine);
    let theirs = world.phone("hall").say(&theirs);
    world.run_for(s(20) + ms(200));
    let there = world.phone("hall").heard();
    let here = world.phone("kitchen").heard();
    for (said, heard) in [(&mine, &there), (&theirs, &here)] {
        let delay = judge(said, heard).delay();
        assert!(delay <= ms(25), "{delay:?}");
    }
    world.phone("kitchen").on_hook();
    world.phone("hall").on_hook();
    world.rest();
}

/// Two cards have two crystals: the second one's channels are resampled to the first one's clock.
#[test]
fn a_phone_on_a_second_card_whose_crystal_is_off_is_heard_as_well() {
    let site = house(24).card(&[("office", "201")]);
    let mut world = world_of(site);
    world.drift(1, 50.0);
    world.agent("provider").call("201");
    world.wait("ringing", s(3), |w| w.diary("office").ringing);
    world.phone("office").off_hook();
    talk(&mut world);
    world.run_for(s(2));
    let theirs = sound::speech(2, 20.0);
    world.agent("provider").media.listen_anew();
    world.phone("office").listen();
    world.agent("provider").media.say(&theirs);
    let mine = world.phone("office").say(&sound::speech(1, 20.0));
    world.run_for(s(21));
    let (at, samples) = world.agent("provider").media.heard();
    let there = Sound { at, samples };
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let here = world.phone("office").heard();
    for (said, heard) in [(mine, there), (Sound { at, samples: theirs }, here)] {
        let found = said.align(&heard);
        let delays = said.delays(&heard, found);
        println!("{found:?} {delays:?}");
        // 50 ppm are a sample in two and a half seconds, taken up smoothly.
        assert!(delays.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 2), "{delays:?}");
        let likeness = said.likeness(&heard, found);
        assert!(likeness >= 0.99, "{likeness}");
    }
    world.phone("office").on_hook();
    world.rest();
}
