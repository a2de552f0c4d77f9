//! Sites and steps that many tests share.

use tipring_call::Target;
use tipring_sim::{Cdr, Duration, EndedBy, Phase, Site, ToneName, World};

/// Seconds.
pub const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Two phones on one card, kitchen (101) and hall (102), and a SIP peer `provider` behind prefix 9.
pub fn house(seed: u64) -> Site {
    Site::new("us", seed)
        .card(&[("kitchen", "101"), ("hall", "102")])
        .trunk("provider", "sip:10.0.1.1:5060", None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
}

/// [`house`] with all lines in service and the provider there.
pub fn world(seed: u64) -> World {
    world_of(house(seed))
}

/// This site with all lines in service and the provider there.
pub fn world_of(site: Site) -> World {
    let mut world = World::in_service(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world
}

/// Lifts a phone, waits for dial tone, dials.
pub fn dial(world: &mut World, line: &str, digits: &str) {
    world.phone(line).off_hook();
    world.wait("dial tone", s(2), |w| w.diary(line).tone == Some(ToneName::Dial));
    world.phone(line).dial(digits);
}

/// The kitchen calls the provider, who answers after 1.5 s; both talk.
pub fn kitchen_calls_provider(world: &mut World) {
    dial(world, "kitchen", "95551234#");
    talk(world);
}

/// The provider calls the kitchen, who answers after the first ring; both talk.
pub fn provider_calls_kitchen(world: &mut World) {
    world.agent("provider").call("101");
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    talk(world);
}

/// Waits until the provider talks.
pub fn talk(world: &mut World) {
    world.wait("answer", s(12), |w| w.phase("provider") == Phase::Talking);
    world.run_for(ms(500));
}

/// How a call ended: cause, by whom, whether it was answered.
pub fn ended(cdr: &Cdr) -> (u8, EndedBy, bool) {
    (cdr.cause().value(), cdr.ended_by, cdr.answer.is_some())
}
