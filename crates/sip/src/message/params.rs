//! Parameters of header fields and URIs.

use std::fmt;

use super::grammar::{self, ParamScan};
use super::{Malformed, Token};

/// An ordered list of parameters; names are equal without regard to case, and each is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Vec<(Box<str>, Option<Box<str>>)>);

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of parameter `name`; `None` also when it has none.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entry(name)?.1.as_deref()
    }

    /// Whether parameter `name` is there, with or without a value.
    pub fn contains(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_deref()))
    }

    /// Sets parameter `name`, in its old place when it is there.
    ///
    /// A name that is no token is not set. Control characters in a value become spaces.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        if Token::new(name).is_some() {
            self.put(name.into(), value.map(|value| grammar::text(value.as_bytes()).into()));
        }
    }

    /// Removes parameter `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Removes parameter `name`; gives its value, when it was there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Option<Box<str>>> {
        let at = self.0.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.0.remove(at).1)
    }

    /// The parameters `bytes` of a header field, from their first `;` on; a repeated name is an
    /// error.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut params = Self::new();
        for item in ParamScan::new(bytes) {
            let (name, value) = item?;
            let name = grammar::text(name);
            let value = value.map(|value| grammar::text(&grammar::unquote(value)).into());
            params.add(name.into(), value)?;
        }
        Ok(params)
    }

    /// Whether [`parse`](Self::parse) succeeds, mostly without an allocation.
    pub(crate) fn check(bytes: &[u8]) -> Result<(), Malformed> {
        let mut names = FewNames::default();
        for item in ParamScan::new(bytes) {
            if !names.add(item?.0)? {
                return Self::parse(bytes).map(drop);
            }
        }
        Ok(())
    }

    /// Puts the parameters into the order of what `key` makes of their names.
    pub(crate) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&str) -> K) {
        self.0.sort_by_cached_key(|(name, _)| key(name));
    }

    /// Adds a parameter; an error when it is there already.
    pub(crate) fn add(&mut self, name: Box<str>, value: Option<Box<str>>) -> Result<(), Malformed> {
        if self.contains(&name) || self.0.len() >= MAX_PARAMS {
            return Err(Malformed::Parameter);
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Sets a parameter whose text is known to be good.
    pub(crate) fn put(&mut self, name: Box<str>, value: Option<Box<str>>) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// The parameters as text that needs no quotes (URIs).
    pub(crate) fn write_plain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, value)| match value {
            None => [";", name].into_iter().try_for_each(|part| f.write_str(part)),
            Some(value) => {
                [";", name, "=", value].into_iter().try_for_each(|part| f.write_str(part))
            }
        })
    }

    fn entry(&self, name: &str) -> Option<&(Box<str>, Option<Box<str>>)> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// More parameters than this on one value are an attack: finding a repeated name is quadratic.
const MAX_PARAMS: usize = 64;

/// The names of the parameters of one value, to find one that stands twice. Hardly any value has more than these.
#[derive(Default)]
pub(crate) struct FewNames<'a> {
    names: [&'a [u8]; 8],
    count: usize,
}

impl<'a> FewNames<'a> {
    /// Takes the next; false when there is no room.
    pub(crate) fn add(&mut self, name: &'a [u8]) -> Result<bool, Malformed> {
        let (before, rest) = self.names.split_at_mut(self.count);
        if before.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(Malformed::Parameter);
        }
        let Some(slot) = rest.first_mut() else {
            return Ok(false);
        };
        *slot = name;
        self.count += 1;
        Ok(true)
    }
}

/// As parameters of a header field; values are quoted where the grammar asks for it.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, value)| {
            f.write_str(";")?;
            f.write_str(name)?;
            let Some(value) = value else {
                return Ok(());
            };
            f.write_str("=")?;
            let plain = |octet| grammar::is(octet, grammar::TOKEN) || b"[]:".contains(&octet);
            if !value.is_empty() && value.bytes().all(plain) {
                f.write_str(value)
            } else {
                grammar::write_quoted(f, value)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{RawNameAddr, Uri};

    fn assert_same_verdict(uri: &str) {
        let address = format!("<{uri}>");
        let check = RawNameAddr::parse(address.as_bytes()).and_then(|address| address.check());
        assert_eq!(check, Uri::parse(uri.as_bytes()).map(drop), "{uri}");
    }

    #[test]
    fn what_is_checked_in_place_is_what_can_be_read() {
        let many = ";a;b;c;d;e;f;g;h;i";
        let twice = ";a;b;c;d;e;f;g;h;B";
        for text in ["", ";a", ";a=1;b", ";a;A", ";a=1;b;a=2", ";a=", ";=1", "a", many, twice] {
            let read = Params::parse(text.as_bytes()).map(drop);
            assert_eq!(Params::check(text.as_bytes()), read, "{text}");
            assert_same_verdict(&format!("sip:a@b{text}"));
            assert_same_verdict(&format!("sip:a@b{text}?x=y"));
        }
        for uri in ["sip:a@b;x;%78", "sip:a@b;x=%41;y=%41", "sip:b;;lr;", "sip:a@b?x"] {
            assert_same_verdict(uri);
        }
    }
}
