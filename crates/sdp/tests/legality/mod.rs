//! Whether an answer is legal, and whether a description may follow another, by RFC 3264.
//!
//! Written from the standard on the printed text, with a reader of its own: it shares nothing with what it judges.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;

/// A description as far as the rules speak of it.
#[derive(Debug, Default)]
struct Text<'a> {
    origin: Vec<&'a str>,
    times: Vec<&'a str>,
    session: Section<'a>,
    media: Vec<Section<'a>>,
}

#[derive(Debug, Default)]
struct Section<'a> {
    /// The words of the `m=` line.
    words: Vec<&'a str>,
    connection: Option<&'a str>,
    attributes: Vec<&'a str>,
}

impl<'a> Text<'a> {
    fn read(text: &'a str) -> Self {
        let mut all = Self::default();
        for line in text.split_terminator("\r\n") {
            let (letter, value) = line.split_once('=').expect("a line has an equals sign");
            let section = all.media.last_mut().unwrap_or(&mut all.session);
            match letter {
                "o" => all.origin = value.split(' ').collect(),
                "t" => all.times.push(value),
                "c" => section.connection = Some(value),
                "a" => section.attributes.push(value),
                "m" => {
                    let words = value.split(' ').collect();
                    all.media.push(Section { words, ..Section::default() });
                }
                _ => {}
            }
        }
        all
    }

    fn direction(&self, at: usize) -> &'a str {
        let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
        let of = |section: &Section<'a>| {
            section.attributes.iter().copied().find(|attribute| known.contains(attribute))
        };
        of(&self.media[at]).or(of(&self.session)).unwrap_or("sendrecv")
    }
}

impl<'a> Section<'a> {
    fn kind(&self) -> String {
        self.words[0].to_ascii_lowercase()
    }

    fn is_off(&self) -> bool {
        self.words[1].split('/').next() == Some("0")
    }

    fn formats(&self) -> &[&'a str] {
        &self.words[3..]
    }

    fn values(&self, name: &str) -> Vec<&'a str> {
        let value = |attribute: &&'a str| attribute.strip_prefix(name)?.strip_prefix(':');
        self.attributes.iter().filter_map(value).collect()
    }

    /// `name/clock` of each format that has one, in small letters.
    fn encodings(&self) -> BTreeMap<&'a str, String> {
        let known = [
            ("0", "pcmu/8000"),
            ("2", "g726-32/8000"),
            ("8", "pcma/8000"),
            ("9", "g722/8000"),
            ("13", "cn/8000"),
            ("18", "g729/8000"),
        ];
        let mut encodings: BTreeMap<&str, String> = BTreeMap::new();
        for (format, encoding) in known {
            if self.formats().contains(&format) {
                encodings.insert(format, encoding.to_owned());
            }
        }
        for (format, encoding) in self.values("rtpmap").iter().filter_map(|map| map.split_once(' '))
        {
            let encoding = encoding.to_ascii_lowercase();
            let encoding = encoding.strip_suffix("/1").unwrap_or(&encoding).to_owned();
            encodings.insert(format, encoding);
        }
        encodings
    }
}

