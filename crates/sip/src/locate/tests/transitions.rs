//! Every state of a location and every kind of answer.

use std::fmt::Write;

use super::*;

/// A name for the answers to the questions of one state, and the answers.
type Kind = (&'static str, fn(&Question) -> Answer);

/// How the answers to the questions of one state come out.
fn answers() -> [Kind; 6] {
    fn found(question: &Question) -> Answer {
        let records = match question.record {
            RecordType::Naptr => vec![naptr(1, 1, "SIP+D2U", "_sip._udp.served.example")],
            RecordType::Srv => vec![srv(0, 0, 5099, "host.example")],
            RecordType::A => vec![Record::A([192, 0, 2, 1].into())],
            RecordType::Aaaa => vec!["2001:db8::1".parse().map(Record::Aaaa).expect("an address")],
        };
        Answer::Found { records, ttl: 60 }
    }
    [
        ("records", found),
        ("none", |_| Answer::NoData { ttl: None }),
        ("no name", |_| Answer::NoName { ttl: None }),
        ("refused", |_| Answer::Failed(Failure::Refused)),
        ("failed", |_| Answer::Failed(Failure::Server)),
        ("half failed", |question| match (question.record, question.name.as_str()) {
            (RecordType::Srv, text) if text.contains("_tcp") => Answer::Failed(Failure::Server),
            (RecordType::Aaaa, _) => Answer::Failed(Failure::Server),
            _ => found(question),
        }),
    ]
}

#[test]
fn the_table_of_the_machine() {
    let states = [
        ("Services", "sip:served.example"),
        ("Servers", "sip:served.example;transport=tcp"),
        ("Hosts", "sip:served.example:5060"),
    ];
    let mut text = String::new();
    for (state, uri) in states {
        for (kind, answer) in answers() {
            let mut locator = Locator::new(all_sockets(), Rng::new(1));
            let uri: Uri = uri.parse().expect("a URI");
            locator.locate(Instant::ZERO, Destination::of_uri(&uri));
            let asked = questions(&mut locator);
            for question in &asked {
                locator.handle_answer(Instant::ZERO, question, &answer(question));
            }
            let after: Vec<String> = std::iter::from_fn(|| locator.poll_output())
                .map(|output| match output {
                    Output::Ask(question) => question.to_string(),
                    Output::Located { located, .. } => format!("! {}", line(&located)),
                })
                .collect();
            writeln!(text, "{state} | {kind} | {}", after.join(", ")).expect("a String takes it");
        }
    }
    insta::assert_snapshot!(text);
}

fn questions(locator: &mut Locator) -> Vec<Question> {
    std::iter::from_fn(|| locator.poll_output())
        .filter_map(|output| if let Output::Ask(question) = output { Some(question) } else { None })
        .collect()
}

/// The life of a question: state × event → what is said.
#[test]
fn the_table_of_a_question() {
    type Event = (&'static str, fn(&mut Site));
    fn found() -> Answer {
        Answer::Found { records: vec![Record::A([192, 0, 2, 1].into())], ttl: 60 }
    }
    fn hear(site: &mut Site, answer: &Answer) {
        let question = Question::new(name("sip.example"), RecordType::A);
        site.locator.handle_answer(site.now, &question, answer);
        site.drain();
    }
    let events: [Event; 5] = [
        ("asked for", |site| {
            site.begin("sip:sip.example:5060");
        }),
        ("answer", |site| hear(site, &found())),
        ("failure", |site| hear(site, &Answer::Failed(Failure::Server))),
        ("500 ms", |site| site.wait(500)),
        ("3 s", |site| site.wait(3000)),
    ];
    let states: [Event; 5] = [
        ("not asked", |_| {}),
        ("asked", |site| {
            site.begin("sip:sip.example:5060");
        }),
        ("fresh", |site| {
            site.begin("sip:sip.example:5060");
            hear(site, &found());
        }),
        ("stale", |site| {
            site.begin("sip:sip.example:5060");
            hear(site, &found());
            site.wait(61_000);
        }),
        ("stale, asked", |site| {
            site.begin("sip:sip.example:5060");
            hear(site, &found());
            site.wait(61_000);
            site.begin("sip:sip.example:5060");
        }),
    ];
    let mut text = String::new();
    for (state, enter) in states {
        for (event, happen) in events {
            let mut site = Site::with(41, only(&[Transport::Udp]));
            site.silent = true;
            enter(&mut site);
            site.asked.clear();
            site.located.clear();
            happen(&mut site);
            let located = site
                .located
                .iter()
                .map(|(_, located)| line(located))
                .collect::<Vec<_>>()
                .join(", ");
            let asked = if site.asked.is_empty() { "" } else { " Ask" };
            let waits =
                if site.locator.counts(site.now).asked == 1 { "asked" } else { "not asked" };
            writeln!(text, "{state} | {event} |{asked} ! {located} | {waits}")
                .expect("a String takes it");
        }
    }
    insta::assert_snapshot!(text);
}
