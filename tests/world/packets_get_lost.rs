//! Audio over a network that loses, delays and swaps packets: concealed, never slipping apart.

use tipring_sim::Weather;
use tipring_sim::sound::{self, Sound};

use crate::common::{kitchen_calls_provider, ms, s, world};

#[test]
fn two_packets_in_a_hundred_lost_are_hardly_heard() {
    let mut world = world(331);
    kitchen_calls_provider(&mut world);
    world.net.set_media(Weather { loss: 0.02, ..Weather::FINE });
    let said = sound::speech(7, 20.0);
    world.phone("kitchen").listen();
    world.agent("provider").media.say(&said);
    world.run_for(s(21));
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let said = Sound { at, samples: said };
    let heard = world.phone("kitchen").heard();
    let found = said.align(&heard);
    assert!(found.correlation > 0.95, "{found:?}");
    let delays = said.delays(&heard, found);
    assert!(delays.iter().all(|delay| *delay == found.delay), "{delays:?}");
    world.phone("kitchen").on_hook();
    world.rest();
    let rtp = world.cdr().rtp.expect("it has reported");
    let share = rtp.lost as f64 / (rtp.lost + rtp.received) as f64;
    assert!((0.01..0.03).contains(&share), "{rtp:?}");
}

#[test]
fn jitter_of_30_ms_is_taken_up_by_the_buffer() {
    let mut world = world(332);
    world.net.set_media(Weather { delay: ms(20), jitter: ms(30), ..Weather::FINE });
    kitchen_calls_provider(&mut world);
    world.run_for(s(10));
    let said = sound::speech(7, 20.0);
    world.phone("kitchen").listen();
    world.agent("provider").media.say(&said);
    world.run_for(s(21));
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let said = Sound { at, samples: said };
    let heard = world.phone("kitchen").heard();
    let found = said.align(&heard);
    let likeness = said.likeness(&heard, found);
    println!("{found:?} {likeness} {:?}", said.delays(&heard, found));
    assert!(likeness > 0.98, "{likeness} {found:?}");
    assert!(found.delay() < ms(20 + 30 + 20 + 15 + 60), "{:?}", found.delay());
    world.phone("kitchen").on_hook();
    world.rest();
}
