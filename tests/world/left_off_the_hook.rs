//! A receiver that is not put down: congestion, howler, silence; and all is well when it is.

use tipring_sim::ToneName;

use crate::common::{dial, kitchen_calls_provider, s, world};

#[test]
fn after_the_call_comes_the_howler_then_lock_out_and_on_hook_heals_it() {
    let mut world = world(171);
    kitchen_calls_provider(&mut world);
    world.agent("provider").hang_up();
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.wait("howler", s(40), |w| w.diary("kitchen").tone == Some(ToneName::Howler));
    world.wait("silence", s(70), |w| w.diary("kitchen").tone.is_none());
    world.phone("kitchen").listen();
    world.run_for(s(5));
    assert!(world.phone("kitchen").heard().rms() < 5.0);
    // Locked out, it is busy for others.
    world.agent("provider").call("101");
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("486 INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
    dial(&mut world, "kitchen", "102");
    world.wait("ringing", s(3), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().len(), 3);
}
