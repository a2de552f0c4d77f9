//! In every country a phone hears the tones that people there know, and rings as phones there do.

use tipring_sim::{Duration, Site, ToneName, World};

use crate::common::{dial, ended, ms, s};

fn world(country: &str, seed: u64) -> World {
    World::in_service(Site::new(country, seed).card(&[("kitchen", "101"), ("hall", "102")]))
}

/// Country, time from the first burst of the bell to the second, from the second to the third.
const COUNTRIES: [(&str, Duration, Duration); 5] = [
    ("us", ms(6000), ms(6000)),
    ("uk", ms(600), ms(2400)),
    ("de", ms(5000), ms(5000)),
    ("fr", ms(5000), ms(5000)),
    ("jp", ms(3000), ms(3000)),
];

#[test]
fn dial_tone_ringback_and_the_bell_are_those_of_the_country() {
    for ((country, first, second), seed) in COUNTRIES.into_iter().zip(341..) {
        println!("{country}");
        let mut world = world(country, seed);
        world.phone("kitchen").off_hook();
        world.wait("dial tone", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
        world.phone("kitchen").dial("102");
        world.wait("ringing", s(5), |w| w.diary("hall").ringing);
        world.wait("ringback", s(8), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
        world.wait("three bursts", s(20), |w| w.diary("hall").rings().len() >= 4);
        // A short ring before caller ID, as in Japan and France, is not part of the cadence.
        let rings = world.diary("hall").rings();
        let gaps: Vec<_> = rings.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let near = |a: Duration, b: Duration| a.abs_diff(b) <= ms(30);
        let fits = |pair: &[Duration]| near(pair[0], first) && near(pair[1], second);
        assert!(gaps.windows(2).any(fits), "{country}: {gaps:?}");
        world.phone("hall").off_hook();
        world.run_for(s(1));
        world.phone("hall").on_hook();
        world.run_for(ms(500));
        world.phone("kitchen").on_hook();
        world.rest();
        assert_eq!(ended(world.cdr()).0, 16);
    }
}

#[test]
fn busy_and_congestion_tones_are_those_of_the_country() {
    for ((country, ..), seed) in COUNTRIES.into_iter().zip(351..) {
        println!("{country}");
        let mut world = world(country, seed);
        world.phone("hall").off_hook();
        world.run_for(s(3));
        dial(&mut world, "kitchen", "102");
        // By ear alone busy and congestion are the same where both have the same rhythm.
        let told = |w: &World| {
            matches!(w.diary("kitchen").tone, Some(ToneName::Busy | ToneName::Congestion))
        };
        world.wait("busy tone", s(8), told);
        world.phone("kitchen").on_hook();
        world.phone("hall").on_hook();
        world.rest();
        assert_eq!(ended(world.cdr()).0, 17);
    }
}