fn rule(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

/// Which of the rules for an answer is broken.
pub fn answer(offer: &str, answer: &str) -> Result<(), String> {
    let (offer, answer) = (Text::read(offer), Text::read(answer));
    description(&answer)?;
    rule(answer.media.len() == offer.media.len(), "§6: as many lines as the offer")?;
    let unbounded = |times: &Vec<&str>| times.iter().all(|t| *t == "0 0");
    let same_time =
        answer.times == offer.times || unbounded(&answer.times) && unbounded(&offer.times);
    rule(same_time, "§6: the times of the offer")?;
    rule(answer.session.values("group").is_empty(), "RFC 5888 §9.2: no group that is not served")?;
    for at in 0..offer.media.len() {
        line(&offer, &answer, at).map_err(|broken| format!("line {at}: {broken}"))?;
    }
    Ok(())
}

fn line(all_offered: &Text, all_answered: &Text, at: usize) -> Result<(), String> {
    let (offered, answered) = (&all_offered.media[at], &all_answered.media[at]);
    rule(offered.kind() == answered.kind(), "§6: the media type of the offer")?;
    let same = offered.words[2].eq_ignore_ascii_case(answered.words[2]);
    rule(same, "§6: the transport of the offer")?;
    rule(!offered.is_off() || answered.is_off(), "§6: what is off stays off")?;
    rule(!answered.formats().is_empty(), "RFC 8866 §9: at least one format")?;
    let mids = (offered.values("mid"), answered.values("mid"));
    rule(
        mids.1.len() <= 1 && mids.0.first() == mids.1.first(),
        "RFC 5888 §9.1: the name of the line",
    )?;
    if answered.is_off() {
        return Ok(());
    }
    let foreign = answered.formats().iter().find(|format| !offered.formats().contains(format));
    rule(foreign.is_none(), "§6.1: formats of the offer")?;
    let (theirs, ours) = (offered.encodings(), answered.encodings());
    for format in answered.formats() {
        let same = theirs.get(format).zip(ours.get(format)).is_some_and(|(a, b)| similar(a, b));
        rule(same, "§6.1: a payload type stands for what the offer says")?;
    }
    let is_talk = |e: &&String| !e.starts_with("telephone-event") && !e.starts_with("cn/");
    let talk: Vec<&str> =
        ours.values().filter(is_talk).filter_map(|e| e.split('/').nth(1)).collect();
    rule(!talk.is_empty(), "events alone are no audio")?;
    let clocks = ours.values().filter_map(|e| e.strip_prefix("telephone-event/"));
    rule(clocks.into_iter().all(|c| talk.contains(&c)), "RFC 4733 §2.1: the clock of the audio")?;
    direction(all_offered.direction(at), all_answered.direction(at))?;
    let mux = |section: &Section| section.attributes.contains(&"rtcp-mux");
    rule(mux(offered) || !mux(answered), "RFC 5761 §5.1.1: a shared port only where offered")?;
    keys(offered, answered)
}

/// An encoding answered for one offered; devices have names of their own for some.
fn similar(offered: &str, answered: &str) -> bool {
    offered == answered
        || [("g726/8000", "g726-32/8000"), ("g722/16000", "g722/8000")]
            .contains(&(offered, answered))
}

fn direction(offered: &str, answered: &str) -> Result<(), String> {
    let legal: &[&str] = match offered {
        "sendrecv" => &["sendrecv", "sendonly", "recvonly", "inactive"],
        "sendonly" => &["recvonly", "inactive"],
        "recvonly" => &["sendonly", "inactive"],
        _ => &["inactive"],
    };
    rule(legal.contains(&answered), "§6.1: a direction that the offer allows")
}

fn keys(offered: &Section, answered: &Section) -> Result<(), String> {
    let crypto = answered.values("crypto");
    if !["RTP/SAVP", "RTP/SAVPF"].contains(&answered.words[2]) {
        return rule(crypto.is_empty(), "RFC 4568 §7.1.2: keys only for SRTP");
    }
    let [crypto] = crypto[..] else {
        return Err("RFC 4568 §5.1.2: one line with keys".to_owned());
    };
    let head = |line: &str| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    let taken = offered.values("crypto").into_iter().any(|line| head(line) == head(crypto));
    rule(taken, "RFC 4568 §5.1.2: tag and suite of the offer")
}

/// What holds for each description of ours.
fn description(text: &Text) -> Result<(), String> {
    let [_, id, version, "IN", _, _] = text.origin[..] else {
        return Err(format!("o= has other words: {:?}", text.origin));
    };
    let fits = |number: &str| number.parse::<u64>().is_ok_and(|n| n < 1 << 62);
    rule(fits(id) && fits(version), "§5: numbers of 62 bits")?;
    rule(!text.times.is_empty(), "RFC 8866 §5.9: a time")?;
    let placed = |section: &Section| section.connection.or(text.session.connection).is_some();
    rule(text.media.iter().all(placed), "RFC 8866 §5.7: an address for each medium")
}

/// Which of the rules for the numbers of a description that is sent after `before` is broken.
pub fn follows(before: &str, after: &str) -> Result<(), String> {
    let (old, new) = (Text::read(before), Text::read(after));
    description(&new)?;
    let version = |text: &Text| text.origin[2].parse::<u64>().expect("a number");
    rule(old.origin[1] == new.origin[1], "§8: the session keeps its id")?;
    let grown = version(&new).checked_sub(version(&old));
    rule(grown == Some(u64::from(before != after)), "§8: the version grows with a change by one")
}

/// Which of the rules for the lines of a description that changes what was agreed as `before` is broken.
pub fn keeps(before: &str, after: &str) -> Result<(), String> {
    let (old, new) = (Text::read(before), Text::read(after));
    rule(new.media.len() >= old.media.len(), "§8: no line is dropped")?;
    for (old, new) in old.media.iter().zip(&new.media) {
        let same = old.is_off() || old.kind() == new.kind();
        rule(same, "§8.3.3: the kind of a line changes only where it was off")?;
    }
    Ok(())
}

/// What the payload types of the lines in use stand for.
pub fn meanings(text: &str) -> BTreeMap<String, String> {
    let text = Text::read(text);
    let audio = text.media.iter().filter(|media| media.kind() == "audio" && !media.is_off());
    let pairs = audio.flat_map(Section::encodings);
    pairs.map(|(format, encoding)| (format.to_owned(), encoding)).collect()
}

/// The kinds of the lines, and which are in use.
pub fn lines(text: &str) -> Vec<(String, bool)> {
    Text::read(text).media.iter().map(|media| (media.kind(), !media.is_off())).collect()
}
