//! Exchanges and others send more than a session description: what another exchange should know, where the caller is.

use tipring_sim::Answering;

use crate::common::{ended, kitchen_calls_provider, provider_calls_kitchen, s, world};
use crate::flows_common::{all, hear_each_other, kitchen_hangs_up, response};

/// What an exchange tells another (RFC 3204), and where the caller is (RFC 6442): neither is for telephones.
fn besides(handling: &str) -> Vec<String> {
    let isup = format!(
        "Content-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n\
         Content-Disposition: signal{handling}\r\n\r\n\u{1}\u{2}\u{3}"
    );
    let place = "Content-Type: application/pidf+xml\r\nContent-ID: <place@example.net>\r\n\
                 Content-Disposition: by-reference;handling=optional\r\n\r\n<presence/>";
    vec![isup, place.to_owned()]
}

#[test]
fn a_call_with_other_parts_beside_its_offer_is_taken() {
    let mut world = world(2001);
    world.agent("provider").beside = besides(";handling=optional");
    provider_calls_kitchen(&mut world);
    hear_each_other(&mut world, "provider");
    // Hold and resume are offered among other parts too.
    world.agent("provider").reinvite("sendonly");
    world.run_for(s(1));
    world.agent("provider").reinvite("sendrecv");
    world.run_for(s(1));
    assert_eq!(world.see("provider").saw("200 INVITE"), 3);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(world.cdr().cause().value(), 16);
}

#[test]
fn an_answer_among_other_parts_is_heard() {
    let mut world = world(2002);
    world.agent("provider").beside = besides(";handling=required");
    world.agent("provider").answering = Answering::EarlyMedia { answer: s(2) };
    kitchen_calls_provider(&mut world);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(all(&world, "provider", "INVITE").len(), 1);
    assert_eq!(ended(world.cdr()), (16, tipring_sim::EndedBy::Caller, true));
}

#[test]
fn a_call_that_requires_its_other_part_to_be_understood_is_refused() {
    for handling in [";handling=required", ""] {
        let mut world = world(2003);
        world.agent("provider").beside = besides(handling);
        world.agent("provider").call("101");
        world.run_for(s(2));
        let refusal = response(&world, "provider", "415 INVITE");
        assert!(refusal.list("Accept").contains(&"application/sdp".to_owned()));
        assert!(!world.diary("kitchen").ringing);
        world.rest();
        assert_eq!(world.cdrs().len(), 0);
    }
}
