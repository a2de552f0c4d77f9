//! Other programs of the host have RTP ports of ours.

use tipring_sim::EndedBy;
use tipring_sim::sound::{self, Sound};

use crate::common::{ended, provider_calls_kitchen, s, world};

#[test]
fn a_caller_gets_the_next_port_when_another_program_has_the_first() {
    let mut world = world(176);
    for port in [20_000, 20_002] {
        world.occupy_rtp_port(port);
    }
    provider_calls_kitchen(&mut world);
    let answer = world.see("provider").response("200 INVITE").expect("it is answered").body.clone();
    assert!(answer.contains("m=audio 20004 "), "{answer}");
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&sound::speech(4, 2.0));
    world.run_for(s(3));
    let (at, samples) = world.agent("provider").media.heard();
    assert!(said.align(&Sound { at, samples }).correlation > 0.99);
    world.phone("kitchen").listen();
    let samples = sound::speech(5, 2.0);
    world.agent("provider").media.say(&samples);
    world.run_for(s(3));
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let heard = Sound { at, samples }.align(&world.phone("kitchen").heard());
    assert!(heard.correlation > 0.95);
    world.agent("provider").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}
