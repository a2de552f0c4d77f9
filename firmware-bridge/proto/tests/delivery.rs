//! Both halves of the delivery, on virtual time, over a channel that loses, repeats and reorders.

use proptest::prelude::*;
use tipring_bridge_proto::delivery::{RETRIES, RETRY_MICROS, WINDOW};
use tipring_bridge_proto::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_arrive_once_and_in_order(seed: u64, loss in 0u64..30) {
        let mut rng = seed | 1;
        let mut chance = move |percent: u64| {
            rng ^= rng << 13;
            rng ^= rng >> 7;
            rng ^= rng << 17;
            rng % 100 < percent
        };
        let mut sender = Sender::<u32, 16>::new();
        let mut receiver = Receiver::new();
        let (mut pushed, mut arrived, mut now) = (0, Vec::new(), 0);
        while arrived.len() < 600 && now < 600 * 1_000_000 {
            while pushed < 600 && sender.push(pushed).is_ok() {
                pushed += 1;
            }
            let mut acks = Vec::new();
            while let Some(delivery) = sender.poll(now) {
                let Delivery::Transmit { seq, item } = delivery else {
                    // Six losses in a row at 30 % do happen; that the session then ends is the next
                    // test.
                    return Ok(());
                };
                for _ in 0..=u8::from(chance(5)) {
                    if chance(loss) {
                        continue;
                    }
                    if receiver.accept(seq) == Arrival::New {
                        arrived.push(item);
                    }
                    acks.push(receiver.next());
                }
            }
            for ack in acks {
                if !chance(loss) {
                    sender.handle_ack(now, ack);
                }
            }
            prop_assert!(sender.len() <= 16);
            now = if chance(50) { now + 1000 } else { sender.poll_timeout().unwrap_or(now).max(now) };
        }
        prop_assert_eq!(arrived, (0..600).collect::<Vec<_>>());
    }
}

#[test]
fn the_window_is_four_and_is_sent_again_five_times_then_given_up() {
    let mut sender = Sender::<u8, 8>::new();
    for item in 0..8 {
        sender.push(item).expect("room");
    }
    assert_eq!(sender.push(8), Err(8), "full is said, not forgotten");
    let mut now = 0;
    for _ in 0..=RETRIES {
        assert_eq!(transmitted(&mut sender, now), [0, 1, 2, 3]);
        assert_eq!(transmitted(&mut sender, now + RETRY_MICROS - 1), []);
        assert_eq!(sender.poll_timeout(), Some(now + RETRY_MICROS));
        now += RETRY_MICROS;
    }
    assert_eq!(sender.poll(now), Some(Delivery::Failed));
    assert_eq!(sender.poll(now), None);
    assert_eq!(sender.poll_timeout(), None);
    assert_eq!(sender.push(9), Err(9));
}

#[test]
fn an_acknowledgement_opens_the_window_and_starts_the_count_anew() {
    let mut sender = Sender::<u8, 8>::new();
    for item in 0..6 {
        sender.push(item).expect("room");
    }
    assert_eq!(transmitted(&mut sender, 0), [0, 1, 2, 3]);
    sender.handle_ack(10, 2);
    assert_eq!(transmitted(&mut sender, 10), [4, 5]);
    sender.handle_ack(20, 200); // not of this window
    sender.handle_ack(20, 2); // old
    assert_eq!(sender.len(), 4);
    assert_eq!(transmitted(&mut sender, 10 + RETRY_MICROS), [2, 3, 4, 5]);
    sender.handle_ack(20 + RETRY_MICROS, 6);
    assert!(sender.is_empty());
    assert_eq!(sender.poll_timeout(), None);
}

#[test]
fn a_receiver_never_acts_twice() {
    let mut receiver = Receiver::new();
    assert_eq!(receiver.accept(1), Arrival::Early);
    assert_eq!(receiver.accept(0), Arrival::New);
    assert_eq!(receiver.accept(0), Arrival::Duplicate);
    assert_eq!(receiver.accept(1), Arrival::New);
    assert_eq!(
        receiver.accept(1 + WINDOW as u8 + 1),
        Arrival::Duplicate,
        "far ahead is not of now"
    );
    assert_eq!((receiver.next(), receiver.duplicates()), (2, 2));
}

fn transmitted<const N: usize>(sender: &mut Sender<u8, N>, now: u64) -> Vec<u8> {
    std::iter::from_fn(|| match sender.poll(now)? {
        Delivery::Transmit { seq, item } => {
            assert_eq!(seq, item, "sequence numbers count from 0");
            Some(item)
        }
        Delivery::Failed => panic!("gave up"),
    })
    .collect()
}
