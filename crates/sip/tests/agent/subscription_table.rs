//! Subscriber, notifier and publication as tables: every state met with every event.
//!
//! A line reads: state, event, then what is sent (›), what the application hears (!), and the state afterwards.

use std::fmt::Write;

use tipring_sip::agent::Output;
use tipring_sip::message::{EventReason, Status, Substate};
use tipring_sip::publication::PublicationId;
use tipring_sip::subscription::{Content, SubscriptionId, WatcherId};

use crate::script::{Script, header, param, response};
use crate::subscriptions::{in_words, notify};
use crate::{publications, subscriptions, watchers};

/// A script with one machine, and what its peer knows of it.
struct Scene {
    script: Script,
    machine: &'static str,
    id: u64,
    /// The first of our requests, or our tag.
    first: String,
    /// The last of our requests.
    last: String,
    cseq: u32,
}

type Event = (&'static str, fn(&mut Scene));

impl Scene {
    fn subscriber() -> Self {
        let mut script = Script::new();
        let (SubscriptionId(id), first) = subscriptions::start(&mut script, |_| {});
        let last = first.clone();
        Self { script, machine: "subscription", id, first, last, cseq: 1 }
    }

    fn notifier() -> Self {
        let mut script = Script::with(watchers::config());
        script.receive(&watchers::ask(|text| text));
        let WatcherId(id) = watchers::watcher(&script);
        let (first, last) = (String::new(), String::new());
        Self { script, machine: "watcher", id, first, last, cseq: 1 }
    }

    fn publication() -> Self {
        let mut script = Script::new();
        let (PublicationId(id), first) = publications::start(&mut script);
        let last = first.clone();
        Self { script, machine: "publication", id, first, last, cseq: 1 }
    }

    fn look(&mut self) {
        for (_, text) in &self.script.sent {
            if text.starts_with("SIP/2.0 200") && self.first.is_empty() {
                self.first = param(header(text, "To"), "tag").to_owned();
            } else if !text.starts_with("SIP/2.0") {
                self.last.clone_from(text);
            }
        }
    }

    fn answers(&mut self, status: &str, more: &str) {
        self.look();
        if !self.last.is_empty() {
            let text = response(&self.last.clone(), status, "n", more, "");
            self.script.receive(&text);
        }
    }

    fn notifies(&mut self, tag: &str, state: &str) {
        self.cseq += 1;
        let text = notify(&self.first, tag, self.cseq, state);
        self.script.receive(&text);
    }

    fn asks(&mut self, expires: u32) {
        self.look();
        self.cseq += 1;
        let tag = if self.first.is_empty() { "unknown" } else { &self.first };
        let text = watchers::ask_again(tag, self.cseq, expires);
        self.script.receive(&text);
    }

    fn watch(
        &mut self,
        command: impl FnOnce(
            &mut tipring_sip::agent::UserAgent,
            tipring_core::Instant,
            WatcherId,
        ) -> Result<(), tipring_sip::agent::SubscriptionError>,
    ) {
        let id = WatcherId(self.id);
        if let Err(error) = self.script.act(|ua, now| command(ua, now, id)) {
            self.script
                .sent
                .push_back((crate::script::at(crate::script::PEER), format!("({error})")));
        }
    }

    fn state(&self) -> String {
        let line = self.script.ua.describe().find(|line| line.starts_with(self.machine));
        let Some(line) = line else {
            return "gone".to_owned();
        };
        let words: Vec<_> = line.split(' ').skip(1).take_while(|word| *word != "UDP").collect();
        words.join(" ")
    }
}

const SUBSCRIBER: &[Event] = &[
    ("100", |s| s.answers("100 Trying", "")),
    ("200", |s| s.answers("200 OK", "Expires: 600\n")),
    ("403", |s| s.answers("403 Forbidden", "")),
    ("423", |s| s.answers("423 Interval Too Brief", "Min-Expires: 900\n")),
    ("481", |s| s.answers("481 Subscription Does Not Exist", "")),
    ("500", |s| s.answers("500 Server Internal Error", "")),
    ("NOTIFY active", |s| s.notifies("n", "active;expires=600")),
    ("NOTIFY of a fork", |s| s.notifies("fork", "pending;expires=600")),
    ("NOTIFY rejected", |s| s.notifies("n", "terminated;reason=rejected")),
    ("NOTIFY deactivated", |s| s.notifies("n", "terminated;reason=deactivated")),
    ("unsubscribe", |s| {
        let id = SubscriptionId(s.id);
        s.script.act(|ua, now| ua.unsubscribe(now, id));
    }),
    ("40 s", |s| s.script.wait(40_000)),
    ("550 s", |s| s.script.wait(550_000)),
];

const NOTIFIER: &[Event] = &[
    ("accept", |s| {
        s.watch(|ua, now, id| {
            ua.accept_subscription(now, id, Substate::Active, watchers::info("1"))
        });
    }),
    ("accept pending", |s| {
        s.watch(|ua, now, id| {
            ua.accept_subscription(now, id, Substate::Pending, Content::default())
        });
    }),
    ("refuse", |s| {
        s.watch(|ua, now, id| ua.refuse_subscription(now, id, Status::FORBIDDEN, &[]));
    }),
    ("notify", |s| {
        s.watch(|ua, now, id| ua.notify(now, id, Substate::Active, watchers::info("2")));
    }),
    ("end", |s| {
        let reason = EventReason::NoResource;
        s.watch(|ua, now, id| ua.end_subscription(now, id, reason, None, None));
    }),
    ("200", |s| s.answers("200 OK", "")),
    ("481", |s| s.answers("481 Subscription Does Not Exist", "")),
    ("503 Retry-After", |s| s.answers("503 Busy", "Retry-After: 10\n")),
    ("SUBSCRIBE", |s| s.asks(300)),
    ("SUBSCRIBE brief", |s| s.asks(5)),
    ("SUBSCRIBE 0", |s| s.asks(0)),
    ("40 s", |s| s.script.wait(40_000)),
    ("300 s", |s| s.script.wait(300_000)),
];

const PUBLICATION: &[Event] = &[
    ("200", |s| s.answers("200 OK", "SIP-ETag: e\nExpires: 600\n")),
    ("200 without a name", |s| s.answers("200 OK", "Expires: 600\n")),
    ("403", |s| s.answers("403 Forbidden", "")),
    ("412", |s| s.answers("412 Conditional Request Failed", "")),
    ("423", |s| s.answers("423 Interval Too Brief", "Min-Expires: 900\n")),
    ("change", |s| {
        let id = PublicationId(s.id);
        s.script.act(|ua, now| ua.republish(now, id, watchers::info("2")));
    }),
    ("remove", |s| {
        let id = PublicationId(s.id);
        s.script.act(|ua, now| ua.unpublish(now, id));
    }),
    ("40 s", |s| s.script.wait(40_000)),
    ("550 s", |s| s.script.wait(550_000)),
];

fn table(new: fn() -> Scene, states: &[(&str, &[&str])], events: &[Event]) -> String {
    let named = |name: &str| {
        *events.iter().find(|(known, _)| *known == name).expect("an event of the list")
    };
    let mut text = String::new();
    for (name, way) in states {
        for (event_name, event) in events {
            let mut scene = new();
            way.iter().for_each(|step| named(step).1(&mut scene));
            scene.look();
            let before = scene.state();
            scene.script.sent.clear();
            scene.script.said.clear();
            event(&mut scene);
            row(&mut text, &format!("{name}: {before}"), event_name, &scene);
        }
    }
    text
}

fn row(text: &mut String, before: &str, event: &str, scene: &Scene) {
    let mut sent: Vec<String> = Vec::new();
    for (_, message) in &scene.script.sent {
        let line = message.lines().next().unwrap_or("").trim_start_matches("SIP/2.0 ");
        let word = if line.starts_with('(') { line } else { line.split(' ').next().unwrap_or("") };
        let detail = ["Subscription-State", "Expires"]
            .iter()
            .find_map(|name| crate::script::find(message, name))
            .map(|value| format!("[{value}]"));
        let word = format!("{word}{}", detail.unwrap_or_default());
        if sent.last().is_none_or(|last| *last != word) {
            sent.push(word);
        }
    }
    let said = scene.script.said.iter().map(|output| match output {
        Output::Watcher { state, .. } => format!("{state:?}"),
        Output::Publication { state, .. } => format!("{state:?}"),
        output => in_words(output).unwrap_or_else(|| "?".to_owned()),
    });
    let said: Vec<String> = said.collect();
    writeln!(
        text,
        "{before:46} | {event:18} | › {} ! {} | {}",
        sent.join(" "),
        said.join(", "),
        scene.state()
    )
    .expect("writing to a String cannot fail");
}

#[test]
fn the_subscriber() {
    let states: &[(&str, &[&str])] = &[
        ("new", &[]),
        ("answered", &["200"]),
        ("notified", &["NOTIFY active"]),
        ("up", &["200", "NOTIFY active", "40 s"]),
        ("forked", &["200", "NOTIFY active", "NOTIFY of a fork"]),
        ("refreshing", &["200", "NOTIFY active", "550 s"]),
        ("refresh answered", &["200", "NOTIFY active", "550 s", "200"]),
        ("waits", &["500"]),
        ("leaves early", &["unsubscribe"]),
        ("leaves", &["200", "NOTIFY active", "unsubscribe"]),
    ];
    insta::assert_snapshot!(table(Scene::subscriber, states, SUBSCRIBER));
}

#[test]
fn the_notifier() {
    let states: &[(&str, &[&str])] = &[
        ("asked", &[]),
        ("accepted", &["accept"]),
        ("pending", &["accept pending", "200"]),
        ("up", &["accept", "200"]),
        ("due", &["accept", "notify"]),
        ("put off", &["accept", "503 Retry-After"]),
        ("ending", &["accept", "200", "end"]),
        ("end waits", &["accept", "end"]),
    ];
    insta::assert_snapshot!(table(Scene::notifier, states, NOTIFIER));
}

#[test]
fn the_publication() {
    let states: &[(&str, &[&str])] = &[
        ("new", &[]),
        ("up", &["200"]),
        ("refreshing", &["200", "550 s"]),
        ("changing", &["200", "change"]),
        ("waits", &["403"]),
        ("leaves early", &["remove"]),
        ("leaves", &["200", "remove"]),
    ];
    insta::assert_snapshot!(table(Scene::publication, states, PUBLICATION));
}
