//! A header that is edited holds and prints what a plain list of fields would.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::message::{HeaderName, Headers};

/// A list edited in the plainest way.
#[derive(Default)]
struct Plain(Vec<(HeaderName, String)>);

impl Plain {
    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.0.iter().position(|(known, _)| known == name)
    }

    fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.0.len();
        self.0.retain(|(known, _)| known != name);
        before - self.0.len()
    }

    fn set(&mut self, name: HeaderName, value: String) {
        let at = self.position(&name).unwrap_or(self.0.len());
        self.remove(&name);
        self.0.insert(at, (name, value));
    }

    fn push_front(&mut self, name: HeaderName, value: String) {
        let at = self.position(&name).unwrap_or(0);
        self.0.insert(at, (name, value));
    }

    fn take_first(&mut self, name: &HeaderName) -> Option<String> {
        self.position(name).map(|at| self.0.remove(at).1)
    }
}

fn name() -> impl Strategy<Value = HeaderName> {
    let other = ["X-Odd", "x-ODD"].map(|text| HeaderName::parse(text).expect("a token"));
    let known = [HeaderName::Via, HeaderName::To, HeaderName::ContentLength];
    select([&known[..], &other].concat())
}

proptest! {
    #[test]
    fn edits_leave_the_fields_of_a_plain_list(
        edits in vec((0..7u8, name(), "[ \t]{0,2}([!-~é][ -~é]{0,8}[!-~é])?[ \t]{0,2}"), 0..24)
    ) {
        let (mut headers, mut plain) = (Headers::new(), Plain::default());
        for (edit, name, value) in edits {
            let kept = value.trim_matches([' ', '\t']).to_owned();
            // The printer makes that one.
            let taken = name != HeaderName::ContentLength;
            match edit {
                0 => {
                    headers.push_front(name.clone(), &value);
                    taken.then(|| plain.push_front(name, kept));
                }
                1 => {
                    headers.set(name.clone(), &value);
                    taken.then(|| plain.set(name, kept));
                }
                2 => {
                    headers.push(name.clone(), &value);
                    taken.then(|| plain.0.push((name, kept)));
                }
                3 => prop_assert_eq!(headers.remove(&name), plain.remove(&name)),
                4 => prop_assert_eq!(headers.take_first(&name), plain.take_first(&name)),
                5 => {
                    let names = [HeaderName::Via, name];
                    headers.keep_only(&names);
                    plain.0.retain(|(known, _)| names.contains(known));
                }
                _ => {
                    headers.set(HeaderName::To, "<sip:a@b>");
                    headers.tag_to("t");
                    plain.set(HeaderName::To, "<sip:a@b>;tag=t".to_owned());
                }
            }
            let held: Vec<_> =
                headers.iter().map(|f| (f.name().clone(), f.value().to_owned())).collect();
            prop_assert_eq!(&held, &plain.0);
            let printed: String =
                held.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            prop_assert_eq!(headers.to_string(), printed);
            for (known, _) in &plain.0 {
                let all: Vec<_> = headers.all(known).collect();
                let wanted = plain.0.iter().filter(|(name, _)| name == known);
                prop_assert_eq!(all, wanted.map(|(_, value)| value.as_str()).collect::<Vec<_>>());
            }
        }
    }
}
