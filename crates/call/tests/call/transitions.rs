//! Every state with every event: the state after it, and what was asked for.

use std::fmt::Write;

use tipring_call::{Call, CallConfig, Event, Output, Redirect, Release, Setup, Transfer, Update};
use tipring_core::{CallId, Cause, Instant, LegId};

use crate::bench::{hunt, number};

fn alerting(early_media: bool) -> Event {
    Event::Alerting { early_media }
}

fn busy() -> Event {
    Event::Release(Release::new(Cause::USER_BUSY, "test"))
}

fn redirect() -> Event {
    let contacts = vec!["sip:x@x".into()];
    Event::Redirect(Redirect { contacts, cause: Cause::REDIRECTION, diverts: true })
}

fn unreached() -> Event {
    Event::Release(Release::new(Cause::TEMPORARY_FAILURE, "503").of_the_way())
}

fn transfer() -> Event {
    Event::Transfer(Transfer { to: "sip:x@x".into() })
}

fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("Setup", Event::Setup(Box::new(Setup::new(number("1"))))),
        ("Proceeding", Event::Proceeding),
        ("Alerting", alerting(false)),
        ("Alerting+media", alerting(true)),
        ("Progress+media", Event::Progress { early_media: true }),
        ("Answer", Event::Answer),
        ("Digit", Event::Digit { digit: '5', ms: 80 }),
        ("Update", Event::Update(Update::default())),
        ("Hold", Event::Hold { on: true }),
        ("Redirect", redirect()),
        ("Transfer", transfer()),
        ("Release 17", busy()),
        ("Release of the way", unreached()),
    ]
}

const A: LegId = LegId(7 << 8);
const B: LegId = LegId((7 << 8) | 1);

/// Its name, whether a route is found, and what the legs have said.
type Start = (&'static str, bool, Vec<(LegId, Event)>);

fn states() -> Vec<Start> {
    vec![
        ("Routing", false, vec![]),
        ("Placing", true, vec![]),
        ("Alerting", true, vec![(B, alerting(false))]),
        ("Alerting, early media", true, vec![(B, alerting(true))]),
        ("Answered", true, vec![(B, Event::Answer)]),
        ("Held by A", true, vec![(B, Event::Answer), (A, Event::Hold { on: true })]),
        ("Answered, A transfers", true, vec![(B, Event::Answer), (A, transfer())]),
        ("Released", true, vec![(A, busy())]),
    ]
}

fn in_state(routed: bool, said: &[(LegId, Event)]) -> Call {
    let setup = Setup::new(number("200"));
    let mut call =
        Call::new(Instant::ZERO, CallId(7), CallConfig::default(), "kitchen".into(), setup);
    if routed {
        call.handle_route(Instant::ZERO, Ok(hunt(&[&["attic"], &["cellar"]])));
    }
    for (leg, event) in said {
        call.handle_event(Instant::ZERO, *leg, event.clone());
    }
    while call.poll_output().is_some() {}
    call
}

fn leg(leg: LegId) -> String {
    if leg == A { "A".into() } else { format!("B{}", leg.0 & 0xff) }
}

fn short(output: &Output) -> String {
    match output {
        Output::Route(request) => format!("{request:?}"),
        Output::PlaceLeg { leg: id, target, .. } => {
            format!("{}: place {}", leg(*id), target.name())
        }
        Output::Send { leg: id, event } => format!("{}: {event}", leg(*id)),
        Output::Join { a, b, early } => {
            format!("join {}-{}{}", leg(*a), leg(*b), if *early { " early" } else { "" })
        }
        Output::Unjoin { a, b } => format!("unjoin {}-{}", leg(*a), leg(*b)),
        Output::Transfer { by, party, to } => {
            format!("{}: transfer {} to {to}", leg(*by), leg(*party))
        }
        Output::HandOver { leg: id } => format!("hand over {}", leg(*id)),
        Output::Cdr(cdr) => format!("CDR {} by {:?}", cdr.cause().value(), cdr.ended_by),
    }
}

#[test]
fn every_state_with_every_event() {
    let mut table = String::new();
    for (state, routed, said) in states() {
        writeln!(table, "{state}").expect("a string takes it");
        let mut row = |what: String, call: &mut Call| {
            let mut outputs = Vec::new();
            while let Some(output) = call.poll_output() {
                outputs.push(short(&output));
            }
            let unexpected = call.counters().unexpected + call.counters().stale > 0;
            if !unexpected {
                writeln!(table, "  {what:<18} -> {:<9} {}", call.state(), outputs.join(", "))
                    .expect("a string takes it");
            }
        };
        for (side, id) in [("A", A), ("B", B)] {
            for (name, event) in events() {
                let mut call = in_state(routed, &said);
                call.handle_event(Instant::from_millis(5), id, event);
                row(format!("{side} {name}"), &mut call);
            }
        }
        let mut call = in_state(routed, &said);
        if let Some(at) = call.poll_timeout() {
            call.handle_timeout(at);
            row("timer".into(), &mut call);
        }
        let mut call = in_state(routed, &said);
        call.hang_up(Instant::ZERO, Release::new(Cause::NETWORK_OUT_OF_ORDER, "shutdown"));
        row("hang up".into(), &mut call);
    }
    insta::assert_snapshot!(table);
}
