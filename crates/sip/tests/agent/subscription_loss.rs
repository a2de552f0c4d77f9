//! Subscriptions over a network that loses, doubles and reorders: the subscriber knows the last state in the end, each
//! subscription ends once at each end, and nothing is left over.

use tipring_core::{Duration, Rng};
use tipring_sip::agent::Output;
use tipring_sip::message::{Event, Substate, Transport};
use tipring_sip::subscription::{
    Content, Forks, Subscribe, SubscriptionStatus, WatcherId, WatcherStatus,
};
use tipring_sip::transaction::Path;

use crate::pair::{A, B, Pair, address, uri};
use crate::watchers;

fn subscribe(expires: u32) -> Subscribe {
    Subscribe {
        target: uri("sip:bob@192.0.2.2"),
        path: Path::new(Transport::Udp, address(A), address(B)),
        others: Vec::new(),
        from: "<sip:alice@192.0.2.1>".parse().expect("an address"),
        to: "<sip:bob@192.0.2.2>".parse().expect("an address"),
        route: Vec::new(),
        contact_user: "alice".to_owned(),
        event: Event::new("dialog").expect("a token"),
        accept: Vec::new(),
        expires,
        forks: Forks::Accept,
        keep: true,
        headers: Vec::new(),
        content: Content::default(),
        credentials: None,
    }
}

/// B accepts whoever asks, and tells the current state.
fn serve(pair: &mut Pair, who: usize, output: &Output, state: &str) {
    if let (B, Output::Subscribe { watcher, .. }) = (who, output) {
        let (watcher, content) = (*watcher, Content::new("text/plain", state));
        // It may be so late that the subscriber has given up.
        let _ =
            pair.act(B, |ua, now| ua.accept_subscription(now, watcher, Substate::Active, content));
    }
}

/// B's subscriptions that go on.
fn live(pair: &Pair) -> Vec<WatcherId> {
    let mut live = Vec::new();
    for output in &pair.said[B] {
        match output {
            Output::Subscribe { watcher, .. } => live.push(*watcher),
            Output::Watcher { watcher, state: WatcherStatus::Ended(_) } => {
                live.retain(|known| known != watcher);
            }
            _ => {}
        }
    }
    live
}

fn last_body(pair: &Pair) -> Option<Vec<u8>> {
    pair.said[A].iter().rev().find_map(|output| match output {
        Output::Notified { body, state, .. } if state.state == Substate::Active => {
            Some(body.clone())
        }
        _ => None,
    })
}

fn play(seed: u64, loss: f64) {
    let mut chance = Rng::new(seed);
    let mut pair = Pair::with(seed, watchers::config());
    pair.loss = loss;
    pair.doubled = loss / 2.0;
    pair.delay = Duration::from_millis(400);
    let id = pair.act(A, |ua, now| ua.subscribe(now, subscribe(120))).expect("there is room");
    let mut state = "0".to_owned();
    for change in 1..=8 {
        let told = state.clone();
        pair.run_with(chance.below(60_000), |pair, who, output| serve(pair, who, output, &told));
        state = change.to_string();
        for watcher in live(&pair) {
            let content = Content::new("text/plain", state.as_bytes());
            let _ = pair.act(B, |ua, now| ua.notify(now, watcher, Substate::Active, content));
        }
    }
    // The network heals: within two lives of a subscription the last state is known.
    (pair.loss, pair.doubled) = (0.0, 0.0);
    pair.run_with(400_000, |pair, who, output| serve(pair, who, output, &state));
    assert_eq!(last_body(&pair), Some(state.into_bytes()), "seed {seed}: {:?}", pair.said[A]);
    pair.loss = loss;
    pair.act(A, |ua, now| ua.unsubscribe(now, id));
    pair.run_with(200_000, |pair, who, output| serve(pair, who, output, "late"));
    pair.loss = 0.0;
    pair.assert_quiet();
    let ended = |output: &&Output| {
        matches!(output, Output::Subscription { state: SubscriptionStatus::Ended(_), .. })
    };
    assert_eq!(pair.said[A].iter().filter(ended).count(), 1, "seed {seed}");
    assert_eq!(live(&pair), [], "seed {seed}");
}

#[test]
fn subscriptions_come_through_on_a_good_network() {
    for seed in 0..10 {
        play(seed, 0.0);
    }
}

#[test]
fn subscriptions_come_through_where_a_fifth_is_lost() {
    for seed in 100..130 {
        play(seed, 0.2);
    }
}

#[test]
fn subscriptions_come_through_where_half_is_lost() {
    for seed in 200..230 {
        play(seed, 0.5);
    }
}

#[test]
fn nothing_is_left_where_everything_is_lost() {
    let mut pair = Pair::with(1, watchers::config());
    let id = pair.act(A, |ua, now| ua.subscribe(now, subscribe(120))).expect("there is room");
    pair.run_with(1_000, |pair, who, output| serve(pair, who, output, "0"));
    pair.loss = 1.0;
    pair.run(300_000);
    pair.act(A, |ua, now| ua.unsubscribe(now, id));
    pair.assert_quiet();
}
