//! DTMF during a call, both ways: every key once, as an event where that was agreed, else as sound.

use tipring_sim::sound::{self, Sound};

use tipring_gateway::config::DtmfRelay;
use tipring_sim::{Phase, World};

use crate::common::{
    dial, house, kitchen_calls_provider, ms, provider_calls_kitchen, s, talk, world, world_of,
};
use crate::flows_common::all;

const KEYS: &str = "123456789*0#";

fn codes(events: &[(u8, u32)]) -> String {
    events.iter().map(|(code, _)| b"0123456789*#ABCD"[usize::from(*code)] as char).collect()
}

#[test]
fn keys_of_the_phone_arrive_as_events_and_not_as_sound() {
    let mut world = world(131);
    kitchen_calls_provider(&mut world);
    world.agent("provider").media.listen_anew();
    world.phone("kitchen").dial(KEYS);
    world.run_for(s(4));
    let provider = world.agent("provider");
    assert_eq!(codes(provider.media.events()), KEYS);
    for (_, duration) in provider.media.events() {
        assert!((40 * 8..=160 * 8).contains(duration), "{duration} samples");
    }
    let (at, samples) = provider.media.heard();
    let heard = Sound { at, samples };
    // What is left are the first milliseconds of each key, before it is known as one.
    assert!(sounding(&heard, 60) <= KEYS.len() * 3, "{} blocks sound", sounding(&heard, 60));
    world.phone("kitchen").on_hook();
    world.rest();
}

/// Blocks of 10 ms that are louder than `level`.
fn sounding(sound: &Sound, level: i16) -> usize {
    let loud = |block: &&[i16]| block.iter().any(|s| s.unsigned_abs() > level.unsigned_abs());
    sound.samples.chunks(80).filter(loud).count()
}

