//! Who is called what: names and numbers given once, and referred to rightly.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tipring_call::{RuleFrom, Target};
use tipring_core::{CardId, Number, PortNumber};
use toml::Spanned;

use super::problem::{Problem, closest};
use super::value::{Device, PortKind};

/// What has been named so far, and where.
#[derive(Default)]
pub struct Names {
    /// What was found wrong with names.
    pub problems: Vec<Problem>,
    /// By name: the id, and what is known of its ports.
    cards: HashMap<String, (CardId, Option<Device>)>,
    /// What a route can lead to or come from.
    places: HashMap<String, Target>,
    users: HashSet<String>,
    numbers: HashMap<String, String>,
    ports: HashMap<(CardId, PortNumber), String>,
}

impl Names {
    /// Registers a card, also one whose device could not be read; `None` when there are too many.
    pub fn card(&mut self, name: &Spanned<String>, device: Option<Device>) -> Option<()> {
        let Ok(id) = u8::try_from(self.cards.len()) else {
            self.problems.push(Problem::new(name.span(), "there are more than 256 cards"));
            return None;
        };
        if self.cards.insert(name.get_ref().clone(), (CardId(id), device)).is_some() {
            self.taken(name.span(), format!("another card is called {:?}", name.get_ref()));
        }
        Some(())
    }

    /// Registers a user, whose name is a number too.
    pub fn user(&mut self, name: &Spanned<Number>) {
        let text = name.get_ref().as_str();
        if let Some(other) = self.places.get(text) {
            self.taken(name.span(), format!("another one is called so: {other}"));
        } else if self.users.insert(text.to_owned()) {
            self.number(name, &format!("user {text:?}"));
        } else {
            self.taken(name.span(), format!("another user is called {text:?}"));
        }
    }

    /// Where a route applies to.
    pub fn route_from(&mut self, from: &Spanned<String>) -> Option<RuleFrom> {
        match from.get_ref().as_str() {
            "any" => Some(RuleFrom::Any),
            "user" => Some(RuleFrom::AnyUser),
            name if self.users.contains(name) => Some(RuleFrom::Named(name.to_owned())),
            name => {
                let place = self.places.get(name);
                // A group calls nobody.
                if place.is_some_and(|place| !matches!(place, Target::Group(_))) {
                    return Some(RuleFrom::Named(name.to_owned()));
                }
                let words = ["any", "user"];
                self.unknown_place(from, &words, "no line, span, trunk or user");
                None
            }
        }
    }

    /// Where a route leads.
    pub fn route_to(&mut self, to: &Spanned<String>) -> Option<Target> {
        if to.get_ref() == "user" {
            return Some(Target::User);
        }
        let found = self.places.get(to.get_ref()).cloned();
        if found.is_none() {
            self.unknown_place(to, &["user"], "no line, span, trunk or group");
        }
        found
    }

    /// A line by its name.
    pub fn line(&mut self, name: &Spanned<String>) -> Option<String> {
        if matches!(self.places.get(name.get_ref()), Some(Target::Line(_))) {
            return Some(name.get_ref().clone());
        }
        self.unknown_place(name, &[], "no line");
        None
    }

    fn unknown_place(&mut self, name: &Spanned<String>, words: &[&'static str], none: &str) {
        let places = self.places.keys().map(String::as_str);
        let meant = closest(name.get_ref(), places.chain(words.iter().copied()));
        let hint = match meant {
            Some(meant) => format!("did you mean {meant:?}?"),
            None if self.users.contains(name.get_ref()) => {
                "a user is reached by `to = \"user\"` and its name as the number".to_owned()
            }
            None => "it must be named in this file".to_owned(),
        };
        let message = format!("there is {none} called {:?}", name.get_ref());
        self.problems.push(Problem::new(name.span(), message).hint(hint));
    }

    /// Registers what a route can lead to under its name.
    pub fn place(&mut self, name: Spanned<String>, target: fn(String) -> Target) -> Option<String> {
        let own = name.get_ref().clone();
        if self.users.contains(&own) {
            self.taken(name.span(), format!("another one is called so: user {own}"));
        } else if let Some(other) = self.places.insert(own.clone(), target(own.clone())) {
            self.taken(name.span(), format!("another one is called so: {other}"));
        }
        Some(name.into_inner())
    }

    /// Registers a number, which leads to one place only.
    pub fn number(&mut self, number: &Spanned<Number>, owner: &str) {
        let text = number.get_ref().as_str().to_owned();
        if let Some(other) = self.numbers.insert(text.clone(), owner.to_owned()) {
            self.taken(number.span(), format!("{text:?} already leads to {other}"));
        }
    }

    /// The place of a line or span, checked against what is known of its card.
    pub fn port(
        &mut self,
        card: Option<Spanned<String>>,
        port: Option<Spanned<u32>>,
        owner: Option<&str>,
        what: &str,
        kinds: [PortKind; 2],
    ) -> Option<(CardId, PortNumber)> {
        let (card, port) = (card?, port?);
        let Some((id, device)) = self.cards.get(card.get_ref()).cloned() else {
            let meant = closest(card.get_ref(), self.cards.keys().map(String::as_str));
            let message = format!("there is no card called {:?}", card.get_ref());
            let hint = meant.map_or_else(
                || "add a [[card]] with this name".to_owned(),
                |meant| format!("did you mean {meant:?}?"),
            );
            self.problems.push(Problem::new(card.span(), message).hint(hint));
            return None;
        };
        let number = PortNumber(u8::try_from(*port.get_ref()).ok()?);
        if let Some(Device::Virtual(spec)) = device {
            match spec.kind(number.0) {
                Some(kind) if kinds.contains(&kind) => {}
                Some(kind) => {
                    let message = format!("port {} of this card is {kind}", port.get_ref());
                    let hint =
                        format!("a [[{what}]] goes to a port that is {} or {}", kinds[0], kinds[1]);
                    self.problems.push(Problem::new(port.span(), message).hint(hint));
                }
                None => {
                    let message = format!("this card has no port {}", port.get_ref());
                    let hint = format!("it has {} ports: {spec}", spec.ports());
                    self.problems.push(Problem::new(port.span(), message).hint(hint));
                }
            }
        }
        let owner = owner.unwrap_or("another one").to_owned();
        if let Some(other) = self.ports.insert((id, number), owner) {
            self.taken(port.span(), format!("this port is already used by {other:?}"));
        }
        Some((id, number))
    }

    /// What a port of a simulated card is; that of a real one is not known yet.
    pub fn kind(&self, card: CardId, port: PortNumber) -> Option<PortKind> {
        self.cards.values().find(|(id, _)| *id == card).and_then(|(_, device)| match device {
            Some(Device::Virtual(spec)) => spec.kind(port.0),
            _ => None,
        })
    }

    fn taken(&mut self, span: Range<usize>, message: String) {
        self.problems
            .push(Problem::new(span, message).hint("each must be the only one of its kind"));
    }
}
