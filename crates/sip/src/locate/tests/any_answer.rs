//! Whatever the DNS says, in whatever order: a location ends, within bounds, and with targets that can be sent to.

use proptest::prelude::*;

use super::lookup::MAX_TARGETS;
use super::*;

fn any_name() -> impl Strategy<Value = Option<DomainName>> {
    let names = [
        "a.example",
        "b.example",
        "c.example",
        "_sip._udp.a.example",
        "_sips._tcp.b.example",
        "10.1.2.3",
        ".",
    ];
    prop::sample::select(names.to_vec()).prop_map(DomainName::new)
}

fn any_record() -> impl Strategy<Value = Record> {
    let service = prop::sample::select(vec![
        "SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2W", "SIPS+D2W", "SIP+D2S", "", "x",
    ]);
    let flags = prop::sample::select(vec!["s", "S", "a", "u", ""]);
    prop_oneof![
        (0u16..4, 0u16..4, flags, service, any_name()).prop_map(
            |(order, preference, flags, service, replacement)| {
                let (flags, service) = (flags.to_owned(), service.to_owned());
                Record::Naptr(Naptr { order, preference, flags, service, replacement })
            }
        ),
        (0u16..4, any::<u16>(), any::<u16>(), any_name()).prop_map(
            |(priority, weight, port, target)| Record::Srv(Srv { priority, weight, port, target })
        ),
        any::<[u8; 4]>().prop_map(|octets| Record::A(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Record::Aaaa(octets.into())),
    ]
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let failure = prop::sample::select(vec![Failure::Timeout, Failure::Server, Failure::Refused]);
    prop_oneof![
        4 => (prop::collection::vec(any_record(), 0..24), any::<u32>())
            .prop_map(|(records, ttl)| Answer::Found { records, ttl }),
        1 => any::<Option<u32>>().prop_map(|ttl| Answer::NoData { ttl }),
        1 => any::<Option<u32>>().prop_map(|ttl| Answer::NoName { ttl }),
        1 => failure.prop_map(Answer::Failed),
    ]
}

proptest! {
    #[test]
    fn a_location_ends_within_bounds(
        seed: u64,
        uri in prop::sample::select(vec![
            "sip:a.example", "sips:a.example", "sip:a.example:5070", "sip:b.example;transport=tcp",
            "sips:b.example;transport=ws", "sip:c.example;transport=ws", "sip:x@c.example;maddr=a.example",
        ]),
        answers in prop::collection::vec((any_answer(), 0usize..8, 0u64..4000), 1..40),
    ) {
        let mut site = Site::new(seed);
        site.silent = true;
        let id = site.begin(uri);
        let mut open: Vec<String> = Vec::new();
        let mut questions = 0;
        // Answers come late, in any order, doubled, or never.
        for (answer, which, ms) in answers {
            questions += site.asked.len();
            open.append(&mut site.asked);
            if !open.is_empty() {
                let text = open.remove(which % open.len());
                let (kind, name) = text.split_once(' ').expect("type and name");
                let record = [RecordType::Naptr, RecordType::Srv, RecordType::A, RecordType::Aaaa]
                    .into_iter()
                    .find(|record| record.to_string() == kind)
                    .expect("a type");
                let question = Question::new(super::name(name), record);
                site.locator.handle_answer(site.now, &question, &answer);
                site.locator.handle_answer(site.now, &question, &answer);
                site.drain();
            }
            site.wait(ms);
        }
        site.wait(10_000);
        questions += site.asked.len();
        prop_assert!(questions <= 1 + 8 + 32, "{questions} questions");
        prop_assert_eq!(site.located.len(), 1, "ended once");
        let (found, located) = &site.located[0];
        prop_assert_eq!(*found, id);
        prop_assert_eq!(site.locator.counts(site.now).lookups, 0);
        prop_assert_eq!(site.locator.poll_timeout(), None);
        if let Ok(targets) = located {
            prop_assert!((1..=MAX_TARGETS).contains(&targets.len()));
            for target in targets {
                prop_assert!(!uri.starts_with("sips:") || target.transport.is_secure(), "{target:?}");
                prop_assert!(target.address.port() != 0 && !target.address.ip().is_unspecified());
                prop_assert!(!target.address.ip().is_multicast());
            }
            let mut seen: Vec<_> = targets.iter().map(|target| (target.transport, target.address)).collect();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), targets.len(), "no target twice");
        }
    }
}