#[test]
fn keys_go_as_sound_where_no_events_were_agreed() {
    let mut world = world(132);
    world.agent("provider").codecs = vec![0];
    provider_calls_kitchen(&mut world);
    world.agent("provider").media.listen_anew();
    world.phone("kitchen").dial("5");
    world.run_for(s(1));
    let (at, samples) = world.agent("provider").media.heard();
    let blocks = sounding(&Sound { at, samples }, 500);
    assert!((9..=12).contains(&blocks), "the key sounds for {blocks} × 10 ms");
    assert!(world.agent("provider").media.events().is_empty());
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn events_of_the_peer_are_heard_at_the_phone_once_each() {
    let mut world = world(133);
    provider_calls_kitchen(&mut world);
    for key in KEYS.chars() {
        world.agent("provider").media.press(key, 100);
        world.run_for(ms(300));
    }
    world.run_for(s(1));
    assert_eq!(world.diary("kitchen").digits, KEYS);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn keys_reach_the_other_phone_once_each() {
    let mut world = world(134);
    crate::phones_call_each_other::kitchen_calls_hall(&mut world);
    world.phone("kitchen").dial(KEYS);
    world.run_for(s(4));
    assert_eq!(world.diary("hall").digits, KEYS);
    world.phone("kitchen").on_hook();
    world.run_for(ms(200));
    world.phone("hall").on_hook();
    world.rest();
}

#[test]
fn speech_presses_no_keys() {
    let mut world = world(135);
    kitchen_calls_provider(&mut world);
    let speech = sound::speech(77, 60.0);
    world.phone("kitchen").say(&speech);
    world.run_for(s(61));
    assert_eq!(codes(world.agent("provider").media.events()), "");
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn keys_that_the_peer_sends_as_sound_are_heard_once_each() {
    let mut world = world(136);
    world.agent("provider").codecs = vec![0];
    provider_calls_kitchen(&mut world);
    let mut samples = Vec::new();
    for (low, high) in [(697.0, 1209.0), (770.0, 1336.0), (941.0, 1477.0)] {
        samples.extend(sound::tones(&[low, high], 0.1));
        samples.resize(samples.len() + 800, 0);
    }
    world.agent("provider").media.say(&samples);
    world.run_for(s(2));
    assert_eq!(world.diary("kitchen").digits, "15#");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().len(), 1);
}

#[test]
fn keys_that_the_peer_sends_by_info_are_heard_once_each() {
    let mut world = world(137);
    provider_calls_kitchen(&mut world);
    for key in ["1", "5", "#"] {
        let body = format!("Signal={key}\r\nDuration=160\r\n");
        let kind = "Content-Type: application/dtmf-relay\r\n";
        world.agent("provider").request("INFO", kind, &body);
        world.run_for(ms(400));
    }
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("200 INFO"), 3);
    assert_eq!(world.diary("kitchen").digits, "15#");
    world.phone("kitchen").on_hook();
    world.rest();
}

/// A world whose provider wants to be told of keys by INFO.
fn by_info(seed: u64) -> World {
    let mut site = house(seed);
    site.config.trunks[0].dtmf = DtmfRelay::Info;
    site.line("hall").fxs.relay_flash = true;
    world_of(site)
}

/// The keys in the INFOs that the provider got, and how long they were pressed.
fn informed(world: &World) -> (String, Vec<u32>) {
    let field = |body: &str, name: &str| {
        let found = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.expect("a field").to_owned()
    };
    let infos = all(world, "provider", "INFO").into_iter().map(|info| {
        assert_eq!(info.header("Content-Type"), Some("application/dtmf-relay"));
        let ms = field(&info.body, "Duration").parse::<u32>().expect("a number");
        (field(&info.body, "Signal"), ms)
    });
    infos.unzip()
}

#[test]
fn keys_go_by_info_where_that_is_wanted_and_not_as_sound() {
    for (seed, called) in [(138, false), (139, true)] {
        let mut world = by_info(seed);
        if called {
            provider_calls_kitchen(&mut world);
        } else {
            kitchen_calls_provider(&mut world);
        }
        world.agent("provider").media.listen_anew();
        world.phone("kitchen").dial(KEYS);
        world.run_for(s(4));
        let (keys, lengths) = informed(&world);
        assert_eq!(keys, KEYS);
        assert!(lengths.iter().all(|ms| (40..=160).contains(ms)), "{lengths:?}");
        let provider = world.agent("provider");
        assert!(provider.media.events().is_empty());
        let (at, samples) = provider.media.heard();
        let blocks = sounding(&Sound { at, samples }, 60);
        assert!(blocks <= KEYS.len() * 3, "{blocks} blocks sound");
        world.phone("kitchen").on_hook();
        world.rest();
    }
}

#[test]
fn keys_go_as_events_again_once_the_peer_has_refused_an_info_and_none_is_lost() {
    // 500 says nothing about the next one.
    for (status, told) in [(415, "1"), (405, "1"), (500, "123")] {
        let mut world = by_info(140);
        world.agent("provider").refuses_infos = Some(status);
        kitchen_calls_provider(&mut world);
        world.phone("kitchen").dial("123");
        world.run_for(s(2));
        assert_eq!(informed(&world).0, told, "{status}");
        assert_eq!(codes(world.agent("provider").media.events()), "123", "{status}");
        assert_eq!(world.phase("provider"), Phase::Talking);
        world.phone("kitchen").on_hook();
        world.rest();
    }
}

#[test]
fn a_flash_goes_to_the_peer_by_info_where_the_line_passes_it_on() {
    let mut world = by_info(141);
    dial(&mut world, "hall", "95551234#");
    talk(&mut world);
    let invites = world.see("provider").saw("INVITE");
    world.phone("hall").flash(500);
    world.run_for(s(2));
    let infos = all(&world, "provider", "INFO");
    let kinds: Vec<_> = infos.iter().map(|info| info.header("Content-Type")).collect();
    assert_eq!(kinds, [Some("application/hook-flash")]);
    assert_eq!(world.see("provider").saw("INVITE"), invites, "nothing is held");
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("hall").on_hook();
    world.rest();
}
